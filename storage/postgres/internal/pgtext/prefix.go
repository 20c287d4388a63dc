package pgtext

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Compare compares two texts as the server does, which orders them by their encoded bytes.
func Compare(a, b string) int { return strings.Compare(Encode(a), Encode(b)) }

// Range returns bounds of the texts that begin with prefix: all of them are at least first and,
// unless past is empty, below past. Other texts may lie between the bounds: bytes that are not
// UTF-8 have another place in the server's order.
func Range(prefix string) (first, past string) {
	first = validPrefix(prefix)
	return first, pastPrefix(first)
}

// validPrefix returns the longest beginning of s that is UTF-8.
func validPrefix(s string) string {
	for i := 0; i < len(s); {
		size := runeAt(s, i)
		if size == 0 {
			return s[:i]
		}
		i += size
	}
	return s
}

// pastPrefix returns the least text above all that begin with prefix, empty if every text above
// begins so. It orders code points, whose order is that of UTF-8's bytes.
func pastPrefix(prefix string) string {
	runes := []rune(prefix)
	for i, r := range slices.Backward(runes) {
		next := r + 1
		if next == surrogateMin {
			next = surrogateMax + 1
		}
		if next <= utf8.MaxRune {
			return string(runes[:i]) + string(next)
		}
	}
	return ""
}

// The code points that UTF-8 leaves out.
const (
	surrogateMin = 0xd800
	surrogateMax = 0xdfff
)
