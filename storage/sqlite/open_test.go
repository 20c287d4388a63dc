package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/sqlite"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// execute runs SQL on the file with no rivers in between.
func execute(t *testing.T, file, query string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func TestOpenNamesTheFile(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "empty.db"), "")
	for path, want := range map[string]string{
		filepath.Join(dir, "a", "b"):                  filepath.Join(dir, "a", "b", "rivers.db"),
		filepath.Join(dir, "c", "x.db"):               filepath.Join(dir, "c", "x.db"),
		filepath.Join(dir, "d?synchronous=full"):      filepath.Join(dir, "d", "rivers.db"),
		filepath.Join(dir, "e.db?synchronous=normal"): filepath.Join(dir, "e.db"),
		filepath.Join(dir, "100% #ü ✓"):               filepath.Join(dir, "100% #ü ✓", "rivers.db"),
		filepath.Join(dir, "empty.db"):                filepath.Join(dir, "empty.db"),
	} {
		s := open(t, path)
		if s.Path() != want {
			t.Errorf("Open(%q) opened %q, want %q", path, s.Path(), want)
		}
		fence, _ := loadtest.NewRun(t, s, "r", 1)
		if fence.Run == 0 {
			t.Errorf("Open(%q): no run", path)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if rest, _ := filepath.Glob(want + "?*"); len(rest) > 0 {
			t.Errorf("Open(%q) and Close left %q", path, rest)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	file := write(t, filepath.Join(dir, "notes.txt"), "hello")
	foreign := filepath.Join(dir, "foreign.db")
	execute(t, foreign, "CREATE TABLE users (name TEXT)")
	text := write(t, filepath.Join(dir, "text.db"), strings.Repeat("no database ", 1000))
	if err := os.Mkdir(filepath.Join(dir, "dir.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "odd", "rivers.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                           "is empty: want a directory, or a file that ends in .db",
		file:                         "is a file: want a directory, or a file that ends in .db",
		filepath.Join(file, "x.db"):  "not a directory",
		filepath.Join(dir, "dir.db"): "is a directory: want a file",
		filepath.Join(dir, "odd"):    "rivers.db is a directory: want a file: move it away, or give another path",
		dir + "?sync=full":           `no parameter "sync": the only one is synchronous=full or normal`,
		dir + "?synchronous=off":     "synchronous=off: want full or normal",
		text:                         "the file is not a SQLite database: give another path, or move it away",
		foreign:                      "the file is a SQLite database of another program: give another path",
	} {
		_, err := sqlite.Open(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q): %v\nwant ... %s", path, err, want)
		}
	}
}

func TestOpenWhereNothingMayBeWritten(t *testing.T) {
	if os.Getuid() == 0 { // root may write everywhere, so somebody else runs this test
		asNobody(t)
		return
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), filepath.Join(dir, "x.db")); !errors.Is(err, os.ErrPermission) {
		t.Errorf("got %v, want a permission error", err)
	}
}

// asNobody runs the calling test in a copy of this binary, as a user without rights.
func asNobody(t *testing.T) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "nobody") //nolint:usetesting // t.TempDir lies below a directory that only its owner enters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	const nobody = 65534
	copied := filepath.Join(dir, "test")
	err = errors.Join(os.WriteFile(copied, program, 0o755), os.Chmod(dir, 0o755), os.Chown(dir, nobody, nobody))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), copied, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as another user: %v\n%s", err, out)
	}
}

// TestDamagedFile overwrites pages in the middle.
func TestDamagedFile(t *testing.T) {
	s := open(t, t.TempDir())
	loadtest.NewRun(t, s, "r", 5000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(s.Path())
	if err != nil {
		t.Fatal(err)
	}
	for i := 2 * 4096; i < len(data); i++ {
		data[i] = 0xa5
	}
	write(t, s.Path(), string(data))
	damaged, err := sqlite.Open(t.Context(), s.Path())
	if err == nil {
		defer damaged.Close()
		var found []string
		if found, err = damaged.Check(t.Context()); err == nil && len(found) > 0 {
			return
		}
	}
	if err == nil || !strings.Contains(err.Error(), "damaged") || !strings.Contains(err.Error(), s.Path()) {
		t.Errorf("got %v, want an error that says the file is damaged", err)
	}
}

func TestIDIsTheFiles(t *testing.T) {
	dir := t.TempDir()
	a, b, other := open(t, dir), open(t, filepath.Join(dir, "rivers.db")), open(t, t.TempDir())
	defer a.Close()
	defer b.Close()
	defer other.Close()
	if a.ID() != b.ID() || a.ID() == other.ID() {
		t.Errorf("IDs %q and %q of one file, %q of another", a.ID(), b.ID(), other.ID())
	}
}

func TestOpenAtOnce(t *testing.T) { loadtest.OpenAtOnce(t, openChecked, t.TempDir()) }

func TestOlderAndNewerSchema(t *testing.T) {
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, ours, err := sqlite.Migrate(t.Context(), s.Path())
	if err != nil {
		t.Fatal(err)
	}
	loadtest.SchemaAges(t, openChecked, s.Path(), "rivers db migrate --storage", ours, func(version, minReader int) {
		execute(t, s.Path(), "UPDATE store SET schema_version = ?, min_reader = ?", version, minReader)
	})
}
