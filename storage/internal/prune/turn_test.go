package prune_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
)

// turning is a fake that keeps the value of the turn, and says from which runs on it was asked for them.
type turning struct {
	fake

	value  []byte
	asked  []storage.RunKey
	ending func() // called by each deletion of rows
}

func (f *turning) ListKV(context.Context, string) ([]storage.KVPair, error) {
	if f.value == nil {
		return nil, nil
	}
	return []storage.KVPair{{Key: storage.PruneTurn, Value: f.value}}, nil
}

func (f *turning) Swap(ctx context.Context, _ string, before, after []byte) (bool, error) {
	if ctx.Err() != nil || !bytes.Equal(f.value, before) {
		return false, ctx.Err()
	}
	f.value = after
	return true, nil
}

func (f *turning) EndedRuns(ctx context.Context, q prune.RunQuery) ([]prune.Run, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if q.Limit > 1 { // one is for whether anything is old
		f.asked = append(f.asked, q.After)
	}
	return f.fake.EndedRuns(ctx, q)
}

func (f *turning) Delete(ctx context.Context, d *prune.Deletion) error {
	err := f.fake.Delete(ctx, d)
	if len(d.Spans) == 0 {
		return err
	}
	f.rows = nil
	if f.ending != nil {
		f.ending()
	}
	return err
}

// manyRuns are so many runs, of which the last have a line each.
func manyRuns(runs int, lines ...storage.RunKey) *turning {
	f := &turning{}
	for key := range runs {
		f.runs = append(f.runs, prune.Run{Key: storage.RunKey(key + 1)})
	}
	for _, key := range lines {
		f.rows = append(f.rows, line(key, 1))
	}
	return f
}

// TestTurnIsPassedOn ends processes while they prune: the next one goes on at once, with the runs among which the one before was.
func TestTurnIsPassedOn(t *testing.T) {
	t.Parallel()
	f := manyRuns(3500, 2100)
	req := logsOnly()
	req.Every = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	f.ending = cancel
	if did, err := prune.Prune(ctx, f, req); !errors.Is(err, context.Canceled) || did.Skipped || did.Rows() != 1 {
		t.Fatalf("%+v, %v", did, err)
	}
	f.ending, f.asked = nil, nil
	f.rows = []prune.Row{line(3200, 1)}
	if did, err := prune.Prune(t.Context(), f, req); err != nil || did.Skipped || did.Rows() != 1 {
		t.Fatalf("%+v, %v", did, err)
	}
	if got := fmt.Sprint(f.asked); got != "[3000 3500]" {
		t.Errorf("the one that came next looked from %s on, want [3000 3500]", got)
	}
	if next := storage.NextPruneTurn(f.value); !next.Equal(req.Now.Add(time.Hour)) {
		t.Errorf("the next turn is %s, want an hour later", next)
	}
	if did, err := prune.Prune(t.Context(), f, req); err != nil || !did.Skipped {
		t.Errorf("%+v, %v", did, err)
	}
}

// TestTurnIsBounded ends by itself after half a minute, which is no error, and the next begins a minute after it began.
func TestTurnIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := manyRuns(10_000, 1)
		f.takes = 10 * time.Second // and a rest three times as long
		req := logsOnly()
		req.Every, req.Chunk = time.Hour, 1
		f.ending = func() { f.rows = []prune.Row{line(1, 1)} } // it never ends
		began := time.Now()
		did, err := prune.Prune(t.Context(), f, req)
		if took := time.Since(began); err != nil || !did.More || did.Skipped || took != 30*time.Second {
			t.Errorf("%+v, %v after %s", did, err, took)
		}
		if next := storage.NextPruneTurn(f.value); !next.Equal(req.Now.Add(time.Minute)) {
			t.Errorf("the next turn is %s, want a minute later", next)
		}
	})
}

// TestTurnThatFails waits a minute, and says why.
func TestTurnThatFails(t *testing.T) {
	t.Parallel()
	f := manyRuns(1, 1)
	f.retried = 1_000_000
	req := logsOnly()
	req.Every = time.Hour
	if did, err := prune.Prune(t.Context(), f, req); !errors.Is(err, prune.ErrRetried) || did.Skipped {
		t.Errorf("%+v, %v", did, err)
	}
	if next := storage.NextPruneTurn(f.value); !next.Equal(req.Now.Add(time.Minute)) {
		t.Errorf("the next turn is %s, want a minute later", next)
	}
	if !storage.NextPruneTurn([]byte("{")).IsZero() {
		t.Error("a value that says nothing says when")
	}
}
