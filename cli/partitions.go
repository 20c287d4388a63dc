package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) partitionsCommand() *cobra.Command {
	status := &cobra.Command{
		Use: "status ASSET", Short: "Show which partitions of an asset are materialized, failed, missing", Args: oneArg, ValidArgsFunction: a.completeAssets,
		Long: `Show which partitions of an asset are materialized, failed, in flight, missing or stale: counts, a bar in the order of the
definition, and ranges. Each partition is materialized or missing. Stale, failed and in-flight partitions are among these;
failed and in flight describe the latest attempt. --json prints {"asset", "definition", "total", "materialized", ...} with counts and ranges.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.partitionStatus(cmd.Context(), args[0]) },
	}
	return group("partitions", "List and edit the partitions of assets", status, a.partitionsListCommand(), a.keysCommand("add"), a.keysCommand("delete"), a.editCommand("wipe"), a.editCommand("mark"))
}

func (a *app) partitionStatus(ctx context.Context, name string) error {
	return a.withPartitions(ctx, name, func(v *view.View, p *view.Partitions) error {
		doc := map[string]any{"asset": p.Asset, "definition": p.Space.Definition().String(), "total": p.Space.Len(), "others_recorded": p.OthersRecorded()}
		states := map[view.PartitionState]view.Ranges{}
		for _, state := range view.PartitionStates() {
			r, err := view.RangesOf(p.Space, p.In(state))
			if err != nil {
				return err
			}
			states[state], doc[string(state)] = r, r
		}
		stale, err := a.staleness(ctx, v.Store, p, doc)
		if err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(doc)
		}
		a.Printf("%s  %s\n", a.Paint(term.Bold, p.Asset), p.Space.Definition())
		a.Printf("%s\n\n", a.partitionBar(p, min(max(a.Width()-2, 20), 80)))
		t := term.Table{Head: []string{"state", "count", "share", "partitions"}}
		row := func(state view.PartitionState) {
			r := states[state]
			t.Add(stateCell(state), r.Count, share(r.Count, p.Space.Len()), rangesText(r))
		}
		row(view.Materialized) // each partition is in one of these two; the others describe the last try
		row(view.Missing)
		stale.addTo(&t, p.Space)
		t.Add("total", p.Space.Len(), "", "")
		row(view.Failed)
		row(view.InFlight)
		a.PrintTable(&t)
		if p.OthersRecorded() {
			a.Println("\nthe store also has partitions outside the current definition; they are kept")
		}
		stale.printCauses(a)
		return nil
	})
}

// withPartitions calls f with the partitions of an asset.
func (a *app) withPartitions(ctx context.Context, name string, f func(v *view.View, p *view.Partitions) error) error {
	return a.withView(ctx, func(v *view.View) error {
		p, err := v.Partitions(ctx, name)
		if err != nil {
			return err
		}
		return f(v, p)
	})
}

// rangesText lists ranges.
func rangesText(r view.Ranges) string {
	text := strings.Join(r.Ranges, "  ")
	if r.More {
		text += "  …"
	}
	return term.Dash(text)
}

func share(n, of int64) string {
	if of == 0 || n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of))
}

// stateCell is the word of a state in its colour.
func stateCell(state view.PartitionState) term.Cell {
	paint := term.Grey
	switch state {
	case view.Materialized:
		paint = term.Green
	case view.Failed:
		paint = term.Red
	case view.InFlight:
		paint = term.Yellow
	}
	return term.Cell{Text: term.Words(string(state)), Paint: paint}
}

// partitionBar draws all partitions in their order. Each column is a share of them in the colour of
// its worst state.
func (a *app) partitionBar(p *view.Partitions, width int) string {
	total := p.Space.Len()
	columns := min(int64(width), total)
	all, made, failed, flight := p.Space.All(), p.In(view.Materialized), p.In(view.Failed), p.In(view.InFlight)
	var b strings.Builder
	for i := range columns {
		from, to := i*total/columns, (i+1)*total/columns
		part := p.Space.Part(all, from, to-from)
		done := p.Space.Count(part.Intersect(made))
		switch {
		case !part.Intersect(failed).IsEmpty():
			b.WriteString(a.Paint(term.Red, "✗"))
		case !part.Intersect(flight).IsEmpty():
			b.WriteString(a.Paint(term.Yellow, "▒"))
		case done == to-from:
			b.WriteString(a.Paint(term.Green, "█"))
		case done > 0:
			b.WriteString(a.Paint(term.Green, "▄"))
		default:
			b.WriteString(a.Paint(term.Grey, "·"))
		}
	}
	return b.String()
}

// listFlags are the flags of partitions list.
type listFlags struct {
	state, from string
	choose      []string
	limit       int
}

func (a *app) partitionsListCommand() *cobra.Command {
	var f listFlags
	c := &cobra.Command{
		Use: "list ASSET", Short: "List the partitions of an asset", Args: oneArg, ValidArgsFunction: a.completeAssets,
		Long: `List the partitions of an asset in the order of the definition, with the latest materialization of each.
--json prints a list of them.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.listPartitions(cmd.Context(), args[0], f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.state, "state", "", "only those that are materialized, failed, in_flight or missing")
	flags.StringArrayVar(&f.choose, "partition", nil, "only these: a key, a,b, a range a..b, dim=a..b|other=x; may be repeated")
	flags.StringVar(&f.from, "from", "", "start at this partition")
	flags.IntVar(&f.limit, "limit", 50, "number of partitions to list")
	mustComplete(c, "state", completeWords(stateWords()...))
	return c
}

// stateWords are the words of the states of partitions.
func stateWords() []string {
	var words []string
	for _, state := range view.PartitionStates() {
		words = append(words, string(state))
	}
	return words
}

func (a *app) listPartitions(ctx context.Context, name string, f listFlags) error {
	switch words := stateWords(); {
	case f.state != "" && !slices.Contains(words, f.state):
		return usagef("--state %q: want one of %s%s", f.state, strings.Join(words, ", "), suggestion(f.state, slices.Values(words)))
	case f.limit < 1:
		return usagef("--limit %d: want 1 or more", f.limit)
	}
	return a.withPartitions(ctx, name, func(_ *view.View, all *view.Partitions) error {
		set, from, err := f.chosen(all)
		if err != nil {
			return err
		}
		docs, err := all.List(ctx, set, from, f.limit)
		if err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(docs)
		}
		t := term.Table{Head: []string{"partition", "state", "at", "error", "run"}}
		for i := range docs {
			p := &docs[i]
			state := p.Latest
			failure := ""
			if p.State == view.Failed {
				state = p.Failure
			}
			at, run := "-", "-"
			if state != nil {
				at, run = term.Instant(state.At), state.RunID
				failure = term.OneLine(state.Error, 80)
			}
			t.Add(p.Partition, stateCell(p.State), at, term.Dash(failure), run)
		}
		a.PrintTable(&t)
		if n := all.Space.Count(set); len(docs) == f.limit && n > int64(len(docs)) {
			a.Printf("%d of %s; --from or --limit shows more\n", len(docs), term.Counted(n, "partition", "partitions"))
		}
		return nil
	})
}

