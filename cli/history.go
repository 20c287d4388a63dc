package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

// What assets show draws of the past: so many values of each number, from among so many events.
const (
	trendValues = 40
	trendEvents = 200
)

// chartRows is how high a plot on a terminal is.
const chartRows = 8

type historyFlags struct {
	keys      []string
	partition string
	limit     int
}

func (a *app) assetHistoryCommand() *cobra.Command {
	var f historyFlags
	c := &cobra.Command{
		Use: "history NAME", Short: "Show the metadata of an asset over time", Args: oneArg, ValidArgsFunction: a.completeAssets,
		Long: `Show the metadata that was recorded with the last materializations and observations of an asset: each number, or what
--key names. A terminal gets a plot of each number. It is history: what db prune deleted is not in it.
--json prints a list of {"key", "kind", "points"}, oldest first; a size is in bytes, a duration in seconds.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.assetHistory(cmd.Context(), args[0], f) },
	}
	c.Flags().StringArrayVar(&f.keys, "key", nil, "only this metadata, numbers or not; may be repeated")
	c.Flags().StringVar(&f.partition, "partition", "", "only the events of this partition")
	c.Flags().IntVar(&f.limit, "limit", 100, "how many of the last materializations and observations")
	return c
}

// trend is a series of numbers.
type trend struct {
	key             string
	values          []float64
	low, high, last string // texts of values
}

// trendOf leaves out what is no number. It is false where fewer than two are left, which show no
// trend.
func trendOf(s *view.Series) (trend, bool) {
	t := trend{key: s.Key}
	var low, high float64
	for i := range s.Points {
		v := s.Points[i].Recorded
		n, ok := v.Number()
		if !ok {
			continue
		}
		t.last = valueText(s.Key, v)
		if len(t.values) == 0 || n < low {
			low, t.low = n, t.last
		}
		if len(t.values) == 0 || n > high {
			high, t.high = n, t.last
		}
		t.values = append(t.values, n)
	}
	return t, len(t.values) > 1
}

// printTrends prints a line for each number that was recorded more than once.
func (a *app) printTrends(all []view.Series) {
	width := trendValues
	if a.Interactive {
		width = min(max(a.Width()/3, 8), trendValues)
	}
	rows := term.Table{Head: []string{"over time", "", "min", "max", "last"}}
	for i := range all {
		if t, ok := trendOf(&all[i]); ok {
			rows.Add(printable(t.key), term.Spark(t.values, width), t.low, t.high, t.last)
		}
	}
	if len(rows.Rows) > 0 {
		a.Println()
		a.PrintTable(&rows)
	}
}

func (a *app) assetHistory(ctx context.Context, name string, f historyFlags) error {
	if f.limit < 1 {
		return usagef("--limit %d: want 1 or more", f.limit)
	}
	var history []storage.MetadataRecord
	err := a.withView(ctx, func(v *view.View) (err error) {
		history, err = v.Metadata(ctx, view.MetadataQuery{Asset: name, Keys: f.keys, Partition: f.partition, Limit: f.limit})
		return err
	})
	if err != nil {
		return err
	}
	all := view.SeriesOf(history, f.keys)
	if a.json {
		return a.PrintJSON(all)
	}
	if len(all) == 0 {
		a.Printf("%s: %s was recorded\n", name, f.nothing())
		return nil
	}
	a.printCharts(all)
	a.printValues(history, all)
	return nil
}

// nothing describes what there was none of.
func (f *historyFlags) nothing() string {
	text := "no number"
	if len(f.keys) > 0 {
		text = "no " + strings.Join(f.keys, " or ")
	}
	if f.partition != "" {
		text += " of " + f.partition
	}
	return text
}

// printCharts plots each series of numbers for a person at a terminal.
func (a *app) printCharts(all []view.Series) {
	if !a.Interactive {
		return
	}
	for i := range all {
		t, ok := trendOf(&all[i])
		if !ok {
			continue
		}
		a.Println(a.Paint(term.Bold, printable(t.key)))
		for _, line := range term.Chart(t.values, t.low, t.high, chartRows, min(a.Width()-1, 100)) {
			a.Println(line)
		}
		a.Println()
	}
}

// printValues prints a row for each materialization and observation, newest first.
func (a *app) printValues(history []storage.MetadataRecord, all []view.Series) {
	rows := term.Table{Head: []string{"at"}}
	partitioned := slices.ContainsFunc(history, func(r storage.MetadataRecord) bool { return r.Partition != "" || !r.Partitions.IsEmpty() })
	if partitioned {
		rows.Head = append(rows.Head, "partition")
	}
	for i := range all {
		rows.Head = append(rows.Head, printable(all[i].Key))
	}
	rows.Head = append(rows.Head, "run") // last, for it is long and a narrow window cuts what is last
	for i := range history {
		r := &history[i]
		values := valuesOf(r, all)
		if values == nil {
			continue
		}
		shown := []any{term.Instant(r.At)}
		switch {
		case partitioned && r.Partition == "" && !r.Partitions.IsEmpty():
			shown = append(shown, "several")
		case partitioned:
			shown = append(shown, term.Dash(r.Partition))
		}
		rows.Add(append(append(shown, values...), term.Dash(r.RunID))...)
	}
	a.PrintTable(&rows)
}

// valuesOf are the texts of a record's values in each series, nil where it has none.
func valuesOf(r *storage.MetadataRecord, all []view.Series) []any {
	texts, said := make([]any, len(all)), false
	for i := range all {
		texts[i] = "-"
		if v, ok := r.Values.Get(all[i].Key); ok {
			texts[i], said = term.OneLine(valueText(all[i].Key, v), 60), true
		}
	}
	if !said {
		return nil
	}
	return texts
}
