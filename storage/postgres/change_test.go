package postgres_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// feedOf reads the feed of changes from a number on, as "asset asset ...".
func feedOf(t *testing.T, s *postgres.Store, after int64) (names string, last int64) {
	t.Helper()
	list, err := s.ListChanges(t.Context(), storage.ChangeQuery{After: after})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range list {
		if c.Seq <= after {
			t.Fatalf("change %d after %d", c.Seq, after)
		}
		after = c.Seq
		all = append(all, fmt.Sprint(c.Assets))
	}
	return strings.Join(all, " "), after
}

// materialize commits a change of one asset.
func materialize(t *testing.T, s *postgres.Store, asset storage.AssetKey) {
	t.Helper()
	b := storage.Batch{Assets: []storage.AssetUpdate{{Asset: asset, At: 1}}}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
}

// slowWriter is a transaction that adds to the feed of changes as another process would, and takes its time.
type slowWriter struct {
	t    *testing.T
	conn *pgx.Conn
	tx   pgx.Tx
}

// begin begins a transaction, which has its name at once. Of a stranger nobody knows that it writes.
func begin(t *testing.T, url, schema string, stranger bool) *slowWriter {
	t.Helper()
	w := &slowWriter{t: t, conn: connect(t, url)}
	t.Cleanup(func() { _ = w.conn.Close(context.Background()) })
	if !stranger {
		h := fnv.New64a()
		_, _ = h.Write([]byte("rivers feed " + schema))
		w.exec(w.conn, "SELECT pg_advisory_lock_shared($1)", int64(h.Sum64()))
	}
	var err error
	if w.tx, err = w.conn.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.exec(w.tx, "SELECT pg_current_xact_id()")
	return w
}

type execer interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (w *slowWriter) exec(e execer, sql string, args ...any) {
	w.t.Helper()
	var answer any
	if err := e.QueryRow(w.t.Context(), sql, args...).Scan(&answer); err != nil {
		w.t.Fatal(err)
	}
}

// change adds an entry of one asset.
func (w *slowWriter) change(asset storage.AssetKey) {
	w.t.Helper()
	w.exec(w.tx, `INSERT INTO change (seq, i, at, kind, run, labels, assets, keys)
		VALUES ((pg_current_xact_id()::text::bigint << 20) + 1, 0, 0, 1, 0, NULL, $1, '') RETURNING seq`, []byte{byte(asset)})
}

