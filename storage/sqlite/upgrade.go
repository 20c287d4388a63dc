package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// oldestReader is the oldest program that goes on with a store of this schema: min_reader as the
// last migration leaves it.
const oldestReader = 5

// leaveFor is how long others get to close a store that is only theirs until it is migrated. It is
// meant for those who open it at the same moment; who works with it takes longer.
const leaveFor = 3 * time.Second

// OpenUpgraded is [Open] for a store that nobody looks after, such as the one of a program on a
// laptop: if its schema is older than this program's, it is migrated first, as [Migrate] does, and
// the logger hears of it; nil is [slog.Default]. A newer store is never touched.
//
// Programs that have the store open are not pulled from under their feet. If they are of a schema
// that the new one allows, they go on; otherwise the store is migrated only while nobody else has
// it open, and after some seconds the answer is a [*storage.SchemaError] that says so. Of several
// processes that open it at once one migrates, and all use it.
func OpenUpgraded(ctx context.Context, path string, log *slog.Logger) (*Store, error) {
	return openUpgraded(ctx, path, log, leaveFor)
}

func openUpgraded(ctx context.Context, path string, log *slog.Logger, patience time.Duration) (*Store, error) {
	s, err := Open(ctx, path)
	old, ok := errors.AsType[*storage.SchemaError](err)
	if !ok || old.Have >= old.Want {
		return s, err
	}
	from, to, err := upgrade(ctx, old, patience)
	if err != nil {
		return nil, err
	}
	if from < to { // else another process was quicker, and has said so
		if log == nil {
			log = slog.Default()
		}
		log.InfoContext(ctx, "the store is migrated to the schema of this program", "store", old.Store, "from", from, "to", to)
	}
	return Open(ctx, path)
}

// upgrade migrates a store that was refused.
func upgrade(ctx context.Context, old *storage.SchemaError, patience time.Duration) (from, to int, err error) {
	if old.Have >= oldestReader {
		return migrate(ctx, old.Store, migrations, schemaVersion)
	}
	waiting, stop := context.WithTimeout(ctx, patience)
	defer stop()
	err = retryBusy(waiting, func() error {
		from, to, err = upgradeAlone(ctx, old.Store)
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		inUse := *old
		inUse.InUse = true
		return 0, 0, &inUse
	}
	return from, to, err
}

// upgradeAlone migrates a store that nobody else has open. Where somebody has, the error is
// SQLite's that it is busy, unless that one has migrated it by now.
func upgradeAlone(ctx context.Context, file string) (from, to int, err error) {
	if from, err = versionNow(ctx, file); err != nil || from >= schemaVersion {
		return from, from, err
	}
	// A connection keeps a share of the file's lock for as long as it is open, so having it whole is
	// being alone, and staying so.
	name, err := dsn(file, "mode=rw", "_pragma=locking_mode(EXCLUSIVE)", "_txlock=immediate")
	if err != nil {
		return 0, 0, err
	}
	pool, err := openNamed(name)
	if err != nil {
		return 0, 0, explain(file, "migrate", err)
	}
	pool.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, pool.Close()) }()
	if _, err = db.New(pool).GetStore(ctx); err != nil { // takes the lock
		return 0, 0, err
	}
	return migrateIn(ctx, file, pool, migrations, schemaVersion)
}

// versionNow asks with a connection of its own.
func versionNow(ctx context.Context, file string) (have int, err error) {
	pool, err := openPool(file, "_query_only=1")
	if err != nil {
		return 0, explain(file, "open", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	return version(ctx, file, pool)
}
