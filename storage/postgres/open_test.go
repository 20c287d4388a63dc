package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	neturl "net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// noSecret asserts that a text has nothing of the password, whole or escaped.
func noSecret(t *testing.T, text string) {
	t.Helper()
	for _, secret := range []string{postgrestest.Password, neturl.QueryEscape(postgrestest.Password), "correct-horse", "battery"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s\nshows a password", text)
		}
	}
}

// change returns a URL with something of it changed.
func change(t *testing.T, text string, f func(u *neturl.URL)) string {
	t.Helper()
	u, err := neturl.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	f(u)
	return u.String()
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	good := postgres.Server.URL(t)
	foreign := postgres.Server.URL(t)
	execute(t, plain(foreign), fmt.Sprintf(`CREATE SCHEMA %[1]s; CREATE TABLE %[1]s.event (name text)`, schemaOf(foreign)))
	other := postgres.Server.URL(t)
	execute(t, plain(other), fmt.Sprintf(`CREATE SCHEMA %[1]s; CREATE TABLE %[1]s.store (name text)`, schemaOf(other)))
	execute(t, good, "DROP ROLE IF EXISTS poor; CREATE ROLE poor LOGIN PASSWORD 'poor'")
	execute(t, good, "DROP DATABASE IF EXISTS latin")
	execute(t, good, "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
	for name, c := range map[string]struct {
		url  string
		want string
	}{
		"password":  {change(t, good, func(u *neturl.URL) { u.User = neturl.UserPassword("rivers", "battery") }), `open: password authentication failed for user "rivers" (SQLSTATE 28P01): give the right password in the URL, in PGPASSWORD or in ~/.pgpass`},
		"server":    {change(t, good, func(u *neturl.URL) { u.Host = "127.0.0.1:1" }), "open: dial tcp 127.0.0.1:1: connect: connection refused: is the server running, and does it listen there?"},
		"host":      {change(t, good, func(u *neturl.URL) { u.Host = "nowhere.invalid" }), "open: lookup nowhere.invalid"},
		"database":  {change(t, good, func(u *neturl.URL) { u.Path = "/nope" }), `open: database "nope" does not exist (SQLSTATE 3D000): create the database (createdb -E UTF8 NAME), or give another URL`},
		"privilege": {change(t, good, func(u *neturl.URL) { u.User = neturl.UserPassword("poor", "poor") }), "create it: permission denied for database postgres (SQLSTATE 42501): the user needs CREATE on the database, or a schema of its own"},
		"encoding":  {change(t, good, func(u *neturl.URL) { u.Path = "/latin" }), "create it: the database is encoded in LATIN1: make one in UTF8 (createdb -E UTF8 -T template0 NAME)"},
		"setting":   {with(good, "shema", "x"), `open: unrecognized configuration parameter "shema" (SQLSTATE 42704): parameters that are not known here are settings of the server: schema, retry_for, pool_max_conns and those of libpq are known`},
		"foreign":   {foreign, "create it: the schema has tables of another program: name another one with schema= in the URL"},
		"other":     {other, "open: the schema has tables of another program: name another one with schema= in the URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := postgres.Open(t.Context(), c.url)
			if err == nil {
				s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "store postgres://") {
				t.Errorf("%v\nwant ... %s", err, c.want)
			}
			noSecret(t, fmt.Sprintf("%v %+v", err, err))
		})
	}
}

// TestOwnSchema has a user who may not make schemas, but was given one.
func TestOwnSchema(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	execute(t, plain(url), fmt.Sprintf(`CREATE ROLE owner_of_%[1]s LOGIN PASSWORD 'pw'; CREATE SCHEMA %[1]s AUTHORIZATION owner_of_%[1]s`, schemaOf(url)))
	s := open(t, change(t, url, func(u *neturl.URL) { u.User = neturl.UserPassword("owner_of_"+schemaOf(url), "pw") }))
	defer s.Close()
	loadtest.NewRun(t, s, "r", 1)
}

func TestStoreShowsNoPassword(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Server.URL(t))
	defer s.Close()
	for _, text := range []string{s.String(), fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprint([]any{s})} {
		noSecret(t, text)
	}
	if want := "postgres://rivers@127.0.0.1:"; !strings.HasPrefix(s.String(), want) || !strings.Contains(s.String(), "/postgres?schema=store_") {
		t.Errorf("the store is called %s, want %s", s, want)
	}
}

