package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	client "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/prometheus"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

func users(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
	if ctx.Attempt() == 1 {
		return 0, errors.New("not yet")
	}
	ctx.AddMetadata("rows", 3)
	return 3, nil
}

func repository(t *testing.T, registry *client.Registry, o prometheus.Options) *rivers.CodeRepository {
	t.Helper()
	l, err := prometheus.Listener(registry, o)
	if err != nil {
		t.Fatal(err)
	}
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{
			rivers.NewAsset(rivers.AssetSpec{Name: "users", Retry: retry.Policy{Max: 1}}, users),
			rivers.NewAsset(rivers.AssetSpec{Name: "bad"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("bad") }),
			rivers.NewAsset(rivers.AssetSpec{Name: "after"}, func(_ *rivers.AssetContext, in struct{ Bad int }) (int, error) { return in.Bad, nil }),
			rivers.NewAsset(rivers.AssetSpec{Name: "parts", Partitions: partition.Static("a", "b", "c")}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }),
		},
		Listeners: []rivers.Listener{l},
	})
	resolve(t, repo)
	return repo
}

// resolve opens a store in memory for a repository.
func resolve(t *testing.T, repo *rivers.CodeRepository) {
	t.Helper()
	store := memory.New()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(repo.Shutdown(context.Background()), store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestMetricsOfRuns(t *testing.T) {
	for _, c := range []struct {
		name    string
		options prometheus.Options
		want    string
	}{
		{"plain", prometheus.Options{}, `
rivers_steps_total{outcome="failed"} 2
rivers_steps_total{outcome="skipped"} 1
rivers_steps_total{outcome="succeeded"} 1
rivers_step_failures_total{reason="error"} 2
rivers_retries_total 1
rivers_materializations_total 1
rivers_rows_total 3
`},
		{"by asset", prometheus.Options{ByAsset: true}, `
rivers_steps_total{asset="after",outcome="skipped"} 1
rivers_steps_total{asset="bad",outcome="failed"} 1
rivers_steps_total{asset="users",outcome="failed"} 1
rivers_steps_total{asset="users",outcome="succeeded"} 1
rivers_step_failures_total{asset="bad",reason="error"} 1
rivers_step_failures_total{asset="users",reason="error"} 1
rivers_retries_total{asset="users"} 1
rivers_materializations_total{asset="users"} 1
rivers_rows_total{asset="users"} 3
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			registry := client.NewRegistry()
			repo := repository(t, registry, c.options)
			if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"users", "bad", "after"}}); err == nil {
				t.Fatal("the run succeeded, and one of its assets does not")
			}
			want := c.want + `
rivers_runs_total{job="",status="failure"} 1
rivers_runs_in_progress 0
rivers_steps_in_progress 0
`
			compare(t, registry, want)
			if n, err := testutil.GatherAndCount(registry, "rivers_step_duration_seconds"); err != nil || n == 0 {
				t.Errorf("%d series of durations of steps, %v", n, err)
			}
			if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
				t.Errorf("what Prometheus thinks of the names: %v %v", problems, err)
			}
		})
	}
}

func TestMetricsOfABackfill(t *testing.T) {
	registry := client.NewRegistry()
	repo := repository(t, registry, prometheus.Options{})
	if _, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"parts"}}); err != nil {
		t.Fatal(err)
	}
	compare(t, registry, `
rivers_backfill_partitions_total{outcome="completed"} 3
rivers_backfill_partitions_total{outcome="failed"} 0
rivers_backfill_partitions_total{outcome="canceled"} 0
rivers_backfills_in_progress 0
`)
}

func TestMetricsOfChecksAndActions(t *testing.T) {
	letters := partition.Static("a", "b", "c")
	for _, c := range []struct {
		name    string
		options prometheus.Options
		want    string
	}{
		{"plain", prometheus.Options{}, `
rivers_check_evaluations_total{outcome="passed",severity=""} 2
rivers_check_evaluations_total{outcome="failed",severity="error"} 1
rivers_check_evaluations_total{outcome="failed",severity="warn"} 1
rivers_check_evaluations_total{outcome="crashed",severity=""} 1
rivers_check_evaluations_total{outcome="skipped",severity=""} 1
rivers_actions_total{effect="forgets"} 1
`},
		{"by asset", prometheus.Options{ByAsset: true}, `
rivers_check_evaluations_total{asset="parts",outcome="passed",severity=""} 2
rivers_check_evaluations_total{asset="parts",outcome="failed",severity="warn"} 1
rivers_check_evaluations_total{asset="users",outcome="failed",severity="error"} 1
rivers_check_evaluations_total{asset="users",outcome="crashed",severity=""} 1
rivers_check_evaluations_total{asset="bad",outcome="skipped",severity=""} 1
rivers_actions_total{asset="users",effect="forgets"} 1
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			registry := client.NewRegistry()
			l, err := prometheus.Listener(registry, c.options)
			if err != nil {
				t.Fatal(err)
			}
			check := func(asset, name string, d partition.Definition, say func(part string) (rivers.CheckResult, error)) *rivers.Check {
				return rivers.NewCheck(rivers.CheckSpec{Name: name, Asset: asset, Partitions: d},
					func(ctx *rivers.CheckContext, _ rivers.NoInput) (rivers.CheckResult, error) {
						return say(ctx.Partition().Key().String())
					})
			}
			fails := func(string) (rivers.CheckResult, error) { return rivers.CheckResult{}, nil }
			one := func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }
			repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
				Assets: []rivers.Asset{
					rivers.NewAsset(rivers.AssetSpec{Name: "users", Actions: []rivers.Action{rivers.NewAction(
						rivers.ActionSpec{Name: "drop", Effect: rivers.Forgets},
						func(*rivers.ActionContext, rivers.NoInput) (rivers.ActionResult, error) {
							return rivers.ActionResult{Did: rivers.Forgets}, nil
						})}}, one),
					rivers.NewAsset(rivers.AssetSpec{Name: "parts", Partitions: letters}, one),
					rivers.NewAsset(rivers.AssetSpec{Name: "bad"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("bad") }),
				},
				Checks: []*rivers.Check{
					check("users", "fails", nil, fails), check("bad", "fails", nil, fails),
					check("users", "crashes", nil, func(string) (rivers.CheckResult, error) { return rivers.CheckResult{}, errors.New("no database") }),
					check("parts", "each", letters, func(part string) (rivers.CheckResult, error) {
						return rivers.CheckResult{Passed: part != "c", Severity: rivers.SeverityWarn}, nil
					}),
				},
				Listeners: []rivers.Listener{l},
			})
			resolve(t, repo)
			for _, req := range []rivers.RunRequest{{Selection: []string{"users", "bad"}}, {Selection: []string{"parts"}, Range: partition.Range("a", "c")}} {
				if res, err := repo.Materialize(t.Context(), req); res == nil {
					t.Fatal(err)
				}
			}
			if _, err := repo.RunAction(t.Context(), rivers.RunActionRequest{Action: "drop", Selection: []string{"users"}}); err != nil {
				t.Fatal(err)
			}
			compare(t, registry, c.want)
			if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
				t.Errorf("what Prometheus thinks of the names: %v %v", problems, err)
			}
		})
	}
}

