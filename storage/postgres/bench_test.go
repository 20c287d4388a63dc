package postgres_test

import (
	"testing"

	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// durable is a server that waits for the disk, as one that keeps real data does.
var durable = postgrestest.Shared{Options: postgrestest.Options{Fsync: true}}

func openBench(b *testing.B) *postgres.Store {
	b.Helper()
	s := open(b, durable.URL(b))
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func openCountedBench(b *testing.B) *loadtest.Counted {
	b.Helper()
	return counted(openBench(b))
}

func BenchmarkSteps(b *testing.B) { loadtest.BenchmarkSteps(b, openCountedBench(b)) }

func BenchmarkEvents(b *testing.B) { loadtest.BenchmarkEvents(b, openCountedBench) }

func BenchmarkRuns(b *testing.B) { loadtest.BenchmarkRuns(b, openCountedBench) }

func BenchmarkOpen(b *testing.B) {
	open := func(b *testing.B, url string) {
		b.Helper()
		s, err := postgres.Open(b.Context(), url)
		if err == nil {
			err = s.Close()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("new", func(b *testing.B) {
		for range b.N {
			open(b, durable.URL(b))
		}
	})
	b.Run("existing", func(b *testing.B) {
		url := durable.URL(b)
		for range b.N {
			open(b, url)
		}
	})
}
