package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/sqlite"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// childPath makes the test binary a process that writes runs into a store, see [child].
const childPath = "RIVERS_TEST_CHILD_STORE"

func TestMain(m *testing.M) {
	storagetest.Child(func(ctx context.Context, url string) (storage.Storage, error) { return sqlite.Open(ctx, url) })
	if path := os.Getenv(upgradePath); path != "" {
		if err := upgradeChild(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if path := os.Getenv(childPath); path != "" {
		if err := child(path, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child writes runs of one step and prints the ID of each when it was acknowledged.
func child(path, prefix, count string) error {
	s, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	if err := writeRuns(s, prefix, n, func(id string) { fmt.Println(id) }); err != nil {
		return err
	}
	return s.Close()
}

func writeRuns(s storage.Storage, prefix string, n int, acked func(id string)) error {
	keys, err := s.AssetKeys(context.Background(), []string{"asset_00000"})
	if err != nil {
		return err
	}
	var b storage.Batch
	for i := range n {
		id := fmt.Sprintf("%s-%d", prefix, i)
		if err := oneStepRun(s, id, keys[0], &b); err != nil {
			return fmt.Errorf("run %s: %w", id, err)
		}
		acked(id)
	}
	return nil
}

// start begins a child; its lines are the IDs it was acknowledged.
func start(t *testing.T, path, prefix string, count int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], prefix, fmt.Sprint(count))
	cmd.Env = append(os.Environ(), childPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// requireRuns asserts that the runs are whole and that the store is sound.
func requireRuns(t *testing.T, s *sqlite.Store, ids []string) {
	t.Helper()
	for _, id := range ids {
		rec, err := s.GetRun(t.Context(), id)
		if err != nil || rec.State != storage.Success {
			t.Fatalf("run %q was acknowledged and reads as %+v, %v", id, rec, err)
		}
		events, err := s.ListEvents(t.Context(), storage.EventQuery{Run: rec.Key})
		if err != nil || len(events) != 3 {
			t.Fatalf("run %q has %d events, %v, want 3", id, len(events), err)
		}
	}
	found, err := s.Check(t.Context())
	if err != nil || len(found) > 0 {
		t.Fatalf("check: %q, %v", found, err)
	}
}

// TestKilled ends a process that writes with SIGKILL at random moments: what it had been
// acknowledged is there, and the next one goes on.
func TestKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	loadtest.NewRun(t, s, "first", 1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var acked []string
	for round := range 5 {
		cmd, lines := start(t, dir, fmt.Sprint(round), 1_000_000)
		for range 1 + rand.IntN(60) {
			if !lines.Scan() {
				t.Fatalf("the child ended: %v", lines.Err())
			}
			acked = append(acked, lines.Text())
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // acknowledged before the signal came
			acked = append(acked, lines.Text())
		}
		_ = cmd.Wait() // it was killed, and says so
		s := open(t, dir)
		requireRuns(t, s, acked)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestProcesses has four processes write one store at once.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const runs = 60
	s := open(t, t.TempDir())
	defer s.Close()
	loadtest.NewRun(t, s, "first", 1)
	var children []*exec.Cmd
	var outputs []*bufio.Scanner
	for i := range 3 {
		cmd, lines := start(t, s.Path(), fmt.Sprint(i), runs)
		children, outputs = append(children, cmd), append(outputs, lines)
	}
	var acked []string
	if err := writeRuns(s, "parent", runs, func(id string) { acked = append(acked, id) }); err != nil {
		t.Fatal(err)
	}
	for i, lines := range outputs {
		for lines.Scan() {
			acked = append(acked, lines.Text())
		}
		if err := children[i].Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acked) != 4*runs {
		t.Errorf("%d runs were acknowledged, want %d", len(acked), 4*runs)
	}
	requireRuns(t, s, acked)
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
