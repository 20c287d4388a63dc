package rivers_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// counted is a pipeline of three assets whose bodies are counted, and fail while they are told to.
type counted struct {
	mu    sync.Mutex
	calls []string
	fails map[string]bool
	dir   string
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	return &counted{fails: map[string]bool{}, dir: t.TempDir()}
}

func (c *counted) body(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, name)
	if c.fails[name] {
		return errors.New(name + " is broken")
	}
	return nil
}

func (c *counted) called() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.Sort(c.calls)
	text := strings.Join(c.calls, " ")
	c.calls = nil
	return text
}

// raise is what asset b of the pipeline is configured with.
type raise struct {
	By int `default:"1"`
}

// repo is the pipeline a -> b -> c as one process has it.
func (c *counted) repo(t *testing.T) *rivers.CodeRepository {
	t.Helper()
	config := c.config()
	repo := rivers.NewCodeRepository(config)
	t.Cleanup(func() {
		if err := repo.Close(); err != nil {
			t.Error(err)
		}
	})
	return repo
}

func (c *counted) config() rivers.RepositoryConfig {
	a := rivers.NewAsset(rivers.AssetSpec{Name: "a"},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, c.body("a") })
	b := rivers.NewAsset(rivers.AssetSpec{Name: "b"},
		func(_ *rivers.AssetContext, in struct {
			A   int
			Cfg raise `rivers:",config"`
		},
		) (int, error) {
			return in.A + in.Cfg.By, c.body("b")
		})
	last := rivers.NewAsset(rivers.AssetSpec{Name: "c"},
		func(_ *rivers.AssetContext, in struct{ B int }) (int, error) { return in.B + 1, c.body("c") })
	return rivers.RepositoryConfig{
		Name: "shop", Assets: []rivers.Asset{a, b, last}, DefaultExecutor: executor.InProcess(),
		DefaultIOHandler: blob.New("file://"+c.dir, blob.Options{}),
		Jobs:             []rivers.Job{{Name: "nightly", Select: "*"}},
	}
}

// dead is the owner of a run whose process is certainly gone.
func dead() string {
	id := proc.Self()
	id.PID, id.Start = 1<<22+1, "1" // above the largest number that Linux gives
	return id.String()
}

// crashed runs the pipeline on a journal and returns the store as it was when a process would have died
// after so many events of the run.
func (c *counted) crashed(t *testing.T, events int) (*storagetest.Journal, string) {
	t.Helper()
	j := storagetest.NewJournal()
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Tags: map[string]string{"team": "x"}})
	if res == nil {
		t.Fatal(err)
	}
	for n := range j.Len() {
		cut, err := j.Cut(n)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := cut.GetRun(t.Context(), res.RunID)
		if err != nil {
			continue
		}
		all, err := cut.ListEvents(t.Context(), storage.EventQuery{Run: rec.Key})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) < events {
			continue
		}
		_, err = cut.ClaimRun(t.Context(), storage.RunClaim{ID: res.RunID, Owner: dead(), Lease: time.Hour, Gone: proc.Self().String()})
		if err != nil {
			t.Fatal(err)
		}
		c.called()
		return cut, res.RunID
	}
	t.Fatalf("the run has fewer than %d events", events)
	return nil, ""
}

func TestResumeGoesOnWhereTheProcessDied(t *testing.T) {
	for events, want := range map[int]string{1: "a b c", 2: "a b c", 3: "b c", 4: "b c", 5: "c"} {
		c := newCounted(t)
		store, id := c.crashed(t, events)
		repo := c.repo(t)
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		res, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: id, Resume: true})
		if err != nil || res.RunID != id || !res.Success() {
			t.Fatalf("after %d events: %+v, %v", events, res, err)
		}
		if got := c.called(); got != want {
			t.Errorf("after %d events: ran %q, want %q", events, got, want)
		}
		var v int
		if err := repo.LoadNode(t.Context(), "c", &v, rivers.LoadOptions{}); err != nil || v != 3 {
			t.Errorf("after %d events: c is %d, %v, want 3", events, v, err)
		}
		rec, err := store.GetRun(t.Context(), id)
		if err != nil || rec.State != storage.Success || rec.Counts.Succeeded != 3 || rec.Tags["team"] != "x" {
			t.Errorf("after %d events: recorded %+v, %v", events, rec, err)
		}

		// Of a run that has ended, resuming returns what is recorded and changes nothing.
		again, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: id, Resume: true})
		if err != nil || again.RunID != id || !again.Success() || len(again.Steps) != 3 || c.called() != "" {
			t.Errorf("resumed after its end: %+v, %v", again, err)
		}
		if !slices.Equal(again.MaterializedAssets, []string{"a", "b", "c"}) || again.Steps[2].Attempts != res.Steps[2].Attempts {
			t.Errorf("resumed after its end: %+v, want what it came to: %+v", again, res)
		}
	}
}

