package writes

import (
	"context"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Told is what a run tells the process of a step about writes.
type Told struct {
	// Inner is the name under which the step writes values that are no assets.
	Inner string
	// Outputs are the writes that it loads, by output.
	Outputs map[string]string
	// Partitions are those that the run made of what it loads.
	Partitions []Made
}

// Made are partitions of an output that the run made by one write.
type Made struct {
	Output     string
	Write      string
	Partitions partition.Set
}

// Tell adds the write of an output, and of those partitions of it that the run made.
func (t *Told) Tell(from *Table, v int32, of partition.Slice) error {
	out, _ := from.graph.Output(v)
	if !from.keeps(v) {
		return nil
	}
	if t.Outputs == nil {
		t.Outputs = map[string]string{}
	}
	t.Outputs[out.Name] = from.Output(v)
	if of.IsZero() || !out.Asset {
		return nil
	}
	made := map[string]*partition.Gather{}
	for key, err := range of.Keys() {
		if err != nil {
			return err
		}
		set, err := of.Space().Set(key)
		if err != nil {
			return err
		}
		if write, ours := from.Partition(v, key.String(), set); ours {
			if made[write] == nil {
				made[write] = &partition.Gather{}
			}
			made[write].Add(set)
		}
	}
	for _, write := range slices.Sorted(maps.Keys(made)) {
		t.Partitions = append(t.Partitions, Made{Output: out.Name, Write: write, Partitions: made[write].Set()})
	}
	return nil
}

// Remote is the [Source] of the process of a step. It asks the store for what the run did not make.
type Remote struct {
	Graph *graph.Graph
	Told  Told
	// Instances are the writes of the instances of mapped steps.
	Instances map[int32][]string
	Store     storage.Reader
}

// Inner implements [Source], as do the methods below.
func (r *Remote) Inner() string { return r.Told.Inner }

// Output returns the write of an output that the step loads.
func (r *Remote) Output(v int32) string {
	out, _ := r.Graph.Output(v)
	return r.Told.Outputs[out.Name]
}

// Instance returns the write of an instance.
func (r *Remote) Instance(mapped, _ int32, pos int) string {
	if writes := r.Instances[mapped]; pos < len(writes) {
		return writes[pos]
	}
	return r.Told.Inner
}

// Partition returns the write of a partition that the run made.
func (r *Remote) Partition(v int32, _ string, set partition.Set) (string, bool) {
	out, _ := r.Graph.Output(v)
	if !out.Asset {
		return r.Told.Outputs[out.Name], true
	}
	for i := range r.Told.Partitions {
		if m := &r.Told.Partitions[i]; m.Output == out.Name && m.Partitions.Contains(set) {
			return m.Write, true
		}
	}
	return "", false
}

// States reads the recorded materializations of partitions.
func (r *Remote) States(ctx context.Context, v int32, space partition.Space, texts []string) ([]storage.AssetState, error) {
	out, _ := r.Graph.Output(v)
	keys, err := r.Store.AssetKeys(ctx, []string{out.Name})
	if err != nil || keys[0] == 0 {
		return nil, err
	}
	return storage.PartitionStates(ctx, r.Store, keys[0], storage.Materialized, space, texts)
}
