package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// Open opens the store at a URL such as postgres://user@host:5432/database and creates its tables
// where there are none. The URL is libpq's (several hosts, sslmode and so on; what it leaves out
// comes from PGHOST, PGPASSWORD and their kin, ~/.pgpass, a service file), with these parameters
// besides:
//
//	schema=rivers     the schema of the tables, so that one database has several stores
//	retry_for=1m      how long a server may be away before a caller hears of it
//	pool_max_conns=2  how many connections may read at once
//
// Any other parameter is a setting of the server: synchronous_commit=off trades the last half
// second before a crash of the server for quicker commits.
//
// A store of an older schema is refused with a [*storage.SchemaError] (see [Migrate]), one of a
// newer schema only if it says that this program is too old for it. The context bounds the
// opening, not the use. A server that is not there is an error at once; one that is starting is
// waited for. No error and no text of a store has a password in it.
func Open(ctx context.Context, url string) (*Store, error) { return openURL(ctx, url, true) }

// OpenExisting is [Open] for who wants to look: where there is no store it creates none, and the
// error is [fs.ErrNotExist].
func OpenExisting(ctx context.Context, url string) (*Store, error) { return openURL(ctx, url, false) }

func openURL(ctx context.Context, url string, create bool) (*Store, error) {
	t, err := parse(url)
	if err != nil {
		return nil, err
	}
	return t.openStore(ctx, create)
}

func (t *target) openStore(ctx context.Context, create bool) (*Store, error) {
	pool, err := t.readers(ctx)
	if err != nil {
		return nil, t.explain("open", err)
	}
	who, err := t.ensure(ctx, pool, create)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s := &Store{target: t, id: who.id, pool: pool, reads: db.New(pgtext.DB{Conn: pool}), lists: db.New(pgtext.DB{Conn: planned{pool}}), queue: commit.NewQueue(), done: make(chan struct{})}
	s.signals.First, s.signals.Last = s.watched, s.unwatched
	s.writer = newWriter(s)
	go s.write()
	return s, nil
}

// ensure makes sure that there is a store that this program may use.
func (t *target) ensure(ctx context.Context, pool *pgxpool.Pool, create bool) (identity, error) {
	who, err := t.look(ctx, pool)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err = t.create(ctx); err == nil {
			who, err = t.look(ctx, pool)
		}
	}
	if err == nil {
		err = t.checkVersion(who)
	}
	return who, err
}

// look asks what is there. The connection it makes is the first that reads.
func (t *target) look(ctx context.Context, pool *pgxpool.Pool) (identity, error) {
	away := outage{limit: t.retryFor}
	for {
		row, err := db.New(pgtext.DB{Conn: pool}).GetStore(ctx)
		switch c := code(err); {
		case err == nil:
			return identity{id: row.ID, version: int(row.SchemaVersion), minReader: int(row.MinReader)}, nil
		case errors.Is(err, pgx.ErrNoRows), c == undefinedColumn:
			return identity{}, t.explain("open", errForeign)
		case c == undefinedTable:
			return identity{}, fmt.Errorf("store %s: %w", t.name, missingError{})
		case (c == starting || c == tooManyConnections) && away.wait(ctx):
		default:
			return identity{}, t.explain("open", err)
		}
	}
}

func (t *target) checkVersion(who identity) error {
	if who.version < schemaVersion || who.minReader > schemaVersion {
		return &storage.SchemaError{Store: t.name, Have: who.version, MinReader: who.minReader, Want: schemaVersion}
	}
	return nil
}

// missingError is the error of a store that is not there: an [fs.ErrNotExist] that speaks of no
// file.
type missingError struct{}

func (missingError) Error() string        { return "it does not exist yet" }
func (missingError) Is(target error) bool { return target == fs.ErrNotExist }
