package partition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The text forms of keys, ranges and selections are one language:
//
//	key         a            a,b           day=2026-01-01|shop=x,y
//	range       a..c         day=a..c|shop=x..z
//	selection   a..c,e       day=a..|shop=x,z
//
// A backslash takes the meaning from the letter after it.

// escape writes a key or a name so that no letter of it has a meaning.
func escape(text string) string { return escapeAny(text, `\|,=`) }

func escapeAny(text, special string) string {
	if !strings.ContainsAny(text, special) {
		return text
	}
	var b strings.Builder
	for i := range len(text) {
		if strings.IndexByte(special, text[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// escapeInRange writes a key so that it contains no "..", and neither starts nor ends with a dot.
func escapeInRange(text string) string {
	text = escape(text)
	if text[0] != '.' && text[len(text)-1] != '.' && !strings.Contains(text, "..") {
		return text
	}
	return strings.ReplaceAll(text, ".", `\.`)
}

// unescape reverses escape.
func unescape(text string) (string, error) {
	if strings.IndexByte(text, '\\') < 0 {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
			if i == len(text) || strings.IndexByte(`\|,=.`, text[i]) < 0 {
				return "", fmt.Errorf(`%q has a \ before what needs none: write a backslash as \\`, text)
			}
		}
		b.WriteByte(text[i])
	}
	return b.String(), nil
}

// cut splits at the first unescaped sep.
func cut(text, sep string) (before, after string, found bool) {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		} else if strings.HasPrefix(text[i:], sep) {
			return text[:i], text[i+len(sep):], true
		}
	}
	return text, "", false
}

// split splits at every unescaped sep.
func split(text, sep string) []string {
	var parts []string
	for {
		before, after, found := cut(text, sep)
		parts = append(parts, before)
		if !found {
			return parts
		}
		text = after
	}
}

// item is one value of a dimension, or a range. An open end of a range is "".
type item struct {
	from, to string
	ranged   bool
}

// term is the part of a text about one dimension; dim is "" without a name.
type term struct {
	dim   string
	items []item
}

// parseTerms reads a text into terms, sorted by dimension. Without ranges, two dots are part of a
// key.
func parseTerms(text string, ranges bool) ([]term, error) {
	if text == "" {
		return nil, errors.New("is empty")
	}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%q is not UTF-8: encode it as text", text)
	}
	parts := split(text, "|")
	terms := make([]term, 0, len(parts))
	dims := make(map[string]bool, len(parts))
	for _, part := range parts {
		name, values, named := cut(part, "=")
		if !named {
			name, values = "", part
		}
		t := term{}
		var err error
		if t.dim, err = unescape(name); err != nil {
			return nil, err
		}
		switch {
		case named && t.dim == "":
			return nil, fmt.Errorf("%q has no name before the =: write dimension=key, or \\= for an = in a key", part)
		case !named && len(parts) > 1:
			return nil, fmt.Errorf("%q has no dimension: write dimension=key, or \\| for a | in a key", part)
		case named && values == "":
			return nil, fmt.Errorf("dimension %q has no key: give one, as %s=key", t.dim, escape(t.dim))
		case dims[t.dim]:
			return nil, fmt.Errorf("dimension %q is given twice: write its keys together, as %s=a,b", t.dim, escape(t.dim))
		}
		if t.items, err = parseItems(values, ranges); err != nil {
			return nil, err
		}
		dims[t.dim] = true
		terms = append(terms, t)
	}
	slices.SortFunc(terms, func(a, b term) int { return strings.Compare(a.dim, b.dim) })
	return terms, nil
}

// parseItems reads a list of values. Repeated values count once.
func parseItems(text string, ranges bool) ([]item, error) {
	values := split(text, ",")
	items := make([]item, 0, len(values))
	for _, value := range values {
		one, err := parseItem(value, ranges)
		if err != nil {
			return nil, err
		}
		items = append(items, one)
	}
	return distinct(items), nil
}

// distinct removes repetitions.
func distinct[T comparable](list []T) []T {
	if len(list) < 2 {
		return list
	}
	seen := make(map[T]bool, len(list))
	kept := list[:0:0]
	for _, one := range list {
		if !seen[one] {
			seen[one] = true
			kept = append(kept, one)
		}
	}
	return kept
}

// parseItem reads a value, or a range if ranges are allowed.
func parseItem(text string, ranges bool) (item, error) {
	if _, _, again := cut(text, "="); again {
		return item{}, fmt.Errorf(`%q has an =: write one inside a key as \=`, text)
	}
	from, to, ranged := text, "", false
	if ranges {
		from, to, ranged = cut(text, "..")
	}
	var one item
	var err error
	if one.from, err = unescape(from); err != nil {
		return item{}, err
	}
	if one.to, err = unescape(to); err != nil {
		return item{}, err
	}
	one.ranged = ranged
	if !ranged && one.from == "" {
		return item{}, errors.New("there is a key without a text: a comma or an = stands at an end")
	}
	return one, nil
}

// writeItem writes a value or a range.
func writeItem(b *strings.Builder, one item) {
	if !one.ranged || one.from == one.to && one.from != "" {
		b.WriteString(escapeInRange(one.from))
		return
	}
	if one.from != "" {
		b.WriteString(escapeInRange(one.from))
	}
	b.WriteString("..")
	if one.to != "" {
		b.WriteString(escapeInRange(one.to))
	}
}

// writeTerms writes terms in the order given.
func writeTerms(terms []term) string {
	var b strings.Builder
	for i, t := range terms {
		if i > 0 {
			b.WriteByte('|')
		}
		if t.dim != "" {
			b.WriteString(escape(t.dim) + "=")
		}
		for j, one := range t.items {
			if j > 0 {
				b.WriteByte(',')
			}
			writeItem(&b, one)
		}
	}
	return b.String()
}