// chosen returns the partitions that the flags choose, and the key to begin at.
func (f *listFlags) chosen(p *view.Partitions) (set partition.Set, from partition.Key, err error) {
	set = p.Space.All()
	if len(f.choose) > 0 {
		if set, err = p.Space.Select(f.choose...); err != nil {
			return set, from, BadRequest(err)
		}
	}
	if f.state != "" {
		set = set.Intersect(p.In(view.PartitionState(f.state)))
	}
	if f.from == "" {
		return set, from, nil
	}
	if from, err = partition.ParseKey(f.from); err == nil {
		_, err = p.Space.Set(from)
	}
	if err != nil {
		return set, from, usagef("--from: %w", err)
	}
	return set, from, nil
}

// keysCommand adds or deletes keys of a dynamic definition.
func (a *app) keysCommand(verb string) *cobra.Command {
	short := map[string]string{"add": "Register keys of a dynamic definition", "delete": "Remove keys of a dynamic definition"}[verb]
	return &cobra.Command{
		Use: verb + " NAME KEY...", Short: short,
		Long: short + ", by its name. Records of a partition outlive the deletion of its key and are visible again once the key returns.\n--json prints {\"name\", \"keys\"} with the number of registered keys.",
		Args: func(cmd *cobra.Command, args []string) error {
			return wantArgs(cmd, args, "a name and at least one key,", 2, 1<<30)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeKeys(cmd.Context(), verb, args[0], args[1:])
		},
	}
}

