package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"

	"github.com/rivers-go/rivers/storage"
)

// Vacuum writes the file anew without the pages that are free, and returns by how many bytes it
// got smaller. Nobody can write meanwhile, and as much room again is needed beside it.
//
// Files are not made with auto_vacuum: pages that pruning frees are filled again by who writes
// next, and to move them meanwhile would be work for nothing.
func (s *Store) Vacuum(ctx context.Context) (freed int64, err error) {
	if s.closed.Load() {
		return 0, storage.ErrClosed
	}
	before, err := os.Stat(s.path)
	if err != nil {
		return 0, explain(s.path, "make it smaller", err)
	}
	pool, err := openPool(s.path)
	if err != nil {
		return 0, explain(s.path, "make it smaller", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxOpenConns(1)
	if err := vacuum(ctx, pool); err != nil {
		return 0, explain(s.path, "make it smaller", err)
	}
	after, err := os.Stat(s.path)
	if err != nil {
		return 0, explain(s.path, "make it smaller", err)
	}
	return max(before.Size()-after.Size(), 0), nil
}

// vacuum brings what is in the log into the file, too, which only then gets smaller.
func vacuum(ctx context.Context, pool *sql.DB) error {
	for _, text := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := pool.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}
