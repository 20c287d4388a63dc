package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
	"modernc.org/sqlite"
)

// fileName is the file of a store that is named by its directory.
const fileName = "rivers.db"

// readers bounds the connections of the read pool: each costs about 100 KiB once it has read.
const readers = 8

// Open opens the store at path, and creates it and its directories if it does not exist. A path
// that ends in ".db" is the file; any other is the directory of rivers.db. "?synchronous=full"
// behind the path makes every transaction wait for the disk, so that acknowledged writes survive a
// loss of power.
//
// Open refuses a store of an older schema with a [*storage.SchemaError] (see [Migrate] and
// [OpenUpgraded]), and one of a newer schema if that excludes this program. The context bounds the
// opening, not the use.
func Open(ctx context.Context, path string) (*Store, error) {
	file, full, err := locate(path)
	if err != nil {
		return nil, err
	}
	if err := ensure(ctx, file); err != nil {
		return nil, err
	}
	conn, err := connect(ctx, file, full)
	if err != nil {
		return nil, explain(file, "open", err)
	}
	s := &Store{path: file, queue: commit.NewQueue(), done: make(chan struct{})}
	s.signals.First, s.signals.Last = s.startPolling, s.stopPolling
	s.writer = newWriter(s, conn)
	if err := s.readVersion(ctx); err != nil {
		return nil, errors.Join(explainOpen(file, err), s.writer.close())
	}
	s.pool, err = openPool(file, "_query_only=1")
	if err != nil {
		return nil, errors.Join(explain(file, "open", err), s.writer.close())
	}
	s.pool.SetMaxOpenConns(readers)
	s.pool.SetMaxIdleConns(readers)
	s.reads = db.New(s.pool)
	go s.write()
	return s, nil
}

// serverAddress matches what is the address of a server and no path: a keyword of a connection
// string, a scheme, a password before a host.
var serverAddress = regexp.MustCompile(`(?i)(^|[\s;&?])(host|hostaddr|port|user|password|passwd|dbname|sslmode|service)\s*=` +
	`|^(jdbc|odbc|postgres|postgresql|pgsql|mysql|mariadb|mssql|sqlserver|redis|mongodb)(\+\w+)?(:|//)` +
	`|[^/\s:@]+:[^/\s@]*@[^/\s]`)

// ValidatePath returns an error for a text that looks like the address of a server. Opened as a
// path it would become a directory, whose name may hold a password. The error does not show it.
func ValidatePath(path string) error {
	if serverAddress.MatchString(path) {
		return errors.New("the storage path looks like the address of a server (it is not shown, for it may hold a password): " +
			"want a path, sqlite:///path, or postgres://user@host/database; write ./ before a path that begins so")
	}
	return nil
}

// locate returns the file of a path and whether every commit shall wait for the disk.
func locate(path string) (file string, full bool, err error) {
	if err := ValidatePath(path); err != nil {
		return "", false, err
	}
	file, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", false, fmt.Errorf("storage path %q: its parameters are not to be read: the only one is synchronous=full or normal", file)
	}
	for name, value := range values {
		switch {
		case name != "synchronous":
			return "", false, fmt.Errorf("storage path %q: no parameter %q: the only one is synchronous=full or normal", file, name)
		case len(value) != 1 || value[0] != "full" && value[0] != "normal":
			return "", false, fmt.Errorf("storage path %q: synchronous=%s: want full or normal", file, strings.Join(value, ","))
		}
		full = value[0] == "full"
	}
	if file == "" {
		return "", false, fmt.Errorf("storage path %q is empty: want a directory, or a file that ends in .db", path)
	}
	info, err := os.Stat(file)
	isFile := err == nil && !info.IsDir()
	switch {
	case strings.HasSuffix(file, ".db") && err == nil && info.IsDir():
		return "", false, fmt.Errorf("storage path %q is a directory: want a file, or a directory whose name does not end in .db", path)
	case strings.HasSuffix(file, ".db"):
		return file, full, nil
	case isFile:
		return "", false, fmt.Errorf("storage path %q is a file: want a directory, or a file that ends in .db", path)
	}
	return filepath.Join(file, fileName), full, nil
}

