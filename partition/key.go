package partition

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Key names one partition, or several: a key with several values in a dimension stands for all of
// them, and in several dimensions for all combinations. It is comparable; its text is its identity.
// The zero Key is that of an unpartitioned asset.
type Key struct{ text string }

// SingleKey returns the key of a definition that is not [Multi]. Several values stand for several
// partitions; repeated values count once. The values are checked when the key is used.
func SingleKey(values ...string) Key {
	return Key{joinValues(values)}
}

// MultiKey returns the key of a [Multi] definition: the values of each dimension by name. Several
// values stand for several partitions. The values are checked when the key is used.
func MultiKey(values map[string][]string) Key {
	names := slices.Sorted(maps.Keys(values))
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = escape(name) + "=" + joinValues(values[name])
	}
	return Key{strings.Join(parts, "|")}
}

// joinValues writes values without repetitions.
func joinValues(values []string) string {
	var b strings.Builder
	for i, value := range distinct(values) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(escape(value))
	}
	return b.String()
}

// ParseKey reads the text of a key: a, several values as a,b, or dimensions as
// day=2026-01-31|shop=x,y. A backslash precedes a |, a comma, an = and a backslash inside keys and
// names. The empty text is the zero Key.
func ParseKey(text string) (Key, error) {
	if text == "" {
		return Key{}, nil
	}
	terms, err := parseTerms(text, false)
	if err != nil {
		return Key{}, fmt.Errorf("partition key %q: %w", text, err)
	}
	return keyOf(terms), nil
}

// keyOf returns the key of terms without ranges.
func keyOf(terms []term) Key {
	if len(terms) == 1 && terms[0].dim == "" {
		return SingleKey(terms[0].values()...)
	}
	values := make(map[string][]string, len(terms))
	for _, t := range terms {
		values[t.dim] = t.values()
	}
	return MultiKey(values)
}

// values returns the values of a term without ranges.
func (t term) values() []string {
	values := make([]string, len(t.items))
	for i, one := range t.items {
		values[i] = one.from
	}
	return values
}

// terms splits a key by dimension.
func (k Key) terms() ([]term, error) { return parseTerms(k.text, false) }

// IsZero reports whether the key is that of an unpartitioned asset.
func (k Key) IsZero() bool { return k == Key{} }

// Validate returns an error if a value or a name is empty or not UTF-8.
func (k Key) Validate() error {
	_, err := ParseKey(k.text)
	return err
}

// Values returns the values of a dimension, "" for a key without dimensions. It returns nil if the
// key lacks the dimension.
func (k Key) Values(dimension string) []string {
	terms, err := k.terms()
	if err != nil {
		return nil
	}
	for _, t := range terms {
		if t.dim == dimension {
			return t.values()
		}
	}
	return nil
}

// Dimensions returns the names of the dimensions in order, nil for a key without dimensions.
func (k Key) Dimensions() []string {
	terms, err := k.terms()
	if err != nil {
		return nil
	}
	var names []string
	for _, t := range terms {
		if t.dim != "" {
			names = append(names, t.dim)
		}
	}
	return names
}

// String returns the text that [ParseKey] reads. Equal keys have equal texts.
func (k Key) String() string { return k.text }

// MarshalText returns the text of the key. It never fails.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.text), nil }

// UnmarshalText reads a text as [ParseKey] does.
func (k *Key) UnmarshalText(text []byte) error {
	parsed, err := ParseKey(string(text))
	if err != nil {
		return err
	}
	*k = parsed
	return nil
}
