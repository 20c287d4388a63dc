package main

import (
	"fmt"
	"slices"
	"strings"
)

// The stores of a case.
const (
	embedded = "embedded"
	inMemory = "memory"
)

// suiteCase is one line of questions: the same work in sizes ten times apart.
type suiteCase struct {
	name   string
	what   string
	sizes  []int
	stores []string
	// outside says that the whole process is timed, by its parent.
	outside bool
	// peers says that the peers' scripts have the case.
	peers bool
}

// suite returns all cases in the order of the table.
func suite() []suiteCase {
	both := []string{embedded, inMemory}
	steps := []int{100, 1000, 10_000}
	return []suiteCase{
		{name: "startup", what: "process start → n assets materialized → exit", sizes: []int{10, 100, 1000, 10_000}, stores: []string{embedded}, outside: true, peers: true},
		{name: "wide", what: "n independent steps", sizes: steps, stores: both, peers: true},
		{name: "chain", what: "n steps, each reads the one before", sizes: steps, stores: both, peers: true},
		{name: "layers", what: "n steps in layers of ten, each reads two", sizes: steps, stores: both, peers: true},
		{name: "resolve", what: "validate and resolve n assets, the first time", sizes: steps, stores: both, peers: true},
		{name: "again", what: "validate and resolve n assets, unchanged", sizes: steps, stores: both},
		{name: "plan", what: "plan n steps", sizes: steps, stores: both},
		{name: "runs", what: "n runs in a row, one step each", sizes: []int{10, 100, 1000}, stores: both},
		{name: "history", what: "n independent steps into a store with a past", sizes: steps, stores: []string{embedded}},
	}
}

func caseNames() []string {
	var names []string
	for _, c := range suite() {
		names = append(names, c.name)
	}
	return names
}

// pick returns the cases that the options ask for, without the sizes that are too large.
func pick(o options) ([]suiteCase, error) {
	wanted := strings.Split(o.cases, ",")
	for _, name := range wanted {
		if name != "" && !slices.Contains(caseNames(), name) {
			return nil, fmt.Errorf("--cases %q: no case of that name: want some of %s", name, strings.Join(caseNames(), ", "))
		}
	}
	var picked []suiteCase
	for _, c := range suite() {
		if o.cases != "" && !slices.Contains(wanted, c.name) || c.name == "history" && o.history == 0 {
			continue
		}
		c.sizes = slices.DeleteFunc(c.sizes, func(n int) bool { return n > o.largest })
		picked = append(picked, c)
	}
	return picked, nil
}
