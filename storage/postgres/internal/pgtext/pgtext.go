// Package pgtext stores any Go string in PostgreSQL's text columns and reads it back unchanged.
//
// PostgreSQL refuses the byte 0 and bytes that are not UTF-8. [Encode] escapes them, and everything
// else stays readable in psql. Encoding is done in two places, and callers of both see plain
// strings:
//
//	queries that sqlc generated  ─▶ [DB]: arguments are encoded, scanned columns are decoded
//	statements of the writer     ─▶ [Append] into arrays, and rows that decode what they return
//
// A codec in pgx's type map cannot do this: pgx never asks it for a Go string. Arguments of type
// string are sent in the text format, and *string targets are filled directly, whatever codec the
// type has.
package pgtext

import (
	"strings"
	"unicode/utf8"
)

// escape begins the code of a byte that PostgreSQL refuses. Texts that are UTF-8 keep their order,
// byte by byte.
const escape = 0x01

const hex = "0123456789abcdef"

// isPlain reports whether a text needs no encoding.
func isPlain[T string | []byte](s T) bool {
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

// runeAt returns how many bytes the code point at i has, zero for an invalid one.
func runeAt[T string | []byte](s T, i int) int {
	r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))])) // so short a copy is not allocated
	if r == utf8.RuneError && size == 1 {
		return 0
	}
	return size
}

// Append appends the encoded text to dst.
func Append[T string | []byte](dst []byte, s T) []byte {
	if isPlain(s) {
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

// Encode returns the text as PostgreSQL stores it. A text that needs no encoding is returned as it
// is.
func Encode(s string) string {
	if isPlain(s) {
		return s
	}
	return string(Append(nil, s))
}

// Decode returns the text that [Encode] was given.
func Decode(s string) string {
	if strings.IndexByte(s, escape) < 0 {
		return s
	}
	return string(DecodeBytes([]byte(s)))
}

// DecodeBytes is [Decode] for bytes. It returns its argument if nothing in it is encoded.
func DecodeBytes(s []byte) []byte {
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
