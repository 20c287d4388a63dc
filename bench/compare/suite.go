package main

import (
	"context"
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
	// outside means that the whole process is timed, by its parent.
	outside bool
	// peers means that the peers' scripts have the case.
	peers bool
	// lacks explains why a peer has no answer, though the others do.
	lacks map[string]string
	// past fills a store before anything is measured; of history it fills one store for all sizes.
	past func(ctx context.Context, kind, place string, n int) error
	// copied means that a measurement changes what it finds, so that each has a copy of the past. It
	// is for stores in a directory.
	copied bool
	// question means that n is how much there is and not how much is done: what is measured is one
	// answer.
	question bool
}

// perSecond is how many things are done in a second where the case takes so long.
func (c suiteCase) perSecond(n int, seconds float64) float64 {
	if c.question {
		n = 1
	}
	return float64(n) / seconds
}

// suite returns all cases in the order of the table.
func suite() []suiteCase {
	return slices.Concat(stepCases(), durableCases(), partitionCases(), staleCases())
}

// stepCases are about the steps of runs.
func stepCases() []suiteCase {
	both, all := []string{embedded, inMemory}, storeNames()
	steps := []int{100, 1000, 10_000}
	return []suiteCase{
		{name: "startup", what: "process start → n assets materialized → exit", sizes: []int{10, 100, 1000, 10_000}, stores: []string{embedded}, outside: true, peers: true},
		{name: "wide", what: "n independent steps", sizes: steps, stores: all, peers: true},
		{name: "chain", what: "n steps, each reads the one before", sizes: steps, stores: all, peers: true},
		{name: "layers", what: "n steps in layers of ten, each reads two", sizes: steps, stores: both, peers: true},
		{name: "wide-files", what: "n independent steps, with values in files, as by default", sizes: steps, stores: []string{embedded}},
		{name: "chain-files", what: "n steps, each reads the file of the one before", sizes: steps, stores: []string{embedded}},
		{name: "resolve", what: "validate and resolve n assets, the first time", sizes: steps, stores: both, peers: true},
		{name: "again", what: "validate and resolve n assets, unchanged", sizes: steps, stores: both},
		{name: "plan", what: "plan n steps", sizes: steps, stores: both},
		{name: "runs", what: "n runs in a row, one step each", sizes: []int{10, 100, 1000}, stores: all, peers: true},
		{name: "subprocess", what: "n independent steps, each in a process of its own, as many at once as there are cores", sizes: []int{10, 100, 1000}, stores: []string{embedded}, peers: true},
	}
}

// durableCases are about what a store has, and what it is for.
func durableCases() []suiteCase {
	shared := []string{embedded, onServer}
	events, past := []int{1000, 10_000, 100_000}, []int{10_000, 100_000, 1_000_000}
	return []suiteCase{
		{name: "writer", what: "n events, each hundred durable before the next", sizes: events, stores: storeNames()},
		{name: "writers", what: "n events, from eight who write at once like that one", sizes: events, stores: storeNames()},
		{name: "resume", what: "continue a run of n independent steps whose process was killed when half of them were done", sizes: []int{100, 1000, 10_000}, stores: shared},
		{name: "list", what: "list the 50 newest of n runs", sizes: past, stores: shared, past: writeRuns, question: true},
		{name: "failures", what: "list the 50 newest failures of n runs, one in a thousand of them failed", sizes: past, stores: shared, past: writeRuns, question: true},
		{name: "history", what: "n independent steps into a store with a past", sizes: []int{100, 1000, 10_000}, stores: shared, past: writeHistory},
	}
}

// partitionCases are about partitions and backfills.
func partitionCases() []suiteCase {
	all := storeNames()
	backfills, many := []int{100, 1000, 10_000}, []int{10_000, 100_000, 1_000_000}
	return []suiteCase{
		{name: "backfill", what: "a backfill of n partitions, a run each, four at once", sizes: backfills, stores: all, peers: true},
		{name: "onerun", what: "a backfill of n partitions in one run", sizes: backfills, stores: all, peers: true},
		{name: "planned", what: "plan a backfill of n partitions, a run each", sizes: many, stores: []string{embedded}, question: true},
		{name: "missing", what: "which of an asset's n partitions are missing, where half are, scattered", sizes: many, stores: []string{embedded, onServer}, past: writeScattered, question: true},
	}
}

// staleCases are about what is stale. Who has the answer keeps it for others, so it matters whether
// somebody asked before.
func staleCases() []suiteCase {
	own, some, many := []string{embedded}, []int{100, 1000, 10_000}, []int{10_000, 100_000, 1_000_000}
	whole := map[string]string{pypiRivers: "rivers tells whether an asset is stale, and not which of its partitions"}
	return []suiteCase{
		{name: "stale", what: "which of n assets are stale, half of them, asked by a new process where nobody asked before", sizes: some, stores: own, peers: true, past: writeLayers, copied: true, question: true},
		{name: "stale-first", what: "which of n partitions are stale, half of them, scattered, each made by a step of its own, asked by a new process where nobody asked before", sizes: append(some, 100_000), stores: own, peers: true, lacks: whole, past: writeHalf, copied: true, question: true},
		{name: "stale-cold", what: "which of n partitions are stale, half of them, scattered, all made at once, asked by a new process where somebody asked before", sizes: many, stores: own, past: writeSets, copied: true, question: true},
		{name: "stale-warm", what: "which of these n are stale, asked by a process that asked before a hundred of them were made", sizes: many, stores: own, past: writeSets, copied: true, question: true},
	}
}

func caseNames() []string {
	var names []string
	for _, c := range suite() {
		names = append(names, c.name)
	}
	return names
}

func caseOf(name string) (suiteCase, error) {
	all := suite()
	if i := slices.IndexFunc(all, func(c suiteCase) bool { return c.name == name }); i >= 0 {
		return all[i], nil
	}
	return suiteCase{}, fmt.Errorf("case %q: want one of %v", name, caseNames())
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
