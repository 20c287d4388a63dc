package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

const (
	// lockTimeout is how long a transaction waits for the rows of another. idleTimeout is how long
	// one may do nothing, so that a stopped process blocks others no longer.
	lockTimeout = "30s"
	idleTimeout = "10s"
	// writerSettings also makes the server plan every statement once, and by key. It would plan
	// arrays of one element each time, for more than half of a small transaction. A plan is made
	// while its table may be empty, and stays while that grows.
	writerSettings = "SET lock_timeout TO '" + lockTimeout + "'; SET idle_in_transaction_session_timeout TO '" + idleTimeout + "'; " +
		"SET plan_cache_mode TO force_generic_plan; SET enable_seqscan TO off; SET enable_hashjoin TO off; SET enable_mergejoin TO off; SET jit TO off"
)

var (
	errStandby = errors.New("the server is a standby, which takes no writes: give the address of the primary")
	errSilent  = errors.New("the server gives no answer")
)

// session is the writer's connection with its prepared statements. It belongs to the writer's
// goroutine.
type session struct {
	conn  *pgx.Conn
	known map[*statement]*pgconn.StatementDescription
	stats *counts
	// answer is how long the server may take for an answer before it counts as gone.
	answer time.Duration
	// pid and started name the server's process behind the connection.
	pid, started int64
}

var hello = &statement{name: "rivers_hello", uncounted: true, sql: `SELECT store.id, store.schema_version, store.min_reader, pg_is_in_recovery(), pg_backend_pid(),
	(SELECT (extract(epoch FROM backend_start) * 1000000)::bigint FROM pg_stat_activity WHERE pid = pg_backend_pid()),
	(SELECT coalesce(max(change.seq), 0) FROM change) >> $1, store.seq_offset, pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM store`}

// enterFeed takes and holds the lock that all sessions share that add to the change feed, see
// [Store.ListChanges].
var enterFeed = &statement{name: "rivers_enter_feed", uncounted: true, sql: `SELECT pg_advisory_lock_shared($1::bigint)`}

// moveOn continues the names of transactions of another server, from which the store was moved.
var moveOn = &statement{name: "rivers_move_on", uncounted: true, sql: `UPDATE store SET seq_offset = greatest(seq_offset, $1::bigint)`}

// identity describes a server and the store in it.
type identity struct {
	id                 string
	version, minReader int
	standby            bool
	// offset is added to names of transactions so that they follow those in the store.
	offset, needed int64
}

// open makes a session and reads the server's identity.
func (t *target) open(ctx context.Context, stats *counts) (*session, identity, error) {
	conn, err := t.connect(ctx, writerSettings)
	if err != nil {
		return nil, identity{}, err
	}
	s := &session{conn: conn, known: map[*statement]*pgconn.StatementDescription{}, stats: stats, answer: t.answer}
	var who identity
	pipeline := s.pipeline()
	pipeline.send(enterFeed, nil, parameter(t.feedKey()))
	pipeline.send(hello, func(row row) {
		who = identity{id: row.text(0), version: int(row.integer(1)), minReader: int(row.integer(2)), standby: row.boolean(3)}
		s.pid, s.started = row.integer(4), row.integer(5)
		last, next := row.integer(6), row.integer(8)
		who.offset = row.integer(7)
		if who.needed = who.offset; last-who.offset >= next {
			who.needed = last + 1 - next
		}
	}, putInteger4(seqBits))
	if err = pipeline.end(); err == nil && who.standby {
		err = errStandby
	}
	if err != nil {
		s.close()
		return nil, identity{}, err
	}
	return s, who, nil
}

func (s *session) isLost() bool { return s.conn.PgConn().IsClosed() }

// close ends the connection, with a farewell if that takes no time.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // the error of a lost connection is known
}

// pipeline is one round trip to the server with any number of statements.
type pipeline struct {
	s      *session
	p      *pgconn.Pipeline
	cancel context.CancelFunc
	sent   []sent
}

// sent is a statement in progress. The answer to its preparation precedes its own.
type sent struct {
	st       *statement
	prepares bool
	row      func(row row)
}

// binaries makes all parameters, or all columns, binary.
var binaries = []int16{pgx.BinaryFormatCode}

func (s *session) pipeline() *pipeline {
	s.stats.trips.Add(1)
	ctx, cancel := context.WithTimeout(context.Background(), s.answer)
	return &pipeline{s: s, p: s.conn.PgConn().StartPipeline(ctx), cancel: cancel}
}

