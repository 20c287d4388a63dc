package postgres_test

import (
	"flag"
	"testing"

	"github.com/rivers-go/rivers/storage/internal/loadtest"
)

var pruneEvents = flag.Int("prune-events", 1_000_000, "how many events BenchmarkPrune deletes")

// size is how many bytes the tables of a store take, with their indexes.
func size(tb testing.TB, url string) (n int64) {
	tb.Helper()
	conn := connect(tb, url)
	defer conn.Close(tb.Context())
	err := conn.QueryRow(tb.Context(), `SELECT sum(pg_total_relation_size(oid)) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`).Scan(&n)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// BenchmarkPrune is [loadtest.PruneBeside].
//
//	go test ./storage/postgres -run '^$' -bench Prune -benchtime 1x -prune-events 1000000
func BenchmarkPrune(b *testing.B) {
	for range b.N {
		b.StopTimer()
		url := durable.URL(b)
		s := open(b, url)
		loadtest.PruneBeside(b, s, *pruneEvents, func() int64 { return size(b, url) }, func() int64 { return s.Stats().Commits })
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
