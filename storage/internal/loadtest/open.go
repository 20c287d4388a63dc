package loadtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// OpenAtOnce has eight handles make one store at once.
func OpenAtOnce(t *testing.T, open Open, url string) {
	t.Helper()
	ids := make([]string, 8)
	failed := make(chan error, len(ids))
	for i := range ids {
		go func() {
			s, err := open(t.Context(), url)
			if err == nil {
				ids[i] = s.ID()
				err = s.Close()
			}
			failed <- err
		}()
	}
	for range ids {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("stores created at once have the IDs %q", ids)
		}
	}
}

// SchemaAges opens a store whose schema is as old as a program may be, and newer. Set gives it a
// version and the oldest program that reads it; ours is the version of this program, migrate the
// command that it is told.
func SchemaAges(t *testing.T, open Open, url, migrate string, ours int, set func(version, minReader int)) {
	t.Helper()
	for _, c := range []struct {
		version, minReader int
		want               string
	}{
		{0, 0, fmt.Sprintf("schema version 0, this program needs %d: run `%s", ours, migrate)},
		{999, 1, ""},
		{999, 999, fmt.Sprintf("its schema version 999 needs a program of version 999 or newer, this one has %d: update this program", ours)},
	} {
		set(c.version, c.minReader)
		requireAge(t, open, url, c.version, c.want)
	}
}

func requireAge(t *testing.T, open Open, url string, version int, want string) {
	t.Helper()
	s, err := open(t.Context(), url)
	if err == nil {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if want == "" {
		if err != nil {
			t.Errorf("version %d: %v", version, err)
		}
		return
	}
	var schema *storage.SchemaError
	if !errors.As(err, &schema) || schema.Have != version || !strings.Contains(err.Error(), want) {
		t.Errorf("version %d: %v\nwant ... %s", version, err, want)
	}
}
