package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// dim is a dimension of a multi definition.
type dim struct {
	name string
	def  Definition
}

// multi is a product of dimensions, sorted by name.
type multi struct {
	dims   []dim
	faults []error
}

// Multi returns a definition with one partition per combination of the keys of its dimensions. A
// dimension may have any kind except Multi. Partitions are ordered by time dimensions first, then
// static, then dynamic ones, by name within a kind.
func Multi(dimensions map[string]Definition) Definition {
	d := &multi{}
	if len(dimensions) == 0 {
		d.faults = append(d.faults, errors.New("multi partitions: there is no dimension: give at least one"))
	}
	for _, name := range slices.Sorted(maps.Keys(dimensions)) {
		def := dimensions[name]
		d.dims = append(d.dims, dim{name, def})
		if err := checkKeyText(name); err != nil {
			d.faults = append(d.faults, fmt.Errorf("multi partitions: the name of a dimension %w", err))
		}
		switch kindOf(def) {
		case KindNone:
			d.faults = append(d.faults, fmt.Errorf("multi partitions: dimension %q: there is no definition: give it one, or leave the dimension out", name))
		case KindMulti:
			d.faults = append(d.faults, fmt.Errorf("multi partitions: dimension %q: is itself a product: write its dimensions beside the others", name))
		default:
			if err := def.Validate(); err != nil {
				d.faults = append(d.faults, fmt.Errorf("multi partitions: dimension %q: %w", name, err))
			}
		}
	}
	return d
}

func (d *multi) Kind() Kind      { return KindMulti }
func (d *multi) Validate() error { return errors.Join(d.faults...) }
func (d *multi) sealed()         {}

func (d *multi) Describe() Description {
	dims := make(map[string]Description, len(d.dims))
	for _, one := range d.dims {
		dims[one.name] = Describe(one.def)
	}
	return Description{Kind: KindMulti, Dimensions: dims}
}

// String returns the dimensions with their definitions.
func (d *multi) String() string {
	parts := make([]string, len(d.dims))
	for i, one := range d.dims {
		parts[i] = escape(one.name) + "=" + stringOf(one.def)
	}
	return "multi(" + strings.Join(parts, "|") + ")"
}

// names returns the names of the dimensions.
func (d *multi) names() []string {
	names := make([]string, len(d.dims))
	for i, one := range d.dims {
		names[i] = one.name
	}
	return names
}

// find returns the dimension of a name.
func (d *multi) find(name string) (Definition, bool) {
	i := slices.IndexFunc(d.dims, func(one dim) bool { return one.name == name })
	if i < 0 {
		return nil, false
	}
	return d.dims[i].def, true
}
