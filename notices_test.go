package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// logged is a logger of all levels, and what it wrote.
func logged() (*slog.Logger, *lines) {
	var out lines
	return slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})), &out
}

// requireLine asserts that a line says something with these attributes.
func requireLine(t *testing.T, out *lines, msg string, attrs map[string]any) {
	t.Helper()
	line := out.with(t, msg)
	if line == nil {
		t.Errorf("nothing says %q", msg)
		return
	}
	for k, want := range attrs {
		if line[k] != want {
			t.Errorf("%q has %s=%v, want %v", msg, k, line[k], want)
		}
	}
}

// An attempt that logs more than is kept is told of, once and before its end, with what it lost; one that does not is not.
func TestWhoseLogIsCutIsHeardAndLogged(t *testing.T) {
	const each, all = 64 << 10, 100
	noisy := rivers.NewAsset(rivers.AssetSpec{Name: "noisy", Retry: retry.Policy{Max: 1}}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		if ctx.Attempt() == 2 {
			ctx.Log().Info("quiet")
			return 1, nil
		}
		for range all {
			ctx.Log().Info(strings.Repeat("x", each))
		}
		return 0, errors.New("hoarse")
	})
	log, out := logged()
	var cut []rivers.LogsCut
	var order []string
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{noisy}, Logger: log,
		Listeners: []rivers.Listener{{
			LogsCut:      func(c rivers.LogsCut) { cut, order = append(cut, c), append(order, "cut") },
			StepFinished: func(f rivers.StepFinished) { order = append(order, f.Outcome) },
		}},
	})
	resolveInMemory(t, repo)
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cut", "failed", "succeeded"}; !slices.Equal(order, want) {
		t.Fatalf("heard %q, want %q", order, want)
	}
	c := cut[0]
	if c.RunID != res.RunID || c.Step != "noisy" || c.Attempt != 1 || c.At.IsZero() || c.Size != c.Lines*each {
		t.Errorf("heard %+v", c)
	}
	rec, err := repo.Storage().GetRun(t.Context(), res.RunID)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := repo.Storage().ListLogs(t.Context(), storage.LogQuery{Run: rec.Key})
	if err != nil {
		t.Fatal(err)
	}
	whole := 0
	for i := range kept {
		if kept[i].Attempt == 1 && len(kept[i].Message) == each {
			whole++
		}
	}
	if c.Lines < 1 || whole+c.Lines != all {
		t.Errorf("%d lines are kept and %d are said to be lost, of %d", whole, c.Lines, all)
	}
	requireLine(t, out, "the log of an attempt is not kept as a whole", map[string]any{
		"level": "WARN", "run": res.RunID, "step": "noisy", "attempt": 1.0, "lines": float64(c.Lines), "bytes": float64(c.Size),
	})
}

