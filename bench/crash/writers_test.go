package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// writing is how long the writers write.
var writing = flag.Duration("writing", defaultWriting, "how long eight processes write to one SQLite store")

// Eight processes write runs of ten steps, and read the latest ones as a page does.
const (
	writers     = 8
	writerSteps = 10
	// writerVariable says to a writer who it is and how long it writes.
	writerVariable = "CRASH_WRITER"
	// maxLog bounds the file that SQLite appends to before it moves pages to their places. Writers shorten it from 32 MB on, whenever
	// the others leave them a moment: without that it has this size after some seconds, and no end.
	maxLog = 256 << 20
)

// writerMain is a process that writes. It prints how many runs it was acknowledged.
func writerMain() {
	length, err := time.ParseDuration(os.Getenv(writerVariable))
	n := 0
	if err == nil {
		n, err = write(os.Args[1], os.Args[2], length)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(n)
	os.Exit(0)
}

// write records runs until the time is up.
func write(path, name string, length time.Duration) (n int, err error) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	assets, err := s.AssetKeys(ctx, []string{"asset_" + name, "shared"})
	if err != nil {
		return 0, err
	}
	for over := time.Now().Add(length); time.Now().Before(over); n++ {
		if err := writeRun(ctx, s, fmt.Sprintf("%s-%d", name, n), assets); err != nil {
			return n, fmt.Errorf("run %d of writer %s: %w", n, name, err)
		}
		if n%10 == 0 {
			if _, err := s.ListRuns(ctx, storage.RunQuery{Limit: 50}); err != nil {
				return n, fmt.Errorf("reading, writer %s: %w", name, err)
			}
		}
	}
	return n, nil
}

// writeRun records a run step by step, each in a commit of its own.
func writeRun(ctx context.Context, s storage.Storage, id string, assets []storage.AssetKey) error {
	created := storage.Batch{Runs: []storage.RunRecord{{ID: id, State: storage.Running, Token: 1}}}
	for i := range writerSteps {
		created.Runs[0].Plan = append(created.Runs[0].Plan, storage.PlanStep{Key: fmt.Sprint(i), Assets: []string{"shared"}})
	}
	if err := s.Commit(ctx, &created); err != nil {
		return err
	}
	run := created.Runs[0].Key
	fence := storage.Fence{Run: run, Token: 1}
	now := storage.MicrosOf(time.Now())
	event := func(n int64, f storage.Fact, asset storage.AssetKey) storage.Event {
		f.At = now
		return storage.Event{Run: run, N: n, Fact: f, Asset: asset}
	}
	for i := range int64(writerSteps) {
		step, asset := int32(i), assets[i%2]
		b := storage.Batch{
			Fence: fence,
			Events: []storage.Event{
				event(2*i+1, storage.Fact{Kind: storage.StepStarted, Step: step, Attempt: 1}, 0),
				event(2*i+2, storage.Fact{Kind: storage.StepSucceeded, Step: step, Attempt: 1}, asset),
			},
			Logs:   []storage.LogLine{{Run: run, N: i + 1, Step: step, Attempt: 1, At: now.Time(), Message: "at work"}},
			Assets: []storage.AssetUpdate{{Asset: asset, Kind: storage.Materialized, Run: run, N: 2*i + 2, At: now}},
		}
		if err := s.Commit(ctx, &b); err != nil {
			return err
		}
	}
	return s.Commit(ctx, &storage.Batch{
		Fence:      fence,
		Events:     []storage.Event{event(2*writerSteps+1, storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}, 0)},
		RunUpdates: []storage.RunUpdate{{Run: run, State: storage.Success, Counts: storage.StepCounts{Succeeded: writerSteps}}},
	})
}

// TestEightProcessesWriteOneFile has eight processes write to one store at once: none hears that it is locked, nothing that was
// acknowledged is lost, and the log of the file does not grow without end.
func TestEightProcessesWriteOneFile(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	known := storage.Topology{Location: "writers", Assets: []string{"shared"}}
	for i := range writers {
		known.Assets = append(known.Assets, fmt.Sprintf("asset_%d", i))
	}
	if err := store.Commit(t.Context(), &storage.Batch{Topologies: []storage.Topology{known}}); err != nil {
		t.Fatal(err)
	}
	var all [writers]*exec.Cmd
	var said, complaints [writers]bytes.Buffer
	for i := range all {
		all[i] = exec.CommandContext(t.Context(), os.Args[0], store.Path(), fmt.Sprint(i))
		all[i].Env = append(os.Environ(), childVariable+"=writer", writerVariable+"="+writing.String())
		all[i].Stdout, all[i].Stderr = &said[i], &complaints[i]
		if err := all[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan int64)
	stop := make(chan struct{})
	go func() { ended <- largest(store.Path()+"-wal", stop) }()
	total := 0
	for i := range all {
		if err := all[i].Wait(); err != nil {
			t.Errorf("writer %d: %v: %s", i, err, &complaints[i])
			continue
		}
		n, err := strconv.Atoi(said[i].String())
		if err != nil || n == 0 {
			t.Errorf("writer %d has written %q runs, %v", i, &said[i], err)
		}
		total += n
	}
	close(stop)
	if size := <-ended; size > maxLog {
		t.Errorf("%s-wal grew to %d bytes, want at most %d", filepath.Base(store.Path()), size, maxLog)
	} else {
		t.Logf("%d runs, a log of %.1f MB at most", total, float64(size)/1e6)
	}
	requireWhole(t, store, total)
}

// largest looks at the size of a file until it is stopped.
func largest(path string, stop <-chan struct{}) (most int64) {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return most
		case <-ticker.C:
		}
		if info, err := os.Stat(path); err == nil {
			most = max(most, info.Size())
		} else if !errors.Is(err, fs.ErrNotExist) {
			return -1
		}
	}
}

// requireWhole asserts that the store has so many runs with all of their records.
func requireWhole(t *testing.T, store *sqlite.Store, want int) {
	t.Helper()
	runs, events := 0, 0
	for q := (storage.RunQuery{Limit: 1000}); ; {
		page, err := store.ListRuns(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page {
			of, err := store.ListEvents(t.Context(), storage.EventQuery{Run: page[i].Key})
			if err != nil {
				t.Fatal(err)
			}
			events += len(of)
			if page[i].State == storage.Success {
				runs++
			}
		}
		if len(page) < q.Limit {
			break
		}
		q.Before = page[len(page)-1].Key
	}
	if each := 2*writerSteps + 1; runs != want || events != want*each {
		t.Errorf("%d runs that succeeded and %d events were found, want %d and %d", runs, events, want, want*each)
	}
	if problems, err := store.Check(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("the store is not sound: %q, %v", problems, err)
	}
}
