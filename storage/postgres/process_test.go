package postgres_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// childStore makes the test binary a process that writes runs into a store, see [child].
const childStore = "RIVERS_TEST_CHILD_STORE"

func TestMain(m *testing.M) {
	storagetest.Child(func(ctx context.Context, url string) (storage.Storage, error) { return postgres.Open(ctx, url) })
	if url := os.Getenv(childStore); url != "" {
		if err := child(url, os.Args[1], os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child writes runs of one step and prints the ID of each when it was acknowledged.
func child(url, prefix, count string) error {
	s, err := postgres.Open(context.Background(), url)
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
	b := storage.Batch{Topologies: []storage.Topology{{Location: "bench", Assets: []string{"asset_00000"}}}}
	if err := s.Commit(context.Background(), &b); err != nil {
		return err
	}
	keys, err := s.AssetKeys(context.Background(), []string{"asset_00000"})
	if err != nil {
		return err
	}
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
func start(t *testing.T, url, prefix string, count int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], prefix, fmt.Sprint(count))
	cmd.Env = append(os.Environ(), childStore+"="+url)
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
func requireRuns(t *testing.T, s *postgres.Store, ids []string) {
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
	url := postgres.Server.URL(t)
	s := open(t, url)
	defer s.Close()
	var acked []string
	for round := range 5 {
		cmd, lines := start(t, url, fmt.Sprint(round), 1_000_000)
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
		requireRuns(t, s, acked)
	}
}

// TestProcesses has four processes write one store at once, which three of them have to create.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const runs = 60
	url := postgres.Server.URL(t)
	var children []*exec.Cmd
	var outputs []*bufio.Scanner
	for i := range 3 {
		cmd, lines := start(t, url, fmt.Sprint(i), runs)
		children, outputs = append(children, cmd), append(outputs, lines)
	}
	s := open(t, url)
	defer s.Close()
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
