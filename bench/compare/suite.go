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
	onServer = "postgres"
)

func storeNames() []string { return []string{embedded, inMemory, onServer} }

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
	both, all := []string{embedded, inMemory}, storeNames()
	steps := []int{100, 1000, 10_000}
	events, parts := []int{1000, 10_000}, []int{10_000, 100_000, 1_000_000}
	return []suiteCase{
		{name: "startup", what: "process start → n assets materialized → exit", sizes: []int{10, 100, 1000, 10_000}, stores: []string{embedded}, outside: true, peers: true},
		{name: "wide", what: "n independent steps", sizes: steps, stores: all, peers: true},
		{name: "chain", what: "n steps, each reads the one before", sizes: steps, stores: all, peers: true},
		{name: "layers", what: "n steps in layers of ten, each reads two", sizes: steps, stores: both, peers: true},
		{name: "resolve", what: "validate and resolve n assets, the first time", sizes: steps, stores: both, peers: true},
		{name: "again", what: "validate and resolve n assets, unchanged", sizes: steps, stores: both},
		{name: "plan", what: "plan n steps", sizes: steps, stores: both},
		{name: "runs", what: "n runs in a row, one step each", sizes: []int{10, 100, 1000}, stores: all},
		{name: "subprocess", what: "n independent steps, each in a process of its own", sizes: []int{10, 100, 1000}, stores: []string{embedded}},
		{name: "writer", what: "n events, each hundred durable before the next", sizes: events, stores: all},
		{name: "writers", what: "n events, from eight who write at once like that one", sizes: events, stores: all},
		{name: "stale", what: "which of n assets are stale, asked by a new process", sizes: steps, stores: []string{embedded}},
		{name: "stale-cold", what: "which of n partitions are stale, half of them, asked by a new process", sizes: parts, stores: []string{embedded}},
		{name: "stale-warm", what: "the same again, after a hundred of n were made", sizes: parts, stores: []string{embedded}},
		{name: "history", what: "n independent steps into a store with a past", sizes: steps, stores: []string{embedded, onServer}},
	}
}

func caseNames() []string {
	var names []string
	for _, c := range suite() {
		names = append(names, c.name)
	}
	return names
}

// some returns the names of a flag's list, all where it has none.
func some(flag, what, list string, all []string) ([]string, error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	for _, name := range wanted {
		if !slices.Contains(all, name) {
			return nil, fmt.Errorf("--%s %q: no %s of that name: want some of %s", flag, name, what, strings.Join(all, ", "))
		}
	}
	return wanted, nil
}

// pick returns the cases that the options ask for, without the sizes that are too large.
func pick(o options) ([]suiteCase, error) {
	wanted, err := some("cases", "case", o.cases, caseNames())
	if err != nil {
		return nil, err
	}
	stores, err := some("storage", "store", o.stores, storeNames())
	if err != nil {
		return nil, err
	}
	var picked []suiteCase
	for _, c := range suite() {
		if !slices.Contains(wanted, c.name) || c.name == "history" && o.history == 0 {
			continue
		}
		c.stores = slices.DeleteFunc(slices.Clone(c.stores), func(s string) bool { return !slices.Contains(stores, s) })
		c.sizes = slices.DeleteFunc(slices.Clone(c.sizes), func(n int) bool { return n > o.largest })
		picked = append(picked, c)
	}
	return picked, nil
}
