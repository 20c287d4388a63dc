package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// stale is a repository on a store that outlives it, and what its assets are asked for.
type stale struct {
	*testing.T

	store   storage.Storage
	repo    *rivers.CodeRepository
	version string // of the data of raw
	values  *iohandler.MemoryHandler
}

type readsRaw struct{ Raw int }

// define begins again with other definitions: the code of report, and whether it also waits for extra.
func (s *stale) define(code string, extra bool) {
	s.Helper()
	raw := rivers.NewAsset(rivers.AssetSpec{Name: "raw"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		ctx.SetDataVersion(s.version)
		if s.version == "broken" {
			return 0, errors.New("no data")
		}
		return 1, nil
	})
	other := rivers.NewAsset(rivers.AssetSpec{Name: "extra"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	spec := rivers.AssetSpec{Name: "report", CodeVersion: code}
	if extra {
		spec.Deps = []rivers.Dep{{On: "extra", OrderOnly: true}}
	}
	report := rivers.NewAsset(spec, func(_ *rivers.AssetContext, in readsRaw) (int, error) { return in.Raw + 1, nil })
	days := partition.Daily(partition.Date(2026, time.January, 1), partition.Until(partition.Date(2026, time.January, 11)))
	daily := rivers.NewAsset(rivers.AssetSpec{Name: "daily", Partitions: days}, func(_ *rivers.AssetContext, in readsRaw) (int, error) { return in.Raw, nil })
	copied := rivers.NewAsset(rivers.AssetSpec{Name: "copied", Partitions: days}, func(_ *rivers.AssetContext, in struct{ Daily int }) (int, error) { return in.Daily, nil })
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total"}, func(_ *rivers.AssetContext, in struct{ Copied rivers.Partitions[int] }) (int, error) {
		return in.Copied.Len(), nil
	})
	s.repo = rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "status", Assets: []rivers.Asset{raw, other, report, daily, copied, total}, DefaultIOHandler: s.values,
	})
	if err := s.repo.Resolve(s.Context(), s.store); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = s.repo.Close() })
}

func (s *stale) run(req rivers.RunRequest) *rivers.RunResult {
	s.Helper()
	res, err := s.repo.Materialize(s.Context(), req)
	if err != nil {
		s.Fatal(err)
	}
	return res
}

// is asserts how an asset is.
func (s *stale) is(name, want string) {
	s.Helper()
	list, err := s.repo.Status(s.Context(), rivers.StatusRequest{Selection: []string{name}})
	if err != nil {
		s.Fatal(err)
	}
	if got := statusText(&list[0]); got != want {
		s.Errorf("%s is %q, want %q", name, got, want)
	}
}

func statusText(st *rivers.AssetStatus) string {
	var parts []string
	add := func(n int64, word string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	add(st.Missing.Count, "missing")
	add(st.Stale.Count, "stale")
	for _, c := range st.Causes {
		parts = append(parts, fmt.Sprintf("%s (%d)", c.Text, c.Count))
	}
	add(st.UpstreamStale.Count, "upstream stale")
	add(st.Failed.Count, "failed")
	if len(parts) == 0 {
		return "fresh"
	}
	return strings.Join(parts, ", ")
}

func newStale(t *testing.T) *stale {
	s := &stale{T: t, store: memory.New(), version: "1", values: iohandler.Memory()}
	s.define("v1", false)
	return s
}

func TestStatusSaysWhatIsStaleAndWhy(t *testing.T) {
	s := newStale(t)
	s.is("report", "1 missing, 1 upstream stale")
	s.run(rivers.RunRequest{Selection: []string{"raw", "report"}})
	s.is("report", "fresh")
	s.version = "2"
	s.run(rivers.RunRequest{Selection: []string{"raw"}})
	s.is("report", "1 stale, new data of raw (1)")
	s.version = "1"
	s.run(rivers.RunRequest{Selection: []string{"raw"}})
	s.is("report", "fresh") // the same data again
	s.version = "broken"
	if _, err := s.repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"raw"}}); err == nil {
		t.Fatal("a failure is no error")
	}
	s.is("raw", "1 failed")
	s.is("report", "fresh") // it has what there is
	s.version = "1"
	s.run(rivers.RunRequest{Selection: []string{"raw"}})
	s.is("raw", "fresh")
	s.define("v2", false)
	s.is("report", "1 stale, has a new code version (1)")
	s.define("v1", true)
	s.is("report", "1 stale, new dependency on extra (1), 1 upstream stale")
	s.run(rivers.RunRequest{Selection: []string{"extra"}})
	s.run(rivers.RunRequest{Selection: []string{"report"}})
	s.is("report", "fresh")
	s.run(rivers.RunRequest{Selection: []string{"extra"}})
	s.is("report", "1 stale, new data of extra (1)") // also where it only waits for it
	s.define("v1", false)
	s.is("report", "1 stale, removed dependency on extra (1)")
	if _, err := s.repo.MarkMaterialized(t.Context(), rivers.StateEdit{Selection: []string{"raw", "report"}}); err != nil {
		t.Fatal(err)
	}
	s.is("report", "fresh")
	if _, err := s.repo.Wipe(t.Context(), rivers.StateEdit{Selection: []string{"raw"}}); err != nil {
		t.Fatal(err)
	}
	s.is("report", "1 upstream stale")
}

