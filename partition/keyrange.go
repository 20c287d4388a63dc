package partition

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// KeyRange is a range of partitions in the order of the definition, both ends included. For a
// [Multi] definition it is one range per dimension, and all combinations. It is comparable. The
// zero KeyRange is unspecified.
type KeyRange struct{ text string }

// Range returns the partitions from one key to another. An empty end is open: the first or the last
// existing partition.
func Range(from, to string) KeyRange {
	if from == "" && to == "" {
		return KeyRange{}
	}
	return KeyRange{writeTerms([]term{{items: []item{{from: from, to: to, ranged: true}}}})}
}

// MultiRange returns all combinations of a range per dimension, by name. A dimension without a
// range is not restricted.
func MultiRange(dimensions map[string]KeyRange) KeyRange {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		if one := dimensions[name]; !one.IsZero() {
			parts = append(parts, escape(name)+"="+one.text)
		}
	}
	return KeyRange{strings.Join(parts, "|")}
}

// ParseKeyRange reads the text of a range: a..c, a.. or ..c with an open end, or
// day=a..c|shop=x..z. A single key is the range of that key. Keys are written as for [ParseKey]; a
// backslash precedes dots at their ends, or two in a row. The empty text is the zero KeyRange.
func ParseKeyRange(text string) (KeyRange, error) {
	if text == "" {
		return KeyRange{}, nil
	}
	terms, err := parseTerms(text, true)
	if err != nil {
		return KeyRange{}, fmt.Errorf("partition range %q: %w", text, err)
	}
	for i, t := range terms {
		if len(t.items) > 1 {
			return KeyRange{}, fmt.Errorf("partition range %q: has a comma: a range has two ends; write a list of keys as keys", text)
		}
		one := t.items[0]
		if !one.ranged {
			one.to, one.ranged = one.from, true
		}
		terms[i].items = []item{one}
	}
	if len(terms) == 1 && terms[0].dim == "" {
		return Range(terms[0].items[0].from, terms[0].items[0].to), nil
	}
	return KeyRange{writeTerms(terms)}, nil
}

// IsZero reports whether the range is unspecified.
func (r KeyRange) IsZero() bool { return r == KeyRange{} }

// Ends returns the ends of the range in a dimension, "" for a range without dimensions. An open end
// is "". Both are "" if the range does not restrict the dimension.
func (r KeyRange) Ends(dimension string) (from, to string) {
	terms, err := parseTerms(r.text, true)
	if err != nil {
		return "", ""
	}
	for _, t := range terms {
		if one := t.items[0]; t.dim == dimension && !one.ranged {
			return one.from, one.from
		} else if t.dim == dimension {
			return one.from, one.to
		}
	}
	return "", ""
}

// String returns the text that [ParseKeyRange] reads.
func (r KeyRange) String() string { return r.text }

// MarshalText returns the text of the range. It never fails.
func (r KeyRange) MarshalText() ([]byte, error) { return []byte(r.text), nil }

// UnmarshalText reads a text as [ParseKeyRange] does.
func (r *KeyRange) UnmarshalText(text []byte) error {
	parsed, err := ParseKeyRange(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
