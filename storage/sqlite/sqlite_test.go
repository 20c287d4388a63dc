package sqlite_test

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
	"github.com/rivers-go/rivers/storage/storagetest"
)

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	storagetest.Run(t,
		func(t *testing.T) storage.Storage { return open(t, t.TempDir()) },
		storagetest.Reopen(func(t *testing.T, s storage.Storage) storage.Storage {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return open(t, s.(*sqlite.Store).Path())
		}),
		storagetest.Processes(func(s storage.Storage) string { return s.(*sqlite.Store).Path() }),
		storagetest.Checked(func(t *testing.T, s storage.Storage, sql string) { execute(t, s.(*sqlite.Store).Path(), sql) }, blob))
}

// blob is bytes as SQL writes them.
func blob(data []byte) string { return fmt.Sprintf("x'%x'", data) }
