package rivers

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// modulePath is the package whose frames are passed over when a definition's position is looked for.
const modulePath = "github.com/rivers-go/rivers"

// position is where a definition stands in the user's source. It holds program counters only:
// most positions are never shown, and looking up a file and a line costs ten times as much as
// walking the stack.
type position struct {
	// pcs are return addresses from the constructor outwards: at most four frames of rivers,
	// the definition's, and its caller's in case a helper of the user's made the definition.
	pcs [6]uintptr
}

// callerPosition returns the position of the call into rivers that it is reached from.
func callerPosition() position {
	var p position
	runtime.Callers(2, p.pcs[:])
	return p
}

// String is "file.go:12", relative to the working directory if the file is below it; where a
// helper of the user's made the definition, "helper.go:12 (called at file.go:30)".
func (p position) String() string {
	at, from := p.frames()
	switch {
	case at.File == "":
		return ""
	case from.File == "" || isRuntime(from.Function):
		return place(at)
	}
	return place(at) + " (called at " + place(from) + ")"
}

// source names the place by its package, so that it is the same on every machine and in every
// working directory: "example.com/shop/marts/users.go:12"; of a main package only the file.
func (p position) source() string {
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
func (p position) frames() (at, from runtime.Frame) {
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

// isOurs reports whether a frame belongs to this package, or to the one of ready-made checks; their own tests stand for
// user code.
func isOurs(f runtime.Frame) bool {
	rest, ok := strings.CutPrefix(f.Function, modulePath)
	return ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "/checks.")) && !strings.HasSuffix(f.File, "_test.go")
}

// isRuntime reports whether a function only carries the user's: the program's start, a test's.
func isRuntime(function string) bool {
	return strings.HasPrefix(function, "runtime.") || strings.HasPrefix(function, "testing.")
}

func place(f runtime.Frame) string {
	return shortPath(f.File) + ":" + strconv.Itoa(f.Line)
}

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