func TestARegistererIsUsedOnce(t *testing.T) {
	registry := client.NewRegistry()
	if _, err := prometheus.Listener(registry, prometheus.Options{}); err != nil {
		t.Fatal(err)
	}
	_, err := prometheus.Listener(registry, prometheus.Options{})
	if already := (client.AlreadyRegisteredError{}); !errors.As(err, &already) {
		t.Errorf("a second listener: %v, want %T", err, already)
	}
}

// compare looks for samples, one a line, among those of a registry.
func compare(t *testing.T, registry *client.Registry, want string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			if len(labels) > 0 {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			have[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	for line := range strings.Lines(want) {
		sample, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if ok {
			sample += "}"
		} else if sample, value, ok = strings.Cut(strings.TrimSpace(line), " "); !ok {
			continue
		}
		if got, there := have[sample]; !there || fmt.Sprint(got) != value {
			t.Errorf("%s is %v (there: %v), want %s", sample, got, there, value)
		}
	}
}

func ExampleListener() {
	registry := client.NewRegistry() // or client.DefaultRegisterer
	l, err := prometheus.Listener(registry, prometheus.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := rivers.NewAsset(rivers.AssetSpec{Name: "answer"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 42, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{answer}, Listeners: []rivers.Listener{l}})
	ctx := context.Background()
	if err := repo.Resolve(ctx, memory.New()); err != nil {
		fmt.Println(err)
	}
	_, err = repo.Materialize(ctx, rivers.RunRequest{})
	n, _ := testutil.GatherAndCount(registry, "rivers_materializations_total")
	fmt.Println(n, err, repo.Shutdown(ctx))
	// Output: 1 <nil> <nil>
}
