package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// CheckStatus is the current state of a check. It keeps the last result when the asset is
// materialized again, and Outdated marks a result about older data.
type CheckStatus struct {
	// Name is asset:check, Asset and Check are its parts.
	Name  string `json:"name"`
	Asset string `json:"asset"`
	Check string `json:"check"`
	// Description is that of the definition, Blocking is set for a check that
	// stops downstream steps.
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
	// Outdated is set if the asset has another data version since. After a failure of the check itself
	// any newer materialization sets it. For a check with partitions one outdated partition sets it.
	Outdated bool `json:"outdated,omitempty"`
	// Partitions has the states by partition; nil for a check of the whole asset.
	Partitions *CheckPartitions `json:"partitions,omitempty"`
}

// CheckPartitions groups the existing partitions by the check's latest result. Each of them is in
// one of Passed, Warned, Failed, Crashed, Skipped and Unchecked.
type CheckPartitions struct {
	// Space is what exists of the asset's partitions, Total how many they are.
	Space partition.Space `json:"-"`
	Total int64           `json:"total"`
	// Passed passed. Warned and Failed did not, with the severity of a warning or an error. The check
	// itself failed for Crashed.
	Passed  PartitionCount `json:"passed"`
	Warned  PartitionCount `json:"warned"`
	Failed  PartitionCount `json:"failed"`
	Crashed PartitionCount `json:"crashed"`
	// Skipped are those that a run planned to check and did not; Unchecked were never checked.
	Skipped   PartitionCount `json:"skipped"`
	Unchecked PartitionCount `json:"unchecked"`
	// InProgress are those that runs in progress have yet to check.
	InProgress PartitionCount `json:"in_progress"`
	// Outdated are the checked partitions that have another data version since, or no longer exist.
	// The version is unknown for partitions that were checked many at once or crashed: any newer
	// materialization outdates them.
	Outdated PartitionCount `json:"outdated"`
}

// CheckStatus returns what is known of the checks of a selection of assets, in topological order:
// the state now, from what is kept beside the history. No selection is all of them.
func (r *CodeRepository) CheckStatus(ctx context.Context, selection ...string) ([]CheckStatus, error) {
	nodes, err := r.checksOf(ctx, selection)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	c, err := r.catalog()
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
		if n.Partitions == nil && running[n.Name] {
			out[i].State = storage.CheckInProgress
		}
	}
	return out, r.addPartitions(ctx, c, nodes, out)
}

