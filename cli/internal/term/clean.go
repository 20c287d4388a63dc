package term

import (
	"bytes"
	"fmt"
	"io"
	"log" //nolint:depguard // not to log: the default logger of slog writes through it
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A name, an error, a log line or a key may hold anything. On a terminal some characters are
// orders: an escape clears the screen, sets the title or the clipboard, and others change the
// direction of the text, so that a line reads as what it is not. Everything that is printed goes
// through a cleaner, which writes such a character as \u001b. That is also how JSON writes it, so
// that a document stays what it is.

// cleaner writes to w what is safe on a terminal.
type cleaner struct {
	w io.Writer
	// colours lets the escapes of [Terminal.Paint] pass, and no other.
	colours bool
}

// Write writes p, and returns the length of p.
func (c *cleaner) Write(p []byte) (int, error) {
	clean := p
	if bytes.IndexFunc(p, isOrder) >= 0 || !utf8.Valid(p) {
		clean = []byte(cleaned(string(p), c.colours))
	}
	if _, err := c.w.Write(clean); err != nil {
		return 0, err
	}
	return len(p), nil
}

// CleanLogs makes slog's default logger, which writes to stderr by way of package log, write what
// is safe on a terminal. It does nothing if the program has sent its logs elsewhere.
func CleanLogs() {
	if log.Writer() == os.Stderr {
		log.SetOutput(Clean(os.Stderr))
	}
}

// Clean returns a writer to w for text of strangers.
func Clean(w io.Writer) io.Writer { return &cleaner{w: w} }

// raw is what a writer of this package writes to, for who draws by orders of its own.
func raw(w io.Writer) io.Writer {
	if c, ok := w.(*cleaner); ok {
		return c.w
	}
	return w
}

// isOrder reports whether a rune does more on a terminal than to appear: controls but for the line
// feed and the tab, and what separates lines or turns the direction of text (Unicode's
// Bidi_Control).
func isOrder(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
}

// cleaned writes orders as what they are called. Bytes that are no UTF-8 become U+FFFD.
func cleaned(text string, colours bool) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		if n := colour(text[i:]); colours && n > 0 {
			b.WriteString(text[i : i+n])
			i += n
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		i += n
		if isOrder(r) {
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// colour returns the length of the colour's escape at the start of text, zero for none.
func colour(text string) int {
	if text[0] != '\x1b' {
		return 0
	}
	for _, c := range []Colour{Red, Green, Yellow, Grey, Bold, reset} {
		if strings.HasPrefix(text, string(c)) {
			return len(c)
		}
	}
	return 0
}
