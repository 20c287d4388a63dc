package rivers_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// dividedProgram has a function of each way to be called with partitions.
func dividedProgram(iohandler.Handler) rivers.RepositoryConfig {
	shops := partition.Multi(map[string]partition.Definition{"day": tenDays, "shop": partition.Dynamic("shops")})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{
		rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (int, error) {
			p := ctx.Partition()
			note(fmt.Sprintf("%s:days-%s/%s", where(), p, p.Window().Duration()))
			if p.Key() == day(6) {
				return 0, errors.New("no sixth")
			}
			return p.Window().Start.Day(), nil
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "double", Partitions: tenDays},
			func(ctx *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (rivers.Partitions[int], error) {
				note(fmt.Sprintf("%s:double-%d-of-%d", where(), in.Days.Len(), ctx.Partition().Len()))
				var all []rivers.Part[int]
				for key, v := range in.Days.All() {
					all = append(all, rivers.Part[int]{Key: key, Value: 2 * v})
				}
				return rivers.PartitionsOf(all...), nil
			}),
		rivers.NewAsset(rivers.AssetSpec{Name: "written", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (rivers.Materialization, error) {
			note(fmt.Sprintf("%s:written-%s", where(), ctx.Partition()))
			if err := ctx.MarkPartitionFailed(day(9), errors.New("not in the step")); err == nil {
				return rivers.Materialization{}, errors.New("a partition of another step was marked")
			}
			return rivers.Materialization{DataVersion: "v1"}, ctx.MarkPartitionFailed(day(2), errors.New("late"))
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "read", Partitions: tenDays, Deps: []rivers.Dep{{On: "written", OrderOnly: true}}},
			func(ctx *rivers.AssetContext, _ none) (int, error) {
				note(fmt.Sprintf("%s:read-%s", where(), ctx.Partition()))
				return 1, nil
			}),
		rivers.NewAsset(rivers.AssetSpec{Name: "sum", Deps: []rivers.Dep{{On: "days", Mapping: partition.Specific(day(1), day(3), day(8))}}}, func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (int, error) {
			total := 0
			for p, err := range in.Days.Stream() {
				if err != nil {
					return 0, err
				}
				total += p.Value
			}
			note(fmt.Sprintf("%s:sum-%d-of-%d", where(), total, in.Days.Len()))
			return total, nil
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "by_shop", Partitions: shops}, func(ctx *rivers.AssetContext, in struct{ Days int }) (string, error) {
			note(fmt.Sprintf("%s:by_shop-%s", where(), ctx.Partition()))
			return fmt.Sprint(ctx.Partition().Key().Values("shop")[0], in.Days), nil
		}),
	}}
}

