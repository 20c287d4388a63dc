package rivers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// aged is an asset with a freshness policy, and partitions where there are some.
func aged(name string, policy freshness.Policy, d partition.Definition) rivers.Asset {
	return rivers.NewAsset(rivers.AssetSpec{Name: name, Freshness: policy, Partitions: d},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
}

// agedPair is a multi-asset with a policy of its own and one for its second output.
func agedPair(own, second freshness.Policy, d partition.Definition) rivers.Asset {
	return rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "pair", Freshness: own, Partitions: d, Outputs: []rivers.OutputSpec{{Name: "second", Freshness: second}}},
		func(*rivers.AssetContext, rivers.NoInput) (out struct{ First, Second int }, err error) {
			return out, nil
		})
}

// agedGraph is a graph asset with a policy.
func agedGraph(name string, policy freshness.Policy) rivers.Asset {
	one := rivers.NewTask(rivers.TaskSpec{Name: "one"}, func(*rivers.TaskContext, rivers.NoInput) (int, error) { return 1, nil })
	return rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: name, Freshness: policy},
		func(g *rivers.Graph) rivers.Ref[int] { return rivers.Call(g, one, nil) })
}

// agedFeed is an external asset with a policy.
func agedFeed(policy freshness.Policy, d partition.Definition) rivers.Asset {
	return rivers.NewExternalAsset(rivers.ExternalAssetSpec{
		Name: "feed", Freshness: policy, Partitions: d,
		Observe: func(*rivers.AssetContext) (rivers.Observation, error) { return rivers.Observation{}, nil },
	})
}

func TestFreshnessMistakes(t *testing.T) {
	hour := time.Hour
	days, wrong, latest := partition.Daily(january), freshness.TimeWindow(time.Second).In("Mars"), freshness.LatestPartition(hour)
	product := partition.Multi(map[string]partition.Definition{"day": days, "region": partition.Static("eu", "us")})
	requireAnswers(t, "testdata/freshness.txtar", mistakes(t, map[string]rivers.RepositoryConfig{
		"ages":                        assets(aged("a", freshness.TimeWindow(hour).WarnAfter(2*hour), nil)),
		"deadline":                    assets(aged("a", freshness.Cron("0 9 * *", time.Second).In("Mars"), nil)),
		"lower bound":                 assets(aged("a", freshness.Cron("*/30 * * * *", hour), nil)),
		"delay":                       assets(aged("a", freshness.LatestPartition(-hour).AtLeast(0), days)),
		"latest of no partitions":     assets(aged("a", latest, nil)),
		"latest of no time":           assets(aged("a", latest, partition.Static("eu", "us"))),
		"more than a window has":      assets(aged("a", latest.AtLeast(3), product)),
		"two dimensions of time":      assets(aged("a", latest, partition.Multi(map[string]partition.Definition{"day": days, "seen": days}))),
		"two mistakes in a graph":     assets(agedGraph("a", wrong)),
		"of no partitions in a graph": assets(agedGraph("a", latest)),
		"partitions made elsewhere":   assets(agedFeed(latest, days)),
		"of an external asset":        assets(agedFeed(wrong, nil)),
		"of a multi-asset, once":      assets(agedPair(wrong, freshness.Policy{}, nil)),
		"of an output":                assets(agedPair(latest, wrong, days)),
		"fits no output, once":        assets(agedPair(latest, freshness.Policy{}, nil)),
		"fits one output":             assets(agedPair(freshness.TimeWindow(hour), latest, nil)),
	}))
}

// timeless shows results without instants that depend on the clock.
func timeless(all []rivers.AssetFreshness) string {
	var b strings.Builder
	for _, a := range all {
		fmt.Fprintf(&b, "%s %s %s\n", a.Asset, a.Policy, a.State)
	}
	return b.String()
}

