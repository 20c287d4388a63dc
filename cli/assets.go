package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// assetView is an asset as assets list and show print it.
type assetView struct {
	storage.TopologyNode
	Location        string              `json:"location"`
	Materialization *storage.AssetState `json:"materialization,omitempty"`
	Observation     *storage.AssetState `json:"observation,omitempty"`
	// Fresh is the state of its freshness policy, which assets show has.
	Fresh *freshness.Result `json:"freshness_state,omitempty"`
	// Health is how healthy the asset is, nil for a task.
	Health *health.Report `json:"health,omitempty"`
	// Status is how the asset is, which only the program of the repository knows.
	Status *rivers.AssetStatus `json:"status,omitempty"`

	checks []assethealth.Check
}

func (a *app) assetsCommand() *cobra.Command {
	var only assetFilter
	list := &cobra.Command{
		Use: "list [SELECTION...]", Short: "List assets and tasks with their latest materialization", ValidArgsFunction: a.completeSelection,
		Long: "List assets and tasks, all or those of a selection (see materialize --help), with their latest materialization, whether they are fresh, stale or\n" +
			"missing, and their health: the worst of materialization, checks and freshness policy; assets show says why.\n--json prints a list of them.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.listAssets(cmd.Context(), args, only) },
	}
	list.Flags().BoolVar(&only.late, "late", false, "only those whose freshness policy fails now")
	list.Flags().BoolVar(&only.stale, "stale", false, "only assets that are stale or missing, or some partition of which is")
	list.Flags().BoolVar(&only.unhealthy, "unhealthy", false, "only assets whose health is DEGRADED or WARNING")
	show := &cobra.Command{
		Use: "show NAME", Short: "Show one asset: definition, neighbours, latest values and their trends, history", Args: oneArg,
		Long:              "Show one asset: definition, neighbours, latest values and their trends, history.\n--json prints {\"asset\", \"downstream\", \"history\", \"trends\"}, and \"partitions\" with how many there are in each state.",
		ValidArgsFunction: a.completeAssets,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.showAsset(cmd.Context(), args[0]) },
	}
	return group("assets", "Look at assets", list, show, a.assetHistoryCommand())
}

// views gathers definitions, of this program or of all that wrote to the store, and records.
func (a *app) views(ctx context.Context) ([]assetView, error) {
	var views []assetView
	add := func(location string, doc storage.TopologyDoc) {
		checks := checksByAsset(doc)
		for _, n := range doc.Nodes {
			views = append(views, assetView{TopologyNode: n, Location: location, checks: checks[n.Name]})
		}
	}
	if a.repo != nil {
		doc, err := a.repo.Topology()
		if err != nil {
			return nil, err
		}
		add(doc.Name, doc)
	}
	err := a.withStore(ctx, func(s storage.Reader) error {
		if a.repo == nil {
			if err := storedTopologies(ctx, s, add); err != nil {
				return err
			}
		}
		if err := addRecords(ctx, s, views); err != nil {
			return err
		}
		if err := a.addHealths(ctx, s, views); err != nil {
			return err
		}
		return a.addStatuses(ctx, s, views)
	})
	if a.repo != nil && as[*noStoreError](err) { // nothing was materialized yet
		empty := memory.New()
		err = errors.Join(a.addHealths(ctx, empty, views), empty.Close())
	}
	return views, err
}

func storedTopologies(ctx context.Context, s storage.Reader, add func(string, storage.TopologyDoc)) error {
	all, err := s.ListTopologies(ctx)
	if err != nil {
		return err
	}
	for _, t := range all {
		full, err := s.GetTopology(ctx, t.Location)
		if err != nil {
			return err
		}
		doc, err := full.Document()
		if err != nil {
			return err
		}
		add(t.Location, doc)
	}
	return nil
}

