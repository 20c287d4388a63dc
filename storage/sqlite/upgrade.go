package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// oldestReader is the oldest program that may use a store of this schema: min_reader after the last
// migration.
const oldestReader = 5

// leaveFor is how long other processes get to close a store before its migration. It covers
// processes that open it at the same moment; longer use outlasts it.
const leaveFor = 3 * time.Second

// OpenUpgraded is [Open] for a store without an operator, such as that of a program on a laptop. It
// first migrates a store of an older schema, as [Migrate] does, and logs that; a nil logger is
// [slog.Default]. It never changes a newer store.
//
// Programs that have the store open are safe. They continue if the new schema allows theirs.
// Otherwise the store is migrated only while no other process has it open; after some seconds
// OpenUpgraded returns a [*storage.SchemaError] for it. Of several processes that open it at
// once one migrates, and all use it.
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

// upgradeAlone migrates a store that no other process has open. Otherwise it returns SQLite's busy
// error, unless the other process has migrated the store.
func upgradeAlone(ctx context.Context, file string) (from, to int, err error) {
	if from, err = versionNow(ctx, file); err != nil || from >= schemaVersion {
		return from, from, err
	}
	// A connection keeps a share of the file's lock for as long as it is open, so having it whole
	// is being alone, and staying so.
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
