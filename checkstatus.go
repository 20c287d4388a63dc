package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// CheckStatus is what is known of a check now. Its last result stays when the asset is made anew: Outdated then says
// that it is about something else.
type CheckStatus struct {
	// Name is asset:check, Asset and Check are its parts.
	Name  string `json:"name"`
	Asset string `json:"asset"`
	Check string `json:"check"`
	// Description is that of the definition, Blocking says that it stops what is downstream.
	Description string `json:"description,omitempty"`
	Blocking    bool   `json:"blocking,omitempty"`
	// State is the check's: of one with partitions that of the worst of them.
	State storage.CheckState `json:"state"`
	// At is when it was last evaluated, in the run RunID; both are zero for one that never was.
	At    time.Time `json:"at,omitzero"`
	RunID string    `json:"run_id,omitempty"`
	// Partition is the one of that evaluation, where it was of one.
	Partition string `json:"partition,omitempty"`
	// Verdict is what it said, nil where it said nothing; Error is then why.
	Verdict  *storage.Verdict `json:"verdict,omitempty"`
	Metadata metadata.Map     `json:"metadata,omitempty"`
	Error    string           `json:"error,omitempty"`
	// Outdated says that the asset was made, or observed, anew since with another data version. Of a check with
	// partitions it is said by none of them.
	Outdated bool `json:"outdated,omitempty"`
	// Partitioned says that each partition is judged. Succeeded, Failed and InProgress count partitions then, FailedSet
	// are those that did not pass, or whose evaluation failed.
	Partitioned bool          `json:"partitioned,omitempty"`
	Succeeded   int64         `json:"partitions_succeeded,omitempty"`
	Failed      int64         `json:"partitions_failed,omitempty"`
	InProgress  int64         `json:"partitions_in_progress,omitempty"`
	FailedSet   partition.Set `json:"failed_set,omitzero"`
}