// Steps in processes of their own make partitions as goroutines do: functions are called alike, the same events are recorded, and
// the same sets are made and failed.
func TestPartitionsAreMadeAlikeInProcesses(t *testing.T) {
	t.Setenv(parentVariable, fmt.Sprint(os.Getpid()))
	requests := []struct {
		name  string
		req   rivers.RunRequest
		fails string
		calls string
	}{
		{"one key", rivers.RunRequest{Selection: []string{"days"}, Partition: day(8)}, "", "days-2026-01-08/24h0m0s"},
		{
			"several keys",
			rivers.RunRequest{Selection: []string{"days"}, Partition: aKey("2026-01-05", "2026-01-06", "2026-01-07")},
			"no sixth",
			"days-2026-01-05/24h0m0s days-2026-01-06/24h0m0s days-2026-01-07/24h0m0s",
		},
		{
			"a range, called once",
			rivers.RunRequest{Selection: []string{"days", "double"}, Range: partition.Range("2026-01-01", "2026-01-03")},
			"",
			"days-2026-01-01/24h0m0s days-2026-01-02/24h0m0s days-2026-01-03/24h0m0s double-3-of-3",
		},
		{
			"a step whose input failed in part",
			rivers.RunRequest{Selection: []string{"days", "double"}, Range: partition.Range("2026-01-05", "2026-01-07")},
			"no sixth",
			"days-2026-01-05/24h0m0s days-2026-01-06/24h0m0s days-2026-01-07/24h0m0s double-2-of-2",
		},
		{
			"a mark",
			rivers.RunRequest{Selection: []string{"written", "read"}, Range: partition.Range("2026-01-01", "2026-01-03")},
			"late",
			"written-2026-01-01..2026-01-03 read-2026-01-01 read-2026-01-03",
		},
		{"a mark of the only key", rivers.RunRequest{Selection: []string{"written", "read"}, Partition: day(2)}, "late", "written-2026-01-02"},
		{
			"dynamic keys",
			rivers.RunRequest{Selection: []string{"by_shop"}, Partition: partition.MultiKey(map[string][]string{"day": {"2026-01-01", "2026-01-02"}, "shop": {"north", "sea|side"}})},
			"",
			`by_shop-day=2026-01-01|shop=north by_shop-day=2026-01-01|shop=sea\|side by_shop-day=2026-01-02|shop=north by_shop-day=2026-01-02|shop=sea\|side`,
		},
		{"a stream of inputs", rivers.RunRequest{Selection: []string{"sum"}}, "", "sum-12-of-3"},
		{"an input that is not there", rivers.RunRequest{Selection: []string{"double"}, Partition: day(4)}, "2026-01-04", "double-1-of-1"},
	}
	var recorded [2]string
	for i, e := range []executor.Executor{executor.Parallel(1), executor.Subprocess(1)} {
		t.Setenv(dirVariable, t.TempDir())
		c := programConfig("divided", true)
		c.DefaultExecutor = e
		repo := resolved(t, c)
		if err := repo.AddPartitions(t.Context(), "shops", "north", "sea|side"); err != nil {
			t.Fatal(err)
		}
		place := []string{"parent:", "step:"}[i]
		said := 0
		for _, r := range requests {
			res, err := repo.Materialize(t.Context(), r.req)
			if res == nil || (err == nil) != (r.fails == "") || err != nil && !strings.Contains(err.Error(), r.fails) {
				t.Fatalf("%s, %s: %+v, %v", e, r.name, res, err)
			}
			all := notes(t)
			calls := strings.Join(all[said:], " ")
			said = len(all)
			if want := strings.TrimSpace(strings.ReplaceAll(" "+r.calls, " ", " "+place)); r.calls != "" && calls != want || r.calls == "" && calls != "" {
				t.Errorf("%s, %s: called %q, want %q", e, r.name, calls, want)
			}
			recorded[i] += r.name + "\n" + strings.ReplaceAll(happened(t, repo, res.RunID), os.Getenv(dirVariable), "")
		}
		for _, asset := range []string{"days", "double", "written", "read", "by_shop"} {
			m, f := made(t, repo, asset)
			recorded[i] += fmt.Sprintf("%s: made %s, failed %s\n", asset, m, f)
		}
	}
	if recorded[0] != recorded[1] {
		t.Errorf("goroutines recorded\n%s\nprocesses recorded\n%s", recorded[0], recorded[1])
	}
}

// happened writes the events of a run without what differs from one to the next: times, and metadata that has them.
func happened(t *testing.T, repo *rivers.CodeRepository, id string) string {
	t.Helper()
	rec, err := repo.Storage().GetRun(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	events, err := repo.Storage().ListEvents(t.Context(), storage.EventQuery{Run: rec.Key})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for i := range events {
		e := &events[i]
		d, err := storage.ParseDetail(e.Detail)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "  %d %s step %d attempt %d cause %d status %d asset %d %s %s %s %v %s\n", e.N, e.Kind, e.Step, e.Attempt, e.Cause, e.Status,
			e.Asset, e.Partition, d.Partitions, d.Data, d.Inputs, d.Error)
	}
	return text.String()
}
