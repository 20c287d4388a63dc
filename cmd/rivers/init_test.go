package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("RIVERS_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestProjectOfACheckout makes a project that uses the sources that this program was built from.
func TestProjectOfACheckout(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "orders")
	o, err := originOf("")
	if err != nil {
		t.Fatal(err)
	}
	if err := initProject(dir, o); err != nil {
		t.Fatal(err)
	}
	if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err != nil || !strings.Contains(string(mod), "replace github.com/rivers-go/rivers => ") {
		t.Errorf("go.mod: %v\n%s", err, mod)
	}
}

func TestInitRefuses(t *testing.T) {
	t.Parallel()
	full := filepath.Join(t.TempDir(), "full")
	if err := os.Mkdir(full, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		full:                              "is not empty (it has x): give a new one",
		filepath.Join(full, "my project"): `project name "my project": use letters, digits, _, - and ., beginning with a letter or _`,
	} {
		if err := initProject(dir, origin{version: "v1.0.0"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("init %s: %v, want %s", dir, err, want)
		}
	}
}

func TestProgramThatForgotItsCheckout(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"github.com/rivers-go/rivers/cmd/rivers/init.go", filepath.Join(t.TempDir(), "cmd", "rivers", "init.go")} {
		if o, err := originOfSource(file); err == nil || !strings.Contains(err.Error(), "name one with --replace DIR") {
			t.Errorf("%s: %v, %v", file, o, err)
		}
	}
}

// TestInitCommand runs the program itself, which this test binary is when it is told so.
func TestInitCommand(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, step := range []struct {
		args string
		code int
		says string
	}{
		{"init", 2, "rivers init takes one NAME (got 0)"},
		{"init sh(op", 2, "use letters, digits"},
		{"init shop --replace .", 2, "it has no go.mod of github.com/rivers-go/rivers"},
		{"init shop --replace " + root, 0, "shop is ready:\n\n  cd shop\n  go run . materialize\n"},
		{"init shop", 2, "directory shop is not empty"},
		{"runs list", 4, "it does not exist yet"},
	} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(step.args)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "RIVERS_TEST_MAIN=1")
		out, _ := cmd.CombinedOutput() // the exit code is looked at
		if code := cmd.ProcessState.ExitCode(); code != step.code || !strings.Contains(string(out), step.says) {
			t.Errorf("rivers %s: exit code %d, want %d and %q:\n%s", step.args, code, step.code, step.says, out)
		}
	}
}

// TestReleasedProject asks for the release and for its modules.
func TestReleasedProject(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shop")
	if err := initProject(dir, origin{version: "v1.2.3"}); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if want := "module shop\n\ngo 1.26.0\n\nrequire github.com/rivers-go/rivers v1.2.3\n"; err != nil || string(mod) != want {
		t.Errorf("go.mod: %v, got\n%s\nwant\n%s", err, mod, want)
	}
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil || !strings.Contains(string(readme), "go mod tidy") {
		t.Errorf("README.md: %v\n%s", err, readme)
	}
}
