package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// What a step logs is there while it still runs, though no event comes.
func TestLogsAreThereWhileTheStepRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, store := newPipeline(), memory.New()
		p.asset("a", func(inv *graph.Invocation, _ []any) (any, error) {
			inv.Log().Info("first")
			time.Sleep(time.Hour)
			inv.Log().Info("second")
			return 1, nil
		})
		c := p.config(t, store)
		look := func(want int) {
			rec, err := store.GetRun(t.Context(), c.Record.ID)
			if err != nil {
				t.Error(err)
			}
			if lines, err := store.ListLogs(t.Context(), storage.LogQuery{Run: rec.Key}); err != nil || len(lines) != want {
				t.Errorf("%d lines, %v, want %d", len(lines), err, want)
			}
		}
		time.AfterFunc(time.Second, func() { look(1) })
		if _, err := engine.Execute(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		look(2)
	})
}

// The log of an attempt is bounded: its beginning and its end are kept, and what is left out is said.
func TestLongLogIsCutInItsMiddle(t *testing.T) {
	p, store := newPipeline(), memory.New()
	const lines = 20_000
	text := strings.Repeat("x", 1000)
	body := func(inv *graph.Invocation, _ []any) (any, error) {
		for i := range lines {
			inv.Log().Info(fmt.Sprintf("%d %s", i, text))
		}
		return 1, nil
	}
	p.asset("loud", body)
	p.asset("quiet", func(inv *graph.Invocation, _ []any) (any, error) { inv.Log().Info("one line"); return 1, nil })
	res, err := p.run(t.Context(), t, store)
	expect(t, res, err, storage.Success, "loud:succeeded/1 quiet:succeeded/1")
	kept, err := store.ListLogs(context.Background(), storage.LogQuery{Run: res.Record.Key})
	if err != nil {
		t.Fatal(err)
	}
	var size, cut, marks, quiet int
	last := ""
	for _, l := range kept {
		size += len(l.Message)
		switch {
		case l.Step == 1:
			quiet++
		case strings.HasPrefix(l.Message, "the log of this attempt is cut here: it has more than 4 MiB"):
			marks++
		case strings.Contains(l.Message, "lines ("):
			if _, err := fmt.Sscanf(l.Message, "%d lines", &cut); err != nil {
				t.Errorf("%q: %v", l.Message, err)
			}
		default:
			last = l.Message
		}
	}
	if marks != 1 || quiet != 1 || !strings.HasPrefix(last, fmt.Sprint(lines-1)) {
		t.Errorf("%d marks, %d lines of the quiet step, the last line is %.10q", marks, quiet, last)
	}
	if size > 5<<20 || len(kept)-3+cut != lines {
		t.Errorf("%d bytes in %d lines are kept, %d are said to be left out of %d", size, len(kept), cut, lines)
	}
}
