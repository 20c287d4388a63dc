// Package termtest is a terminal for tests: it understands the escapes that views write and shows
// what a person would see.
package termtest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var escapes = regexp.MustCompile(`^\x1b\[([0-9?]*)([A-Za-z])`)

// Screen is a terminal in memory, Width columns wide. It is safe for concurrent use.
type Screen struct {
	mu       sync.Mutex
	Width    int
	rows     [][]rune
	row, col int
	writes   int
}

// Write puts text on the screen. It panics for an escape that no view writes.
func (f *Screen) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	text := string(p)
	for len(text) > 0 {
		if escape := escapes.FindStringSubmatch(text); escape != nil {
			n := len(escape[0])
			f.control(escape[1], escape[2][0])
			text = text[n:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		f.put(r)
	}
	return len(p), nil
}

func (f *Screen) put(r rune) {
	switch r {
	case '\n':
		f.row, f.col = f.row+1, 0
		return
	case '\r':
		f.col = 0
		return
	}
	if f.col == f.Width {
		f.row, f.col = f.row+1, 0
	}
	for len(f.rows) <= f.row {
		f.rows = append(f.rows, nil)
	}
	for len(f.rows[f.row]) <= f.col {
		f.rows[f.row] = append(f.rows[f.row], ' ')
	}
	f.rows[f.row][f.col] = r
	f.col++
}

func (f *Screen) control(argument string, what byte) {
	switch what {
	case 'A':
		n, err := strconv.Atoi(argument)
		if err != nil || n > f.row {
			panic(fmt.Sprintf("up by %q from row %d", argument, f.row))
		}
		f.row -= n
	case 'K':
		if f.row < len(f.rows) && f.col < len(f.rows[f.row]) {
			f.rows[f.row] = f.rows[f.row][:f.col]
		}
	case 'J':
		f.control("", 'K')
		f.rows = f.rows[:min(len(f.rows), f.row+1)]
	case 'm', 'h', 'l': // colours, and frames shown at once
	default:
		panic(fmt.Sprintf("an escape %q%c that no screen writes", argument, what))
	}
}

// Writes returns the number of writes so far.
func (f *Screen) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// String returns the lines that a person sees.
func (f *Screen) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, row := range f.rows {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
