package view

import (
	"context"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// CheckStatus is the current state of a check.
type CheckStatus struct {
	*Check

	// State is that of the worst partition for a check with partitions.
	State storage.CheckState
	// Latest is the latest result; nil for a check that was never evaluated.
	Latest *storage.AssetState
	// Outdated is set if the asset has another data version since. For a check with partitions one
	// outdated partition sets it.
	Outdated bool
	// Partitions has the results by partition; nil for a check of the whole asset.
	Partitions *CheckPartitions
}

// CheckPartitions are the latest results of a check by partition, of those that exist. Each
// existing partition is in one of the first five sets or in Unchecked.
type CheckPartitions struct {
	checkstate.Results

	Space partition.Space
	// Unchecked were never checked. InProgress are those that runs in progress have yet to check.
	Unchecked, InProgress partition.Set
}

// CheckStatus returns the states of the checks whose assets are filtered, in the order of the
// checks.
func (v *View) CheckStatus(ctx context.Context, filter Filter) ([]CheckStatus, error) {
	var all []CheckStatus
	var names []string
	for i := range v.checks {
		if c := &v.checks[i]; filter.has(c.Asset) {
			all = append(all, CheckStatus{Check: c})
			names = append(names, c.Name(), c.TopologyCheck.Asset)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	records, err := v.records(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("reading the states of checks: %w", err)
	}
	running, err := v.runningChecks(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("reading which runs are in progress: %w", err)
	}
	for i := range all {
		s := &all[i]
		s.read(records[s.Name()], records[s.TopologyCheck.Asset])
		if !s.Partitioned && running[s.Name()] {
			s.State = storage.CheckInProgress
		}
	}
	if err := v.addPartitions(ctx, all); err != nil {
		return nil, fmt.Errorf("reading the states of checks: %w", err)
	}
	return all, nil
}

// read takes the state of a check from its record and from that of its asset.
func (s *CheckStatus) read(rec, asset *storage.AssetRecord) {
	if rec == nil {
		return
	}
	state, latest := rec.CheckState()
	if latest == nil {
		return
	}
	s.State, s.Latest = state, latest
	checked, known := latest.Inputs[s.TopologyCheck.Asset]
	switch {
	case s.Partitioned || asset == nil: // the partitions tell
	case known:
		s.Outdated = checked != asset.DataVersion()
	case state == storage.CheckExecutionFailed && asset.Materialization != nil:
		s.Outdated = asset.Materialization.Seq > latest.Seq
	}
}

// runningChecks returns the names of the checks that runs in progress have yet to evaluate.
func (v *View) runningChecks(ctx context.Context, all []CheckStatus) (map[string]bool, error) {
	running := map[string]bool{}
	var locations []string
	for i := range all {
		if location := v.nodes[all[i].Check.Asset].Location; !slices.Contains(locations, location) {
			locations = append(locations, location)
		}
	}
	for _, location := range locations {
		runs, err := v.Store.ListRuns(ctx, storage.RunQuery{Location: location, Owned: true})
		if err != nil {
			return nil, err
		}
		for i := range runs {
			if err := v.addOpenChecks(ctx, runs[i].ID, running); err != nil {
				return nil, err
			}
		}
	}
	return running, nil
}

// addOpenChecks adds the checks that a run planned and did not evaluate yet.
func (v *View) addOpenChecks(ctx context.Context, id string, running map[string]bool) error {
	run, err := v.Store.GetRun(ctx, id)
	if err != nil {
		return err
	}
	var open []int32
	for s := range run.Plan {
		if run.Plan[s].Check {
			open = append(open, int32(s))
		}
	}
	if len(open) == 0 {
		return nil
	}
	events, err := v.Store.ListEvents(ctx, storage.EventQuery{Run: run.Key})
	if err != nil {
		return err
	}
	evaluated := map[int32]bool{}
	for e := range events {
		if events[e].Kind == storage.CheckEvaluated {
			evaluated[events[e].Step] = true
		}
	}
	for _, s := range open {
		if !evaluated[s] {
			running[run.Plan[s].Key] = true
		}
	}
	return nil
}

// checkResults returns the latest results of the partitioned checks, by their names. It reads those
// of all locations that some nodes belong to.
func (v *View) checkResults(ctx context.Context, nodes []int) (map[string]*checkstate.Results, error) {
	asked := map[string]bool{}
	for _, i := range nodes {
		asked[v.nodes[i].Location] = true
	}
	// All checks of a location are read together: the snapshot in the store is of all.
	subjects := map[string][]checkstate.Subject{}
	for i := range v.checks {
		c := &v.checks[i]
		n := &v.nodes[c.Asset]
		if !c.Partitioned || !asked[n.Location] {
			continue
		}
		if n.err != nil {
			return nil, n.err
		}
		subjects[n.Location] = append(subjects[n.Location], checkstate.Subject{
			Check: c.Name(), Asset: n.Name, Partitions: n.definition, External: n.Kind == storage.NodeExternalAsset,
		})
	}
	byName := map[string]*checkstate.Results{}
	for location, of := range subjects {
		results, err := checkstate.Read(ctx, checkstate.Params{Location: location, Store: v.Store, Subjects: of, Log: v.Log})
		if err != nil {
			return nil, err
		}
		for i := range results {
			byName[of[i].Check] = &results[i]
		}
	}
	return byName, nil
}

// addPartitions adds the results by partition to the checks that have partitions.
func (v *View) addPartitions(ctx context.Context, all []CheckStatus) error {
	var at, nodes []int
	var names []string
	for i := range all {
		if all[i].Partitioned {
			at, nodes, names = append(at, i), append(nodes, all[i].Check.Asset), append(names, all[i].Name())
		}
	}
	if len(at) == 0 {
		return nil
	}
	results, err := v.checkResults(ctx, nodes)
	if err != nil {
		return err
	}
	keys, err := v.Store.AssetKeys(ctx, names)
	if err != nil {
		return err
	}
	sets, err := v.Store.PartitionSets(ctx, keys)
	if err != nil {
		return err
	}
	spaces := map[partition.Definition]partition.Space{}
	for k, i := range at {
		def := v.nodes[nodes[k]].definition
		space, known := spaces[def]
		if !known {
			if space, err = v.space(ctx, def); err != nil {
				return fmt.Errorf("check %q: %w", names[k], err)
			}
			spaces[def] = space
		}
		p := newCheckPartitions(space, results[names[k]], sets[k].InFlight)
		all[i].Partitions, all[i].Outdated, all[i].State = p, !p.Outdated.IsEmpty(), p.state()
	}
	return nil
}

func newCheckPartitions(space partition.Space, r *checkstate.Results, inFlight partition.Set) *CheckPartitions {
	p := &CheckPartitions{Space: space, InProgress: space.Within(inFlight)}
	if r != nil {
		p.Passed, p.Warned, p.Failed = space.Within(r.Passed), space.Within(r.Warned), space.Within(r.Failed)
		p.Crashed, p.Skipped, p.Outdated = space.Within(r.Crashed), space.Within(r.Skipped), space.Within(r.Outdated)
	}
	p.Unchecked = space.Complement(p.Passed.Union(p.Warned).Union(p.Failed).Union(p.Crashed).Union(p.Skipped))
	return p
}

// state is that of the worst partition.
func (p *CheckPartitions) state() storage.CheckState {
	switch {
	case !p.Crashed.IsEmpty():
		return storage.CheckExecutionFailed
	case !p.Failed.IsEmpty() || !p.Warned.IsEmpty():
		return storage.CheckFailed
	case !p.InProgress.IsEmpty():
		return storage.CheckInProgress
	case !p.Passed.IsEmpty():
		return storage.CheckSucceeded
	case !p.Skipped.IsEmpty():
		return storage.CheckSkipped
	}
	return storage.CheckUnknown
}
