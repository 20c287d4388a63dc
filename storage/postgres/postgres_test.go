package postgres_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/storagetest"
)

func open(tb testing.TB, url string) *postgres.Store {
	tb.Helper()
	s, err := postgres.Open(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	var urls urlsOf
	storagetest.Run(t,
		func(t *testing.T) storage.Storage { return urls.open(t, postgres.Server.URL(t)) },
		storagetest.Reopen(func(t *testing.T, s storage.Storage) storage.Storage {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return urls.open(t, urls.of(s))
		}),
		storagetest.Processes(urls.of),
		storagetest.Checked(func(t *testing.T, s storage.Storage, sql string) { execute(t, urls.of(s), sql) },
			func(data []byte) string { return fmt.Sprintf(`'\x%x'::bytea`, data) }))
}
