package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
	lib "modernc.org/sqlite/lib"
)

// schemaVersion is the schema this program reads and writes: the number of the last migration.
const schemaVersion = 6

// SchemaVersion returns the version of the schema that this program reads and writes.
func SchemaVersion() int { return schemaVersion }

// migrations are applied in the order of their numbers, each in a transaction, and never changed
// once they were released. Each ends by writing its number and the oldest program that may still
// read the store into the store table.
//
//go:embed migrations/*.sql
var migrations embed.FS

// newStore makes what the migrations make of an empty file. A test writes it, with -update.
//
//go:embed schema.sql
var newStore string

// errNoStore is what a database without our tables is told.
var errNoStore = errors.New("the file is a SQLite database of another program: give another path")

// explainOpen is [explain] for what Open finds in a file.
func explainOpen(file string, err error) error {
	var schema *storage.SchemaError
	switch {
	case errors.As(err, &schema):
		return err
	case errors.Is(err, errNoStore) || code(err) == lib.SQLITE_ERROR: // its query named a table that is not there
		return fmt.Errorf("store %s: %w", file, errNoStore)
	}
	return explain(file, "open", err)
}

// create makes a new store beside its place and links it into it, so that nobody ever sees half
// of one, and of two processes that create the same one wins and both use it. An empty file in
// its place is replaced.
func create(ctx context.Context, file string, replace bool) (err error) {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("store %s: create its directory: %w", file, err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(file)+".new-*")
	if err != nil {
		return fmt.Errorf("store %s: create it: %w", file, err)
	}
	temp := f.Name()
	defer func() {
		err = errors.Join(err, f.Close(), ignoreMissing(os.Remove(temp)))
	}()
	if err := build(ctx, temp); err != nil {
		return explain(file, "create it", err)
	}
	// A store that an acknowledged write is in later must not be an empty file after a loss of power.
	if err := f.Sync(); err != nil {
		return fmt.Errorf("store %s: create it: %w", file, err)
	}
	if replace {
		err = os.Rename(temp, file)
	} else if err = os.Link(temp, file); errors.Is(err, fs.ErrExist) {
		err = nil // another process was first: its store is as good
	} else if err != nil {
		err = os.Rename(temp, file) // a file system without links
	}
	if err != nil {
		return fmt.Errorf("store %s: create it: %w", file, err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// build makes a new store in an empty file that nobody else sees: it needs neither locks nor a
// journal until it is done. It runs what all migrations come to, in one script, which is felt at
// every first start: a quarter of the time that goose takes for the first of them, and no more
// when there are many.
func build(ctx context.Context, file string) error {
	pool, err := openPool(file, "_pragma=journal_mode(OFF)", "_synchronous=OFF", "_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	_, err = pool.ExecContext(ctx, "BEGIN;\n"+newStore+"COMMIT; PRAGMA locking_mode = NORMAL; PRAGMA journal_mode = WAL")
	return errors.Join(err, pool.Close())
}

// up applies the migrations that are missing and returns how many those were, also where one of
// them failed.
func up(ctx context.Context, pool *sql.DB, files fs.FS) (applied int, err error) {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		return 0, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, pool, sub,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return 0, err
	}
	done, err := provider.Up(ctx)
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		done = partial.Applied
	}
	return len(done), err
}

// Migrate brings the store at path (see [Open]) to the schema of this program and returns the
// versions before and after. A store that is up to date, or newer, is left as it is; where there is
// none it is created, from version 0. Programs that have the store open go on if the new schema
// allows them to read it.
func Migrate(ctx context.Context, path string) (from, to int, err error) {
	file, _, err := locate(path)
	if err != nil {
		return 0, 0, err
	}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0 {
		return 0, schemaVersion, ensure(ctx, file)
	}
	return migrate(ctx, file, migrations, schemaVersion)
}

func migrate(ctx context.Context, file string, files fs.FS, want int) (from, to int, err error) {
	if err := ensure(ctx, file); err != nil {
		return 0, 0, err
	}
	pool, err := openPool(file, "_txlock=immediate")
	if err != nil {
		return 0, 0, explain(file, "migrate", err)
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	return migrateIn(ctx, file, pool, files, want)
}

// migrateIn migrates through connections that begin their transactions by taking the lock of who
// writes.
func migrateIn(ctx context.Context, file string, pool *sql.DB, files fs.FS, want int) (from, to int, err error) {
	from, err = version(ctx, file, pool)
	if err != nil || from >= want {
		return from, from, err
	}
	applied, upErr := up(ctx, pool, files)
	to, err = version(ctx, file, pool)
	switch {
	case err != nil:
		return from, to, err
	case to < want: // else another process was quicker, and what failed here was doing it twice
		return from, to, explain(file, fmt.Sprintf("migrate from version %d to %d", from, want), errors.Join(upErr))
	case applied == 0:
		from = to // another process has done it all
	}
	return from, to, nil
}

func version(ctx context.Context, file string, pool *sql.DB) (int, error) {
	row, err := db.New(pool).GetStore(ctx)
	if err != nil {
		return 0, explainOpen(file, err)
	}
	return int(row.SchemaVersion), nil
}
