package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/partition"
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

var addColumn = fmt.Sprintf("ALTER TABLE run ADD COLUMN something integer NOT NULL DEFAULT 0;\nUPDATE store SET schema_version = %d, min_reader = 1;", next)

func mustParse(t *testing.T, url string) *target {
	t.Helper()
	target, err := parse(url)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// newStore makes a store with one run.
func newStore(t *testing.T) (*target, *Store) {
	t.Helper()
	target := mustParse(t, Server.URL(t))
	s, err := target.openStore(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{{ID: "r", Token: 1}}}); err != nil {
		t.Fatal(err)
	}
	return target, s
}

// TestMigrateBesideAnOlderProgram has a program of the version before, which goes on reading and writing during a deploy.
func TestMigrateBesideAnOlderProgram(t *testing.T) {
	t.Parallel()
	target, older := newStore(t)
	files := withNext(t, addColumn)
	for _, from := range []int{schemaVersion, next} {
		gotFrom, to, err := target.migrate(t.Context(), files, next)
		if err != nil || gotFrom != from || to != next {
			t.Fatalf("migrated from %d to %d, %v, want %d to %d", gotFrom, to, err, from, next)
		}
	}
	if err := older.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{{ID: "after", Token: 1}}}); err != nil {
		t.Error(err)
	}
	again, err := target.openStore(t.Context(), true) // newer, and says that we may read it
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, s := range []*Store{older, again} {
		for _, id := range []string{"r", "after"} {
			if _, err := s.GetRun(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestTooOldForAReconnect has a program that was overtaken by a schema it does not read, and notices with its next connection.
func TestTooOldForAReconnect(t *testing.T) {
	t.Parallel()
	target, older := newStore(t)
	if _, _, err := target.migrate(t.Context(), withNext(t, strings.Replace(addColumn, "min_reader = 1", fmt.Sprint("min_reader = ", next), 1)), next); err != nil {
		t.Fatal(err)
	}
	conn, err := target.connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "SELECT pg_terminate_backend($1)", older.writer.pid.Load()); err != nil {
		t.Fatal(err)
	}
	err = older.Commit(t.Context(), &storage.Batch{Runs: []storage.RunRecord{{ID: "after"}}})
	var schema *storage.SchemaError
	if !errors.As(err, &schema) || schema.MinReader != next {
		t.Errorf("got %v, want a schema error", err)
	}
}

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	target, _ := newStore(t)
	files := withNext(t, addColumn)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, to, err := target.migrate(context.Background(), files, next); err != nil || to != next {
				t.Errorf("migrated to %d, %v", to, err)
			}
		})
	}
	wg.Wait()
}

func TestFailedMigrationChangesNothing(t *testing.T) {
	t.Parallel()
	target, _ := newStore(t)
	broken := withNext(t, addColumn+"\nINSERT INTO nowhere VALUES (1);")
	_, to, err := target.migrate(t.Context(), broken, next)
	if err == nil || to != schemaVersion || !strings.Contains(err.Error(), fmt.Sprintf("migrate from version %d to %d: relation \"nowhere\" does not exist", schemaVersion, next)) {
		t.Fatalf("a broken migration led to %d, %v", to, err)
	}
	if _, to, err := target.migrate(t.Context(), withNext(t, addColumn), next); err != nil || to != next {
		t.Fatalf("the mended one led to %d, %v", to, err)
	}
}

func TestMigrateCreates(t *testing.T) {
	t.Parallel()
	url := Server.URL(t)
	for _, want := range []int{0, schemaVersion} {
		from, to, err := Migrate(t.Context(), url)
		if err != nil || from != want || to != schemaVersion {
			t.Fatalf("Migrate went from %d to %d, %v, want %d to %d", from, to, err, want, schemaVersion)
		}
	}
}

// TestNewStoreIsWhatGooseMakes compares the script of new stores with the migrations one by one.
func TestNewStoreIsWhatGooseMakes(t *testing.T) {
	t.Parallel()
	ours, _ := newStore(t)
	goose := mustParse(t, Server.URL(t))
	execSchema(t, goose)
	if err := goose.up(t.Context(), migrations); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(describeSchema(t, goose), describeSchema(t, ours)); diff != "" {
		t.Errorf("a new store is not what goose makes (-goose +new):\n%s", diff)
	}
}

