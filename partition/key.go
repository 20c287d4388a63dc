package partition

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Key names a partition, or several at once: a key with several values in a
// dimension stands for all of them, and one with several in more than one dimension
// for all combinations. It is comparable, and its text is its identity. The zero Key
// is that of an asset without partitions.
type Key struct{ text string }

// SingleKey returns the key of a definition that is not [Multi]. Several values stand
// for several partitions; one given twice counts once. That the values can be keys is
// checked where the key is used.
func SingleKey(values ...string) Key {
	return Key{joinValues(values)}
}

// MultiKey returns the key of a [Multi] definition: the values of each dimension by
// name. Several values stand for several partitions. That the values can be keys is
// checked where the key is used.
func MultiKey(values map[string][]string) Key {
	names := slices.Sorted(maps.Keys(values))
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = escape(name) + "=" + joinValues(values[name])
	}
	return Key{strings.Join(parts, "|")}
}

// joinValues writes values, the first of equal ones.
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

// ParseKey reads the text of a key: a, several values as a,b, or those of dimensions
// as day=2026-01-31|shop=x,y. A \ stands before a |, a comma, an = and a \ that
// belong to a key or a name. The empty text is the zero Key.
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

// keyOf is the key that terms without ranges say.
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

// values are the values of a term without ranges.
func (t term) values() []string {
	values := make([]string, len(t.items))
	for i, one := range t.items {
		values[i] = one.from
	}
	return values
}

// terms takes a key apart.
func (k Key) terms() ([]term, error) { return parseTerms(k.text, false) }

// IsZero reports whether the key is that of an asset without partitions.
func (k Key) IsZero() bool { return k == Key{} }

// Validate returns an error if the key has a value or a name that is empty or not
// UTF-8.
func (k Key) Validate() error {
	_, err := ParseKey(k.text)
	return err
}

// Values returns the values of a dimension; that of a key without dimensions is "".
// It is empty if the key does not have the dimension.
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

// Dimensions returns the names of the dimensions of the key in order, none for a key
// without.
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
