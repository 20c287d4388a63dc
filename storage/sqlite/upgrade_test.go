package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// upgradePath makes the test binary a process that opens a store as of today, see [upgradeChild].
const upgradePath = "RIVERS_TEST_UPGRADE_STORE"

// upgradeChild opens a store, writes a run, says so, and keeps the store open until its input ends.
func upgradeChild(path string) error {
	s, err := sqlite.OpenUpgraded(context.Background(), path, nil)
	if err != nil {
		return err
	}
	if err := s.Commit(context.Background(), &storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint("by ", os.Getpid())}}}); err != nil {
		return err
	}
	fmt.Println("open")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return s.Close()
}

// oldStore copies a store that a program of a version has left.
func oldStore(t *testing.T, version int) string {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("testdata/formats/v%d.db", version))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "old.db")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// versionOf reads the version of a file.
func versionOf(t *testing.T, file string) (version int) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err == nil {
		err = errors.Join(db.QueryRowContext(t.Context(), "SELECT schema_version FROM store").Scan(&version), db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// hold keeps a file open, as a program does that works with it, until the function that it returns is called.
func hold(t *testing.T, file string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM run").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestOpenUpgraded opens stores of all versions: it finds in them what was there, and says once what it did.
func TestOpenUpgraded(t *testing.T) {
	t.Parallel()
	for version := 1; version < sqlite.SchemaVersion(); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			file := oldStore(t, version)
			want, err := os.ReadFile(fmt.Sprintf("testdata/formats/v%d.txt", version))
			if err != nil {
				t.Fatal(err)
			}
			var said bytes.Buffer
			log := slog.New(slog.NewTextHandler(&said, nil))
			for range 2 {
				s, err := sqlite.OpenUpgraded(t.Context(), file, log)
				if err != nil {
					t.Fatal(err)
				}
				if got := contents(t, s, version); got != string(want) {
					t.Errorf("the store of version %d reads as\n%s\nwant\n%s", version, got, want)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			line := fmt.Sprintf("level=INFO msg=\"the store is migrated to the schema of this program\" store=%s from=%d to=%d\n", file, version, sqlite.SchemaVersion())
			if !strings.HasSuffix(said.String(), line) || strings.Count(said.String(), "\n") != 1 {
				t.Errorf("the log says\n%swant one line with\n%s", said.String(), line)
			}
		})
	}
}

// TestOpenUpgradedBesideAnOlderProgram has somebody at work with the store: one who knows what the new schema allows goes on,
// and from one who does not the store is not taken away.
func TestOpenUpgradedBesideAnOlderProgram(t *testing.T) {
	t.Parallel()
	for version := 1; version < sqlite.SchemaVersion(); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			file := oldStore(t, version)
			release := hold(t, file)
			s, err := sqlite.OpenUpgradedSoon(t.Context(), file)
			if version >= sqlite.OldestReader {
				if err != nil {
					t.Fatalf("beside a program that the new schema allows: %v", err)
				}
				release()
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			schema, ok := errors.AsType[*storage.SchemaError](err)
			if !ok || !schema.InUse || schema.Have != version || !strings.Contains(err.Error(), "an older program has it open: end that one") {
				t.Errorf("got %v", err)
			}
			if got := versionOf(t, file); got != version {
				t.Errorf("a store in use is of version %d now, want %d", got, version)
			}
			release()
			if s, err = sqlite.OpenUpgradedSoon(t.Context(), file); err != nil {
				t.Fatalf("after it was closed: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOpenUpgradedLeavesNewer has a store of a schema that does not exist yet.
func TestOpenUpgradedLeavesNewer(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	newer := sqlite.SchemaVersion() + 2
	execute(t, s.Path(), fmt.Sprintf("UPDATE store SET schema_version = %d", newer))
	again, err := sqlite.OpenUpgraded(t.Context(), s.Path(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("a newer store that this program may use: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, s.Path(), fmt.Sprintf("UPDATE store SET min_reader = %d", newer))
	_, err = sqlite.OpenUpgraded(t.Context(), s.Path(), slog.New(slog.DiscardHandler))
	if schema, ok := errors.AsType[*storage.SchemaError](err); !ok || schema.MinReader != newer || schema.InUse {
		t.Errorf("a store that is too new: %v", err)
	}
	if got := versionOf(t, s.Path()); got != newer {
		t.Errorf("it is of version %d now, want %d", got, newer)
	}
}

// TestOpenUpgradedAtOnce has processes open an old store together: one migrates it, and all work with it at the same time.
func TestOpenUpgradedAtOnce(t *testing.T) {
	t.Parallel()
	for _, version := range []int{4, 5} { // alone, and beside each other
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			t.Parallel()
			upgradeAtOnce(t, oldStore(t, version))
		})
	}
}

func upgradeAtOnce(t *testing.T, file string) {
	t.Helper()
	const processes = 4
	var said bytes.Buffer
	var inputs []io.Closer
	var children []*exec.Cmd
	var outputs []*bufio.Scanner
	for range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), upgradePath+"="+file)
		in, inErr := cmd.StdinPipe()
		out, outErr := cmd.StdoutPipe()
		stderr := &bytes.Buffer{}
		cmd.Stderr = stderr
		if err := errors.Join(inErr, outErr, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		inputs, children, outputs = append(inputs, in), append(children, cmd), append(outputs, bufio.NewScanner(out))
	}
	for i, out := range outputs { // all have it open by the end of this loop, and none has closed it
		if !out.Scan() || out.Text() != "open" {
			t.Errorf("process %d of %d: %q, %s", i, processes, out.Text(), children[i].Stderr)
		}
	}
	for i, in := range inputs {
		if err := errors.Join(in.Close(), children[i].Wait()); err != nil {
			t.Errorf("%v, %s", err, children[i].Stderr)
		}
		fmt.Fprint(&said, children[i].Stderr)
	}
	if n := strings.Count(said.String(), "the store is migrated"); n != 1 {
		t.Errorf("%d processes say that they have migrated the store, want one:\n%s", n, said.String())
	}
	s := open(t, file)
	defer s.Close()
	runs, err := s.ListRuns(t.Context(), storage.RunQuery{States: []storage.RunState{storage.Queued}})
	if err != nil || len(runs) != processes {
		t.Errorf("%d runs by %d processes, %v", len(runs), processes, err)
	}
}

// TestOldestReader compares what is said of the last migration with what it says.
func TestOldestReader(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	db, err := sql.Open("sqlite", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got int
	if err := db.QueryRowContext(t.Context(), "SELECT min_reader FROM store").Scan(&got); err != nil || got != sqlite.OldestReader {
		t.Errorf("a new store may be read by version %d and newer (%v), want %d", got, err, sqlite.OldestReader)
	}
}