func execSchema(t *testing.T, target *target) {
	t.Helper()
	conn, err := target.connect(t.Context(), "")
	if err == nil {
		_, err = conn.Exec(t.Context(), "CREATE SCHEMA "+pgx.Identifier{target.schema}.Sanitize())
	}
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// describeSchema lists what is in a schema: columns, indexes, constraints, and what goose noted.
func describeSchema(t *testing.T, target *target) []string {
	t.Helper()
	conn, err := target.connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), `
		SELECT format('%s.%s %s %s %s %s', table_name, column_name, data_type, collation_name, is_nullable, coalesce(column_default, identity_generation))
		FROM information_schema.columns WHERE table_schema = $1
		UNION ALL SELECT replace(indexdef, $1, '') FROM pg_indexes WHERE schemaname = $1
		UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = $1::text::regnamespace
		UNION ALL SELECT format('%s %s', relname, reloptions) FROM pg_class WHERE relnamespace = $1::text::regnamespace
		UNION ALL SELECT format('goose %s %s', version_id, is_applied) FROM goose_db_version
		UNION ALL SELECT format('version %s %s %s', schema_version, min_reader, length(id)) FROM store
		ORDER BY 1`, target.schema)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestSchemaVersionIsTheLastMigration(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(files) != schemaVersion {
		t.Errorf("%d migrations, %v, want %d", len(files), err, schemaVersion)
	}
	target, _ := newStore(t)
	if from, to, err := target.migrate(t.Context(), migrations, schemaVersion); err != nil || from != schemaVersion || to != schemaVersion {
		t.Errorf("a new store is of version %d (%d), %v", from, to, err)
	}
}

// TestMigrateFromBeforePartitions has a store of version 1 with a past, which a program of its time made.
func TestMigrateFromBeforePartitions(t *testing.T) {
	t.Parallel()
	target := mustParse(t, Server.URL(t))
	old := fstest.MapFS{}
	data, err := fs.ReadFile(migrations, "migrations/00001_begin.sql")
	if err != nil {
		t.Fatal(err)
	}
	old["migrations/00001_begin.sql"] = &fstest.MapFile{Data: data}
	conn, err := target.connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE SCHEMA "+pgx.Identifier{target.schema}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	if err := target.up(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), `INSERT INTO asset (name) VALUES ('users'), ('feed');
		INSERT INTO run (id, location, job, state, token, created_at, started_at, ended_at, succeeded, failed, skipped, canceled, error, owner, lease_until)
			VALUES ('old', '', '', 2, 1, 1, 1, 0, 0, 0, 0, 0, '', '', 0);
		INSERT INTO event (run, n, at, kind, step, attempt, retry_at, cause, status, asset) VALUES (1, 1, 5, 7, 0, 1, 0, 0, 0, 1), (1, 2, 6, 13, 0, 1, 0, 0, 0, 2);
		INSERT INTO asset_state (asset, observed, run, n, at, data_version, code_version) VALUES (1, false, 1, 1, 5, 'v1', 'c1'), (2, true, 1, 2, 6, 'o1', '')`)
	if err != nil {
		t.Fatal(err)
	}
	if from, to, err := target.migrate(t.Context(), migrations, schemaVersion); err != nil || from != 1 || to != schemaVersion {
		t.Fatalf("migrated from %d to %d: %v", from, to, err)
	}
	s, err := target.openStore(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	assets, err := s.ListAssets(t.Context(), storage.AssetQuery{})
	if err != nil || len(assets) != 2 || assets[0].Observation.DataVersion != "o1" || assets[0].Materialization != nil ||
		assets[1].Materialization.DataVersion != "v1" || assets[1].Observation != nil || assets[1].Failure != nil {
		t.Fatalf("assets %+v, %v", assets, err)
	}
	sets, err := s.PartitionSets(t.Context(), []storage.AssetKey{1, 2})
	if err != nil || !sets[0].Materialized.Equal(partition.Whole()) || !sets[1].Materialized.IsEmpty() {
		t.Errorf("sets %+v, %v", sets, err)
	}
	fence := storage.Fence{Run: 1, Token: 1}
	b := storage.Batch{
		Fence: fence, Events: []storage.Event{{Run: 1, N: 3, Fact: storage.Fact{At: 7, Kind: storage.StepFailed}}},
		Assets: []storage.AssetUpdate{{Asset: 1, Kind: storage.Failed, Run: 1, N: 3, At: 7}},
	}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("check: %q, %v", found, err)
	}
}
