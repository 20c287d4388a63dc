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
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
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

// series is what was recorded under one key, oldest first.
type series struct {
	Key string `json:"key"`
	// Kind is that of the last value.
	Kind   metadata.Kind `json:"kind"`
	Points []point       `json:"points"`
}

// point is one value of a series.
type point struct {
	At        time.Time `json:"at"`
	RunID     string    `json:"run_id,omitempty"`
	Partition string    `json:"partition,omitempty"`
	// Value is a number where it is one, else as metadata has it.
	Value any `json:"value"`

	value metadata.Value
}

// seriesOf gathers a history, newest first, by keys: those that are named, or all whose values are
// numbers.
func seriesOf(history []storage.MetadataRecord, keys []string) []series {
	byKey := map[string]*series{}
	for i := range slices.Backward(history) {
		record := &history[i]
		for key := range record.Values {
			v, ok := record.Values.Get(key)
			number, isNumber := v.Number()
			if !ok || !isNumber && len(keys) == 0 {
				continue
			}
			s := byKey[key]
			if s == nil {
				s = &series{Key: key}
				byKey[key] = s
			}
			p := point{At: record.At, RunID: record.RunID, Partition: record.Partition, Value: number, value: v}
			if !isNumber {
				p.Value = v
			}
			s.Kind, s.Points = v.Kind(), append(s.Points, p)
		}
	}
	all := []series{} // not null in JSON
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		all = append(all, *byKey[key])
	}
	return all
}

// trend is a series of numbers.
type trend struct {
	key             string
	values          []float64
	low, high, last string // texts of values
}

// trendOf leaves out what is no number. It is false where fewer than two are left, which show no
// trend.
func trendOf(s *series) (trend, bool) {
	t := trend{key: s.Key}
	var low, high float64
	for i := range s.Points {
		v := s.Points[i].value
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

// trends reads the numbers that were recorded last of an asset.
func (a *app) trends(ctx context.Context, name string) ([]series, error) {
	all := []series{} // not null in JSON
	err := a.withStore(ctx, func(s storage.Reader) error {
		keys, err := s.AssetKeys(ctx, []string{name})
		if err != nil || keys[0] == 0 {
			return err
		}
		history, err := storage.MetadataHistory(ctx, s, storage.MetadataQuery{Asset: keys[0], Limit: trendValues, Scan: trendEvents})
		all = seriesOf(history, nil)
		return err
	})
	if a.repo != nil && as[*noStoreError](err) {
		err = nil // nothing was materialized yet
	}
	return all, err
}

// printTrends prints a line for each number that was recorded more than once.
func (a *app) printTrends(all []series) {
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
	views, err := a.views(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(views, func(v assetView) bool { return v.Name == name })
	if i < 0 {
		return a.unknownAsset(name, views)
	}
	if err := f.check(&views[i].TopologyNode); err != nil {
		return err
	}
	var history []storage.MetadataRecord
	err = a.withStore(ctx, func(s storage.Reader) (err error) {
		history, err = readHistory(ctx, s, &views[i].TopologyNode, f)
		return err
	})
	if err != nil && (a.repo == nil || !as[*noStoreError](err)) { // without a store nothing was materialized yet
		return err
	}
	all := seriesOf(history, f.keys)
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

// check refuses a partition of what has none, and writes its key as it is stored.
func (f *historyFlags) check(node *storage.TopologyNode) error {
	if f.partition == "" {
		return nil
	}
	if node.Partitions == nil {
		return usagef("asset %q: it has no partitions: leave --partition out", node.Name)
	}
	key, err := partition.ParseKey(f.partition)
	if err != nil {
		return usagef("--partition: %w", err)
	}
	f.partition = key.String()
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

// readHistory reads what the flags ask for, and reports an unknown key or a partition without
// history.
func readHistory(ctx context.Context, s storage.Reader, node *storage.TopologyNode, f historyFlags) ([]storage.MetadataRecord, error) {
	assets, err := s.AssetKeys(ctx, []string{node.Name})
	if err != nil || assets[0] == 0 {
		return nil, err
	}
	q := storage.MetadataQuery{Asset: assets[0], Keys: f.keys, Partition: f.partition, Limit: f.limit}
	history, err := storage.MetadataHistory(ctx, s, q)
	if err != nil {
		return nil, err
	}
	if len(f.keys) > 0 {
		q.Keys, q.Limit, q.Scan = nil, trendEvents, trendEvents
		recent, err := storage.MetadataHistory(ctx, s, q)
		if err == nil {
			err = unknownKey(node.Name, f.keys, append(recent, history...))
		}
		if err != nil {
			return nil, err
		}
	}
	if len(history) == 0 && f.partition != "" {
		return nil, unknownPartition(ctx, s, node, f.partition)
	}
	return history, nil
}

// unknownKey refuses a key that nothing was recorded under; where nothing was recorded at all, any
// may be right.
func unknownKey(asset string, keys []string, history []storage.MetadataRecord) error {
	known := map[string]bool{}
	for i := range history {
		for key := range history[i].Values {
			known[key] = true
		}
	}
	if len(known) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(known))
	for _, key := range keys {
		if !known[key] {
			return usagef("asset %q: no metadata %q was recorded%s: there is %s", asset, key, suggestion(key, slices.Values(names)), strings.Join(names, ", "))
		}
	}
	return nil
}

// unknownPartition refuses a key that does not exist, with the nearest one that does.
func unknownPartition(ctx context.Context, s storage.Reader, node *storage.TopologyNode, text string) error {
	key, err := partition.ParseKey(text)
	if err != nil {
		return err
	}
	space, err := openSpace(ctx, s, *node.Partitions)
	if err != nil {
		return fmt.Errorf("asset %q: %w", node.Name, err)
	}
	if _, err := space.Set(key); err != nil {
		return usagef("asset %q: %w", node.Name, err)
	}
	return nil
}

// printCharts plots each series of numbers for a person at a terminal.
func (a *app) printCharts(all []series) {
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
func (a *app) printValues(history []storage.MetadataRecord, all []series) {
	rows := term.Table{Head: []string{"at"}}
	divided := slices.ContainsFunc(history, func(r storage.MetadataRecord) bool { return r.Partition != "" || !r.Partitions.IsEmpty() })
	if divided {
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
		case divided && r.Partition == "" && !r.Partitions.IsEmpty():
			shown = append(shown, "several")
		case divided:
			shown = append(shown, term.Dash(r.Partition))
		}
		rows.Add(append(append(shown, values...), term.Dash(r.RunID))...)
	}
	a.PrintTable(&rows)
}

// valuesOf are the texts of a record's values in each series, nil where it has none.
func valuesOf(r *storage.MetadataRecord, all []series) []any {
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
