package engine

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// inputParts loads what input k reads of something partitioned, or for something partitioned.
func (a *attempt) inputParts(in *graph.Input, k int, v int32) (any, error) {
	edge, err := a.assignment.Edge(a.mapped, k)
	if err != nil {
		return nil, err
	}
	out, _ := a.graph.Output(v)
	needs, lacking := edge.Upstream(a.part.Set())
	if !lacking.IsEmpty() {
		if in.Mode == graph.Self { // before the first there is none
			return graph.NoValue{}, nil
		}
		return nil, edge.Explain(lacking)
	}
	space, err := a.assignment.Space(out.Partitions)
	if err != nil {
		return nil, err
	}
	of, err := partition.NewSlice(space, needs)
	if err != nil {
		return nil, err
	}
	if in.Parts.Multiple != nil {
		return in.Parts.Multiple(graph.PartitionLoader{Of: of, Load: func(key partition.Key) (any, error) {
			value, err := a.readPart(in, out, space, key)
			if err != nil {
				err = a.loadFailure(k, v, err)
			}
			return value, err
		}}), nil
	}
	value, ok, err := a.onePart(in, out, of, needs)
	switch {
	case err != nil:
		return nil, err
	case in.Parts.Optional != nil:
		return in.Parts.Optional(value, ok), nil
	case ok:
		return value, nil
	case in.Mode == graph.Self:
		return graph.NoValue{}, nil
	}
	return nil, fmt.Errorf("by %s partition %s reads nothing of %q: make the field a rivers.Optional, or leave the partition out", in.Parts.Mapping, a.part, in.From)
}

// onePart loads the one value that is read, and reports false where nothing is.
func (a *attempt) onePart(in *graph.Input, out *graph.Output, of partition.Slice, needs partition.Set) (value any, ok bool, err error) {
	switch {
	case needs.IsEmpty():
		return nil, false, nil
	case of.Len() > 1:
		return nil, false, fmt.Errorf("by %s it reads %d partitions of %q, and the field takes one: make it a rivers.Partitions", in.Parts.Mapping, of.Len(), in.From)
	}
	value, err = a.read(in, out, out.Name, of)
	if in.Mode == graph.Self && errors.Is(err, iohandler.ErrNoValue) {
		return nil, false, nil
	}
	return value, err == nil, err
}

// readPart loads the value of one partition.
func (a *attempt) readPart(in *graph.Input, out *graph.Output, space partition.Space, key partition.Key) (any, error) {
	set, err := space.Set(key)
	if err != nil {
		return nil, err
	}
	return a.read(in, out, out.Name, partition.SliceOf(space, set, key))
}