// checksOf returns the nodes of the checks of a selection.
func (r *CodeRepository) checksOf(ctx context.Context, selection []string) ([]*graph.Node, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	selected, err := c.Select(selection, catalog.Something)
	if err != nil {
		return nil, err
	}
	var nodes []*graph.Node
	for n := range int32(c.Graph().Len()) {
		node := c.Graph().Node(n)
		if node.Kind != graph.Check {
			continue
		}
		v, _ := c.Graph().Find(node.Check.Asset)
		if item := c.Graph().Items().Of(v); selected == nil || item >= 0 && selected[item] {
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
	read, known := latest.Inputs[s.Asset]
	switch {
	case n.Partitions != nil || asset == nil: // partitions follow below
	case known:
		s.Outdated = read != asset.DataVersion()
	case state == storage.CheckExecutionFailed && asset.Materialization != nil:
		s.Outdated = asset.Materialization.Seq > latest.Seq
	}
	return s
}

// runningChecks returns the names of the checks that runs in progress have yet to evaluate.
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

// checkSubjects are the checks of the repository that judge partitions.
func checkSubjects(c *catalog.Catalog) []checkstate.Subject {
	var subjects []checkstate.Subject
	for n := range int32(c.Graph().Len()) {
		node := c.Graph().Node(n)
		if node.Kind != graph.Check || node.Partitions == nil {
			continue
		}
		v, _ := c.Graph().Find(node.Check.Asset)
		_, maker := c.Graph().Output(v)
		subjects = append(subjects, checkstate.Subject{
			Check: node.Name, Asset: node.Check.Asset, Partitions: node.Partitions, External: c.Graph().Node(maker).Kind == graph.External,
		})
	}
	return subjects
}

// verdicts are what the checks that judge partitions said last, by their names.
func (r *CodeRepository) verdicts(ctx context.Context, c *catalog.Catalog, store checkstate.Store) (map[string]*checkstate.Results, error) {
	subjects := checkSubjects(c)
	results, err := checkstate.Read(ctx, checkstate.Params{Location: r.Name(), Store: store, Subjects: subjects, Log: r.config.Logger})
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*checkstate.Results, len(results))
	for i := range results {
		byName[subjects[i].Check] = &results[i]
	}
	return byName, nil
}

// addPartitions adds to the checks that judge partitions what they say of each.
func (r *CodeRepository) addPartitions(ctx context.Context, c *catalog.Catalog, nodes []*graph.Node, list []CheckStatus) error {
	var at []int
	var keys []storage.AssetKey
	for i, n := range nodes {
		if n.Partitions != nil {
			v, _ := c.Graph().Find(n.Name)
			at, keys = append(at, i), append(keys, r.runner.Keys[v])
		}
	}
	if len(at) == 0 {
		return nil
	}
	verdicts, err := r.verdicts(ctx, c, r.store)
	if err != nil {
		return fmt.Errorf("reading the states of checks: %w", err)
	}
	sets, err := r.store.PartitionSets(ctx, keys)
	if err != nil {
		return fmt.Errorf("reading the states of checks: %w", err)
	}
	for k, i := range at {
		space, err := r.space(ctx, nodes[i].Partitions)
		if err != nil {
			return fmt.Errorf("check %q: %w", nodes[i].Name, err)
		}
		p := newCheckPartitions(space, verdicts[nodes[i].Name], sets[k].InFlight)
		list[i].Partitions, list[i].Outdated = p, p.Outdated.Count > 0
		list[i].State = p.state()
	}
	return nil
}

func newCheckPartitions(space partition.Space, v *checkstate.Results, flying partition.Set) *CheckPartitions {
	count := func(set partition.Set) PartitionCount {
		set = space.Within(set)
		return PartitionCount{space.Count(set), set}
	}
	judged := v.Passed.Union(v.Warned).Union(v.Failed).Union(v.Crashed).Union(v.Skipped)
	return &CheckPartitions{
		Space: space, Total: space.Len(), Passed: count(v.Passed), Warned: count(v.Warned), Failed: count(v.Failed), Crashed: count(v.Crashed), Skipped: count(v.Skipped),
		Unchecked: count(space.Complement(judged)), InProgress: count(flying), Outdated: count(v.Outdated),
	}
}

// state is that of the worst partition.
func (p *CheckPartitions) state() storage.CheckState {
	switch {
	case p.Crashed.Count > 0:
		return storage.CheckExecutionFailed
	case p.Failed.Count+p.Warned.Count > 0:
		return storage.CheckFailed
	case p.InProgress.Count > 0:
		return storage.CheckInProgress
	case p.Passed.Count > 0:
		return storage.CheckSucceeded
	case p.Skipped.Count > 0:
		return storage.CheckSkipped
	}
	return storage.CheckUnknown
}

// CheckEvaluation is one entry of the history of a check.
type CheckEvaluation struct {
	// State is the result, At its instant, and RunID its run.
	State storage.CheckState `json:"state"`
	At    time.Time          `json:"at"`
	RunID string             `json:"run_id,omitempty"`
	// Partition is what was judged, empty for an asset without partitions; Partitions are several at
	// once.
	Partition  string        `json:"partition,omitempty"`
	Partitions partition.Set `json:"partitions,omitzero"`
	// Verdict, Metadata and Error are as in [CheckStatus]; Version is the data version that was
	// judged.
	Verdict  *storage.Verdict `json:"verdict,omitempty"`
	Metadata metadata.Map     `json:"metadata,omitempty"`
	Error    string           `json:"error,omitempty"`
	Version  string           `json:"data_version,omitempty"`
}

// CheckHistory returns the last evaluations of a check, named asset:check, newest first; a limit of
// zero is 100.
func (r *CodeRepository) CheckHistory(ctx context.Context, name string, limit int) ([]CheckEvaluation, error) {
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	c, err := r.catalog()
	if err != nil {
		return nil, err
	}
	if err := c.CheckRequest(&RunRequest{CheckNames: []string{name}}); err != nil {
		return nil, err
	}
	v, _ := c.Graph().Find(name)
	events, err := r.store.ListAssetEvents(ctx, storage.AssetEventQuery{Asset: r.runner.Keys[v], Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("check %q: reading its history: %w", name, err)
	}
	asset, _, _ := storage.SplitCheck(name)
	ids, err := storage.RunIDs(ctx, r.store, events)
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
			State: e.CheckState(), At: e.At.Time(), RunID: ids[e.Run], Partition: e.Partition, Partitions: d.Partitions,
			Verdict: d.Check, Metadata: d.Metadata, Error: d.Error, Version: d.Inputs[asset],
		})
	}
	return history, nil
}
