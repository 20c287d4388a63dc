package partition

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// static is a list of keys.
type static struct {
	keys     []string
	position map[string]int64
	faults   []error
}

// Static returns a definition with one partition per key. The order of the keys is the order of the
// partitions, for ranges and runs. A key is any non-empty text; a repeated key is a mistake.
func Static(keys ...string) Definition {
	d := &static{keys: slices.Clone(keys), position: make(map[string]int64, len(keys))}
	if len(keys) == 0 {
		d.faults = append(d.faults, errors.New("static partitions: there is no key: give at least one"))
	}
	for i, key := range d.keys {
		if err := checkKeyText(key); err != nil {
			d.faults = append(d.faults, fmt.Errorf("static partitions: key %d: %w", i+1, err))
		}
		if first, taken := d.position[key]; taken {
			d.faults = append(d.faults, fmt.Errorf("static partitions: key %q is given twice, as key %d and as key %d", key, first+1, i+1))
			continue
		}
		d.position[key] = int64(i)
	}
	return d
}

// checkKeyText checks that a text can be a key or a name.
func checkKeyText(text string) error {
	if text == "" {
		return errors.New("is empty: give it a text")
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%q is not UTF-8: encode it as text", text)
	}
	return nil
}

func (d *static) Kind() Kind            { return KindStatic }
func (d *static) Validate() error       { return errors.Join(d.faults...) }
func (d *static) Describe() Description { return Description{Kind: KindStatic, Keys: d.keys} }
func (d *static) sealed()               {}

// String returns the first keys and the number of others.
func (d *static) String() string {
	const shown = 8
	keys := make([]string, 0, shown)
	for _, key := range d.keys[:min(len(d.keys), shown)] {
		keys = append(keys, escape(key))
	}
	text := "static(" + strings.Join(keys, ",")
	if more := len(d.keys) - shown; more > 0 {
		text += ",… and " + strconv.Itoa(more) + " more"
	}
	return text + ")"
}
