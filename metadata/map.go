package metadata

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
	"unicode/utf8"
)

// Map is metadata by name. Users write plain Go values into it, as [Of] takes
// them; every Map that rivers hands out holds a [Value] under each key. A nil Map
// is empty.
type Map map[string]any

// Normalize returns a new Map in which every value is a [Value]. If some are
// faulty, or a key is not UTF-8, it returns nil and every fault, joined in the order of the
// keys, each naming its key. The map itself is not changed.
func (m Map) Normalize() (Map, error) {
	normal := make(Map, len(m))
	var faults []error
	for _, key := range slices.Sorted(maps.Keys(m)) {
		v, err := Of(m[key])
		if err == nil && !utf8.ValidString(key) {
			err = errors.New("the key is not UTF-8: write it as text")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("metadata %q: %w", key, err))
			continue
		}
		normal[key] = v
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return normal, nil
}

// AppendJSON appends an object with the stored form of each value to dst and
// returns it; the keys are sorted, so that equal maps give equal bytes. A plain Go
// value is converted as [Of] does; one that has no form is stored as an invalid
// value, with the reason.
func (m Map) AppendJSON(dst []byte) []byte {
	var room [16]string // most maps are small; their keys need no allocation
	keys := room[:0]
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	dst = append(dst, '{')
	for i, key := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, textual(KindText, key).text)
		dst = append(dst, ':')
		v, err := Of(m[key])
		if err != nil {
			v = invalid(err)
		}
		dst = v.AppendJSON(dst)
	}
	return append(dst, '}')
}

// MarshalJSON returns what [Map.AppendJSON] appends. It never fails.
func (m Map) MarshalJSON() ([]byte, error) { return m.AppendJSON(nil), nil }

// UnmarshalJSON reads what [Map.AppendJSON] wrote, as [ParseMap] does.
func (m *Map) UnmarshalJSON(data []byte) error {
	parsed, err := ParseMap(data)
	if err != nil {
		return err
	}
	*m = parsed
	return nil
}

// ParseMap reads what [Map.AppendJSON] wrote: every value of the result is a
// [Value]. null is an empty Map.
func ParseMap(data []byte) (Map, error) {
	var stored map[string]json.RawMessage
	if err := json.Unmarshal(data, &stored); err != nil {
		return nil, fmt.Errorf("metadata: reading an object of values: %w", err)
	}
	m := make(Map, len(stored))
	for _, key := range slices.Sorted(maps.Keys(stored)) { // sorted: of several faults, always the same is told
		v, err := readValue(stored[key])
		if err != nil {
			return nil, fmt.Errorf("metadata %q: %w", key, err)
		}
		m[key] = v
	}
	return m, nil
}

// Get returns the value under a key, converted as [Of] does; false if there is
// none, or if it has no form.
func (m Map) Get(key string) (Value, bool) {
	plain, ok := m[key]
	if !ok {
		return Value{}, false
	}
	v, err := Of(plain)
	return v, err == nil
}

// Int returns the whole number or the size in bytes under a key; false if there is
// none.
func (m Map) Int(key string) (int64, bool) {
	v, _ := m.Get(key)
	n, ok := v.Raw().(int64)
	return n, ok
}

// Float returns the number under a key, whole or not; false if there is none.
func (m Map) Float(key string) (float64, bool) {
	v, _ := m.Get(key)
	switch f := v.Raw().(type) {
	case float64:
		return f, true
	case int64:
		return float64(f), true
	default:
		return 0, false
	}
}

// Text returns the text, Markdown, URL or path under a key; false if there is none.
func (m Map) Text(key string) (string, bool) {
	v, _ := m.Get(key)
	s, ok := v.Raw().(string)
	return s, ok
}

// Bool returns the truth under a key; the second result is false if there is none.
func (m Map) Bool(key string) (value, ok bool) {
	v, _ := m.Get(key)
	value, ok = v.Raw().(bool)
	return value, ok
}

// Time returns the instant under a key; false if there is none.
func (m Map) Time(key string) (time.Time, bool) {
	v, _ := m.Get(key)
	t, ok := v.Raw().(time.Time)
	return t, ok
}