// ValuesDir returns the folder for the values of the store: .rivers/values beside .rivers/storage,
// else the folder values in that of the store. Beside a lone file data.db it is data.values.
func (s *Store) ValuesDir() string {
	dir, file := filepath.Split(s.path)
	switch {
	case file != fileName:
		return strings.TrimSuffix(s.path, filepath.Ext(file)) + ".values"
	case filepath.Base(dir) == "storage":
		return filepath.Join(filepath.Dir(filepath.Clean(dir)), "values")
	}
	return filepath.Join(dir, "values")
}

// ensure creates a missing store. An empty file counts as missing: some tools create it first.
func ensure(ctx context.Context, file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return create(ctx, file, false)
	case err != nil:
		return fmt.Errorf("store %s: %w", file, err)
	case info.IsDir():
		return fmt.Errorf("store %s is a directory: want a file: move it away, or give another path", file)
	case info.Size() == 0:
		// A log beside it belongs to the former content: it must not be replayed into a new file.
		if _, err := os.Stat(file + "-wal"); errors.Is(err, fs.ErrNotExist) {
			return create(ctx, file, true)
		}
	}
	return nil
}

// dsn is the file as the driver wants it, with parameters.
func dsn(file string, parameters ...string) (string, error) {
	abs, err := filepath.Abs(file) // the process may change its directory
	if err != nil {
		return "", err
	}
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(abs)
	return "file:" + escaped + "?" + strings.Join(parameters, "&"), nil
}

// connect opens the writer's connection. It does not wait for locks itself: [retryBusy] does.
func connect(ctx context.Context, file string, full bool) (driver.Conn, error) {
	synchronous := "_synchronous=NORMAL"
	if full {
		synchronous = "_synchronous=FULL"
	}
	name, err := dsn(file, "mode=rw", synchronous, "_pragma=temp_store(MEMORY)",
		fmt.Sprintf("_pragma=wal_autocheckpoint(%d)", movesAt), "_pragma=journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	var conn driver.Conn
	err = retryBusy(ctx, func() error {
		conn, err = connector.Connect(ctx)
		return err
	})
	return conn, err
}

// openPool opens connections through database/sql.
func openPool(file string, parameters ...string) (*sql.DB, error) {
	name, err := dsn(file, append(parameters, "mode=rw", "_busy_timeout=60000")...)
	if err != nil {
		return nil, err
	}
	return openNamed(name)
}

// openNamed opens a file by the driver's name for it.
func openNamed(name string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// readVersion reads the identity of the file and checks that this program may use it.
func (s *Store) readVersion(ctx context.Context) error {
	var row []driver.Value
	w := s.writer
	var query, mode *statement
	err := retryBusy(ctx, func() (err error) {
		// Only a file that another tool has rewritten has left WAL mode.
		if _, err = w.first(&mode, "PRAGMA journal_mode = WAL", 1); err == nil {
			row, err = w.first(&query, "SELECT id, schema_version, min_reader FROM store", 3)
		}
		return err
	})
	for _, st := range []*statement{mode, query} {
		if st != nil {
			err = errors.Join(err, st.Close())
		}
	}
	switch {
	case err != nil:
		return err
	case row == nil:
		return errNoStore
	}
	s.id, _ = row[0].(string) // STRICT columns
	have, _ := row[1].(int64)
	minReader, _ := row[2].(int64)
	s.statements.Store(0)
	return checkVersion(s.path, int(have), int(minReader))
}

func checkVersion(path string, have, minReader int) error {
	if have < schemaVersion || minReader > schemaVersion {
		return &storage.SchemaError{Store: path, Have: have, MinReader: minReader, Want: schemaVersion}
	}
	return nil
}
