package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// childVariable makes the test binary a process that starts a server and waits to be killed.
const childVariable = "RIVERS_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	s, err := Start(context.Background(), Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.dir, s.port)
	select {}
}

// need is a server, or the reason why there is none.
func need(t *testing.T) *Server {
	t.Helper()
	var shared Shared
	return shared.Server(t)
}

func answers(port string) bool {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// silent waits until nobody answers: a child of a server that was killed may hold its socket for a moment.
func silent(t *testing.T, port string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for answers(port) {
		if ctx.Err() != nil {
			t.Fatal("the server answers half a minute after it was ended")
		}
	}
}

// TestServerEndsWithItsProcess kills a process that has started a server.
func TestServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	need(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	dir, port, ok := strings.Cut(strings.TrimSpace(line), " ")
	if err != nil || !ok || !answers(port) {
		t.Fatalf("the process said %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed, and says so
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist); _, err = os.Stat(dir) {
		if ctx.Err() != nil {
			t.Fatalf("%s is there half a minute after its process was killed: %v", dir, err)
		}
	}
	silent(t, port)
}

// TestServerOutlivesItsHandle has a server that nobody holds but its URL.
func TestServerOutlivesItsHandle(t *testing.T) {
	t.Parallel()
	port := fmt.Sprint(need(t).port)
	for range 200 { // what is unreachable is finalized some time after the first
		runtime.GC()
		if !answers(port) {
			t.Fatal("the server has ended with its handle")
		}
	}
}

func TestServerStopsAndStarts(t *testing.T) {
	t.Parallel()
	s := need(t)
	port := fmt.Sprint(s.port)
	for _, end := range []func() error{s.Stop, s.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		silent(t, port)
		if err := s.Start(t.Context()); err != nil || !answers(port) {
			t.Fatalf("a server that was started again: %v", err)
		}
	}
	a, b := s.URL(), s.URL()
	if a == b || !strings.Contains(a, ":"+port+"/") {
		t.Errorf("URLs %s and %s of two stores", a, b)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	silent(t, port)
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a closed server left %s", s.dir)
	}
}

// fake is a test that is asked what it was told.
type fake struct{ skipped, failed string }

func (f *fake) Helper()           {}
func (f *fake) Skip(args ...any)  { f.skipped = fmt.Sprint(args...) }
func (f *fake) Fatal(args ...any) { f.failed = fmt.Sprint(args...) }

func TestNotInstalled(t *testing.T) {
	for require, want := range map[string]fake{
		"":  {skipped: "this test runs where PostgreSQL is installed: no PostgreSQL server is installed: apt-get install postgresql"},
		"1": {failed: "no PostgreSQL server is installed: apt-get install postgresql"},
	} {
		t.Setenv("RIVERS_REQUIRE_POSTGRES", require)
		s := Shared{err: ErrNotInstalled}
		s.start.Do(func() {})
		var got fake
		s.Server(&got)
		if !strings.HasPrefix(got.skipped, want.skipped) || !strings.HasPrefix(got.failed, want.failed) || (got.skipped == "") == (got.failed == "") {
			t.Errorf("with RIVERS_REQUIRE_POSTGRES=%s: %+v", require, got)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{"/usr/lib/postgresql/15/bin/pg_ctl": 15, "/usr/lib/postgresql/9.6/bin/pg_ctl": 0} {
		if got := version(path); got != want {
			t.Errorf("%s is version %d, want %d", path, got, want)
		}
	}
}