func TestStoresOfOneDatabase(t *testing.T) {
	t.Parallel()
	url, otherURL := postgres.Server.URL(t), postgres.Server.URL(t)
	a, b, other := open(t, url), open(t, url), open(t, otherURL)
	defer a.Close()
	defer b.Close()
	defer other.Close()
	if a.ID() != b.ID() || a.ID() == other.ID() || len(a.ID()) != 32 {
		t.Errorf("IDs %q and %q of one schema, %q of another", a.ID(), b.ID(), other.ID())
	}
	loadtest.NewRun(t, a, "r", 1)
	if _, err := b.GetRun(t.Context(), "r"); err != nil {
		t.Error(err)
	}
	if _, err := other.GetRun(t.Context(), "r"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("another store has the run: %v", err)
	}
	// A name that has to be quoted, and one that belongs to no other program by default.
	quoted := open(t, with(url, "schema", `Our "runs"; --`))
	defer quoted.Close()
	loadtest.NewRun(t, quoted, "r", 1)
	byDefault := open(t, plain(url))
	defer byDefault.Close()
	execute(t, plain(url), "SELECT 1 FROM rivers.store")
}

func TestOpenExisting(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	for range 2 {
		_, err := postgres.OpenExisting(t.Context(), url)
		if !errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(err.Error(), "schema="+schemaOf(url)+": it does not exist yet") {
			t.Fatalf("a store that is not there: %v", err)
		}
	}
	made := open(t, url)
	defer made.Close()
	s, err := postgres.OpenExisting(t.Context(), url)
	if err != nil || s.ID() != made.ID() {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := postgres.OpenExisting(t.Context(), change(t, url, nowhere)); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("where there is no server: %v", err)
	}
}

func nowhere(u *neturl.URL) { u.Host = "127.0.0.1:1" }

// TestOtherStoreComesBack has another store in the same place, under a connection and after it.
func TestOtherStoreComesBack(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	s := open(t, with(url, "application_name", schemaOf(url)))
	defer s.Close()
	loadtest.NewRun(t, s, "r", 1)
	execute(t, url, "UPDATE store SET id = 'other'")
	for _, doing := range []string{"write", "connect"} {
		err := s.Commit(t.Context(), &storage.Batch{KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}})
		if want := fmt.Sprintf(`%s: there is another store by now: its id is "other", not %q`, doing, s.ID()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
		terminateAll(t, url)
	}
}

// terminateAll ends the server's processes of one store, which are told apart by a name.
func terminateAll(t *testing.T, url string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), plain(url))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND pid <> pg_backend_pid()", schemaOf(url))
	if err != nil {
		t.Fatal(err)
	}
}

// TestReadOnlyForATime has a server that takes no writes for a time, as a primary does that was demoted: a commit waits until
// it takes them again.
func TestReadOnlyForATime(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	role := "role_of_" + schemaOf(url)
	execute(t, plain(url), fmt.Sprintf(`CREATE ROLE %[2]s LOGIN PASSWORD 'pw'; CREATE SCHEMA %[1]s AUTHORIZATION %[2]s`, schemaOf(url), role))
	s := open(t, with(change(t, url, func(u *neturl.URL) { u.User = neturl.UserPassword(role, "pw") }), "application_name", schemaOf(url)))
	defer s.Close()
	loadtest.NewRun(t, s, "r", 1)
	execute(t, plain(url), "ALTER ROLE "+role+" SET default_transaction_read_only TO on")
	terminateAll(t, url)
	before := s.Stats().Trips
	written := make(chan error)
	go func() {
		written <- s.Commit(context.Background(), &storage.Batch{KV: []storage.KVPair{{Key: "k", Value: []byte("v")}}})
	}()
	for s.Stats().Trips < before+6 { // it was refused more than once
		select {
		case err := <-written:
			t.Fatalf("written while nothing could be: %v", err)
		default:
		}
	}
	execute(t, plain(url), "ALTER ROLE "+role+" RESET default_transaction_read_only")
	if err := <-written; err != nil {
		t.Error(err)
	}
}

func TestOpenAtOnce(t *testing.T) {
	t.Parallel()
	loadtest.OpenAtOnce(t, openChecked, postgres.Server.URL(t))
}

func TestOlderAndNewerSchema(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	s := open(t, url)
	defer s.Close()
	loadtest.NewRun(t, s, "r", 1)
	_, ours, err := postgres.Migrate(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	open := func(ctx context.Context, url string) (loadtest.Checked, error) {
		s, err := openChecked(ctx, url)
		noSecret(t, fmt.Sprint(err))
		return s, err
	}
	loadtest.SchemaAges(t, open, url, fmt.Sprintf("rivers db migrate --storage %s`", s), ours, func(version, minReader int) {
		execute(t, url, fmt.Sprintf("UPDATE store SET schema_version = %d, min_reader = %d", version, minReader))
	})
}
