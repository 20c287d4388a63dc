package term

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
)

// screen draws the end of a terminal: lines that scroll, and below them a block redrawn in place.
// It is not safe for concurrent use.
type screen struct {
	out   io.Writer
	width func() int
	// drawn has the width of each line of the block. A window that gets narrower breaks them, and
	// the block gets higher.
	drawn []int
}

// paint adds lines above the block and redraws the block, in one write. It overwrites before it
// erases, and asks terminals that can to show the frame at once, so nothing flickers.
func (s *screen) paint(above, block []string) {
	width := max(s.width(), 20)
	var b strings.Builder
	b.WriteString("\x1b[?2026h\r") // typed text such as ^C may have moved the cursor
	if up := s.height(width); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	s.drawn = s.drawn[:0]
	for _, line := range above {
		b.WriteString(cleaned(line, true) + "\x1b[K\n")
	}
	for _, line := range block {
		line = cut(strings.ReplaceAll(cleaned(line, true), "\n", " "), width-1)
		s.drawn = append(s.drawn, Cells(line))
		b.WriteString(line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J\x1b[?2026l")
	_, _ = io.WriteString(s.out, b.String()) // a closed terminal is noticed elsewhere
}

// height returns the rows of the block in a window of that width.
func (s *screen) height(width int) int {
	rows := 0
	for _, n := range s.drawn {
		rows += max(1, (n+width-1)/width)
	}
	return rows
}

// escape returns the length of the ANSI escape at the start of text, zero for none.
func escape(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	end := strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' })
	if end < 0 {
		return 0
	}
	return end + 3
}

// Cells returns the columns of a text without its escapes.
func Cells(text string) int {
	n := 0
	for _, r := range visible(text) {
		n += runeCells(r)
	}
	return n
}

// visible ranges over the runes outside of escapes.
func visible(text string) iter.Seq2[int, rune] {
	return func(yield func(int, rune) bool) {
		skip := 0
		for i, r := range text {
			if i < skip {
				continue
			}
			if n := escape(text[i:]); n > 0 {
				skip = i + n
				continue
			}
			if !yield(i, r) {
				return
			}
		}
	}
}

// cut shortens a text to width columns and ends its colours.
func cut(text string, width int) string {
	if Cells(text) <= width {
		return text
	}
	n := 0
	for i, r := range visible(text) {
		if n += runeCells(r); n > width-1 {
			text = text[:i] + "…"
			break
		}
	}
	if strings.Contains(text, "\x1b") {
		text += reset
	}
	return text
}

// runeCells returns the columns of a rune: none for a combining mark, two for scripts of East Asia
// and pictures.
func runeCells(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf,
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f,
		r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1faff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}