func (a *app) changeKeys(ctx context.Context, verb, name string, keys []string) error {
	if a.repo == nil {
		return usagef("partitions %s needs the definitions: use the program of the repository", verb)
	}
	if err := a.resolve(ctx); err != nil {
		return err
	}
	change := a.repo.AddPartitions
	if verb == "delete" {
		change = a.repo.RemovePartitions
	}
	if err := change(ctx, name, keys...); err != nil {
		return requestError(err)
	}
	def := partition.Dynamic(name)
	tables, err := storage.NewKeyCache(a.repo.Storage(), 0).Tables(ctx, def)
	if err != nil {
		return err
	}
	space, err := partition.NewSpace(def, time.Now(), tables)
	if err != nil {
		return err
	}
	if a.json {
		return a.PrintJSON(map[string]any{"name": name, "keys": space.Len()})
	}
	a.Printf("%s has %s\n", name, term.Counted(space.Len(), "key", "keys"))
	return nil
}

// editFlags are the flags of partitions wipe and mark.
type editFlags struct {
	keys, reason string
	all, values  bool
	dryRun       bool
}

// editCommand wipes or marks partitions.
func (a *app) editCommand(verb string) *cobra.Command {
	var f editFlags
	short := map[string]string{
		"wipe": "Forget that partitions were materialized or failed",
		"mark": "Record that partitions were materialized elsewhere",
	}[verb]
	c := &cobra.Command{
		Use: verb + " SELECTION...", Short: short, ValidArgsFunction: a.completeSelection,
		Long: short + `, for partitioned assets or for whole unpartitioned ones. The record names the user and the reason.
--json prints {"run_id", "assets": [{"asset", "partitions", "count", "values"}]}.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.editStates(cmd.Context(), verb, args, f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.keys, "partition", "", "the partitions: a key, a,b, or a range a..b")
	flags.BoolVar(&f.all, "all", false, "all partitions")
	flags.StringVar(&f.reason, "reason", "", "the reason to record")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the changes; change nothing")
	if verb == "wipe" {
		flags.BoolVar(&f.values, "values", false, "also delete the stored values, if the IO handler can")
	}
	return c
}

func (a *app) editStates(ctx context.Context, verb string, selection []string, f editFlags) error {
	switch {
	case a.repo == nil:
		return usagef("partitions %s needs the definitions: use the program of the repository", verb)
	case len(selection) == 0:
		return usagef("partitions %s: name the assets", verb)
	}
	req := rivers.StateEdit{Selection: selection, All: f.all, By: whoami(), Reason: f.reason, Values: f.values, DryRun: f.dryRun}
	var err error
	if req.Keys, req.Range, err = parsePartition(f.keys); err != nil {
		return err
	}
	if err := a.resolve(ctx); err != nil {
		return err
	}
	call := a.repo.Wipe
	if verb == "mark" {
		call = a.repo.MarkMaterialized
	}
	res, err := call(ctx, req)
	switch {
	case err == nil:
	case errors.Is(err, rivers.ErrPartitionValidation) && f.keys == "" && !f.all:
		return usagef("%w (--partition, or --all)", err)
	default:
		return requestError(err)
	}
	if a.json {
		return a.PrintJSON(res)
	}
	word := map[string]string{"wipe": "wiped", "mark": "marked as materialized"}[verb]
	if f.dryRun {
		word = "would be " + word
	}
	if len(res.Assets) == 0 {
		a.Println("nothing to change")
	}
	for _, c := range res.Assets {
		what := c.Asset
		if c.Partitions != "" {
			what += " " + c.Partitions
		}
		if c.Values > 0 {
			what += " with " + term.Counted(c.Values, "value", "values")
		}
		a.Printf("%s: %s\n", word, what)
	}
	return nil
}
