package engine

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// readVersions finds the data versions and the writes of what the plan reads and does not make, in
// one query.
func (r *run) readVersions(ctx context.Context) error {
	var names []string
	read := map[int32]bool{} // by another step, which records the version that it read
	for s := range r.Plan.Steps {
		n := r.Plan.Steps[s].Node
		if act := r.graph.Node(n).Action; act != nil { // it is told where the value lies
			v, ok := r.graph.Find(act.Asset)
			if out, _ := r.graph.Output(max(v, 0)); ok && iohandler.KeepsWrites(out.Handler) {
				names = append(names, act.Asset)
			}
		}
		for k, v := range r.graph.From(n) {
			if v < 0 {
				continue
			}
			out, node := r.graph.Output(v)
			_, planned := r.Plan.StepOf(node)
			switch self := r.graph.Node(n).Inputs[k].Mode == graph.Self; {
			case !out.Asset, self && !iohandler.KeepsWrites(out.Handler), !self && planned:
				continue
			case !self:
				read[v] = true
			}
			names = append(names, out.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	records, err := r.Store.ListAssets(ctx, storage.AssetQuery{Names: names})
	if err != nil {
		return fmt.Errorf("run %s: reading the versions of its inputs: %w", r.Record.ID, err)
	}
	checks := r.hasChecks()
	for _, rec := range records {
		state := rec.Materialization
		if state == nil {
			state = rec.Observation
		}
		if v, ok := r.graph.Find(rec.Name); ok && state != nil {
			r.table.Set(v, state.Write)
			if !read[v] {
				continue
			}
			r.versions[v] = state.DataVersion
			if checks {
				r.rememberMaker(v, state)
			}
		}
	}
	return nil
}

// rememberMaker keeps which run made something, for the checks that judge it.
func (r *run) rememberMaker(v int32, state *storage.AssetState) {
	if state.Partition != "" {
		return
	}
	if r.makers == nil {
		r.makers = map[int32]string{}
	}
	r.makers[v] = state.RunID
}

// hasChecks reports whether the plan has a check.
func (r *run) hasChecks() bool {
	for s := range r.plan.Steps {
		if r.isCheck(int32(s)) {
			return true
		}
	}
	return false
}
