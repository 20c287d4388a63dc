package sqlite

import (
	"context"

	"github.com/rivers-go/rivers/storage"
)

// Commit applies the batch and everything appended before it in one transaction, and returns when
// that is durable (see the package comment). The keys of new runs are filled in.
//
// When the context ends first, the batch is taken out of the queue and nothing of it is written,
// or, where the writer is already at it, Commit waits for the outcome and returns that: an error
// of the context means that nothing was written. What was appended before is written in any case.
func (s *Store) Commit(ctx context.Context, b *storage.Batch) error {
	return s.queue.CommitBatch(ctx, b)
}

// Append queues the batch for the next transaction: that of a Commit, or one after 256 records or
// 2 ms. It waits only when the disk is so far behind that thousands of records are queued.
func (s *Store) Append(b *storage.Batch) error {
	if err := b.ValidateAppend(); err != nil {
		return err
	}
	return s.queue.Append(b)
}
