package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"os"

	"github.com/rivers-go/rivers/storage"
)

// Vacuum rewrites the file without its free pages and returns the bytes saved. It blocks writers
// and needs as much space again.
//
// Files have no auto_vacuum: later writes fill the pages that pruning frees, and moving them would
// be wasted work.
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

// vacuum also moves the log into the file, which shrinks only then.
func vacuum(ctx context.Context, pool *sql.DB) error {
	for _, text := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"} {
		if _, err := pool.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}
