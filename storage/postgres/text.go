package postgres

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// escape begins what PostgreSQL keeps in no text: the byte 0, and bytes that are not UTF-8. The order of
// what is UTF-8 stays as it is, byte by byte.
const escape = 0x01

const hex = "0123456789abcdef"

// plainText says whether a text is kept as it is.
func plainText[T string | []byte](s T) bool {
	for i := 0; i < len(s); {
		switch b := s[i]; {
		case b <= escape:
			return false
		case b < utf8.RuneSelf:
			i++
		default:
			size := runeAt(s, i)
			if size == 0 {
				return false
			}
			i += size
		}
	}
	return true
}

// runeAt returns how many bytes the code point at i has, zero where there is none.
func runeAt[T string | []byte](s T, i int) int {
	r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))])) // so short a copy is not allocated
	if r == utf8.RuneError && size == 1 {
		return 0
	}
	return size
}

// appendText appends a text as it is kept.
func appendText[T string | []byte](dst []byte, s T) []byte {
	if plainText(s) {
		return append(dst, s...)
	}
	for i := 0; i < len(s); {
		b := s[i]
		if b <= escape {
			dst = append(dst, escape, b+1)
			i++
			continue
		}
		size := runeAt(s, i)
		if size == 0 {
			dst = append(dst, escape, 3, hex[b>>4], hex[b&0xf])
			i++
			continue
		}
		dst = append(dst, s[i:i+size]...)
		i += size
	}
	return dst
}

// kept is a text as it is kept.
func kept(s string) string {
	if plainText(s) {
		return s
	}
	return string(appendText(nil, s))
}

// keptAll is [kept] of each.
func keptAll(list []string) []string {
	all := make([]string, len(list))
	for i, s := range list {
		all[i] = kept(s)
	}
	return all
}

// original is a text as it was before it was kept.
func original(s string) string {
	if strings.IndexByte(s, escape) < 0 {
		return s
	}
	return string(originalBytes([]byte(s)))
}

// originalBytes is [original] of a document.
func originalBytes(s []byte) []byte {
	at := 0
	for at < len(s) && s[at] != escape {
		at++
	}
	if at == len(s) {
		return s
	}
	out := append([]byte(nil), s[:at]...)
	for i := at; i < len(s); i++ {
		switch {
		case s[i] != escape || i+1 == len(s):
			out = append(out, s[i])
		case s[i+1] == 3 && i+3 < len(s):
			out = append(out, unhex(s[i+2])<<4|unhex(s[i+3]))
			i += 3
		default:
			out = append(out, s[i+1]-1)
			i++
		}
	}
	return out
}

func unhex(b byte) byte {
	if b >= 'a' {
		return b - 'a' + 10
	}
	return b - '0'
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

// pastPrefix returns the least text above all that begin with prefix, empty where there is none. The
// order is that of code points, which is that of UTF-8's bytes.
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
