package engine

import (
	"fmt"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// inputVersions are the data versions of the assets that a step depends on, for some of its
// partitions: an entry for each, empty where it has no version. What the last task of a graph asset
// makes depends on what all its tasks read.
func (r *run) inputVersions(s int32, part partition.Slice, since int64) map[string]string {
	var versions map[string]string
	own := r.plan.Steps[s].Node
	for n := range r.nodesOf(own) {
		for k, v := range r.graph.From(n) {
			if v < 0 {
				continue
			}
			out, node := r.graph.Output(v)
			in := &r.graph.Node(n).Inputs[k]
			if node == own || !out.Asset || in.Mode == graph.Self {
				continue
			}
			version := r.versions[v]
			if step, planned := r.plan.StepOf(n); in.Parts != nil && planned {
				version = r.readVersion(step, k, v, part, since)
			}
			if versions == nil {
				versions = map[string]string{}
			}
			if version != "" || versions[out.Name] == "" {
				versions[out.Name] = version
			}
		}
	}
	return versions
}

// nodesOf yields the node, and of a graph asset all its tasks that are planned.
func (r *run) nodesOf(own int32) func(yield func(int32) bool) {
	return func(yield func(int32) bool) {
		node := r.graph.Node(own)
		if node.Kind != graph.GraphTask {
			yield(own)
			return
		}
		for s := range r.plan.Steps {
			n := r.plan.Steps[s].Node
			if other := r.graph.Node(n); other.Kind == graph.GraphTask && other.Definition == node.Definition && !yield(n) {
				return
			}
		}
	}
}

// noteReading remembers when an attempt began of a run in which something is partitioned: what
// lands from now on it may not have read.
func (r *run) noteReading(step int32) error {
	seq, err := r.Store.ChangeSeq(r.ctx)
	if err != nil {
		return fmt.Errorf("asking for the last change: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.detailOf(step).readSeq = seq
	return nil
}

// readSeq is when the latest attempt of a step began, zero where nothing is partitioned.
func (r *run) readSeq(step int32) int64 {
	if r.assignment == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.detailOf(step).readSeq
}
