// Package bench measures rivers. Its benchmarks are about parts: the decider, the plan, the graph,
// a step through a store. They show where time goes and count allocations, which are the same on
// every machine. bench/compare is about what a person feels: whole processes, with peers beside
// them. Both use the shapes of this package, so that a figure of one can be set beside the other's.
package bench

import "fmt"

// Shape is how the assets of a case hang together.
type Shape string

// The shapes.
const (
	// Wide assets have no upstreams.
	Wide Shape = "wide"
	// Chain assets have the one before them.
	Chain Shape = "chain"
	// Layers are ten assets each, and an asset reads two of the layer above.
	Layers Shape = "layers"
)

// Layer is how many assets a layer has.
const Layer = 10

// Upstreams appends the indices of what asset i reads to buf. They are smaller than i.
func (s Shape) Upstreams(i int, buf []int) []int {
	switch {
	case s == Chain && i > 0:
		return append(buf, i-1)
	case s == Layers && i >= Layer:
		row, k := i/Layer, i%Layer
		return append(buf, (row-1)*Layer+k, (row-1)*Layer+(k+1)%Layer)
	}
	return buf
}

// Name is the name of asset i.
func (s Shape) Name(i int) string { return fmt.Sprintf("a%d", i) }

// Value is the value of asset i if each is one more than its first upstream: the proof that
// every step before it was done, in order.
func (s Shape) Value(i int) int {
	switch s {
	case Chain:
		return i + 1
	case Layers:
		return i/Layer + 1
	default:
		return 1
	}
}