func addRecords(ctx context.Context, s storage.Reader, views []assetView) error {
	records, err := s.ListAssets(ctx, storage.AssetQuery{})
	if err != nil {
		return err
	}
	byName := make(map[string]*storage.AssetRecord, len(records))
	for i := range records {
		byName[records[i].Name] = &records[i]
	}
	for i := range views {
		if rec := byName[views[i].Name]; rec != nil {
			views[i].Materialization, views[i].Observation = rec.Materialization, rec.Observation
		}
	}
	return nil
}

// assetFilter is which assets are listed of those that are selected: with several, those that are all of it.
type assetFilter struct{ late, stale, unhealthy bool }

func (a *app) listAssets(ctx context.Context, selection []string, only assetFilter) error {
	all, err := a.views(ctx)
	if err != nil {
		return err
	}
	nodes := make([]storage.TopologyNode, len(all))
	for i := range all {
		nodes[i] = all[i].TopologyNode
	}
	keep, err := selected(nodes, selection)
	if err != nil {
		return err
	}
	if only.late {
		if keep, err = a.onlyLate(ctx, nodes, keep); err != nil {
			return err
		}
	}
	views := []assetView{} // not null in JSON
	for i := range all {
		if keep(i) && (!only.stale || all[i].isStale()) && (!only.unhealthy || all[i].isUnhealthy()) {
			views = append(views, all[i])
		}
	}
	if a.json {
		return a.printJSON(views)
	}
	t := table{head: []string{"name", "kind", "group", "status", "health", "last materialized", "data version", "upstream"}}
	for i := range views {
		v := &views[i]
		at, version := "-", "-"
		if state := v.latest(); state != nil {
			at, version = instant(state.At), oneLine(state.DataVersion, 12)
		}
		t.add(v.Name, string(v.Kind), dash(v.Group), v.statusCell(), v.healthCell(), at, version, dash(strings.Join(v.Upstream, ", ")))
	}
	a.printTable(&t)
	return nil
}