func TestFreshness(t *testing.T) {
	latest, day := freshness.LatestPartition(time.Hour), freshness.TimeWindow(24*time.Hour)
	days := partition.Daily(january, partition.Until(partition.Date(2026, 1, 6)))
	repo := resolved(t, rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{
		aged("total", day.WarnAfter(12*time.Hour), nil), aged("never", day, nil), aged("days", latest, days), number("plain", 1),
		agedFeed(freshness.Cron("0 * * * *", time.Hour), nil), agedPair(day, freshness.TimeWindow(time.Hour), nil), agedGraph("graph", day),
		aged("gap", latest.AtLeast(1), partition.Multi(map[string]partition.Definition{"day": days, "region": partition.Static("eu", "us")})),
	}})
	before := time.Now()
	materialize(t, repo, "total", "pair", "graph", "plain")
	if _, err := repo.Observe(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, req := range []rivers.RunRequest{
		{Selection: []string{"days"}, Range: partition.Range("2026-01-01", "2026-01-03")},
		{Selection: []string{"gap"}, Partition: partition.MultiKey(map[string][]string{"day": {"2026-01-05"}, "region": {"us"}})},
	} {
		if _, err := repo.Materialize(t.Context(), req); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		after time.Duration
		want  string
	}{
		{time.Minute, `first time_window(24h) PASS
never time_window(24h) UNKNOWN
second time_window(1h) PASS
total time_window(24h, warn 12h) PASS
`},
		{13 * time.Hour, `first time_window(24h) PASS
never time_window(24h) UNKNOWN
second time_window(1h) FAIL
total time_window(24h, warn 12h) WARN
`},
		{25 * time.Hour, `first time_window(24h) FAIL
never time_window(24h) UNKNOWN
second time_window(1h) FAIL
total time_window(24h, warn 12h) FAIL
`},
	} {
		got, err := repo.Freshness(t.Context(), rivers.FreshnessRequest{Selection: []string{"never", "total", "pair", "plain"}, Now: time.Now().Add(c.after)})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b rivers.AssetFreshness) int { return strings.Compare(a.Asset, b.Asset) })
		if timeless(got) != c.want {
			t.Errorf("after %s:\n%s\nwant\n%s", c.after, timeless(got), c.want)
		}
	}
	all, err := repo.Freshness(t.Context(), rivers.FreshnessRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 8 {
		t.Errorf("%d assets have a policy, want 8:\n%s", len(all), timeless(all))
	}
	for _, a := range all {
		switch a.Asset {
		case "days":
			if want := time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC); a.State != freshness.Fail || !a.Since.Equal(want) || !a.NextChange.IsZero() {
				t.Errorf("days is %s since %s, until %s; want it late since %s", a.State, a.Since, a.NextChange, want)
			}
		case "gap":
			if a.State != freshness.Pass || !a.NextChange.IsZero() {
				t.Errorf("gap is %s: %s", a.State, a.Reason)
			}
		case "feed", "graph":
			if a.State != freshness.Pass || a.Since.Before(before.Add(-time.Millisecond)) || !a.NextChange.After(a.Since) {
				t.Errorf("%s is %s since %s until %s: %s", a.Asset, a.State, a.Since, a.NextChange, a.Reason)
			}
		}
	}
	if _, err := repo.Freshness(t.Context(), rivers.FreshnessRequest{Selection: []string{"dasy"}}); err == nil || !strings.Contains(err.Error(), `did you mean "days"?`) {
		t.Errorf("a misspelt selection: %v", err)
	}
}

// countedReads counts what is asked of a store.
type countedReads struct {
	*memory.Store

	calls map[string]int
	names int
}

func (s *countedReads) ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	s.calls["ListAssets"]++
	s.names += len(q.Names)
	return s.Store.ListAssets(ctx, q)
}

func (s *countedReads) PartitionSets(ctx context.Context, keys []storage.AssetKey) ([]storage.PartitionSets, error) {
	s.calls["PartitionSets"] += len(keys)
	return s.Store.PartitionSets(ctx, keys)
}

func (s *countedReads) ListAssetEvents(ctx context.Context, q storage.AssetEventQuery) ([]storage.Event, error) {
	s.calls["ListAssetEvents"]++
	return s.Store.ListAssetEvents(ctx, q)
}

// One query for the records of the assets that have a policy, one for their partitions, and none for history.
func TestFreshnessReadsCount(t *testing.T) {
	latest, days := freshness.LatestPartition(time.Hour), partition.Daily(january)
	all := wide(500)
	for i := range 20 {
		all = append(all, aged(fmt.Sprintf("aged_%d", i), freshness.TimeWindow(time.Hour), days), aged(fmt.Sprintf("latest_%d", i), latest, days))
	}
	repo := rivers.NewCodeRepository(assets(all...))
	defer closeRepository(t, repo)
	store := &countedReads{Store: memory.New(), calls: map[string]int{}}
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	store.names = 0
	clear(store.calls)
	got, err := repo.Freshness(t.Context(), rivers.FreshnessRequest{})
	if err != nil || len(got) != 40 {
		t.Fatalf("%d assets (%v), want 40", len(got), err)
	}
	if store.calls["ListAssets"] != 1 || store.names != 40 || store.calls["PartitionSets"] != 20 || store.calls["ListAssetEvents"] != 0 {
		t.Errorf("calls %v for %d names, want one for 40 names and one for the partitions of 20", store.calls, store.names)
	}
}

func TestFreshnessIsInTheTopology(t *testing.T) {
	policy := freshness.Cron("0 9 * * *", time.Hour).In("Europe/Berlin")
	repo := resolved(t, assets(aged("a", policy, nil), number("plain", 1)))
	stored, err := repo.Storage().GetTopology(t.Context(), "repo")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := stored.Document()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range doc.Nodes {
		if n.Name == "a" && !n.Freshness.Equal(policy) || n.Name == "plain" && !n.Freshness.IsZero() {
			t.Errorf("%s has the policy %s", n.Name, n.Freshness)
		}
	}
	if n := strings.Count(string(stored.Doc), `"freshness"`); n != 1 {
		t.Errorf("%d policies are recorded, want 1:\n%s", n, stored.Doc)
	}
}
