package prune_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
)

// fake is a backend of which a test says what it lists; what it is to delete is written down.
type fake struct {
	prune.Backend

	runs    []prune.Run
	rows    []prune.Row
	retried int // so many deletions are refused
	takes   time.Duration
	did     []string
}

func (f *fake) EndedRuns(_ context.Context, q prune.RunQuery) (list []prune.Run, err error) {
	for _, r := range f.runs {
		if r.Key > q.After && r.Ended < q.Before && len(list) < q.Limit {
			list = append(list, r)
		}
	}
	return list, nil
}

func (f *fake) Rows(_ context.Context, q prune.RowQuery) (list []prune.Row, err error) {
	for _, r := range f.rows {
		if (r.Run > q.Run || r.Run == q.Run && r.N > q.N) && r.Run <= q.Last && len(list) < q.Limit {
			list = append(list, r)
		}
	}
	return list, nil
}

func (f *fake) Delete(_ context.Context, d *prune.Deletion) error {
	time.Sleep(f.takes)
	if f.retried > 0 {
		f.retried--
		return prune.ErrRetried
	}
	f.did = append(f.did, fmt.Sprint(d.Spans, d.Marks))
	return nil
}

func line(run storage.RunKey, n int64) prune.Row {
	return prune.Row{Run: run, N: n, Class: prune.Lines}
}

// logsOnly prunes lines of whatever ended before 1970 was a day old.
func logsOnly() storage.PruneRequest {
	keep := storage.All(storage.Forever)
	keep.Logs = time.Hour
	return storage.PruneRequest{Retention: keep, Now: time.Unix(86400, 0)}
}

// TestSpansLeaveOutWhoMayWrite: run 2 is none that may lose anything. It had no line when lines were listed, and may have one by now.
func TestSpansLeaveOutWhoMayWrite(t *testing.T) {
	t.Parallel()
	f := &fake{
		runs: []prune.Run{{Key: 1}, {Key: 3}, {Key: 4}, {Key: 5}},
		rows: []prune.Row{line(1, 1), line(1, 2), line(3, 1), line(5, 1)},
	}
	r, err := prune.Prune(t.Context(), f, logsOnly())
	if err != nil || r.Rows() != 4 || r.Kinds[storage.PruneLogs].Runs != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	const lost, all = 1, 1 | 1<<8
	want := fmt.Sprint([]prune.Span{{1, 1, 1, 2}, {3, 1, 5, 1}}, []prune.Mark{{1, all}, {3, all}, {4, all - lost}, {5, all}})
	if len(f.did) != 1 || f.did[0] != want {
		t.Errorf("did %q, want %q", f.did, want)
	}
}

// TestRetriedMeanwhile lists a page again after a refusal, but not for ever.
func TestRetriedMeanwhile(t *testing.T) {
	t.Parallel()
	for refusals, want := range map[int]error{0: nil, 3: nil, 100_000: prune.ErrRetried} {
		f := &fake{runs: []prune.Run{{Key: 1}}, rows: []prune.Row{line(1, 1)}, retried: refusals}
		r, err := prune.Prune(t.Context(), f, logsOnly())
		if !errors.Is(err, want) || (r.Rows() == 1) != (want == nil) {
			t.Errorf("%d refusals: %+v, %v", refusals, r, err)
		}
	}
}

// TestRests waits three times as long as a transaction took before the next, unless its caller leaves: what went by then is told.
func TestRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{runs: []prune.Run{{Key: 1}}, rows: []prune.Row{line(1, 1), line(1, 2), line(1, 3)}, takes: time.Second}
		req := logsOnly()
		req.Chunk = 2
		began := time.Now()
		if _, err := prune.Prune(t.Context(), f, req); err != nil || time.Since(began) != 5*time.Second || len(f.did) != 2 {
			t.Errorf("%v after %s, %q", err, time.Since(began), f.did)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		began = time.Now()
		if did, err := prune.Prune(ctx, f, req); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 2*time.Second || did.Rows() != 2 {
			t.Errorf("%+v, %v after %s", did, err, time.Since(began))
		}
	})
}
