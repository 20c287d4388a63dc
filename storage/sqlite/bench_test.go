package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

func openBench(b *testing.B) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func openCountedBench(b *testing.B) *loadtest.Counted {
	b.Helper()
	return counted(openBench(b))
}

func BenchmarkSteps(b *testing.B) {
	b.Run("memory", func(b *testing.B) { loadtest.BenchmarkSteps(b, &loadtest.Counted{Storage: memory.New()}) })
	b.Run("sqlite", func(b *testing.B) { loadtest.BenchmarkSteps(b, openCountedBench(b)) })
}

func BenchmarkEvents(b *testing.B) { loadtest.BenchmarkEvents(b, openCountedBench) }

func BenchmarkRuns(b *testing.B) { loadtest.BenchmarkRuns(b, openCountedBench) }

func BenchmarkOpen(b *testing.B) {
	b.Run("new", func(b *testing.B) {
		dir := b.TempDir()
		for i := range b.N {
			s, err := sqlite.Open(b.Context(), filepath.Join(dir, fmt.Sprint(i)))
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("existing", func(b *testing.B) {
		dir := b.TempDir()
		for range b.N {
			s, err := sqlite.Open(b.Context(), dir)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.GetKV(b.Context(), "k"); err == nil {
				b.Fatal("there is no value k")
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "rivers.db")); err != nil {
			b.Fatal(err)
		}
	})
}
