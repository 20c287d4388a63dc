package postgres_test

import (
	"context"
	"os"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
	"github.com/rivers-go/rivers/storage/storagetest"
)

// server is what all tests of the package share that do not stop it.
var server postgrestest.Shared

func open(tb testing.TB, url string) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestMain(m *testing.M) {
	storagetest.Child(func(ctx context.Context, url string) (storage.Storage, error) { return postgres.Open(ctx, url) })
	os.Exit(m.Run())
}

func TestConformance(t *testing.T) {
	var urls urlsOf
	storagetest.Run(t,
		func(t *testing.T) storage.Storage { return urls.open(t, server.URL(t)) },
		storagetest.Reopen(func(t *testing.T, s storage.Storage) storage.Storage {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return urls.open(t, urls.of(s))
		}),
		storagetest.Processes(urls.of))
}
