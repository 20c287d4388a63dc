package sqlite

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/rivers-go/rivers/storage"
)

// next is the version of a migration that is still to come.
const next = schemaVersion + 1

// withNext is our migrations and one more.
func withNext(t *testing.T, text string) fs.FS {
	t.Helper()
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{fmt.Sprintf("migrations/%05d_next.sql", next): {Data: []byte("-- +goose Up\n" + text)}}
	for _, name := range names {
		data, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

var addColumn = fmt.Sprintf("ALTER TABLE run ADD COLUMN something INTEGER NOT NULL DEFAULT 0;\nUPDATE store SET schema_version = %d, min_reader = 1;", next)

// makeStore makes a store with one run and returns its file.
func makeStore(t *testing.T) string {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{{ID: "r"}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.Path()
}

func TestMigrateKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	file, files := makeStore(t), withNext(t, addColumn)
	for _, from := range []int{schemaVersion, next} {
		gotFrom, to, err := migrate(t.Context(), file, files, next)
		if err != nil || gotFrom != from || to != next {
			t.Fatalf("migrated from %d to %d, %v, want %d to %d", gotFrom, to, err, from, next)
		}
	}
	s, err := Open(t.Context(), file) // newer, and says that we may read it
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.GetRun(t.Context(), "r"); err != nil {
		t.Error(err)
	}
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	file, files := makeStore(t), withNext(t, addColumn)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, to, err := migrate(context.Background(), file, files, next); err != nil || to != next {
				t.Errorf("migrated to %d, %v", to, err)
			}
		})
	}
	wg.Wait()
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	file := makeStore(t)
	broken := withNext(t, addColumn+"\nINSERT INTO nowhere VALUES (1);")
	if _, to, err := migrate(t.Context(), file, broken, next); err == nil || to != schemaVersion {
		t.Fatalf("a broken migration led to %d, %v", to, err)
	}
	if _, to, err := migrate(t.Context(), file, withNext(t, addColumn), next); err != nil || to != next {
		t.Fatalf("the mended one led to %d, %v", to, err)
	}
}

var update = flag.Bool("update", false, "write schema.sql anew, from the migrations")

