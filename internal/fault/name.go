package fault

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// reservedNames are words of the selection language.
var reservedNames = [...]string{"and", "or", "not"}

// NameMistake returns the message for an invalid name, or an empty text for a valid one. Names are
// stored for ever; the characters that they exclude belong to the selection language.
func NameMistake(name string) string {
	if name == "" {
		return "the name is empty: give one of letters, digits, _, - and ., beginning with a letter or _"
	}
	if slices.Contains(reservedNames[:], name) {
		return fmt.Sprintf("the name %q is a word of the selection language: choose another, such as %q", name, name+"_")
	}
	for i, r := range name {
		switch {
		case r == '_', unicode.IsLetter(r):
		case i > 0 && (r == '-' || r == '.' || unicode.IsDigit(r)):
		case i == 0:
			return fmt.Sprintf("the name %q begins with %q: begin with a letter or _", name, r)
		default:
			return fmt.Sprintf("the name %q has a %q: use letters, digits, _, - and . only", name, r)
		}
	}
	return ""
}

// SnakeCase returns the rivers name of a Go identifier: HTTPClient gives http_client.
func SnakeCase(name string) string {
	runes := []rune(name)
	var b strings.Builder
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			before := runes[i-1]
			lowerAfter := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if unicode.IsLower(before) || unicode.IsDigit(before) || unicode.IsUpper(before) && lowerAfter {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
