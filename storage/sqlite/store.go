package sqlite

//go:generate go tool -modfile=../../tools/go.mod sqlc generate

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/signal"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// Store is a store in a SQLite file, made by [Open]. Its zero value is not usable. All methods may
// be called from any goroutine.
type Store struct {
	path  string
	id    string
	pool  *sql.DB
	reads *db.Queries

	queue  *commit.Queue
	writer *writer
	done   chan struct{} // closed when the writer's goroutine has ended
	closed atomic.Bool
	close  sync.Once

	signals     signal.Hub
	stopLooking context.CancelFunc // set by the hub, which calls one at a time
	looking     sync.WaitGroup

	rows, statements, commits atomic.Int64
}

var _ storage.Storage = (*Store)(nil)

// Stats counts what a handle has written since it was opened. Rows per step and statements per
// run are the budget of a store, and unlike times they are the same on every machine.
type Stats struct {
	// Rows were inserted, replaced, changed or deleted.
	Rows int64
	// Statements were executed, queries of fences and expectations included, BEGIN and COMMIT not.
	Statements int64
	// Commits are transactions.
	Commits int64
}

// Stats returns the counts so far.
func (s *Store) Stats() Stats {
	return Stats{Rows: s.rows.Load(), Statements: s.statements.Load(), Commits: s.commits.Load()}
}

// ID returns the name that the store got when it was created: two handles on one file, also of two
// processes, have the same.
func (s *Store) ID() string { return s.id }

// Path returns the path of the SQLite file.
func (s *Store) Path() string { return s.path }

// Close writes what was appended, ends the writer and closes the file. Calls that are under way
// get their answers; later ones, a second Close too, get [storage.ErrClosed]. An error names the
// records that were not written.
func (s *Store) Close() error {
	err := storage.ErrClosed
	s.close.Do(func() {
		s.closed.Store(true)
		s.signals.Close()
		s.looking.Wait()
		s.queue.Close()
		<-s.done
		err = errors.Join(s.queue.Lost(), s.writer.close(), s.pool.Close())
	})
	return err
}
