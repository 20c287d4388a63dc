package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
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
	var views []assetView
	err := a.withView(ctx, func(v *view.View) error {
		filter, err := v.Select(selection...)
		if err == nil && only.late {
			filter, err = onlyLate(ctx, v, filter)
		}
		if err == nil {
			views, err = a.readAssets(ctx, v, filter)
		}
		return err
	})
	if err != nil {
		return err
	}
	views = slices.DeleteFunc(views, func(v assetView) bool {
		return only.stale && !v.isStale() || only.unhealthy && !v.isUnhealthy()
	})
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

// onlyLate keeps the nodes that are late now.
func onlyLate(ctx context.Context, v *view.View, filter view.Filter) (view.Filter, error) {
	list, err := v.Freshness(ctx, filter)
	late := make(map[int]bool, len(list))
	for i := range list {
		late[list[i].Node] = list[i].State.Late()
	}
	return func(i int) bool { return late[i] }, err
}

// assetDoc is what assets show knows of an asset.
type assetDoc struct {
	assetView

	downstream []string
	history    []view.Event
	trends     []view.Series
	partitions *view.PartitionCounts
}

// readAsset reads all that assets show prints.
func (a *app) readAsset(ctx context.Context, v *view.View, name string) (*assetDoc, error) {
	n, err := v.Find(name)
	if err != nil {
		return nil, err
	}
	filter := func(i int) bool { return &v.Nodes()[i] == n }
	views, err := a.readAssets(ctx, v, filter)
	if err != nil {
		return nil, err
	}
	d := &assetDoc{assetView: views[0], downstream: v.Downstream(name)}
	fresh, err := v.Freshness(ctx, filter)
	if err != nil {
		return nil, err
	}
	if len(fresh) > 0 {
		d.Fresh = &fresh[0].Result
	}
	if d.history, err = v.History(ctx, name, 10); err != nil {
		return nil, err
	}
	numbers, err := v.Metadata(ctx, view.MetadataQuery{Asset: name, Limit: trendValues, Scan: trendEvents})
	if err != nil {
		return nil, err
	}
	d.trends = view.SeriesOf(numbers, nil)
	if n.Partitions == nil {
		return d, nil
	}
	p, err := v.Partitions(ctx, name)
	if err != nil {
		return nil, err
	}
	counts := p.Counts()
	d.partitions = &counts
	return d, nil
}

func (a *app) showAsset(ctx context.Context, name string) error {
	var v *assetDoc
	err := a.withView(ctx, func(all *view.View) (err error) {
		v, err = a.readAsset(ctx, all, name)
		return err
	})
	if err != nil {
		return err
	}
	if a.json {
		doc := map[string]any{"asset": &v.assetView, "downstream": v.downstream, "history": v.history, "trends": v.trends}
		if v.partitions != nil {
			doc["partitions"] = v.partitions
		}
		return a.PrintJSON(doc)
	}
	if err := a.sayPruned(ctx, v.Materialization, v.Observation); err != nil {
		return err
	}
	a.printDefinition(v)
	a.printHealth(&v.assetView)
	a.printStatus(&v.assetView)
	if v.Materialization == nil && v.Kind != storage.NodeExternalAsset && !v.Kind.IsTask() {
		a.Println("\nnever materialized")
	}
	a.printState("materialized", v.Materialization)
	a.printState("observed", v.Observation)
	a.printTrends(v.trends)
	if len(v.history) > 1 {
		a.Println()
		t := term.Table{Head: []string{"history", "run", "data version", "metadata"}}
		for _, h := range v.history {
			t.Add(term.Instant(h.At), term.Dash(h.RunID), term.OneLine(h.Data, 12), term.OneLine(metadataLine(h.Metadata), 60))
		}
		a.PrintTable(&t)
	}
	return nil
}

func (a *app) printDefinition(v *assetDoc) {
	field := func(label, text string) {
		if text != "" {
			a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-12s", label)), text)
		}
	}
	a.Printf("%s  %s\n", a.Paint(term.Bold, v.Name), v.Kind)
	field("", v.Description)
	field("made by", v.Definition)
	field("type", v.Type)
	if v.partitions != nil {
		field("partitions", v.partitions.Definition)
		field("", countsText(v.partitions))
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
	field("downstream", strings.Join(v.downstream, ", "))
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

// countsText describes how many partitions are in each state that occurs.
func countsText(c *view.PartitionCounts) string {
	parts := []string{term.Counted(c.Total, "partition", "partitions")}
	for _, of := range []struct {
		n     int64
		state string
	}{{c.Materialized, "materialized"}, {c.Failed, "failed"}, {c.InFlight, "in flight"}, {c.Missing, "missing"}} {
		if of.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", of.n, of.state))
		}
	}
	return strings.Join(parts, ", ")
}
