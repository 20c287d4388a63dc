package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// childVariable makes the test binary the program, or with "writer" a process that only writes.
const childVariable = "CRASH_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "writer":
		writerMain()
	default:
		main()
	}
}

// place is a store that all processes of a test use.
type place struct {
	name string
	// url makes a new store for a directory and names it.
	url func(t *testing.T, dir string) string
	// open opens it to look.
	open func(url string) (checked, error)
}

// checked is a store that can verify itself.
type checked interface {
	storage.Storage
	Check(ctx context.Context) ([]string, error)
}

// server has the stores of all tests.
var server postgrestest.Shared

func places() []place {
	return []place{{
		name: "sqlite",
		url:  func(_ *testing.T, dir string) string { return filepath.Join(dir, "store") },
		open: func(url string) (checked, error) { return sqlite.Open(context.Background(), url) },
	}, {
		name: "postgres",
		url:  func(t *testing.T, _ string) string { t.Helper(); return server.URL(t) },
		open: func(url string) (checked, error) { return postgres.Open(context.Background(), url) },
	}}
}

// victim is the program on one store, to be killed.
type victim struct {
	*testing.T
	place

	dir, address string
	env          []string
	seed         uint64
	rng          *rand.Rand
	killed       int
}

func newVictim(t *testing.T, p place, env ...string) *victim {
	t.Helper()
	v := &victim{T: t, place: p, dir: t.TempDir(), env: env, seed: rand.Uint64()}
	v.rng = rand.New(rand.NewPCG(v.seed, 0))
	v.address = p.url(t, v.dir)
	return v
}

// process is the program at work.
type process struct {
	*exec.Cmd

	// said is what it has printed, to be read when it has ended.
	said *bytes.Buffer
}

// program starts the program as a process group of its own, so that all of it can be killed.
func (v *victim) program(args ...string) process {
	v.Helper()
	p := v.prepared(args...)
	if err := p.Start(); err != nil {
		v.Fatal(err)
	}
	return p
}

func (v *victim) prepared(args ...string) process {
	p := process{exec.CommandContext(v.Context(), os.Args[0], append([]string{"--storage", v.address}, args...)...), &bytes.Buffer{}}
	p.Dir = v.dir
	p.Env = append(append(os.Environ(), childVariable+"=program", "GORACE=atexit_sleep_ms=0"), v.env...)
	p.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.Stdout, p.Stderr = p.said, p.said
	return p
}

// kill ends a process and all of its group when the moment has come, and reports whether it was there to be killed.
func (v *victim) kill(p process, moment <-chan time.Time) bool {
	v.Helper()
	ended := make(chan struct{})
	go func() {
		_ = p.Wait() // how it ended is asked of its state
		close(ended)
	}()
	select {
	case <-ended:
		return false
	case <-moment:
	}
	if err := syscall.Kill(-p.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		v.Fatal(err)
	}
	<-ended
	status, ok := p.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return false
	}
	v.killed++
	return true
}

// after returns a channel that says when to kill a program that has so many calls to make or lines to say, of which r
// has an end each: a moment after some of them, or while it starts, so that so many kills are spread over all of them.
func (v *victim) after(r io.Reader, end byte, all, kills int) <-chan time.Time {
	n := v.rng.IntN(2*all/(kills+1)+all/50) - all/50
	pause := time.Duration(v.rng.Int64N(int64(10 * time.Millisecond)))
	if n <= 0 {
		pause *= 20
	}
	moment := make(chan time.Time, 1)
	go func() {
		in := bufio.NewReader(r)
		for range n {
			_, _ = in.ReadSlice(end) // it may have ended before
		}
		time.AfterFunc(pause, func() { moment <- time.Now() })
		_, _ = io.Copy(io.Discard, in) // so that it need not wait
	}()
	return moment
}

// telling starts a program and returns what it writes to the file that takes gives it.
func (v *victim) telling(p process, takes func(w *os.File)) *os.File {
	v.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		v.Fatal(err)
	}
	takes(w)
	err = p.Start()
	if closeErr := w.Close(); err != nil || closeErr != nil {
		v.Fatal(err, closeErr)
	}
	v.Cleanup(func() { _ = r.Close() })
	return r
}

// look opens the store for the rest of the test.
func (v *victim) look() checked {
	v.Helper()
	store, err := v.open(v.address)
	if err != nil {
		v.Fatalf("seed %d: %v", v.seed, err)
	}
	v.Cleanup(func() {
		if err := store.Close(); err != nil {
			v.Error(err)
		}
	})
	return store
}

// sound asserts that the store agrees with itself and that nobody has a slot of it.
func (v *victim) sound(store checked) {
	v.Helper()
	if held, err := store.ListSlots(v.Context(), storage.SlotQuery{}); err != nil || len(held) > 0 {
		v.Errorf("seed %d: everything has ended and slots are held: %+v, %v", v.seed, held, err)
	}
	if problems, err := store.Check(v.Context()); err != nil || len(problems) > 0 {
		v.Errorf("seed %d: the store is not sound: %q, %v", v.seed, problems, err)
	}
}