// TestNewStoreIsWhatMigrationsMake compares the script of new stores with the migrations, applied
// one by one to an empty file.
func TestNewStoreIsWhatMigrationsMake(t *testing.T) {
	t.Parallel()
	migrated := emptyFile(t)
	pool, err := openPool(migrated)
	if err != nil {
		t.Fatal(err)
	}
	_, err = up(t.Context(), pool, migrations)
	if err := errors.Join(err, pool.Close()); err != nil {
		t.Fatal(err)
	}
	want := dump(t, migrated)
	if *update {
		if err := os.WriteFile("schema.sql", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if newStore != want {
		t.Errorf("schema.sql is not what the migrations make: run go test ./storage/sqlite -run TestNewStore -update\n%s", want)
	}
	if got := dump(t, makeStore(t)); got != want {
		t.Errorf("a new store:\n%s\n\nthe migrations make:\n%s", got, want)
	}
}

// dump writes a store without runs as the script that makes it.
func dump(t *testing.T, file string) string {
	t.Helper()
	pool, err := openPool(file)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var text string
	err = pool.QueryRowContext(t.Context(), `SELECT
		(SELECT group_concat(sql || ';' || char(10), char(10)) FROM (SELECT sql FROM sqlite_master
			WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite@_%' ESCAPE '@' ORDER BY type <> 'table', type, name)) || char(10) ||
		(SELECT group_concat(format('INSERT INTO goose_db_version (version_id, is_applied) VALUES (%d, %d);', version_id, is_applied), char(10))
			FROM (SELECT * FROM goose_db_version ORDER BY id)) || char(10) ||
		(SELECT format('INSERT INTO store (one, id, schema_version, min_reader, era) VALUES (1, lower(hex(randomblob(%d))), %d, %d, %d);',
			length(id) / 2, schema_version, min_reader, era) FROM store) || char(10)`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return "-- Written by TestNewStoreIsWhatMigrationsMake: what the migrations make of an empty file.\n\n" + text
}

// TestEventsOfBeforeErasAreFound migrates a store of version 2 that has a past.
func TestEventsOfBeforeErasAreFound(t *testing.T) {
	t.Parallel()
	file := emptyFile(t)
	pool, err := openPool(file)
	if err != nil {
		t.Fatal(err)
	}
	old := fstest.MapFS{}
	for _, name := range []string{"migrations/00001_begin.sql", "migrations/00002_leases.sql"} {
		data, err := fs.ReadFile(migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: data}
	}
	if _, err := up(t.Context(), pool, old); err != nil {
		t.Fatal(err)
	}
	_, err = pool.ExecContext(t.Context(), `INSERT INTO asset (key, name) VALUES (1, 'users');
		INSERT INTO run (id, location, job, state, token, created_at, started_at, ended_at, succeeded, failed, skipped, canceled, error)
			VALUES ('old', '', '', 2, 1, 1, 1, 0, 0, 0, 0, 0, '');
		INSERT INTO event (run, n, at, kind, step, attempt, retry_at, cause, status, asset) VALUES (1, 1, 1, 7, 0, 1, 0, 0, 0, 1)`)
	if err := errors.Join(err, pool.Close()); err != nil {
		t.Fatal(err)
	}
	if from, _, err := Migrate(t.Context(), file); err != nil || from != 2 {
		t.Fatalf("migrated from %d: %v", from, err)
	}
	s, err := Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begin := storage.Batch{Runs: []storage.RunRecord{{ID: "new", Token: 1}}}
	if err := s.Commit(t.Context(), &begin); err != nil {
		t.Fatal(err)
	}
	for _, e := range []storage.Event{{Run: begin.Runs[0].Key, N: 1}, {Run: 1, N: 2}} { // the old run writes on
		e.Kind, e.Asset = storage.StepSucceeded, 1
		if err := s.Commit(t.Context(), &storage.Batch{Fence: storage.Fence{Run: e.Run, Token: 1}, Events: []storage.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	events, err := s.ListAssetEvents(t.Context(), storage.AssetEventQuery{Asset: 1})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range events {
		got = append(got, fmt.Sprintf("%d/%d", events[i].Run, events[i].N))
	}
	if want := "2/1 1/2 1/1"; strings.Join(got, " ") != want {
		t.Errorf("events %v, want %s", got, want)
	}
}

func emptyFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "goose.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestMigrateCreates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new")
	for _, want := range []int{0, schemaVersion} {
		from, to, err := Migrate(t.Context(), path)
		if err != nil || from != want || to != schemaVersion {
			t.Fatalf("Migrate went from %d to %d, %v, want %d to %d", from, to, err, want, schemaVersion)
		}
	}
}

func TestSchemaVersionIsTheLastMigration(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) != schemaVersion {
		t.Errorf("%d migrations, %v, want %d", len(files), err, schemaVersion)
	}
	file := makeStore(t)
	if from, to, err := migrate(t.Context(), file, migrations, schemaVersion); err != nil || from != schemaVersion || to != schemaVersion {
		t.Errorf("a new store is of version %d (%d), %v", from, to, err)
	}
}

func TestBusyIsExplainedInOurWords(t *testing.T) {
	t.Parallel()
	if err := explain("x.db", "write", nil); err != nil {
		t.Error(err)
	}
	plain := errors.New("plain")
	if err := explain("x.db", "write", plain); !errors.Is(err, plain) || err.Error() != "store x.db: write: plain" {
		t.Error(err)
	}
}

func TestPastPrefix(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{"": "", "a": "b", "a/": "a0", "a\xff": "b", "\xff\xff": "", "ü": "ý"} {
		if got := pastPrefix(prefix); got != want {
			t.Errorf("past %q is %q, want %q", prefix, got, want)
		}
	}
}