// latest is the newest thing known of an asset.
func (v *assetView) latest() *storage.AssetState {
	if v.Materialization != nil {
		return v.Materialization
	}
	return v.Observation
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func (a *app) showAsset(ctx context.Context, name string) error {
	views, err := a.views(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(views, func(v assetView) bool { return v.Name == name })
	if i < 0 {
		return a.unknownAsset(name, views)
	}
	v := &views[i]
	history, err := a.history(ctx, name)
	if err != nil {
		return err
	}
	trends, err := a.trends(ctx, name)
	if err != nil {
		return err
	}
	if v.Fresh, err = a.freshnessOf(ctx, &v.TopologyNode); err != nil {
		return err
	}
	parts, err := a.partitionCounts(ctx, &v.TopologyNode)
	if err != nil {
		return err
	}
	if a.json {
		doc := map[string]any{"asset": v, "downstream": downstream(views, name), "history": history, "trends": trends}
		if parts != nil {
			doc["partitions"] = parts
		}
		return a.printJSON(doc)
	}
	if err := a.sayPruned(ctx, v.Materialization, v.Observation); err != nil {
		return err
	}
	a.printDefinition(v, downstream(views, name), parts)
	a.printHealth(v)
	a.printStatus(v)
	if v.Materialization == nil && v.Kind != storage.NodeExternalAsset && !v.Kind.IsTask() {
		fmt.Fprintln(a.out, "\nnever materialized")
	}
	a.printState("materialized", v.Materialization)
	a.printState("observed", v.Observation)
	a.printTrends(trends)
	if len(history) > 1 {
		fmt.Fprintln(a.out)
		t := table{head: []string{"history", "run", "data version", "metadata"}}
		for _, h := range history {
			t.add(instant(h.At), dash(h.RunID), oneLine(h.Data, 12), oneLine(metadataLine(h.Metadata), 60))
		}
		a.printTable(&t)
	}
	return nil
}

func (a *app) unknownAsset(name string, views []assetView) error {
	var made []string
	for i := range views {
		if views[i].Definition == name {
			made = append(made, strconv.Quote(views[i].Name))
		}
	}
	if len(made) > 0 {
		return usagef("asset %q: it is a multi-asset, and makes %s: name one of them", name, strings.Join(made, ", "))
	}
	names := func(yield func(string) bool) {
		for i := range views {
			if !yield(views[i].Name) {
				return
			}
		}
	}
	return usagef("asset %q: there is none of that name%s: see assets list", name, suggestion(name, names))
}

func downstream(views []assetView, name string) []string {
	var down []string
	for i := range views {
		if slices.Contains(views[i].Upstream, name) {
			down = append(down, views[i].Name)
		}
	}
	return down
}

func (a *app) printDefinition(v *assetView, down []string, parts *partitionCounts) {
	field := func(label, text string) {
		if text != "" {
			fmt.Fprintf(a.out, "  %s %s\n", a.paint(grey, fmt.Sprintf("%-12s", label)), text)
		}
	}
	fmt.Fprintf(a.out, "%s  %s\n", a.paint(bold, v.Name), v.Kind)
	field("", v.Description)
	field("made by", v.Definition)
	field("type", v.Type)
	if parts != nil {
		field("partitions", parts.Definition)
		field("", parts.String())
	}
	field("group", v.Group)
	field("kinds", strings.Join(v.Kinds, ", "))
	field("owners", strings.Join(v.Owners, ", "))
	var tags []string
	for _, k := range slices.Sorted(maps.Keys(v.Tags)) {
		tags = append(tags, k+"="+v.Tags[k])
	}
	field("tags", strings.Join(tags, ", "))
	field("code version", v.CodeVersion)
	field("upstream", strings.Join(v.Upstream, ", "))
	field("downstream", strings.Join(down, ", "))
	field("steps", strings.Join(v.Steps, ", "))
	if len(v.Metadata) > 0 {
		fmt.Fprintf(a.out, "  %s\n", a.paint(grey, "metadata"))
		a.printFacts(a.metadataFacts(v.Metadata), 4)
	}
}

func (a *app) printState(word string, s *storage.AssetState) {
	if s == nil {
		return
	}
	fmt.Fprintf(a.out, "\n%s %s", a.paint(bold, word), instant(s.At))
	if s.RunID != "" {
		fmt.Fprintf(a.out, "  run %s", s.RunID)
	}
	fmt.Fprintln(a.out)
	facts := []fact{{label: "data version", text: s.DataVersion}}
	if s.CodeVersion != "" {
		facts = append(facts, fact{label: "code version", text: s.CodeVersion})
	}
	for _, up := range slices.Sorted(maps.Keys(s.Inputs)) {
		facts = append(facts, fact{label: "read " + up, text: s.Inputs[up]})
	}
	a.printFacts(append(facts, a.metadataFacts(s.Metadata)...), 2)
}

// historyEntry is one materialization or observation in an asset's history.
type historyEntry struct {
	At    time.Time `json:"at"`
	RunID string    `json:"run_id,omitempty"`
	storage.Detail
}

// history reads the last ten events of an asset.
func (a *app) history(ctx context.Context, name string) ([]historyEntry, error) {
	entries := []historyEntry{}
	err := a.withStore(ctx, func(s storage.Reader) error {
		keys, err := s.AssetKeys(ctx, []string{name})
		if err != nil || keys[0] == 0 {
			return err
		}
		events, err := s.ListAssetEvents(ctx, storage.AssetEventQuery{Asset: keys[0], Limit: 10})
		if err != nil {
			return err
		}
		ids, err := storage.RunIDs(ctx, s, events)
		if err != nil {
			return err
		}
		for _, e := range events {
			d, err := storage.ParseDetail(e.Detail)
			if err != nil {
				return err
			}
			entries = append(entries, historyEntry{At: e.At.Time(), RunID: ids[e.Run], Detail: d})
		}
		return nil
	})
	if a.repo != nil && as[*noStoreError](err) {
		err = nil // nothing was materialized yet
	}
	return entries, err
}
