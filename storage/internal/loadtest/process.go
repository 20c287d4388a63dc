package loadtest

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

	"github.com/rivers-go/rivers/storage"
)

// childStore makes a test binary a process that writes runs into the store at a URL, see [Child].
const childStore = "RIVERS_TEST_CHILD_STORE"

// childAsset is the asset that processes write runs of.
const childAsset = "asset_00000"

// Checked is a store that checks itself.
type Checked interface {
	storage.Storage
	Check(ctx context.Context) ([]string, error)
}

// Open opens the store at a URL, or makes it.
type Open func(ctx context.Context, url string) (Checked, error)

// Child is called in the TestMain of a backend. In a process that [Killed] or [Processes] started
// it writes runs of one step, prints the ID of each once it is acknowledged, and ends the process;
// in any other it does nothing.
func Child(open Open) {
	url := os.Getenv(childStore)
	if url == "" {
		return
	}
	if err := child(open, url, os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func child(open Open, url, prefix, count string) error {
	n, err := strconv.Atoi(count)
	if err != nil {
		return err
	}
	s, err := open(context.Background(), url)
	if err != nil {
		return err
	}
	return errors.Join(writeRuns(s, prefix, n, func(id string) { fmt.Fprintln(os.Stdout, id) }), s.Close())
}

func writeRuns(s storage.Storage, prefix string, n int, acked func(id string)) error {
	b := storage.Batch{Topologies: []storage.Topology{{Location: "bench", Assets: []string{childAsset}}}}
	if err := s.Commit(context.Background(), &b); err != nil {
		return err
	}
	keys, err := s.AssetKeys(context.Background(), []string{childAsset})
	if err != nil {
		return err
	}
	for i := range n {
		id := fmt.Sprintf("%s-%d", prefix, i)
		if err := OneStepRun(s, id, keys[0], &b); err != nil {
			return fmt.Errorf("run %s: %w", id, err)
		}
		acked(id)
	}
	return nil
}

// start begins a child; its lines are the IDs it was acknowledged.
func start(t *testing.T, url, prefix string, count int) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], prefix, fmt.Sprint(count)) //nolint:gosec // the test itself, in another process
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

// RequireRuns asserts that runs of one step are whole and that the store is sound.
func RequireRuns(t *testing.T, s Checked, ids []string) {
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

// Killed ends a process that writes to a new store with SIGKILL at random moments: what it had been
// acknowledged is there, and the next one continues.
func Killed(t *testing.T, open Open, url string) {
	t.Helper()
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
		_ = cmd.Wait() // it was killed, and its error tells that
		s, err := open(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		RequireRuns(t, s, acked)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Processes has four processes write one store at once, which each of them may have to make.
func Processes(t *testing.T, open Open, url string) {
	t.Helper()
	const runs = 60
	var children []*exec.Cmd
	var outputs []*bufio.Scanner
	for i := range 3 {
		cmd, lines := start(t, url, fmt.Sprint(i), runs)
		children, outputs = append(children, cmd), append(outputs, lines)
	}
	s, err := open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
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
	RequireRuns(t, s, acked)
}
