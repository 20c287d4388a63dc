package launch

import (
	"context"
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// ErrCheckBlocked is wrapped by the refusal of a run that would load what did not pass a check that
// blocks later runs.
var ErrCheckBlocked = errors.New("a blocking check did not pass")

// gateLater refuses a run that would load what did not pass a check that stops later runs too.
func (r *Runner) gateLater(ctx context.Context, c *engine.Config) error {
	if req := &c.Record.Request; req.Checks == storage.ChecksNone || req.Action != "" { // the gates of an action are other actions
		return nil
	}
	var errs []error
	p, gate := c.Plan, gatekeeper{r, c}
	for s := range p.Steps {
		n := p.Steps[s].Node
		inputs := p.Graph.Node(n).Inputs
		for k, v := range p.Graph.From(n) {
			if inputs[k].Mode != graph.Gate {
				continue
			}
			_, from := p.Graph.Output(v)
			check := p.Graph.Node(from)
			asset, _ := p.Graph.Find(check.Check.Asset)
			_, maker := p.Graph.Output(asset)
			if _, made := p.StepOf(maker); made || !check.Check.Later {
				continue
			}
			why, err := gate.blocks(ctx, int32(s), k, v)
			switch {
			case err != nil:
				return fmt.Errorf("check %q: reading whether it stops this run: %w", check.Name, err)
			case why != "":
				errs = append(errs, fmt.Errorf("step %q loads %q: %w: check %q: %s: materialize it again, or run without checks",
					p.Key(int32(s)), check.Check.Asset, ErrCheckBlocked, check.Name, why))
			}
		}
	}
	return errors.Join(errs...)
}

// gatekeeper asks what checks said of what one run would load.
type gatekeeper struct {
	*Runner

	c *engine.Config
}

// blocks returns the loaded partitions that the check of output v blocks, with the reason; empty
// for none.
func (r gatekeeper) blocks(ctx context.Context, s int32, k int, v int32) (string, error) {
	check := r.c.Plan.Graph.Node(r.c.Plan.Steps[s].Node).Inputs[k].From
	_, from := r.c.Plan.Graph.Output(v)
	node := r.c.Plan.Graph.Node(from)
	if node.Partitions == nil {
		rec, err := r.Store.ListAssets(ctx, storage.AssetQuery{Names: []string{check}})
		if err != nil || len(rec) == 0 {
			return "", err
		}
		state, latest := rec[0].CheckState()
		if latest == nil || !stops(state, latest) {
			return "", nil
		}
		return resultText(latest), nil
	}
	space, err := r.space(ctx, node.Partitions)
	if err != nil {
		return "", err
	}
	bad, first, err := r.notPassed(ctx, space, r.Keys[v])
	if err != nil || bad.IsEmpty() || r.c.Assignment == nil {
		return "", err
	}
	blocked, err := r.c.Assignment.Blocked(s, k, bad)
	if err != nil {
		return "", err
	}
	if r.c.Plan.Graph.Node(r.c.Plan.Steps[s].Node).Partitions != nil {
		blocked = blocked.Intersect(r.c.Assignment.Sets[s])
	}
	if blocked.IsEmpty() {
		return "", nil
	}
	of, err := partition.NewSlice(space, bad)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %s", of, first), nil
}

// stops reports whether a state of a blocking check stops what is downstream.
func stops(state storage.CheckState, at *storage.AssetState) bool {
	return state == storage.CheckExecutionFailed || state == storage.CheckFailed && at.Check.Blocks()
}

// resultText returns the reason why an asset did not pass, as people read it.
func resultText(at *storage.AssetState) string {
	switch {
	case at.Check == nil:
		return fmt.Sprintf("the check failed itself: %s", at.Error)
	case at.Check.Description != "":
		return at.Check.Description
	}
	return "it did not pass"
}

// notPassed returns the partitions that a blocking check did not let pass when it last looked, and
// why the first did not.
func (r gatekeeper) notPassed(ctx context.Context, space partition.Space, check storage.AssetKey) (partition.Set, string, error) {
	sets, err := r.Store.PartitionSets(ctx, []storage.AssetKey{check})
	if err != nil || sets[0].Failed.IsEmpty() {
		return partition.Set{}, "", err
	}
	var bad partition.Gather
	first := ""
	take := func(set partition.Set, at *storage.AssetState) {
		if at.Check != nil && !at.Check.Blocks() {
			return
		}
		if bad.Add(set); first == "" {
			first = resultText(at)
		}
	}
	groups, err := r.Store.ListPartitionGroups(ctx, check, storage.Failed)
	if err != nil {
		return partition.Set{}, "", err
	}
	for i := range groups {
		take(groups[i].Partitions, &groups[i].AssetState)
	}
	q := storage.PartitionQuery{Asset: check, Kind: storage.Failed, Limit: 500}
	for {
		states, err := r.Store.ListPartitions(ctx, q)
		if err != nil {
			return partition.Set{}, "", err
		}
		for i := range states {
			key, err := partition.ParseKey(states[i].Partition)
			if err != nil {
				return partition.Set{}, "", err
			}
			if set, err := space.Set(key); err == nil && states[i].IsOf(set) { // a key that no longer exists blocks nothing
				take(set, &states[i].AssetState)
			}
		}
		if len(states) < q.Limit {
			return bad.Set().Intersect(sets[0].Failed), first, nil
		}
		q.After = states[len(states)-1].Partition
	}
}
