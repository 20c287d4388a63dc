package feed

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/rivers-go/rivers/storage"
)

// Store is what a consumer reads of storage.
type Store interface {
	ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error)
	ChangeSeq(ctx context.Context) (int64, error)
	GetKV(ctx context.Context, key string) ([]byte, error)
	ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error)
}

// Committer writes batches.
type Committer interface {
	Commit(ctx context.Context, b *storage.Batch) error
}

// DefaultPage is how many changes a consumer reads at a time.
const DefaultPage = 1000

// Consumer follows the feed under a name. It serves one goroutine at a time.
type Consumer struct {
	// Name and Location tell consumers apart. Both are part of the stored keys.
	Name, Location string
	// Format is the number of the snapshot's form. Snapshots of another format count as absent.
	Format int
	Store  Store
	// Page is how many changes are read at a time; zero means [DefaultPage].
	Page int

	cursor, pruned int64
}

// Cursor returns the number of the last change that was read.
func (c *Consumer) Cursor() int64 { return c.cursor }

// Pruned returns the number up to which the store may have pruned changes, as of the last call of
// Lost.
func (c *Consumer) Pruned() int64 { return c.pruned }

// MoveTo moves the cursor: back to an earlier one after an error, or to zero to forget it.
func (c *Consumer) MoveTo(seq int64) { c.cursor = seq }

// Lost asks how far the feed was pruned, and reports whether changes after the cursor are gone.
func (c *Consumer) Lost(ctx context.Context) (bool, error) {
	data, err := c.Store.GetKV(ctx, storage.FeedPruned)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		c.pruned = 0
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading %q: %w", storage.FeedPruned, err)
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return false, fmt.Errorf("the value %q is %q: want a number", storage.FeedPruned, data)
	}
	c.pruned = n
	return n > c.cursor, nil
}

// MoveToEnd moves the cursor to the end of the feed. A consumer that knows nothing calls it before
// it reads present states.
func (c *Consumer) MoveToEnd(ctx context.Context) error {
	seq, err := c.Store.ChangeSeq(ctx)
	if err != nil {
		return fmt.Errorf("asking for the last change: %w", err)
	}
	c.cursor = seq
	return nil
}

// Since yields the changes after the cursor, a page at a time. The cursor moves past a page before
// the page is yielded.
func (c *Consumer) Since(ctx context.Context) iter.Seq2[[]storage.Change, error] {
	return func(yield func([]storage.Change, error) bool) {
		for page, err := range Pages(ctx, c.Store, c.cursor, c.Page) {
			if err == nil {
				c.cursor = page[len(page)-1].Seq
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

// Pages yields the changes after a number, a page at a time, and ends after the first error.
func Pages(ctx context.Context, s Store, after int64, size int) iter.Seq2[[]storage.Change, error] {
	if size == 0 {
		size = DefaultPage
	}
	return func(yield func([]storage.Change, error) bool) {
		q := storage.ChangeQuery{After: after, Limit: size}
		for {
			page, err := s.ListChanges(ctx, q)
			if err != nil {
				yield(nil, fmt.Errorf("reading changes: %w", err))
				return
			}
			if len(page) == 0 || !yield(page, nil) {
				return
			}
			q.After = page[len(page)-1].Seq
		}
	}
}
