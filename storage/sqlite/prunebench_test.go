package sqlite_test

import (
	"database/sql"
	"flag"
	"testing"

	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/sqlite"
)

var pruneEvents = flag.Int("prune-events", 1_000_000, "how many events BenchmarkPrune deletes")

// pages are how many pages the file of a store has, those included that are in its log as yet.
func pages(tb testing.TB, s *sqlite.Store) (n int64) {
	tb.Helper()
	db, err := sql.Open("sqlite", s.Path())
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(tb.Context(), "PRAGMA page_count").Scan(&n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// BenchmarkPrune is [loadtest.PruneBeside].
//
//	go test ./storage/sqlite -run '^$' -bench Prune -benchtime 1x -prune-events 10000000
func BenchmarkPrune(b *testing.B) {
	for range b.N {
		b.StopTimer()
		s, err := sqlite.Open(b.Context(), b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		loadtest.PruneBeside(b, s, *pruneEvents, func() int64 { return pages(b, s) }, nil)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
