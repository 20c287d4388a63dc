package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
	"modernc.org/sqlite"
)

// readCounter stands between a store and its file and counts what is asked and what comes back.
type readCounter struct {
	driver.Connector

	pool *sql.DB

	mu         sync.Mutex
	statements int
	rows       int
	asked      []question
}

// question is a statement as it was executed.
type question struct {
	text string
	args []driver.NamedValue
}

// countReads has the reads of a store counted from now on.
func countReads(t *testing.T, s *Store) *readCounter {
	t.Helper()
	name, err := dsn(s.path, "mode=rw", "_query_only=1")
	if err != nil {
		t.Fatal(err)
	}
	connector, err := sqlite.NewConnector(name)
	if err != nil {
		t.Fatal(err)
	}
	c := &readCounter{Connector: connector}
	c.pool = sql.OpenDB(c)
	c.pool.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = c.pool.Close() })
	s.reads = db.New(c.pool)
	return c
}

// since returns how many statements a function executed and how many rows came back.
func (c *readCounter) since(read func()) (statements, rows int) {
	c.statements, c.rows, c.asked = 0, 0, nil
	read()
	return c.statements, c.rows
}

// pages returns how many pages of the file a function looked at, those that were in memory and looked at again included.
func (c *readCounter) pages(t *testing.T, read func()) (pages int) {
	t.Helper()
	read() // the schema is read once
	before := c.looked(t)
	read()
	return c.looked(t) - before
}

func (c *readCounter) looked(t *testing.T) (pages int) {
	t.Helper()
	conn, err := c.pool.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(raw any) error {
		status := raw.(*countedConn).Conn.(sqlite.DBStatus)
		for _, op := range []sqlite.DBStatusOp{sqlite.DBStatusCacheHit, sqlite.DBStatusCacheMiss} {
			n, _, err := status.Status(op, false)
			if err != nil {
				return err
			}
			pages += n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// plans asks SQLite how it executes what was asked, one line a step of a plan.
func (c *readCounter) plans(t *testing.T, s *Store) string {
	t.Helper()
	var text strings.Builder
	for _, q := range c.asked {
		args := make([]any, len(q.args))
		for i := range q.args {
			args[i] = q.args[i].Value
		}
		if err := explainPlan(t.Context(), s.pool, &text, q.text, args); err != nil {
			t.Fatal(err)
		}
	}
	return text.String()
}

func explainPlan(ctx context.Context, pool *sql.DB, to *strings.Builder, query string, args []any) (err error) {
	rows, err := pool.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			return err
		}
		fmt.Fprintln(to, step)
	}
	return nil
}

// Connect opens a connection whose queries are counted.
func (c *readCounter) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	return &countedConn{conn, c}, err
}

type countedConn struct {
	driver.Conn

	to *readCounter
}

func (c *countedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, args)
	c.to.mu.Lock()
	defer c.to.mu.Unlock()
	c.to.statements++
	c.to.asked = append(c.to.asked, question{query, args})
	return &countedRows{rows, c.to}, err
}

type countedRows struct {
	driver.Rows

	to *readCounter
}

func (r *countedRows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err == nil {
		r.to.mu.Lock()
		defer r.to.mu.Unlock()
		r.to.rows++
	}
	return err
}
