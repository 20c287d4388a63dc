package rivers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

// lines collects what is logged, as JSON, from any goroutine.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with returns the line with a message, nil for none.
func (l *lines) with(t *testing.T, msg string) map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m["msg"] == msg {
			return m
		}
	}
	return nil
}

func TestWhatIsLoggedNamesItsStep(t *testing.T) {
	var out lines
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: partition.Static("mon", "tue"), Retry: retry.Policy{Max: 1}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if ctx.Attempt() == 1 {
				return 0, errors.New("not yet")
			}
			ctx.Log().Info("made", "rows", 3)
			return 3, nil
		})
	plain := rivers.NewAsset(rivers.AssetSpec{Name: "plain"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("bad") })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{days, plain}, Logger: slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Listeners: []rivers.Listener{{RunStarted: func(rivers.RunStarted) { panic("oops") }}},
	})
	resolveInMemory(t, repo)
	first, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"days"}, Partition: partition.SingleKey("mon")})
	if err != nil {
		t.Fatal(err)
	}
	second, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"plain"}})
	if err == nil {
		t.Fatal("the second run succeeded, and its asset does not")
	}
	for _, c := range []struct {
		msg   string
		attrs map[string]any
	}{
		{"a run begins", map[string]any{"level": "DEBUG", "run": first.RunID, "partition": "mon"}},
		{"an attempt failed and is tried again", map[string]any{
			"level": "DEBUG", "run": first.RunID, "step": "days", "asset": "days", "partition": "mon", "attempt": 1.0, "reason": "error",
		}},
		{"made", map[string]any{"level": "INFO", "run": first.RunID, "step": "days", "asset": "days", "partition": "mon", "attempt": 2.0}},
		{"an attempt failed", map[string]any{
			"level": "DEBUG", "run": second.RunID, "step": "plain", "asset": "plain", "partition": nil, "attempt": 1.0, "reason": "error",
		}},
		{"a run has ended", map[string]any{"level": "DEBUG", "run": first.RunID, "status": "success"}},
		{"a listener panicked", map[string]any{"level": "ERROR", "run": first.RunID, "panic": "oops"}},
	} {
		line := out.with(t, c.msg)
		if line == nil {
			t.Errorf("nothing says %q", c.msg)
			continue
		}
		for k, want := range c.attrs {
			if line[k] != want {
				t.Errorf("%q has %s=%v, want %v", c.msg, k, line[k], want)
			}
		}
	}
}

func resolveInMemory(t *testing.T, repo *rivers.CodeRepository) {
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

// Whatever listeners do, the run is as it would be, and the others hear everything in order.
func TestListenersHearInOrderAndHarmNothing(t *testing.T) {
	var heard []string // notices of one run come one after another
	say := func(s string) { heard = append(heard, s) }
	a := rivers.NewAsset(rivers.AssetSpec{Name: "a"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		ctx.Log().Info("working")
		if ctx.Value(listenerKey{}) != "of the step" || ctx.Err() != nil {
			return 0, errors.New("the context of the step lacks what the listener put there, or has ended")
		}
		return 1, nil
	})
	b := rivers.NewAsset(rivers.AssetSpec{Name: "b"}, func(_ *rivers.AssetContext, in struct{ A int }) (int, error) { return in.A, nil })
	ended, end := context.WithCancel(context.Background())
	end()
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Logger: slog.New(slog.DiscardHandler),
		Assets: []rivers.Asset{a, b},
		Listeners: []rivers.Listener{
			{
				RunContext:   func(context.Context, rivers.RunStarted) context.Context { return nil },
				StepContext:  func(context.Context, rivers.StepStarted) context.Context { panic("oops") },
				StepEnviron:  func(context.Context, rivers.StepStarted) []string { panic("oops") },
				StepStarted:  func(rivers.StepStarted) { panic("oops") },
				Materialized: func(rivers.Materialized) { panic("oops") },
				RunFinished:  func(*rivers.RunResult) { panic("oops") },
			},
			{
				StepContext: func(context.Context, rivers.StepStarted) context.Context {
					return context.WithValue(ended, listenerKey{}, "of the step")
				},
				RunStarted:   func(r rivers.RunStarted) { say("run") },
				StepStarted:  func(s rivers.StepStarted) { say("start " + s.Step) },
				StepLogged:   func(l rivers.StepLogged) { say("log " + l.Line.Message) },
				Materialized: func(m rivers.Materialized) { say("made " + m.Asset) },
				StepFinished: func(f rivers.StepFinished) { say(f.Outcome + " " + f.Step) },
				RunFinished:  func(*rivers.RunResult) { say("end") },
			},
			{StepFinished: func(rivers.StepFinished) { runtime.Goexit() }},
		},
	})
	resolveInMemory(t, repo)
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"run", "start a", "log working", "made a", "succeeded a", "start b", "made b", "succeeded b", "end"}
	if !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}

type listenerKey struct{}

func TestABackfillIsHeardFromItsBeginningToItsEnd(t *testing.T) {
	var heard []string
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: partition.Static("mon", "tue")},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{days}, Listeners: []rivers.Listener{{
			BackfillStarted:  func(b rivers.BackfillStarted) { heard = append(heard, "started "+strings.Join(b.Assets, ",")) },
			BackfillFinished: func(b *rivers.BackfillResult) { heard = append(heard, "finished "+b.State.String()) },
		}},
	})
	resolveInMemory(t, repo)
	for range 2 { // a backfill takes no listener away from the next
		if _, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"days"}}); err != nil {
			t.Fatal(err)
		}
	}
	one := []string{"started days", "finished completed"}
	if want := slices.Concat(one, one); !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
}
