package plan

import (
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// OrderActions has the actions of related assets wait for each other, as they say, also where
// assets that do not take part stand between them. It reports by partition what waits for what, so
// that what the first was not done to stops the second for the partitions that are related to it. g
// is the graph of the assets.
//
// Between neighbours the relation is the mapping by which the one reads the other, seen from either
// side; through an asset that does not take part it is the same key where that is so all the way.
// Wherever it is not known as exactly as that, all partitions of the one come before any of the
// other.
func OrderActions(g *graph.Graph, acts []graph.Node) {
	of := make(map[int32][]int, len(acts)) // the actions on what a node of the graph makes
	maker := func(i int) int32 {
		v, _ := g.Find(acts[i].Action.Asset)
		_, n := g.Output(v)
		return n
	}
	for i := range acts {
		of[maker(i)] = append(of[maker(i)], i)
	}
	for i := range acts {
		order := acts[i].Action.Order
		if order == iohandler.AnyOrder {
			continue
		}
		near, by := nearestUp(g, maker(i), of)
		for k, n := range near {
			for _, up := range of[n] {
				if order == iohandler.DownstreamFirst {
					acts[up].Inputs = append(acts[up].Inputs, waitFor(&acts[i], &acts[up], turned(by[k])))
				} else {
					acts[i].Inputs = append(acts[i].Inputs, waitFor(&acts[up], &acts[i], by[k]))
				}
			}
		}
	}
}

// waitFor is the input by which one action waits for another.
func waitFor(first, second *graph.Node, by partition.Mapping) graph.Input {
	in := graph.Input{From: first.Name, Mode: graph.Gate}
	before, after := first.Partitions, second.Partitions
	switch {
	case before == nil && after == nil:
		return in
	case before == nil || after == nil || by.Check(before, after) != nil:
		by = partition.AllPartitions()
	}
	in.Parts = &graph.Parts{Mapping: by}
	return in
}

// nearestUp returns the nodes with actions that a node reads, directly or through nodes without
// one, and the mapping by which it reads each.
func nearestUp(g *graph.Graph, n int32, of map[int32][]int) (near []int32, by []partition.Mapping) {
	reads := map[int32]partition.Mapping{n: partition.Identity()}
	stack := []int32{n}
	for len(stack) > 0 {
		u := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		inputs := g.Node(u).Inputs
		for k, v := range g.From(u) {
			if v < 0 || inputs[k].Mode == graph.Self || inputs[k].Mode == graph.Gate {
				continue
			}
			_, up := g.Output(v)
			m := partition.AllPartitions()
			if inputs[k].Parts != nil {
				m = through(reads[u], inputs[k].Parts.Mapping)
			}
			was, seen := reads[up]
			switch {
			case up == n || seen && (was.Equal(m) || was.Equal(partition.AllPartitions())):
				continue
			case seen: // by two ways, and not the same
				m = partition.AllPartitions()
			case len(of[up]) > 0:
				near = append(near, up)
			}
			if reads[up] = m; len(of[up]) == 0 {
				stack = append(stack, up)
			}
		}
	}
	for _, up := range near {
		by = append(by, reads[up])
	}
	return near, by
}

// through is what is read by one mapping of what is read by another.
func through(by, of partition.Mapping) partition.Mapping {
	switch {
	case of.Equal(partition.Identity()):
		return by
	case by.Equal(partition.Identity()):
		return of
	default:
		return partition.AllPartitions()
	}
}

// turned is a mapping seen from upstream: who reads a partition.
func turned(m partition.Mapping) partition.Mapping {
	switch d := m.Describe(); d.Kind {
	case "identity", "subset", "overlap", "multi_to_single":
		if d.By == nil {
			return m
		}
	case "time_offset":
		return partition.TimeOffset(-d.Offset)
	}
	return partition.AllPartitions()
}