// CheckStatus returns what is known of the checks of a selection of assets, in topological order: the state now, from
// what is kept beside the history. No selection is all of them.
func (r *CodeRepository) CheckStatus(ctx context.Context, selection ...string) ([]CheckStatus, error) {
	nodes, err := r.checksOf(ctx, selection)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	b, err := r.built()
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, 2*len(nodes))
	for _, n := range nodes {
		names = append(names, n.Name, n.Check.Asset)
	}
	records, err := r.store.ListAssets(ctx, storage.AssetQuery{Names: names})
	if err != nil {
		return nil, fmt.Errorf("reading the states of checks: %w", err)
	}
	byName := make(map[string]*storage.AssetRecord, len(records))
	for i := range records {
		byName[records[i].Name] = &records[i]
	}
	running, err := r.runningChecks(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]CheckStatus, len(nodes))
	for i, n := range nodes {
		out[i] = newCheckStatus(n, byName[n.Name], byName[n.Check.Asset])
		if n.Partitions != nil {
			err = r.countJudged(ctx, b, n, &out[i])
		} else if out[i].State != storage.CheckInProgress && running[n.Name] {
			out[i].State = storage.CheckInProgress
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// checksOf returns the nodes of the checks of a selection.
func (r *CodeRepository) checksOf(ctx context.Context, selection []string) ([]*graph.Node, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	b, err := r.built()
	if err != nil {
		return nil, err
	}
	selected, err := b.selectItems(selection, true)
	if err != nil {
		return nil, err
	}
	var nodes []*graph.Node
	for n := range int32(b.graph.Len()) {
		node := b.graph.Node(n)
		if node.Kind != graph.Check {
			continue
		}
		v, _ := b.graph.Find(node.Check.Asset)
		if item := b.graph.Items().Of(v); selected == nil || item >= 0 && selected[item] {
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

// newCheckStatus reads the newest of the states that are kept of a check.
func newCheckStatus(n *graph.Node, rec, asset *storage.AssetRecord) CheckStatus {
	_, name, _ := storage.SplitCheck(n.Name)
	s := CheckStatus{
		Name: n.Name, Asset: n.Check.Asset, Check: name, Description: n.Outputs[0].Attrs.Description, Blocking: n.Check.Blocking,
		Partitioned: n.Partitions != nil,
	}
	if rec == nil {
		return s
	}
	state, latest := rec.CheckState()
	if latest == nil {
		return s
	}
	s.State, s.At, s.RunID, s.Partition = state, latest.At, latest.RunID, latest.Partition
	s.Verdict, s.Metadata, s.Error = latest.Check, latest.Metadata, latest.Error
	if read, known := latest.Inputs[s.Asset]; known && !s.Partitioned && asset != nil {
		s.Outdated = read != presentVersion(asset)
	}
	return s
}

// presentVersion is the data version that an asset has now.
func presentVersion(rec *storage.AssetRecord) string {
	switch m, o := rec.Materialization, rec.Observation; {
	case m != nil && (o == nil || m.Seq > o.Seq):
		return m.DataVersion
	case o != nil:
		return o.DataVersion
	}
	return ""
}

// countJudged fills in what a check says of partitions.
func (r *CodeRepository) countJudged(ctx context.Context, b *built, n *graph.Node, s *CheckStatus) error {
	v, _ := b.graph.Find(n.Name)
	sets, err := r.store.PartitionSets(ctx, []storage.AssetKey{r.keys[v]})
	if err != nil {
		return fmt.Errorf("check %q: reading what it says of partitions: %w", n.Name, err)
	}
	space, err := r.space(ctx, n.Partitions)
	if err != nil {
		return fmt.Errorf("check %q: %w", n.Name, err)
	}
	failed := space.Within(sets[0].Failed)
	s.FailedSet, s.Failed = failed, space.Count(failed)
	s.Succeeded = space.Count(space.Within(sets[0].Materialized.Minus(sets[0].Failed)))
	s.InProgress = space.Count(space.Within(sets[0].InFlight))
	switch {
	case s.Failed > 0:
		s.State = storage.CheckFailed
		if crashed, err := r.anyCrashed(ctx, r.keys[v]); err != nil {
			return err
		} else if crashed {
			s.State = storage.CheckExecutionFailed
		}
	case s.InProgress > 0:
		s.State = storage.CheckInProgress
	case s.Succeeded > 0:
		s.State = storage.CheckSucceeded
	}
	return nil
}

// anyCrashed reports whether a check failed itself on one of the partitions that it last failed on.
func (r *CodeRepository) anyCrashed(ctx context.Context, check storage.AssetKey) (bool, error) {
	groups, err := r.store.ListPartitionGroups(ctx, check, storage.Failed)
	if err != nil {
		return false, err
	}
	for i := range groups {
		if groups[i].Check == nil {
			return true, nil
		}
	}
	q := storage.PartitionQuery{Asset: check, Kind: storage.Failed, Limit: 500}
	for {
		states, err := r.store.ListPartitions(ctx, q)
		if err != nil {
			return false, err
		}
		for i := range states {
			if states[i].Check == nil {
				return true, nil
			}
		}
		if len(states) < q.Limit {
			return false, nil
		}
		q.After = states[len(states)-1].Partition
	}
}

// runningChecks returns the names of the checks that runs which have not ended are yet to come to.
func (r *CodeRepository) runningChecks(ctx context.Context) (map[string]bool, error) {
	runs, err := r.store.ListRuns(ctx, storage.RunQuery{Location: r.Name(), Owned: true})
	if err != nil {
		return nil, fmt.Errorf("reading which runs are in progress: %w", err)
	}
	running := map[string]bool{}
	for i := range runs {
		rec, err := r.store.GetRun(ctx, runs[i].ID)
		if err != nil {
			return nil, fmt.Errorf("reading which runs are in progress: %w", err)
		}
		var open []int32
		for s := range rec.Plan {
			if rec.Plan[s].Check {
				open = append(open, int32(s))
			}
		}
		if len(open) == 0 {
			continue
		}
		events, err := r.store.ListEvents(ctx, storage.EventQuery{Run: rec.Key})
		if err != nil {
			return nil, fmt.Errorf("reading which runs are in progress: %w", err)
		}
		done := map[int32]bool{}
		for e := range events {
			if events[e].Kind == storage.CheckEvaluated {
				done[events[e].Step] = true
			}
		}
		for _, s := range open {
			if !done[s] {
				running[rec.Plan[s].Key] = true
			}
		}
	}
	return running, nil
}

// CheckEvaluation is one entry of the history of a check.
type CheckEvaluation struct {
	// State is what it came to, At when, and RunID in which run.
	State storage.CheckState `json:"state"`
	At    time.Time          `json:"at"`
	RunID string             `json:"run_id,omitempty"`
	// Partition is what was judged, empty for an asset without partitions; Partitions are several at once.
	Partition  string        `json:"partition,omitempty"`
	Partitions partition.Set `json:"partitions,omitzero"`
	// Verdict, Metadata and Error are as in [CheckStatus]; Version is the data version that was judged.
	Verdict  *storage.Verdict `json:"verdict,omitempty"`
	Metadata metadata.Map     `json:"metadata,omitempty"`
	Error    string           `json:"error,omitempty"`
	Version  string           `json:"data_version,omitempty"`
}

// CheckHistory returns the last evaluations of a check, named asset:check, newest first; a limit of zero is 100.
func (r *CodeRepository) CheckHistory(ctx context.Context, name string, limit int) ([]CheckEvaluation, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	b, err := r.built()
	if err != nil {
		return nil, err
	}
	if err := b.checkChecks(&RunRequest{CheckNames: []string{name}}); err != nil {
		return nil, err
	}
	v, _ := b.graph.Find(name)
	events, err := r.store.ListAssetEvents(ctx, storage.AssetEventQuery{Asset: r.keys[v], Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("check %q: reading its history: %w", name, err)
	}
	asset, _, _ := storage.SplitCheck(name)
	ids, err := r.runIDs(ctx, events)
	if err != nil {
		return nil, fmt.Errorf("check %q: reading its history: %w", name, err)
	}
	history := make([]CheckEvaluation, 0, len(events))
	for i := range events {
		e := &events[i]
		d, err := storage.ParseDetail(e.Detail)
		if err != nil {
			return nil, fmt.Errorf("check %q: %w", name, err)
		}
		history = append(history, CheckEvaluation{
			State: storage.CheckState(e.Status), At: e.At.Time(), RunID: ids[e.Run], Partition: e.Partition, Partitions: d.Partitions,
			Verdict: d.Check, Metadata: d.Metadata, Error: d.Error, Version: d.Inputs[asset],
		})
	}
	return history, nil
}

// runIDs finds the public names of the runs of some events.
func (r *CodeRepository) runIDs(ctx context.Context, events []storage.Event) (map[storage.RunKey]string, error) {
	ids := map[storage.RunKey]string{}
	for i := range events {
		run := events[i].Run
		if _, known := ids[run]; known {
			continue
		}
		found, err := r.store.ListRuns(ctx, storage.RunQuery{Before: run + 1, Limit: 1})
		if err != nil {
			return nil, err
		}
		ids[run] = ""
		if len(found) == 1 && found[0].Key == run {
			ids[run] = found[0].ID
		}
	}
	return ids, nil
}
