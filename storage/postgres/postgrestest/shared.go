package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
)

// TB is what is asked of a test or a benchmark. (Taking a [testing.TB] would link package testing
// into programs that measure.)
type TB interface {
	Helper()
	Fatal(args ...any)
	Skip(args ...any)
}

// Shared is one server for many tests, started by the first that asks. The zero value is ready for
// use, by several tests at once.
type Shared struct {
	Options

	start  sync.Once
	server *Server
	err    error
}

// Server returns the server; tests that stop it should have one of their own. Where it is not to be
// had, the test is skipped, or fails if RIVERS_REQUIRE_POSTGRES is set.
func (s *Shared) Server(tb TB) *Server {
	tb.Helper()
	s.start.Do(func() { s.server, s.err = Start(context.Background(), s.Options) })
	switch {
	case s.err == nil:
	case errors.Is(s.err, ErrNotInstalled) && os.Getenv("RIVERS_REQUIRE_POSTGRES") == "":
		tb.Skip(fmt.Sprint("this test runs where PostgreSQL is installed: ", s.err))
	default:
		tb.Fatal(s.err)
	}
	return s.server
}

// URL returns the URL of an empty store on the server, see [Server.URL].
func (s *Shared) URL(tb TB) string {
	tb.Helper()
	return s.Server(tb).URL()
}
