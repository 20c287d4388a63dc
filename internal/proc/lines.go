package proc

import (
	"bytes"
	"slices"
	"strings"
)

// MaxLine bounds a line of a process's output: a longer one is handed over in several, so that a
// stream without line breaks is not held in memory.
const MaxLine = 64 << 10

// Lines cuts the output of a process into lines. The zero value drops what it is given.
type Lines struct {
	// Line takes each line, without its line break.
	Line func(text string)
	rest []byte
}

// Write hands over the lines that p completes. It never fails.
func (l *Lines) Write(p []byte) (int, error) {
	n := len(p)
	if l.Line == nil {
		return n, nil
	}
	for {
		text, after, found := bytes.Cut(p, []byte{'\n'})
		for len(l.rest)+len(text) > MaxLine {
			take := MaxLine - len(l.rest)
			l.Line(string(l.rest) + string(text[:take]))
			l.rest, text = l.rest[:0], text[take:]
		}
		if !found {
			l.rest = append(l.rest, text...)
			return n, nil
		}
		l.Line(strings.TrimSuffix(string(l.rest)+string(text), "\r"))
		l.rest, p = l.rest[:0], after
	}
}

// End hands over a last line that has no line break.
func (l *Lines) End() {
	if len(l.rest) > 0 && l.Line != nil {
		l.Line(strings.TrimSuffix(string(l.rest), "\r"))
		l.rest = nil
	}
}

// Tail keeps the last lines of a stream for an error. The zero value has none.
type Tail struct{ lines []string }

const tailLines = 10

// Add keeps a line and drops the oldest of too many.
func (t *Tail) Add(line string) {
	if t.lines = append(t.lines, line); len(t.lines) > tailLines {
		t.lines = slices.Delete(t.lines, 0, 1)
	}
}

// Text returns the lines behind a colon, to stand at the end of a message; nothing where there are
// none.
func (t *Tail) Text() string {
	if len(t.lines) == 0 {
		return ""
	}
	return ": " + strings.Join(t.lines, "\n")
}
