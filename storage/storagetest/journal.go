package storagetest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// Journal is a memory store that keeps every write, so that a test has the store as of any of them:
// the process may die before each. It may also be told to fail.
type Journal struct {
	storage.Storage

	mu     sync.Mutex
	writes []func(storage.Storage) error
	// from is the write, counted from 1, from which on all are refused with err; zero refuses none.
	from int
	err  error
}

// NewJournal returns an empty store with an empty journal.
func NewJournal() *Journal { return &Journal{Storage: memory.New()} }

// Len returns how many writes there were.
func (j *Journal) Len() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.writes)
}

// Cut returns a new store as it was after the first n writes, with a journal of its own. Keys are
// the same in both, for a memory store gives them in the order of the writes.
func (j *Journal) Cut(n int) (*Journal, error) {
	j.mu.Lock()
	writes := slices.Clone(j.writes[:n])
	j.mu.Unlock()
	c := NewJournal()
	for i, write := range writes {
		if err := write(c); err != nil {
			return nil, fmt.Errorf("write %d of %d again: %w", i+1, n, err)
		}
	}
	return c, nil
}

// FailFrom refuses the n-th write from now on, and all after it, with err.
func (j *Journal) FailFrom(n int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.from, j.err = len(j.writes)+n, err
}

// do makes a write and keeps it.
func (j *Journal) do(write func(storage.Storage) error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.from > 0 && len(j.writes)+1 >= j.from {
		return j.err
	}
	if err := write(j.Storage); err != nil {
		return err
	}
	j.writes = append(j.writes, write)
	return nil
}

// Commit applies a batch and keeps it.
func (j *Journal) Commit(ctx context.Context, b *storage.Batch) error {
	kept := copied(b)
	first := true
	return j.do(func(s storage.Storage) error {
		if first {
			first = false
			return s.Commit(ctx, b)
		}
		again := copied(&kept)
		return s.Commit(context.Background(), &again)
	})
}

// Append applies a batch and keeps it.
func (j *Journal) Append(b *storage.Batch) error {
	kept := copied(b)
	return j.do(func(s storage.Storage) error {
		again := copied(&kept)
		return s.Append(&again)
	})
}

// ClaimRun claims and keeps that.
func (j *Journal) ClaimRun(ctx context.Context, c storage.RunClaim) (rec storage.RunRecord, err error) {
	err = j.do(func(s storage.Storage) error {
		rec, err = s.ClaimRun(ctx, c)
		return err
	})
	return rec, err
}

// ClaimBackfill claims and keeps that.
func (j *Journal) ClaimBackfill(ctx context.Context, c storage.RunClaim) (rec storage.BackfillRecord, err error) {
	err = j.do(func(s storage.Storage) error {
		rec, err = s.ClaimBackfill(ctx, c)
		return err
	})
	return rec, err
}

// copied is a batch whose slices nobody reuses.
func copied(b *storage.Batch) storage.Batch {
	c := *b
	c.Backfills, c.BackfillUpdates, c.Keys = slices.Clone(b.Backfills), slices.Clone(b.BackfillUpdates), slices.Clone(b.Keys)
	c.Expect, c.Runs, c.RunUpdates, c.Cancels = slices.Clone(b.Expect), slices.Clone(b.Runs), slices.Clone(b.RunUpdates), slices.Clone(b.Cancels)
	c.Events, c.Assets, c.Logs, c.Releases = slices.Clone(b.Events), slices.Clone(b.Assets), slices.Clone(b.Logs), slices.Clone(b.Releases)
	c.Pools, c.KV, c.Topologies = slices.Clone(b.Pools), slices.Clone(b.KV), slices.Clone(b.Topologies)
	return c
}
