package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/rivers-go/rivers/internal/nearest"
)

// Definition describes the partitions of an asset. The functions of this package make the kinds:
// [Static], [Hourly], [Daily], [Weekly], [Monthly], [TimeWindow], [Dynamic], [Multi], and [Named],
// a reference to one of them. A nil Definition is that of an unpartitioned asset.
//
// Definitions are immutable. Compare them with [Equal], never with ==.
type Definition interface {
	// Kind returns the kind of the definition.
	Kind() Kind
	// Validate returns all mistakes of the definition, joined, or nil.
	Validate() error
	// Describe returns the definition as plain data. [Description.Definition] reverses it.
	Describe() Description
	// String returns a text for people. Equal definitions have equal texts.
	String() string

	sealed()
}

// Kind is a kind of definition.
type Kind uint8

// The kinds of definitions. The zero Kind is that of an asset without partitions.
const (
	KindNone       Kind = iota
	KindStatic          // a list of keys
	KindTimeWindow      // windows of time, regular or by a cron expression
	KindDynamic         // keys registered while the system runs
	KindMulti           // a product of dimensions
	KindNamed           // a reference, to be resolved
)

func kindWords() []string {
	return []string{"none", "static", "time_window", "dynamic", "multi", "named"}
}

// String returns the kind as a word: none, static, time_window, dynamic, multi or named.
func (k Kind) String() string {
	if words := kindWords(); int(k) < len(words) {
		return words[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// MarshalText returns the word for the kind. It never fails.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word for a kind.
func (k *Kind) UnmarshalText(text []byte) error {
	at := slices.Index(kindWords(), string(text))
	if at < 0 {
		return fmt.Errorf("kind of partitions %q: no kind of that name%s", text, didYouMean(string(text), kindWords()))
	}
	*k = Kind(at)
	return nil
}

// didYouMean returns a hint for an error: the nearest name, or all names if they are few.
func didYouMean(name string, names []string) string {
	const few = 8
	if near, ok := nearest.Name(name, slices.Values(names)); ok {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	if len(names) == 0 || len(names) > few {
		return ""
	}
	return ": there is " + quoted(names)
}

// quoted lists texts in quotes.
func quoted(texts []string) string {
	var b []byte
	for i, text := range texts {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendQuote(b, text)
	}
	return string(b)
}

// kindOf returns the kind of a definition, which may be nil.
func kindOf(d Definition) Kind {
	if d == nil {
		return KindNone
	}
	return d.Kind()
}

// stringOf returns the text of a definition, which may be nil.
func stringOf(d Definition) string {
	if d == nil {
		return "no partitions"
	}
	return d.String()
}

// Equal reports whether two definitions mean the same partitions: the same keys in the same order,
// the same grid, bounds, zone, end offset and format, the same dimensions. Either may be nil.
func Equal(a, b Definition) bool {
	if kindOf(a) != kindOf(b) {
		return false
	}
	switch a := a.(type) {
	case nil:
		return true
	case *static:
		return sameKeys(a.keys, b.(*static).keys)
	case *timeWindow:
		return a.means(b.(*timeWindow))
	case *dynamic:
		return a.name == b.(*dynamic).name
	case *named:
		return a.name == b.(*named).name
	default:
		return slices.EqualFunc(a.(*multi).dims, b.(*multi).dims, func(x, y dim) bool {
			return x.name == y.name && Equal(x.def, y.def)
		})
	}
}

// sameKeys compares two lists. Lists of the same definition share memory and compare in O(1).
func sameKeys(a, b []string) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// Resolve replaces every [Named] reference in a definition, also in dimensions, by the definition
// registered under its name. Nil stays nil. It returns an error if a name is unknown or leads back
// to itself.
func Resolve(d Definition, registered map[string]Definition) (Definition, error) {
	switch d := d.(type) {
	case *named:
		return d.resolve(registered, nil)
	case *multi:
		dims := make(map[string]Definition, len(d.dims))
		var faults []error
		for _, one := range d.dims {
			resolved := one.def
			if reference, ok := one.def.(*named); ok {
				var err error
				if resolved, err = reference.resolve(registered, nil); err != nil {
					faults = append(faults, fmt.Errorf("dimension %q: %w", one.name, err))
				}
			}
			dims[one.name] = resolved
		}
		if len(faults) > 0 {
			return nil, errors.Join(faults...)
		}
		return Multi(dims), nil
	default:
		return d, nil
	}
}

// resolve follows a reference. seen has the names followed so far.
func (d *named) resolve(registered map[string]Definition, seen []string) (Definition, error) {
	if slices.Contains(seen, d.name) {
		return nil, fmt.Errorf("partitions named %q: the name stands for itself, through %s", d.name, quoted(append(seen, d.name)))
	}
	found, ok := registered[d.name]
	if !ok || found == nil {
		names := slices.Sorted(maps.Keys(registered))
		return nil, fmt.Errorf("partitions named %q: no definition is registered under that name%s", d.name, didYouMean(d.name, names))
	}
	if next, ok := found.(*named); ok {
		return next.resolve(registered, append(seen, d.name))
	}
	return Resolve(found, registered)
}
