package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) assetsCommand() *cobra.Command {
	var only assetFilter
	list := &cobra.Command{
		Use: "list [SELECTION...]", Short: "List assets and tasks with their latest materialization", ValidArgsFunction: a.completeSelection,
		Long: "List assets and tasks, all or those of a selection (see materialize --help), with their latest materialization, status (fresh, stale or\n" +
			"missing) and health: the worst of materialization, checks and freshness policy. assets show explains it.\n--json prints a list of them.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.listAssets(cmd.Context(), args, only) },
	}
	list.Flags().BoolVar(&only.late, "late", false, "only those whose freshness policy fails now")
	list.Flags().BoolVar(&only.stale, "stale", false, "only assets that are stale or missing, or have such partitions")
	list.Flags().BoolVar(&only.unhealthy, "unhealthy", false, "only assets whose health is DEGRADED or WARNING")
	show := &cobra.Command{
		Use: "show NAME", Short: "Show one asset: definition, neighbours, latest values and their trends, history", Args: oneArg,
		Long:              "Show one asset: definition, neighbours, latest values and their trends, history.\n--json prints {\"asset\", \"downstream\", \"history\", \"trends\"}, and \"partitions\" with the number in each state.",
		ValidArgsFunction: a.completeAssets,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.showAsset(cmd.Context(), args[0]) },
	}
	return group("assets", "Look at assets", list, show, a.assetHistoryCommand())
}

// assetFilter restricts a list of assets. Several conditions must all hold.
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
		return a.PrintJSON(views)
	}
	t := term.Table{Head: []string{"name", "kind", "group", "status", "health", "last materialized", "data version", "upstream"}}
	for i := range views {
		v := &views[i]
		at, version := "-", "-"
		if state := v.latest(); state != nil {
			at, version = term.Instant(state.At), term.OneLine(state.DataVersion, 12)
		}
		t.Add(v.Name, string(v.Kind), term.Dash(v.Group), v.statusCell(), v.healthCell(), at, version, term.Dash(strings.Join(v.Upstream, ", ")))
	}
	a.PrintTable(&t)
	return nil
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
		return a.PrintJSON(doc)
	}
	if err := a.sayPruned(ctx, v.Materialization, v.Observation); err != nil {
		return err
	}
	a.printDefinition(v, downstream(views, name), parts)
	a.printHealth(v)
	a.printStatus(v)
	if v.Materialization == nil && v.Kind != storage.NodeExternalAsset && !v.Kind.IsTask() {
		a.Println("\nnever materialized")
	}
	a.printState("materialized", v.Materialization)
	a.printState("observed", v.Observation)
	a.printTrends(trends)
	if len(history) > 1 {
		a.Println()
		t := term.Table{Head: []string{"history", "run", "data version", "metadata"}}
		for _, h := range history {
			t.Add(term.Instant(h.At), term.Dash(h.RunID), term.OneLine(h.Data, 12), term.OneLine(metadataLine(h.Metadata), 60))
		}
		a.PrintTable(&t)
	}
	return nil
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
			a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-12s", label)), text)
		}
	}
	a.Printf("%s  %s\n", a.Paint(term.Bold, v.Name), v.Kind)
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
		a.Printf("  %s\n", a.Paint(term.Grey, "metadata"))
		a.printFacts(a.metadataFacts(v.Metadata), 4)
	}
}

func (a *app) printState(word string, s *storage.AssetState) {
	if s == nil {
		return
	}
	a.Printf("\n%s %s", a.Paint(term.Bold, word), term.Instant(s.At))
	if s.RunID != "" {
		a.Printf("  run %s", s.RunID)
	}
	a.Println()
	facts := []fact{{label: "data version", text: s.DataVersion}}
	if s.CodeVersion != "" {
		facts = append(facts, fact{label: "code version", text: s.CodeVersion})
	}
	for _, up := range slices.Sorted(maps.Keys(s.Inputs)) {
		facts = append(facts, fact{label: "read " + up, text: s.Inputs[up]})
	}
	a.printFacts(append(facts, a.metadataFacts(s.Metadata)...), 2)
}

// historyEntry is one materialization or observation of an asset.
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