func (w *slowWriter) end(end func(context.Context) error) {
	w.t.Helper()
	if err := end(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// TestFeedOfWritersOutOfOrder has writers that commit in another order than they began: no entry appears before one that
// was read.
func TestFeedOfWritersOutOfOrder(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	s := open(t, url)
	defer s.Close()
	_, keys := loadtest.NewRun(t, s, "first", 9)
	schema := url[strings.Index(url, "schema=")+len("schema="):]
	read := int64(0)
	expect := func(what, want string) {
		t.Helper()
		var got string
		if got, read = feedOf(t, s, read); got != want {
			t.Fatalf("%s: %q, want %q", what, got, want)
		}
	}
	materialize(t, s, keys[0])
	expect("nobody else", "[1]")
	stranger := begin(t, url, schema, true)
	materialize(t, s, keys[1])
	expect("beside somebody's transaction that takes hours", "[2]")

	first := begin(t, url, schema, false)
	second := begin(t, url, schema, false)
	materialize(t, s, keys[2])
	expect("beside two that began earlier", "")
	second.change(keys[4])
	second.end(second.tx.Commit)
	expect("the later of them has committed", "")
	first.change(keys[3])
	expect("the earlier one has not", "")
	materialize(t, s, keys[5])
	first.end(first.tx.Commit)
	expect("both have", "[4] [5] [3] [6]")

	third := begin(t, url, schema, false)
	third.change(keys[6])
	materialize(t, s, keys[7])
	wake := s.Watch(t.Context(), storage.TopicChanges)
	expect("held back", "")
	third.end(third.tx.Rollback)
	for got := ""; got == ""; got, read = feedOf(t, s, read) {
		select { // whoever held it back has said nothing
		case <-wake:
		case <-time.After(10 * time.Second):
			t.Fatal("no signal within 10 s")
		}
		if got != "" && got != "[8]" {
			t.Fatalf("after a rollback: %q", got)
		}
	}
	materialize(t, s, keys[8])
	expect("at the end", "[9]")
	stranger.end(stranger.tx.Rollback)
}

// TestFeedOfAMovedStore has a store on a server whose transactions have smaller names, as after a dump and restore.
func TestFeedOfAMovedStore(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	s := open(t, url)
	fence, keys := loadtest.NewRun(t, s, "r", 2)
	fail := func(s *postgres.Store, kind storage.StateKind) {
		t.Helper()
		if err := s.Commit(t.Context(), &storage.Batch{Assets: []storage.AssetUpdate{{Asset: keys[0], Kind: kind, Run: fence.Run, N: 1, At: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	fail(s, storage.Failed)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, url, "UPDATE change SET seq = seq + (1000000000::bigint << 20); UPDATE asset_state SET seq = seq + (1000000000::bigint << 20)")
	s = open(t, url)
	defer s.Close()
	_, last := feedOf(t, s, 0)
	if last>>20 < 1_000_000_000 {
		t.Fatalf("the feed of the store that was moved ends with %d", last)
	}
	fail(s, storage.Materialized)
	if got, _ := feedOf(t, s, last); got != "[1]" {
		t.Errorf("what was written after the move: %q", got)
	}
	sets, err := s.PartitionSets(t.Context(), keys[:1])
	if err != nil || !sets[0].Failed.IsEmpty() || sets[0].Materialized.IsEmpty() {
		t.Errorf("what failed before the move and was made after it: %+v, %v", sets, err)
	}
	again := open(t, url)
	defer again.Close()
	_, last = feedOf(t, again, last)
	fail(again, storage.Failed)
	if got, _ := feedOf(t, s, last); got != "[1]" {
		t.Errorf("what another process wrote after the move: %q", got)
	}
}

// TestFeedSurvivesNumbersGivenAgain has a reader that knows the feed up to its end. The server crashes, and gives the
// next change the number of a transaction that had ended when the reader asked.
func TestFeedSurvivesNumbersGivenAgain(t *testing.T) {
	t.Parallel()
	_, url := ownServer(t, postgrestest.Options{})
	s := open(t, url)
	defer s.Close()
	_, keys := loadtest.NewRun(t, s, "first", 1)
	stranger := connect(t, url)
	run := func(sql string) {
		t.Helper()
		if _, err := stranger.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { _ = stranger.Close(context.Background()) }()
	run("ALTER SYSTEM SET wal_writer_delay TO '10s'") // what nobody waits for is not written meanwhile
	run("SELECT pg_reload_conf()")
	for range 20 { // what the server writes by itself in the wrong moment keeps the numbers
		var taken int64
		for range 9 {
			run("BEGIN")
			if err := stranger.QueryRow(t.Context(), "SELECT pg_current_xact_id()::text::bigint").Scan(&taken); err != nil {
				t.Fatal(err)
			}
			run("ROLLBACK")
		}
		complete, err := s.ChangeSeq(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := crash(t.Context(), url, "lower(query) = 'rollback'"); err != nil {
			t.Fatal(err)
		}
		materialize(t, s, keys[0])
		got, last := feedOf(t, s, complete)
		if got != "[1]" {
			t.Errorf("the feed after %d has %q and ends with %d: want the new change", complete, got, last)
		}
		if last>>20 <= taken {
			return
		}
		stranger = connect(t, url)
	}
	t.Fatal("no crash of twenty made the server give a number again")
}

// TestFeedTellsOtherProcesses has one handle watch what another one writes, quicker than it is told of.
func TestFeedTellsOtherProcesses(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	writer, reader := open(t, url), open(t, url)
	defer reader.Close()
	_, keys := loadtest.NewRun(t, writer, "r", 9)
	wake := reader.Watch(t.Context(), storage.TopicChanges)
	for _, key := range keys {
		materialize(t, writer, key)
	}
	if err := writer.Close(); err != nil { // which tells what was left to be told
		t.Fatal(err)
	}
	read, n := int64(0), 0
	for n < len(keys) {
		select {
		case <-wake:
		case <-time.After(10 * time.Second):
			t.Fatalf("heard of %d changes within 10 s, want %d", n, len(keys))
		}
		var got string
		if got, read = feedOf(t, reader, read); got != "" {
			n += len(strings.Fields(got))
		}
	}
}
