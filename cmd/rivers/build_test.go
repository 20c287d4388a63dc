//go:build gate

package main

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// goTool runs the go command in dir with plain flags: those of this test are not the project's.
func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "CGO_ENABLED=0", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// TestProjectBuildsRunsAndPassesItsTest does what the text after init says, without a network.
func TestProjectBuildsRunsAndPassesItsTest(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "orders")
	o, err := originOf("")
	if err != nil {
		t.Fatal(err)
	}
	if err := initProject(dir, o); err != nil {
		t.Fatal(err)
	}
	goTool(t, dir, "build", "-o", "orders", ".")
	requireStatic(t, filepath.Join(dir, "orders"))
	run := exec.CommandContext(t.Context(), "./orders", "materialize")
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil || !strings.Contains(string(out), "2 succeeded") {
		t.Errorf("materialize: %v\n%s", err, out)
	}
	goTool(t, dir, "test", "./...")
}

// requireStatic requires a binary that needs no loader.
func requireStatic(t *testing.T, path string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		return // elsewhere a Go binary links the system's library, and is no ELF file
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("%s is linked dynamically", path)
		}
	}
}

// TestFlightsIsStatic builds the example, with all that it links.
func TestFlightsIsStatic(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "flights")
	goTool(t, "../..", "build", "-mod=readonly", "-o", binary, "./examples/flights")
	requireStatic(t, binary)
}
