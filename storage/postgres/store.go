package postgres

//go:generate go tool -modfile=../../tools/go.mod sqlc generate

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/signal"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// Store is a store in a PostgreSQL database, made by [Open]. Its zero value is not usable. All
// methods may be called from any goroutine.
type Store struct {
	target *target
	id     string
	pool   *pgxpool.Pool
	reads  *db.Queries
	lists  *db.Queries // see [planBy]

	queue  *commit.Queue
	writer *writer
	done   chan struct{} // closed when the writer's goroutine has ended
	closed atomic.Bool
	close  sync.Once

	signals       signal.Hub
	stopListening context.CancelFunc // set by the hub, which calls one at a time
	listening     sync.WaitGroup

	announcing sync.Mutex
	later      *time.Timer // nil while nothing is to be announced

	counts counts
}

var _ storage.Storage = (*Store)(nil)

// counts are what [Stats] shows.
type counts struct {
	rows, statements, commits, trips atomic.Int64
}

// Stats counts the writes of a handle since its opening. Rows per step, statements and trips per
// run are the budget of a store; unlike times, they are the same on every machine.
type Stats struct {
	// Rows were inserted, replaced, changed or deleted.
	Rows int64
	// Statements were executed, questions before a decision included, BEGIN and COMMIT not.
	Statements int64
	// Commits are transactions.
	Commits int64
	// Trips are how often the writer waited for the server.
	Trips int64
}

// Stats returns the counts so far.
func (s *Store) Stats() Stats {
	return Stats{Rows: s.counts.rows.Load(), Statements: s.counts.statements.Load(), Commits: s.counts.commits.Load(), Trips: s.counts.trips.Load()}
}

// ID returns the store's name from its creation. All handles on one schema have the same, in any
// process.
func (s *Store) ID() string { return s.id }

// ValuesDir returns .rivers/values-ID in the working directory, with the store's ID. A server keeps
// no files of its clients. What programs on several machines share needs another handler, such as
// iohandler/blob on an object store.
func (s *Store) ValuesDir() string { return filepath.Join(".rivers", "values-"+s.id) }

// String returns the store's URL without password and settings, as errors name it.
func (s *Store) String() string { return s.target.name }

// Commit applies the batch and everything appended before it in one transaction, and returns when
// that is durable (see the package comment). The keys of new runs are filled in.
//
// An error of the context means that nothing of the batch was written. If the writer has begun the
// batch, Commit waits for its outcome. If the server is away, so that the outcome is unknown, it
// returns [storage.ErrOutcomeUnknown].
func (s *Store) Commit(ctx context.Context, b *storage.Batch) error {
	return s.queue.CommitBatch(ctx, b)
}

// Append queues the batch for the next transaction: that of a Commit, or one after 256 records or 2
// ms. It waits only when the server is so far behind, or away, that thousands of records are
// queued.
func (s *Store) Append(b *storage.Batch) error {
	if err := b.ValidateAppend(); err != nil {
		return err
	}
	return s.queue.Append(b)
}

// Close writes the appended batches, ends the writer and closes the connections. Calls in progress
// complete; later ones, a second Close included, return [storage.ErrClosed]. An error names the
// lost writes.
func (s *Store) Close() error {
	err := storage.ErrClosed
	s.close.Do(func() {
		s.closed.Store(true)
		s.signals.Close()
		s.listening.Wait()
		s.announceLast()
		s.queue.Close()
		<-s.done
		s.pool.Close()
		err = s.queue.Lost()
	})
	return err
}