// A process that begins anything else ends what another one left, and says how to go on.
func TestAbandonedRunIsEndedWithItsReason(t *testing.T) {
	c := newCounted(t)
	store, id := c.crashed(t, 4) // b is in progress
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	rec, err := store.GetRun(t.Context(), id)
	host := proc.Self().Host
	want := `step "b": its process ended without it: process 4194305 on ` + host
	if err != nil || rec.State != storage.Failure || rec.Error != want {
		t.Errorf("the abandoned run: %s %q, %v, want failure %q", rec.State, rec.Error, err, want)
	}
	if rec.Counts != (storage.StepCounts{Succeeded: 1, Failed: 1, Skipped: 1}) {
		t.Errorf("its steps: %+v", rec.Counts)
	}
	c.called()
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: id})
	if err != nil || !res.Success() {
		t.Fatal(err)
	}
	if got := c.called(); got != "b c" {
		t.Errorf("retried %q, want b c", got)
	}
}

func TestAbandonedRunIsResumed(t *testing.T) {
	c := newCounted(t)
	store, id := c.crashed(t, 3)
	config := c.config()
	config.ResumeAbandoned = true
	repo := rivers.NewCodeRepository(config)
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	if err := repo.Close(); err != nil { // waits for it
		t.Fatal(err)
	}
	rec, err := store.GetRun(t.Context(), id)
	if err != nil || rec.State != storage.Success || rec.Counts.Succeeded != 3 {
		t.Errorf("%+v, %v", rec, err)
	}
	if got := c.called(); got != "a b c" { // a by the other run
		t.Errorf("ran %q, want a b c", got)
	}
}

// A run that is recorded and was never started is adopted by who names it.
func TestRecordedRunIsAdopted(t *testing.T) {
	c, store := newCounted(t), memory.New()
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	queued := storage.RunRecord{
		ID: "queued", Location: "shop", State: storage.NotStarted, Token: 1, CreatedAt: time.Now(),
		Request: storage.RunRequest{Selection: []string{"b"}, IncludeUpstream: true},
	}
	if err := store.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{queued}}); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: "queued"})
	if err != nil || res.RunID != "queued" || c.called() != "a b" {
		t.Fatalf("%+v, %v", res, err)
	}
	rec, err := store.GetRun(t.Context(), "queued")
	if err != nil || rec.State != storage.Success || len(rec.Plan) != 2 || rec.StartedAt.IsZero() {
		t.Errorf("%+v, %v", rec, err)
	}
}

// resumeMistakes are requests that cannot be met, on a store with a run of each kind.
func resumeMistakes(t *testing.T) map[string]string {
	c, store := newCounted(t), memory.New()
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"good", "bad"} {
		c.fails["c"] = id == "bad"
		_, _ = repo.Materialize(t.Context(), rivers.RunRequest{RunID: id}) // its result is asked for below
	}
	b := storage.Batch{Lease: time.Hour, Runs: []storage.RunRecord{
		{ID: "busy", Location: "shop", State: storage.Running, Owner: "other/7/1/b/n", Token: 1},
		{ID: "foreign", Location: "bank", State: storage.Failure, Token: 1},
		{ID: "old", Location: "shop", State: storage.Running, Owner: dead(), Token: 1, Plan: []storage.PlanStep{{Key: "gone"}}},
		{ID: "older", Location: "shop", State: storage.Failure, Token: 1, Plan: []storage.PlanStep{{Key: "gone"}}},
		{ID: "jobless", Location: "shop", Job: "weekly", State: storage.Failure, Token: 1},
	}}
	for i, key := range []string{"a", "b", "c"} {
		step := storage.PlanStep{Key: key, Assets: []string{key}}
		if i > 0 {
			step.After = []int32{int32(i - 1)}
		}
		b.Runs[0].Plan = append(b.Runs[0].Plan, step)
	}
	if err := store.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, req := range map[string]rivers.RunRequest{
		"resume nothing":          {Resume: true},
		"resume unknown":          {Resume: true, RunID: "nobody"},
		"resume foreign":          {Resume: true, RunID: "foreign"},
		"resume busy":             {Resume: true, RunID: "busy"},
		"resume another request":  {Resume: true, RunID: "busy", Selection: []string{"a"}},
		"resume another plan":     {Resume: true, RunID: "old"},
		"run id of one in use":    {RunID: "busy"},
		"retry unknown":           {RetryOf: "nobody"},
		"retry in progress":       {RetryOf: "busy"},
		"retry a success":         {RetryOf: "good"},
		"retry with a selection":  {RetryOf: "bad", Selection: []string{"a"}},
		"retry mode":              {RetryOf: "bad", Retry: "from_failures"},
		"retry mode without run":  {Retry: storage.RetryAll},
		"retry foreign":           {RetryOf: "foreign"},
		"retry another plan":      {RetryOf: "older"},
		"retry of a missing job":  {RetryOf: "jobless"},
		"retry with a bad config": {RetryOf: "bad", Config: map[string]map[string]any{"b": {"bye": 1}}},
	} {
		res, err := repo.Materialize(t.Context(), req)
		if err == nil || res != nil {
			t.Errorf("%s: %+v, %v", name, res, err)
			continue
		}
		got[name] = err.Error()
	}
	return got
}

