package rivers_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// viewedAt is an instant at which four of the ten days have ended.
var viewedAt = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// viewedShop is a repository with an asset of each kind that a view treats by itself. Its third day fails,
// and its check warns of the second.
func viewedShop(name string) *rivers.CodeRepository {
	feed := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "feed", Group: "source"})
	sales := rivers.NewAsset(rivers.AssetSpec{Name: "sales", Group: "source", Partitions: tenDays, Freshness: freshness.TimeWindow(time.Hour)},
		func(c *rivers.AssetContext, _ none) (rivers.Output[int], error) {
			if c.Partition().Key().String() == "2026-01-03" {
				return rivers.Output[int]{}, errors.New("the disk is full")
			}
			return rivers.Output[int]{Value: 1, Metadata: metadata.Map{"rows": metadata.Int(7)}}, nil
		})
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total", Deps: []rivers.Dep{{On: "feed", OrderOnly: true}}}, func(*rivers.AssetContext, none) (int, error) { return 3, nil })
	sound := rivers.NewCheck(rivers.CheckSpec{Name: "sound", Asset: "sales", Partitions: tenDays}, func(c *rivers.CheckContext, in struct{ Sales int }) (rivers.CheckResult, error) {
		if c.Partition().Key().String() == "2026-01-02" {
			return rivers.CheckResult{Severity: rivers.SeverityWarn, Description: "few rows"}, nil
		}
		return rivers.CheckResult{Passed: true}, nil
	})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: name, Assets: []rivers.Asset{feed, sales, total}, Checks: []*rivers.Check{sound}})
}

// viewedStore returns a store that two repositories with the same names wrote to.
func viewedStore(t *testing.T) (store storage.Storage, first *rivers.CodeRepository) {
	t.Helper()
	store = memory.New()
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	first = viewedShop("first")
	for _, repo := range []*rivers.CodeRepository{first, viewedShop("second")} {
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := repo.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := first.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"total"}}); err != nil {
		t.Fatal(err)
	}
	res, err := first.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"sales"}, Range: partition.Range("2026-01-01", "2026-01-04")})
	if err != nil && res == nil {
		t.Fatal(err)
	}
	return store, first
}

// viewOf is a view of the named location alone.
func viewOf(t *testing.T, store storage.Storage, location string) *view.View {
	t.Helper()
	top, err := store.GetTopology(t.Context(), location)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := top.Document()
	if err != nil {
		t.Fatal(err)
	}
	return &view.View{Definitions: view.Of(doc), Store: store, Now: viewedAt}
}

