package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/sqlite"
	"github.com/rivers-go/rivers/storage/storagetest"
)

func TestMain(m *testing.M) {
	storagetest.Child(func(ctx context.Context, url string) (storage.Storage, error) { return sqlite.Open(ctx, url) })
	loadtest.Child(openChecked)
	if path := os.Getenv(upgradePath); path != "" {
		if err := upgradeChild(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func openChecked(ctx context.Context, url string) (loadtest.Checked, error) {
	return sqlite.Open(ctx, url)
}

func TestKilled(t *testing.T) {
	t.Parallel()
	loadtest.Killed(t, openChecked, t.TempDir())
}

func TestProcesses(t *testing.T) {
	t.Parallel()
	loadtest.Processes(t, openChecked, t.TempDir())
}

// lock takes the file as another process would, and returns what gives it back.
func lock(t *testing.T, file string) func() {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := errors.Join(conn.Close(), db.Close()); err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
	}
}

// TestCanceledWhileLocked takes a batch back that waits for another process.
func TestCanceledWhileLocked(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	fence, _ := loadtest.NewRun(t, s, "r", 1)
	unlock := lock(t, s.Path())
	put := func(ctx context.Context, key string) error {
		return s.Commit(ctx, &storage.Batch{Fence: fence, KV: []storage.KVPair{{Key: key, Value: []byte("v")}}})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
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

// TestFailureHurtsNobodyElse has SQLite fail on one batch of a transaction.
func TestFailureHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	bad, _ := loadtest.NewRun(t, s, "bad", 1)
	good, _ := loadtest.NewRun(t, s, "good", 1)
	execute(t, s.Path(), "CREATE TRIGGER poison BEFORE INSERT ON event WHEN NEW.n = 666 BEGIN SELECT raise(ABORT, 'poison'); END")
	unlock := lock(t, s.Path()) // until all is in the queue
	for _, e := range []storage.Event{
		{Run: good.Run, N: 1}, {Run: bad.Run, N: 666}, {Run: good.Run, N: 2}, {Run: bad.Run, N: 667}, {Run: good.Run, N: 3},
	} {
		if err := s.Append(&storage.Batch{Fence: storage.Fence{Run: e.Run, Token: 1}, Events: []storage.Event{e}}); err != nil {
			t.Fatal(err)
		}
	}
	unlock()
	if err := s.Commit(t.Context(), &storage.Batch{Fence: good}); err != nil {
		t.Fatal(err)
	}
	first := s.Commit(t.Context(), &storage.Batch{Fence: bad})
	if first == nil {
		t.Fatal("a batch that SQLite refused was acknowledged")
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