func TestResumeMistakes(t *testing.T) {
	requireAnswers(t, "testdata/resume.txtar", resumeMistakes(t))
}

func TestCancelRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		slow := rivers.NewAsset(rivers.AssetSpec{Name: "slow"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		repo := func() *rivers.CodeRepository {
			r := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "shop", Assets: []rivers.Asset{slow}})
			if err := r.Resolve(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			return r
		}
		one, two := repo(), repo()
		time.AfterFunc(time.Minute, func() {
			if was, err := two.CancelRun(t.Context(), "r", "not today"); err != nil || was != storage.Running {
				t.Errorf("canceled a run that was %s, %v", was, err)
			}
		})
		began := time.Now()
		res, err := one.Materialize(t.Context(), rivers.RunRequest{RunID: "r"})
		if !errors.Is(err, rivers.ErrRunCanceled) || res.Status != storage.Canceled || time.Since(began) != time.Minute {
			t.Errorf("%+v, %v after %s", res, err, time.Since(began))
		}
		rec, err := store.GetRun(t.Context(), "r")
		if err != nil || !strings.HasSuffix(rec.Error, ": not today") {
			t.Errorf("recorded %q, %v", rec.Error, err)
		}
		if was, err := two.CancelRun(t.Context(), "r", ""); err != nil || was != storage.Canceled {
			t.Errorf("canceled twice: it was %s, %v", was, err)
		}
		if _, err := two.CancelRun(t.Context(), "nobody", ""); !errors.Is(err, storage.ErrNotFound) {
			t.Errorf("canceled a run that there is not: %v", err)
		}
		for _, r := range []*rivers.CodeRepository{one, two} {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A run whose process is gone has nobody to obey: who asks cancels it.
func TestCancelRunWhoseProcessIsGone(t *testing.T) {
	c := newCounted(t)
	store, id := c.crashed(t, 4)
	repo := c.repo(t)
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	if was, err := repo.CancelRun(t.Context(), id, "wrong day"); err != nil || was != storage.Running {
		t.Fatalf("it was %s, %v", was, err)
	}
	rec, err := store.GetRun(t.Context(), id)
	want := "wrong day; its process ended without it: process 4194305 on " + proc.Self().Host
	if err != nil || rec.State != storage.Canceled || !strings.HasSuffix(rec.Error, want) {
		t.Errorf("%s %q, %v, want canceled … %q", rec.State, rec.Error, err, want)
	}
	if rec.Counts != (storage.StepCounts{Succeeded: 1, Canceled: 2}) {
		t.Errorf("its steps: %+v", rec.Counts)
	}
	queued := storage.RunRecord{ID: "queued", Location: "shop", State: storage.Queued, Token: 1}
	if err := store.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{queued}}); err != nil {
		t.Fatal(err)
	}
	if was, err := repo.CancelRun(t.Context(), "queued", ""); err != nil || was != storage.Queued {
		t.Fatalf("it was %s, %v", was, err)
	}
	if rec, err := store.GetRun(t.Context(), "queued"); err != nil || rec.State != storage.Canceled || rec.Error == "" {
		t.Errorf("a run that was never started: %+v, %v", rec, err)
	}
}