// TestStoredDefinitionsGiveTheAnswersOfTheProgram compares what a repository answers of itself with
// what a reader without its program is told.
func TestStoredDefinitionsGiveTheAnswersOfTheProgram(t *testing.T) {
	t.Parallel()
	store, repo := viewedStore(t)
	v := viewOf(t, store, "first")
	ctx := t.Context()

	healths, err := v.Health(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := repo.Health(ctx, rivers.HealthRequest{Now: viewedAt})
	if err != nil || len(own) != len(healths) {
		t.Fatalf("%d and %d assets, %v", len(own), len(healths), err)
	}
	for i := range own {
		if got := healths[i]; v.Nodes()[got.Node].Name != own[i].Asset || !reflect.DeepEqual(got.Report, own[i].Report) {
			t.Errorf("%s: %+v, its program says %+v", own[i].Asset, got.Report, own[i].Report)
		}
	}
	want := map[string]health.State{"feed": health.NotApplicable, "sales": health.Degraded, "total": health.Healthy}
	for i := range healths {
		if name := v.Nodes()[healths[i].Node].Name; healths[i].State != want[name] {
			t.Errorf("%s is %s, want %s", name, healths[i].State, want[name])
		}
	}

	checks, err := v.CheckStatus(ctx, nil)
	if err != nil || len(checks) != 1 {
		t.Fatalf("%d checks, %v", len(checks), err)
	}
	status, err := repo.CheckStatus(ctx)
	if err != nil || len(status) != 1 {
		t.Fatalf("%d checks, %v", len(status), err)
	}
	p := checks[0].Partitions
	if p == nil || !reflect.DeepEqual(p.Passed, status[0].Partitions.Passed.Partitions) || !reflect.DeepEqual(p.Warned, status[0].Partitions.Warned.Partitions) {
		t.Errorf("%+v, its program says %+v", p, status[0].Partitions)
	}
	if n := p.Space.Count(p.Passed); n != 2 || p.Space.Count(p.Warned) != 1 || p.Space.Count(p.Skipped) != 1 || !p.Unchecked.IsEmpty() {
		t.Errorf("%d passed, want 2 passed, 1 warned, 1 skipped, none unchecked: %+v", n, p)
	}
}

func TestViewOfPartitions(t *testing.T) {
	t.Parallel()
	store, _ := viewedStore(t)
	v := viewOf(t, store, "first")
	p, err := v.Partitions(t.Context(), "sales")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := p.Counts(), (view.PartitionCounts{Definition: tenDays.String(), Total: 4, Materialized: 3, Failed: 1, Missing: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	list, err := p.List(t.Context(), p.Space.All(), partition.SingleKey("2026-01-02"), 3)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range list {
		got = append(got, list[i].Partition+" "+string(list[i].State))
	}
	if want := []string{"2026-01-02 materialized", "2026-01-03 failed", "2026-01-04 materialized"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if list[1].Failure == nil || !strings.Contains(list[1].Failure.Error, "disk is full") || list[0].Latest == nil {
		t.Errorf("%+v: want the failure of the third day and the latest of the second", list)
	}
	r, err := view.RangesOf(p.Space, p.In(view.Materialized))
	if err != nil || !slices.Equal(r.Ranges, []string{"2026-01-01..2026-01-02", "2026-01-04"}) || r.More || r.Count != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestViewOfAllLocations has two repositories that use the same names.
func TestViewOfAllLocations(t *testing.T) {
	t.Parallel()
	store, _ := viewedStore(t)
	d, err := view.Stored(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range d.Nodes() {
		got = append(got, n.Location+"/"+n.Name)
	}
	if want := []string{"first/feed", "first/sales", "first/total", "second/feed", "second/sales", "second/total"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if n, err := d.Find("sales"); err != nil || n.Location != "first" {
		t.Errorf("%+v, %v: want the one of the first location", n, err)
	}
	if len(d.Checks()) != 2 || d.Nodes()[d.Checks()[1].Asset].Location != "second" {
		t.Errorf("%+v: want a check of each location", d.Checks())
	}
}

func TestViewSelects(t *testing.T) {
	t.Parallel()
	store, _ := viewedStore(t)
	v := viewOf(t, store, "first")
	for _, test := range []struct{ text, want string }{
		{"group:source", "feed sales"}, {"feed+", "feed total"}, {"kind:parquet or total", "total"}, {"", "feed sales total"},
	} {
		var texts []string
		if test.text != "" {
			texts = []string{test.text}
		}
		filter, err := v.Select(texts...)
		if err != nil {
			if test.text != "kind:parquet or total" { // no node has a kind: the language reports it
				t.Errorf("%s: %v", test.text, err)
			}
			continue
		}
		var got []string
		for i, n := range v.Nodes() {
			if filter == nil || filter(i) {
				got = append(got, n.Name)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, want %s", test.text, got, test.want)
		}
	}
}

// TestViewRefusesUnknownNames has questions about what does not exist.
func TestViewRefusesUnknownNames(t *testing.T) {
	t.Parallel()
	store, _ := viewedStore(t)
	v := viewOf(t, store, "first")
	ctx := t.Context()
	tests := map[string]struct {
		ask  func(context.Context) error
		want string
	}{
		"asset":     {func(context.Context) error { _, err := v.Find("slaes"); return err }, `did you mean "sales"?`},
		"selection": {func(context.Context) error { _, err := v.Select("group:nothing"); return err }, `"source"`},
		"whole":     {func(ctx context.Context) error { _, err := v.Partitions(ctx, "total"); return err }, "has no partitions"},
		"metadata": {func(ctx context.Context) error {
			_, err := v.Metadata(ctx, view.MetadataQuery{Asset: "sales", Keys: []string{"row"}, Limit: 9})
			return err
		}, `did you mean "rows"?`},
		"partition": {func(ctx context.Context) error {
			_, err := v.Metadata(ctx, view.MetadataQuery{Asset: "sales", Partition: "2027-01-01", Limit: 9})
			return err
		}, "2027-01-01"},
		"run":      {func(ctx context.Context) error { _, err := view.FindRun(ctx, store, "zzz"); return err }, "unknown id"},
		"runs":     {func(ctx context.Context) error { _, err := view.FindRun(ctx, store, ""); return err }, "ids start with this"},
		"backfill": {func(ctx context.Context) error { _, err := view.FindBackfill(ctx, store, "zzz"); return err }, "unknown id"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.ask(ctx)
			if _, ok := errors.AsType[*view.RequestError](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v (%T), want a RequestError with %s", err, err, test.want)
			}
		})
	}
}

// TestViewOfRunsAndBackfills reads the backfill of the shop with its runs.
func TestViewOfRunsAndBackfills(t *testing.T) {
	t.Parallel()
	store, _ := viewedStore(t)
	v := viewOf(t, store, "first")
	ctx := t.Context()
	b, err := view.FindBackfill(ctx, store, "latest")
	if err != nil {
		t.Fatal(err)
	}
	failed, err := v.FailedRanges(ctx, &b)
	if err != nil || !slices.Equal(failed.Ranges, []string{"2026-01-03"}) {
		t.Errorf("%+v, %v: want the third day", failed, err)
	}
	if view.Abandoned(&b) {
		t.Error("an ended backfill is abandoned")
	}
	runs, err := store.ListRuns(ctx, storage.RunQuery{Backfill: b.ID})
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(runs, func(r storage.RunRecord) bool { return r.Partition == "2026-01-03" })
	if at < 0 {
		t.Fatalf("%d runs, none of the third day", len(runs))
	}
	run, err := view.OpenRun(ctx, store, runs[at].ID)
	if err != nil || len(run.Steps) != 2 {
		t.Fatalf("%+v, %v", run, err)
	}
	made, checked := run.Steps[0], run.Steps[1]
	if made.State != "failed" || made.Attempts != 1 || !strings.Contains(made.Cause, "disk is full") || checked.State != "skipped" {
		t.Errorf("%+v: want a failed step and its skipped check", run.Steps)
	}
	history, err := v.Metadata(ctx, view.MetadataQuery{Asset: "sales", Limit: 9})
	if err != nil {
		t.Fatal(err)
	}
	if s := view.SeriesOf(history, nil); len(s) != 1 || s[0].Key != "rows" || len(s[0].Points) != 3 || s[0].Points[0].Value != 7.0 {
		t.Errorf("%+v: want three points of rows", s)
	}
	if events, err := v.History(ctx, "sales", 2); err != nil || len(events) != 2 || events[0].Partition != "2026-01-04" {
		t.Errorf("%+v, %v: want the two last events", events, err)
	}
}