// A run says whether another process had begun it: one that nobody had begun, though it was recorded, begins.
func TestRunSaysWhetherItIsResumed(t *testing.T) {
	for name, want := range map[string]bool{"new": false, "recorded": false, "taken over": true} {
		t.Run(name, func(t *testing.T) {
			c := newCounted(t)
			store, id := c.crashed(t, 3)
			config := c.config()
			log, out := logged()
			var heard []rivers.RunStarted
			config.Logger, config.Listeners = log, []rivers.Listener{{RunStarted: func(r rivers.RunStarted) { heard = append(heard, r) }}}
			repo := rivers.NewCodeRepository(config)
			if err := repo.Resolve(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			req := rivers.RunRequest{RunID: id, Resume: true}
			switch name {
			case "new":
				req = rivers.RunRequest{RunID: "new"}
			case "recorded":
				req = rivers.RunRequest{RunID: "recorded"}
				if err := store.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{{ID: "recorded", Location: "shop", Token: 1}}}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := repo.Materialize(t.Context(), req); err != nil {
				t.Fatal(err)
			}
			if err := repo.Close(); err != nil {
				t.Fatal(err)
			}
			if len(heard) != 1 || heard[0].RunID != req.RunID || heard[0].Resumed != want || !slices.Equal(heard[0].Steps, []string{"a", "b", "c"}) {
				t.Errorf("heard %+v, want one with Resumed=%t", heard, want)
			}
			text := map[bool]string{false: "a run begins", true: "a run is taken over"}
			requireLine(t, out, text[want], map[string]any{"level": "DEBUG", "run": req.RunID, "steps": 3.0})
			if line := out.with(t, text[!want]); line != nil {
				t.Errorf("it says too: %v", line)
			}
		})
	}
}

// A backfill says so too.
func TestBackfillSaysWhetherItIsResumed(t *testing.T) {
	journal := storagetest.NewJournal()
	log, out := logged()
	var heard []rivers.BackfillStarted
	on := func(store storage.Storage) *rivers.CodeRepository {
		days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays},
			func(*rivers.AssetContext, none) (rivers.Materialization, error) { return rivers.Materialization{}, nil })
		config := assets(days)
		config.Logger, config.Listeners = log, []rivers.Listener{{BackfillStarted: func(b rivers.BackfillStarted) { heard = append(heard, b) }}}
		repo := rivers.NewCodeRepository(config)
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		return repo
	}
	repo := on(journal)
	first, err := repo.Backfill(t.Context(), rivers.BackfillRequest{MaxConcurrency: 1})
	if err = errors.Join(err, repo.Close()); err != nil {
		t.Fatal(err)
	}
	requireLine(t, out, "a backfill begins", map[string]any{"level": "DEBUG", "backfill": first.ID, "partitions": 10.0, "resumed": false})
	out.text.Reset()
	store := begun(t, journal, first.ID)
	_, err = store.ClaimBackfill(t.Context(), storage.RunClaim{ID: first.ID, Owner: dead(), Lease: time.Hour, Gone: proc.Self().String()})
	if err != nil {
		t.Fatal(err)
	}
	repo = on(store)
	res, err := repo.ResumeBackfill(t.Context(), first.ID)
	if err = errors.Join(err, repo.Close()); err != nil || res.Completed != 10 {
		t.Fatalf("%+v, %v", res, err)
	}
	var said []string
	for _, b := range heard {
		said = append(said, fmt.Sprintf("%s %v %d %t", b.BackfillID, b.Assets, b.Total, b.Resumed))
	}
	if want := []string{first.ID + " [days] 10 false", first.ID + " [days] 10 true"}; !slices.Equal(said, want) {
		t.Errorf("heard %q, want %q", said, want)
	}
	requireLine(t, out, "a backfill begins", map[string]any{"level": "DEBUG", "backfill": first.ID, "partitions": 10.0, "resumed": true})
}

// begun is the store as it was when a backfill had just been recorded.
func begun(t *testing.T, j *storagetest.Journal, id string) *storagetest.Journal {
	t.Helper()
	for n := range j.Len() {
		cut, err := j.Cut(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := cut.GetBackfill(t.Context(), id); err == nil {
			return cut
		}
	}
	t.Fatalf("backfill %s was never recorded", id)
	return nil
}

// deafStore renews no leases until it hears.
type deafStore struct {
	storage.Storage

	hears atomic.Bool
}

func (s *deafStore) RenewLeases(ctx context.Context, r storage.Renewal) ([]storage.LeaseState, error) {
	if !s.hears.Load() {
		return nil, errors.New("no answer")
	}
	return s.Storage.RenewLeases(ctx, r)
}

// A run whose lease is lost names itself in what is logged about it, and so do leases that are not renewed.
func TestLostLeaseIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &deafStore{Storage: memory.New()}
		log, out := logged()
		slow := rivers.NewAsset(rivers.AssetSpec{Name: "slow"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "shop", Assets: []rivers.Asset{slow}, Logger: log})
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(engine.Lease/2, func() { // after the first renewal, which is refused
			store.hears.Store(true)
			if _, err := store.ClaimRun(t.Context(), storage.RunClaim{ID: "r", Owner: "other", Lease: engine.Lease, Gone: proc.Self().String()}); err != nil {
				t.Error(err)
			}
		})
		res, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: "r"})
		if !errors.Is(err, storage.ErrFenced) || res == nil || res.Status != storage.Canceled {
			t.Errorf("%+v, %v", res, err)
		}
		requireLine(t, out, "the leases of runs in progress are not renewed", map[string]any{"level": "WARN", "runs": 1.0, "error": "no answer"})
		requireLine(t, out, "another process has taken the run over; what is still in progress here is not recorded", map[string]any{"level": "WARN", "run": "r"})
		if err := repo.Close(); err != nil {
			t.Error(err)
		}
	})
}
