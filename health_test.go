package rivers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage/memory"
)

// verdict is a check that says the same each time.
func verdict(asset, name string, said rivers.CheckResult, err error, d partition.Definition) *rivers.Check {
	return rivers.NewCheck(rivers.CheckSpec{Name: name, Asset: asset, Partitions: d},
		func(*rivers.CheckContext, rivers.NoInput) (rivers.CheckResult, error) { return said, err })
}

func healthText(all []rivers.AssetHealth) string {
	var b strings.Builder
	for _, a := range all {
		fmt.Fprintf(&b, "%s %s: %s\n", a.Asset, a.State, a.Reason)
	}
	return b.String()
}

func TestHealth(t *testing.T) {
	letters := partition.Static("a", "b", "c")
	passed, failed := rivers.CheckResult{Passed: true}, rivers.CheckResult{}
	sick := rivers.NewAsset(rivers.AssetSpec{Name: "sick"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("the source is away") })
	split := rivers.NewAsset(rivers.AssetSpec{Name: "split", Partitions: letters},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if ctx.Partition().Key().String() == "b" {
				return 0, errors.New("there is no b")
			}
			return 1, nil
		})
	repo := resolved(t, rivers.RepositoryConfig{
		Name:   "repo",
		Assets: []rivers.Asset{number("plain", 1), number("judged", 2), number("warned", 3), aged("fresh", freshness.TimeWindow(time.Hour), nil), sick, split, agedFeed(freshness.Policy{}, nil), aged("parts", freshness.Policy{}, letters)},
		Tasks:  []rivers.Node{rivers.NewTask(rivers.TaskSpec{Name: "sweep"}, func(*rivers.TaskContext, rivers.NoInput) (int, error) { return 0, nil })},
		Checks: []*rivers.Check{
			verdict("judged", "good", passed, nil, nil), verdict("judged", "bad", failed, nil, nil), verdict("judged", "broken", failed, errors.New("no disk"), nil),
			verdict("warned", "odd", rivers.CheckResult{Severity: rivers.SeverityWarn}, nil, nil), verdict("parts", "each", passed, nil, letters),
		},
	})
	ask := func(req rivers.HealthRequest) string {
		t.Helper()
		all, err := repo.Health(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		return healthText(all)
	}
	want := `plain UNKNOWN: it was never materialized
judged UNKNOWN: it was never materialized; 3 of 3 checks have no result
`
	if got := ask(rivers.HealthRequest{Selection: []string{"plain", "judged"}}); got != want {
		t.Errorf("before anything was made:\n%s\nwant\n%s", got, want)
	}
	for _, req := range []rivers.RunRequest{
		{Selection: []string{"plain", "judged", "warned", "fresh", "sick"}},
		{Selection: []string{"split", "parts"}, Range: partition.Range("a", "c")},
	} {
		if res, err := repo.Materialize(t.Context(), req); res == nil {
			t.Fatal(err)
		}
	}
	for asset, want := range map[string]string{
		"plain":  "HEALTHY: it is materialized",
		"judged": "DEGRADED: 1 of 3 checks failed and 1 crashed",
		"warned": "WARNING: 1 of 1 checks warned",
		"fresh":  "HEALTHY: it is materialized; it is fresh",
		"sick":   "DEGRADED: the last materialization failed",
		"split":  "DEGRADED: 1 partition failed",
		"parts":  "HEALTHY: it is materialized; 1 of 1 checks passed",
		"feed":   "NOT_APPLICABLE: it is made elsewhere and was never observed; it has no checks; it has no freshness policy",
	} {
		if got := ask(rivers.HealthRequest{Selection: []string{asset}}); got != asset+" "+want+"\n" {
			t.Errorf("%swant\n%s %s", got, asset, want)
		}
	}
	later := rivers.HealthRequest{Selection: []string{"fresh", "sweep"}, Now: time.Now().Add(2 * time.Hour)}
	if got := ask(later); !strings.HasPrefix(got, "fresh DEGRADED: it is late: last materialized 2h") || strings.Count(got, "\n") != 1 {
		t.Errorf("two hours later:\n%s", got)
	}
	if got := strings.Count(ask(rivers.HealthRequest{}), "\n"); got != 8 {
		t.Errorf("the health of %d assets, want 8", got)
	}
	other := memory.New()
	defer func() { _ = other.Close() }()
	if got := ask(rivers.HealthRequest{Selection: []string{"plain"}, Store: other}); got != "plain UNKNOWN: it was never materialized\n" {
		t.Errorf("on another store: %s", got)
	}
	if _, err := repo.Health(t.Context(), rivers.HealthRequest{Selection: []string{"plian"}}); err == nil || !strings.Contains(err.Error(), `did you mean "plain"?`) {
		t.Errorf("a misspelt selection: %v", err)
	}
}

// One query for all records, one for all partitions, and none for history, however many assets and checks there are.
func TestHealthReadsCount(t *testing.T) {
	letters := partition.Static("a", "b", "c")
	all, checks := wide(100), []*rivers.Check{}
	for i := range 20 {
		name := fmt.Sprintf("letters_%d", i)
		all = append(all, aged(name, freshness.Policy{}, letters))
		checks = append(checks, verdict(name, "each", rivers.CheckResult{Passed: true}, nil, letters), verdict(name, "whole", rivers.CheckResult{Passed: true}, nil, nil))
	}
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Assets: all, Checks: checks})
	defer closeRepository(t, repo)
	store := &countedReads{Store: memory.New(), calls: map[string]int{}}
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	store.names = 0
	clear(store.calls)
	got, err := repo.Health(t.Context(), rivers.HealthRequest{})
	if err != nil || len(got) != len(all) || got[0].State != health.Unknown {
		t.Fatalf("%d assets (%v), want %d", len(got), err, len(all))
	}
	if store.calls["ListAssets"] != 1 || store.names != len(all)+len(checks) || store.calls["PartitionSets"] != 40 || store.calls["ListAssetEvents"] != 0 {
		t.Errorf("calls %v for %d names, want one for %d names and one for the partitions of 40", store.calls, store.names, len(all)+len(checks))
	}
}
