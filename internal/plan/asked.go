package plan

import (
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// reader is an input of a step, by which it reads another step of the plan.
type reader struct {
	step  int32
	input int
}

// Asked returns the steps whose partitions a request names. The others have no partitions or follow
// from those: what is only there for something downstream, and what something downstream reads that
// has partitions of another kind, as a week reads its days.
func (p *Plan) Asked() []int32 {
	follows := p.follows()
	var asked []int32
	for s := range int32(len(p.Steps)) {
		if p.takes(s) && follows[s] == nil {
			asked = append(asked, s)
		}
	}
	return asked
}

// takes reports whether a request may name the partitions of a step.
func (p *Plan) takes(s int32) bool {
	why := p.Steps[s].Why
	return p.Graph.Node(p.Steps[s].Node).Partitions != nil && why != Upstream && why != Judging
}

// follows returns the inputs that read each step whose partitions follow from what reads it.
func (p *Plan) follows() map[int32][]reader {
	readers, mapped := map[int32][]reader{}, map[int32]bool{}
	kinds := Kinds{}
	for s := range int32(len(p.Steps)) {
		n := p.Steps[s].Node
		node := p.Graph.Node(n)
		if !p.takes(s) {
			continue
		}
		for k, v := range p.Graph.From(n) {
			in := &node.Inputs[k]
			if v < 0 || in.Parts == nil || in.Mode == graph.Self || in.Mode == graph.Gate {
				continue
			}
			_, from := p.Graph.Output(v)
			up, planned := p.StepOf(from)
			if !planned || !p.takes(up) {
				continue
			}
			readers[up] = append(readers[up], reader{s, k})
			if !kinds.Same(p.Graph.Node(from).Partitions, node.Partitions) {
				mapped[up] = true
			}
		}
	}
	for up := range readers {
		if !mapped[up] {
			delete(readers, up)
		}
	}
	return readers
}

// Kinds remembers which definitions are of one kind.
type Kinds map[[2]partition.Definition]bool

// Same reports whether a key means the same for two definitions: the same windows, keys, or
// dimensions of such. They may have different bounds.
func (k Kinds) Same(a, b partition.Definition) bool {
	if a == b {
		return true
	}
	pair := [2]partition.Definition{a, b}
	same, known := k[pair]
	if !known {
		same = partition.Identity().Check(a, b) == nil
		k[pair] = same
	}
	return same
}

// TwoKinds returns two of the steps that a request names the partitions of, whose partitions are of
// different kinds, so that no key means the same for both.
func (p *Plan) TwoKinds() (first, second *graph.Node, found bool) {
	kinds := Kinds{}
	for _, s := range p.Asked() {
		node := p.Graph.Node(p.Steps[s].Node)
		switch {
		case first == nil:
			first = node
		case !kinds.Same(first.Partitions, node.Partitions):
			return first, node, true
		}
	}
	return nil, nil, false
}