// send adds a statement; row is called with each row of its answer, whose bytes are valid until it
// returns. The parameters may be reused at once.
func (t *pipeline) send(st *statement, row func(row row), params ...[]byte) {
	if known := t.s.known[st]; known != nil {
		t.p.SendQueryStatement(known, params, binaries, binaries)
	} else {
		if !t.prepares(st) {
			t.p.SendPrepare(st.name, st.sql, nil)
			t.sent = append(t.sent, sent{st: st, prepares: true})
		}
		t.p.SendQueryPrepared(st.name, params, binaries, binaries)
	}
	t.sent = append(t.sent, sent{st: st, row: row})
}

// prepares reports whether the pipeline itself prepares a statement.
func (t *pipeline) prepares(st *statement) bool {
	for i := range t.sent {
		if t.sent[i].st == st {
			return true
		}
	}
	return false
}

// end waits for all answers and returns the first error.
func (t *pipeline) end() (first error) {
	defer t.cancel()
	if first = t.p.Sync(); first == nil {
		first = t.receive()
	}
	if err := t.p.Close(); first == nil {
		first = err
	}
	if first != nil && t.s.isLost() && errors.Is(first, context.DeadlineExceeded) {
		return fmt.Errorf("%w within %s", errSilent, t.s.answer) // and no error of a context, which would be taken for the caller's
	}
	return first
}

func (t *pipeline) receive() (first error) {
	for i := 0; ; {
		answer, err := t.p.GetResults()
		if err == nil {
			switch a := answer.(type) {
			case *pgconn.StatementDescription:
				a.Name = t.sent[i].st.name
				t.s.known[t.sent[i].st] = a
				i++
				continue
			case *pgconn.ResultReader:
				if err = t.read(a, &t.sent[i]); err == nil {
					i++
					continue
				}
			default: // all is answered
				return first
			}
		}
		// What follows a fault is skipped up to the end of the pipeline; what broke the connection ends
		// it.
		if first == nil {
			first = err
		}
		if t.s.isLost() {
			return first
		}
	}
}

func (t *pipeline) read(answer *pgconn.ResultReader, to *sent) error {
	for answer.NextRow() {
		if to.row != nil {
			to.row(row{answer.Values()})
		}
	}
	tag, err := answer.Close()
	if err != nil {
		return err
	}
	if !to.st.uncounted {
		t.s.stats.statements.Add(1)
	}
	if !tag.Select() {
		t.s.stats.rows.Add(tag.RowsAffected())
	}
	return nil
}

// do is a pipeline with one statement.
func (s *session) do(st *statement, row func(row), params ...[]byte) error {
	t := s.pipeline()
	t.send(st, row, params...)
	return t.end()
}

// putInteger4 is an integer of four bytes as a parameter.
func putInteger4(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// row is one row of an answer to the writer, all columns binary. It is valid until the function
// that was given it returns; texts and documents are copies.
type row struct{ values [][]byte }

// integer returns an integer of any width; NULL is zero.
func (r row) integer(column int) int64 { return integer(r.values[column]) }

// boolean returns a boolean; NULL is false.
func (r row) boolean(column int) bool { return integer(r.values[column]) != 0 }

// text returns a decoded text; NULL is empty.
func (r row) text(column int) string { return pgtext.Decode(string(r.values[column])) }

// document returns a decoded JSON document, nil for NULL.
func (r row) document(column int) []byte {
	if r.values[column] == nil {
		return nil
	}
	return pgtext.DecodeBytes(append([]byte{}, r.values[column]...))
}

// bytes returns the bytes of a bytea, nil for NULL. They are not copied.
func (r row) bytes(column int) []byte { return r.values[column] }

// integers calls a function with each element of an array; NULL is zero.
func (r row) integers(column int, each func(int64)) {
	elements(r.values[column], func(element []byte) { each(integer(element)) })
}

// texts calls a function with each decoded element of an array; NULL is empty.
func (r row) texts(column int, each func(string)) {
	elements(r.values[column], func(element []byte) { each(pgtext.Decode(string(element))) })
}

// byteas calls a function with each element of an array, nil for NULL. The bytes are not copied.
func (r row) byteas(column int, each func([]byte)) { elements(r.values[column], each) }

// integer reads a binary integer of any width, or a boolean; NULL is zero.
func integer(b []byte) int64 {
	switch len(b) {
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 1:
		return int64(b[0])
	}
	return 0
}

// elements calls a function with each element of an array, nil for NULL.
func elements(array []byte, each func(element []byte)) {
	const header = 20
	for at := header; at+4 <= len(array); {
		n := int(int32(binary.BigEndian.Uint32(array[at:])))
		at += 4
		if n < 0 {
			each(nil)
			continue
		}
		each(array[at : at+n])
		at += n
	}
}
