//go:build gate

package main

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the commands of the documentation print into it")

const program = "$ go run ./examples/flights "

// sameText takes out of an output what differs from run to run.
func sameText(text string) string {
	for _, r := range [][2]string{
		{`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}`, "ID"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`, "AT"},
		{`\b[0-9.]+(µs|ms|s)\b`, "TIME"},
		{`file://\S*/flights-data`, "file://flights-data"},
		{`(?m)^\d+/\d+ partitions.*\n`, ""}, // progress, where the machine is slow
		{`  +`, "  "},
		{` +\n`, "\n"},
	} {
		text = regexp.MustCompile(r[0]).ReplaceAllString(text, r[1])
	}
	return strings.TrimSpace(text)
}

// build makes the program without the race detector, under which twenty starts of it would take a minute, and without
// cgo, as the gate builds the other programs.
func build(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	c := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(dir, "flights"), ".")
	c.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// runDocumented runs a command as the documentation prints it, in a directory, and returns what a person sees.
func runDocumented(t *testing.T, bin, dir, command string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", "flights "+command)
	c.Dir = dir
	c.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "RIVERS_STORAGE=")
	out, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() > 1) { // 1: something failed, which is shown
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return strings.ReplaceAll(string(out), dir, "/home/ann/flights")
}

var consoles = regexp.MustCompile("(?s)```console\n(.*?)```")

// TestDocumentedBackfill runs all commands of the documentation one after the other, compares what they print with what
// it says, and what they made with numbers that were computed without any of this.
func TestDocumentedBackfill(t *testing.T) {
	t.Parallel()
	page := filepath.Join("..", "..", "docs", "partitions.md")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := build(t), t.TempDir()
	commands := 0
	got := consoles.ReplaceAllStringFunc(string(text), func(block string) string {
		blocks := strings.Split(consoles.FindStringSubmatch(block)[1], program)
		out := "```console\n" + blocks[0]
		for i, b := range blocks[1:] {
			commands++
			command, want, _ := strings.Cut(b, "\n")
			printed := runDocumented(t, bin, dir, command)
			switch head, tail, cut := strings.Cut(want, "…\n"); {
			case cut && strings.HasPrefix(sameText(printed), sameText(head)) && strings.HasSuffix(sameText(printed), sameText(tail)),
				!cut && sameText(printed) == sameText(want):
				out += program + b
			default:
				if !*update || cut {
					t.Errorf("%s: it prints\n%s\nand the documentation says\n%s", command, printed, want)
				}
				out += program + command + "\n" + printed
				if i < len(blocks)-2 {
					out += "\n"
				}
			}
		}
		return out + "```"
	})
	if commands < 15 {
		t.Errorf("the documentation has %d commands", commands)
	}
	if *update {
		if err := os.WriteFile(page, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	requireDaily(t, filepath.Join(dir, "flights-data", "facts"))
}
