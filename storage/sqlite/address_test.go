package sqlite_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage/sqlite"
)

// The address of a server is no path: it would become a directory, and its password would be printed.
func TestAddressOfAServerIsNoPath(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{
		"host=localhost password=hunter2", "password = hunter2 host=x", "dbname=x;password=hunter2", "user:hunter2@host/db", "u:hunter2@host",
		"postgresql:/u:hunter2@h/db", "postgres:u:hunter2@h", "postgres//u:hunter2@h/db", "POSTGRES://u:hunter2@h/db", "jdbc:postgresql://h/db?password=hunter2",
		"mysql+tcp://u:hunter2@h/db", "data?password=hunter2", "/x?passwd=hunter2", "data?synchronous=full&password=hunter2",
	} {
		_, err := sqlite.Open(t.Context(), path)
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "want a path") {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := sqlite.Open(t.Context(), "data?synchronous=hunter2"); err == nil || strings.Contains(err.Error(), `"data?`) {
			t.Errorf("a wrong setting: %v", err)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("made %v, %v", left, err)
	}
	for _, path := range []string{"postgres/data", "my host", "a=b", "mail@example", "data.db?synchronous=full", "x:y", "host", "mysql"} {
		if err := sqlite.ValidatePath(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}
