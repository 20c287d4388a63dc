package postgres_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/storagetest"
)

func TestMain(m *testing.M) {
	storagetest.Child(func(ctx context.Context, url string) (storage.Storage, error) { return postgres.Open(ctx, url) })
	loadtest.Child(openChecked)
	os.Exit(m.Run())
}

func openChecked(ctx context.Context, url string) (loadtest.Checked, error) {
	return postgres.Open(ctx, url)
}

func TestKilled(t *testing.T) {
	t.Parallel()
	loadtest.Killed(t, openChecked, postgres.Server.URL(t))
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	loadtest.Processes(t, openChecked, postgres.Server.URL(t))
}

// TestFailureHurtsNobodyElse has the server fail on one batch of a transaction.
func TestFailureHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	s := open(t, url)
	defer s.Close()
	bad, _ := loadtest.NewRun(t, s, "bad", 1)
	good, _ := loadtest.NewRun(t, s, "good", 1)
	execute(t, url, `CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'poison'; END $$;
		CREATE TRIGGER poison BEFORE INSERT ON event FOR EACH ROW WHEN (NEW.n = 666) EXECUTE FUNCTION poison()`)
	unlock := lock(t, url, good) // until all is in the queue
	held := make(chan error)
	go func() { held <- s.Commit(context.Background(), &storage.Batch{Fence: good}) }()
	for _, e := range []storage.Event{
		{Run: good.Run, N: 1}, {Run: bad.Run, N: 666}, {Run: good.Run, N: 2}, {Run: bad.Run, N: 667}, {Run: good.Run, N: 3},
	} {
		if err := s.Append(&storage.Batch{Fence: storage.Fence{Run: e.Run, Token: 1}, Events: []storage.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	unlock()
	if err := errors.Join(<-held, s.Commit(t.Context(), &storage.Batch{Fence: good})); err != nil {
		t.Fatal(err)
	}
	first := s.Commit(t.Context(), &storage.Batch{Fence: bad})
	if first == nil {
		t.Fatal("a batch that the server refused was acknowledged")
	}
	if again := s.Append(&storage.Batch{Fence: bad, Events: []storage.Event{{Run: bad.Run, N: 1}}}); !errors.Is(again, first) {
		t.Errorf("the next call under the fence says %v, want %v again", again, first)
	}
	for fence, want := range map[storage.Fence]int{good: 3, bad: 0} {
		events, err := s.ListEvents(t.Context(), storage.EventQuery{Run: fence.Run})
		if err != nil || len(events) != want {
			t.Errorf("run %d has %d events, %v, want %d", fence.Run, len(events), err, want)
		}
	}
}

// lock takes a run's row as another process would, and returns what gives it back.
func lock(t *testing.T, url string, fence storage.Fence) func() {
	t.Helper()
	conn := connect(t, url)
	tx, err := conn.Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "SELECT 1 FROM run WHERE key = $1 FOR UPDATE", int64(fence.Run))
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(t.Context()), conn.Close(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

// TestCanceledWhileLocked takes a batch back that waits for another process.
func TestCanceledWhileLocked(t *testing.T) {
	t.Parallel()
	url := postgres.Server.URL(t)
	s := open(t, url)
	defer s.Close()
	fence, _ := loadtest.NewRun(t, s, "r", 1)
	unlock := lock(t, url, fence)
	put := func(ctx context.Context, key string) error {
		return s.Commit(ctx, &storage.Batch{Fence: fence, KV: []storage.KVPair{{Key: key, Value: []byte("v")}}})
	}
	ctx, cancel := context.WithTimeout(t.Context(), shortly)
	defer cancel()
	if err := put(ctx, "late"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v, want the context's error", err)
	}
	if err := s.Append(&storage.Batch{Fence: fence, Events: []storage.Event{{Run: fence.Run, N: 1}}}); err != nil {
		t.Fatal(err)
	}
	unlock()
	if err := put(t.Context(), "next"); err != nil {
		t.Fatal(err)
	}
	pairs, err := s.ListKV(t.Context(), "")
	if err != nil || len(pairs) != 1 || pairs[0].Key != "next" {
		t.Errorf("values %v, %v, want the second only", pairs, err)
	}
	events, err := s.ListEvents(t.Context(), storage.EventQuery{Run: fence.Run})
	if err != nil || len(events) != 1 {
		t.Errorf("events %v, %v, want what was appended", events, err)
	}
}

// connect opens a connection with no rivers in between.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), plain(url))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "SELECT set_config('search_path', $1, false)", schemaOf(url)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// execute runs SQL on a store with no rivers in between.
func execute(t *testing.T, url, script string) {
	t.Helper()
	conn := connect(t, url)
	_, err := conn.PgConn().Exec(t.Context(), script).ReadAll()
	if err := errors.Join(err, conn.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
}