func TestStatusOfPartitions(t *testing.T) {
	s := newStale(t)
	s.run(rivers.RunRequest{Selection: []string{"raw"}})
	s.run(rivers.RunRequest{Selection: []string{"daily", "copied"}, Range: partition.Range("2026-01-01", "2026-01-08")})
	s.run(rivers.RunRequest{Selection: []string{"total"}})
	s.is("daily", "2 missing")
	s.is("copied", "2 missing, 2 upstream stale")
	s.is("total", "1 upstream stale")
	s.run(rivers.RunRequest{Selection: []string{"daily"}, Partition: day(3)})
	s.is("copied", "2 missing, 1 stale, new data of daily (1), 2 upstream stale")
	s.run(rivers.RunRequest{Selection: []string{"copied"}, Partition: day(3)})
	s.is("copied", "2 missing, 2 upstream stale")
	s.is("total", "1 stale, new data of copied (1), 1 upstream stale")
	s.version = "2"
	s.run(rivers.RunRequest{Selection: []string{"raw"}})
	s.is("daily", "2 missing, 8 stale, new data of raw (8)")
	s.is("copied", "2 missing, 10 upstream stale")
	if _, err := s.repo.MarkMaterialized(t.Context(), rivers.StateEdit{Selection: []string{"daily"}, Keys: []partition.Key{day(5)}}); err != nil {
		t.Fatal(err)
	}
	s.is("daily", "2 missing, 7 stale, new data of raw (7)")
	s.define("v1", false) // another process goes on from what is kept
	s.is("daily", "2 missing, 7 stale, new data of raw (7)")
	s.is("copied", "2 missing, 1 stale, new data of daily (1), 9 upstream stale")
}

func TestMaterializeStaleMakesWhatIsNotFresh(t *testing.T) {
	s := newStale(t)
	all := rivers.RunRequest{Selection: []string{"raw", "extra", "report", "total"}, Stale: true}
	made := func(want ...string) {
		t.Helper()
		p, err := s.repo.Plan(all)
		if err != nil {
			t.Fatal(err)
		}
		var planned []string
		for _, step := range p.Steps {
			planned = append(planned, step.Step)
		}
		res := s.run(all)
		slices.Sort(planned)
		got := slices.Sorted(slices.Values(res.MaterializedAssets))
		if !slices.Equal(got, want) || !slices.Equal(planned, want) {
			t.Errorf("made %q, planned %q, want %q", got, planned, want)
		}
	}
	s.run(rivers.RunRequest{Selection: []string{"raw"}})
	s.run(rivers.RunRequest{Selection: []string{"daily", "copied"}, Range: partition.Range("2026-01-01", "2026-01-10")})
	made("extra", "report", "total")
	made()
	s.version = "2"
	if _, err := s.repo.Wipe(t.Context(), rivers.StateEdit{Selection: []string{"raw"}}); err != nil {
		t.Fatal(err)
	}
	made("raw", "report") // report reads what the run makes
	made()
	parts := rivers.RunRequest{Selection: []string{"daily", "copied"}, Range: partition.Range("2026-01-03", "2026-01-05"), Stale: true}
	p, err := s.repo.Plan(parts)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Steps[0].Partitions + " " + p.Steps[1].Partitions; got != "2026-01-03..2026-01-05 2026-01-03..2026-01-05" {
		t.Errorf("planned %s", got)
	}
	s.run(parts)
	s.is("daily", "7 stale, new data of raw (7)")
	res, err := s.repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"daily", "copied"}, Only: storage.OnlyStale})
	if err != nil || res.Total != 7 {
		t.Fatalf("%+v, %v", res, err)
	}
	s.is("daily", "fresh")
	s.is("copied", "fresh")
	if res := s.run(parts); res.RunID != "" {
		t.Errorf("a run of nothing is recorded: %s", res.RunID)
	}
}

func TestStaleNeedsAStore(t *testing.T) {
	s := newStale(t)
	fresh := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{s.repo.Assets()["raw"]}})
	_, err := fresh.Plan(rivers.RunRequest{Stale: true})
	const want = "stale selection needs the store, which is not open: call Resolve first"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = s.repo.Status(context.Background(), rivers.StatusRequest{Selection: []string{"repport"}})
	if err == nil || !strings.Contains(err.Error(), `"report"`) {
		t.Errorf("a misspelt name: %v", err)
	}
}
