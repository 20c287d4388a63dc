package cli

import (
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"
)

// screen is the end of a terminal: lines that scroll by, and below them a block that is drawn
// again in place. It is not safe for concurrent use.
type screen struct {
	out   io.Writer
	width func() int
	// drawn are the widths of the block's lines on the screen: when the window gets narrower, the
	// terminal breaks them, and the block is higher than it was drawn.
	drawn []int
}

// paint writes lines above the block and the block anew, in one write. Nothing is erased before
// it is written over, and terminals that can are told to show the frame at once.
func (s *screen) paint(above, block []string) {
	width := max(s.width(), 20)
	var b strings.Builder
	b.WriteString("\x1b[?2026h\r") // the cursor may have been moved by what a person typed, such as ^C
	if up := s.height(width); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	s.drawn = s.drawn[:0]
	for _, line := range above {
		b.WriteString(line + "\x1b[K\n")
	}
	for _, line := range block {
		line = cut(line, width-1)
		s.drawn = append(s.drawn, cells(line))
		b.WriteString(line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J\x1b[?2026l")
	_, _ = io.WriteString(s.out, b.String()) // a closed terminal has nobody to tell
}

// height is how many rows the block takes in a window of that width.
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

// cells is how many columns a text takes, escapes left out.
func cells(text string) int {
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

// cut shortens a text to so many columns and ends its colours.
func cut(text string, width int) string {
	if cells(text) <= width {
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

// runeCells is how many columns a rune takes: none for what is put over another, two for the
// scripts of East Asia and for pictures.
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
