package fault

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// modulePath begins the names of the functions that a position leaves out.
const modulePath = "github.com/rivers-go/rivers"

// Position is where a definition stands in the user's source.
//
// It holds program counters only. Most positions are never shown, and finding a file and a line
// costs ten times as much as walking the stack.
type Position struct {
	// pcs are return addresses from the constructor outwards: at most five frames of rivers, the
	// definition's own, and its caller's in case a function of the user's made the definition.
	pcs [7]uintptr
}

// Here returns the position of the user's call that leads to it.
func Here() Position {
	var p Position
	runtime.Callers(2, p.pcs[:])
	return p
}

// String returns "file.go:12", relative to the working directory for a file below it. For a
// definition that a function of the user's made, it returns "common.go:12 (called at file.go:30)".
func (p Position) String() string {
	at, from := p.frames()
	switch {
	case at.File == "":
		return ""
	case from.File == "" || isRuntime(from.Function):
		return place(at)
	}
	return place(at) + " (called at " + place(from) + ")"
}

// Source returns the position by package: "example.com/shop/marts/users.go:12". It is the same on
// every machine and in every working directory. In package main it names the file only.
func (p Position) Source() string {
	at, _ := p.frames()
	if at.File == "" {
		return ""
	}
	file := filepath.Base(at.File) + ":" + strconv.Itoa(at.Line)
	slash := strings.LastIndexByte(at.Function, '/') + 1
	dir := at.Function[:slash]
	name, _, _ := strings.Cut(at.Function[slash:], ".")
	if dir+name == "main" {
		return file
	}
	return dir + name + "/" + file
}

// frames returns the first frame outside rivers and the one that called it.
func (p Position) frames() (at, from runtime.Frame) {
	count := 0
	for count < len(p.pcs) && p.pcs[count] != 0 {
		count++
	}
	if count == 0 {
		return at, from
	}
	frames := runtime.CallersFrames(p.pcs[:count])
	for {
		f, more := frames.Next()
		switch {
		case at.File == "" && isOurs(f):
		case at.File == "":
			at = f
		default:
			return at, f
		}
		if !more {
			return at, from
		}
	}
}

// isOurs reports whether a frame belongs to rivers: its root package, package checks, or one that
// is internal. Frames of their tests stand for user code.
func isOurs(f runtime.Frame) bool {
	rest, ok := strings.CutPrefix(f.Function, modulePath)
	if !ok || strings.HasSuffix(f.File, "_test.go") {
		return false
	}
	return strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "/checks.") || strings.HasPrefix(rest, "/internal/")
}

// isRuntime reports whether a function only calls the user's, as the start of a program or test
// does.
func isRuntime(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "testing.")
}

// place returns a frame as "file.go:12".
func place(f runtime.Frame) string {
	return shortPath(f.File) + ":" + strconv.Itoa(f.Line)
}

// shortPath returns a file's path relative to the working directory, for a file below it.
func shortPath(file string) string {
	dir, err := os.Getwd()
	if err != nil {
		return file
	}
	if below, ok := strings.CutPrefix(file, dir+string(filepath.Separator)); ok {
		return below
	}
	return file
}
