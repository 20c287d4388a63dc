package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Mapping defines which partitions of an upstream asset a downstream partition reads. It is plain
// data. [Mapping.Connect] ties it to two spaces; the [Edge] answers in both directions.
//
// The zero Mapping stands for the default of two definitions:
//
//	upstream, downstream        default
//	equal definitions           [Identity]
//	time, time                  [Overlap]
//	one of them is Multi        [MultiToSingle] of the one dimension equal to the other side
//	one is unpartitioned        [AllPartitions]
//	anything else               an error that lists the mappings that fit
type Mapping struct{ rule rule }

// rule is the behaviour of one kind of mapping.
type rule interface {
	// route matches the dimensions of two definitions. Either may be nil.
	route(up, down Definition) (route, error)
	describe() MappingDescription
	text() string
}

// route holds how the dimensions of two definitions match.
type route struct {
	links []link // of dimensions; one of upstream without a link is read wholly

	constant bool  // the upstream partitions read are the same for all
	reads    []Key // these of upstream, nil for all
	readers  []Key // by these of downstream, nil for all
}

// link ties an upstream dimension to a downstream dimension, named as in a shape.
type link struct {
	up, down string
	rule     rule // an axis rule
	apart    bool // follows no downstream dimension: the rule alone decides what is read
}

// Check returns an error if the mapping does not fit two definitions. Either may be nil.
// The error lists the mappings that fit.
func (m Mapping) Check(upstream, downstream Definition) error {
	if err := errors.Join(validOrNil("upstream", upstream), validOrNil("downstream", downstream)); err != nil {
		return err
	}
	if _, err := m.route(upstream, downstream); err != nil {
		would := fitting(upstream, downstream)
		if len(would) > 0 {
			return fmt.Errorf("mapping %s from upstream %s to downstream %s: %w: what would do is %s", m, stringOf(upstream), stringOf(downstream), err, strings.Join(would, ", "))
		}
		return fmt.Errorf("mapping %s from upstream %s to downstream %s: %w", m, stringOf(upstream), stringOf(downstream), err)
	}
	return nil
}

func validOrNil(side string, d Definition) error {
	if d == nil {
		return nil
	}
	if err := d.Validate(); err != nil {
		return fmt.Errorf("%s: %w", side, err)
	}
	for _, one := range dimsOf(d) {
		if one.def.Kind() == KindNamed {
			return fmt.Errorf("%s: %s is a reference: resolve it first", side, one.def)
		}
	}
	return nil
}

// route returns the route of the mapping, or of the default for the zero Mapping.
func (m Mapping) route(up, down Definition) (route, error) {
	if m.rule != nil {
		return m.rule.route(up, down)
	}
	r, ok := defaultRule(up, down)
	if !ok {
		return route{}, errors.New("no mapping follows from the definitions: say which one is meant")
	}
	return r.route(up, down)
}

// Resolve returns the mapping itself, or for the zero Mapping the default of two definitions.
// [Mapping.Check] must have accepted them.
func (m Mapping) Resolve(upstream, downstream Definition) Mapping {
	if m.rule == nil {
		if r, ok := defaultRule(upstream, downstream); ok {
			return Mapping{r}
		}
	}
	return m
}

// IsZero reports whether the mapping is the default of its definitions.
func (m Mapping) IsZero() bool { return m.rule == nil }

// String returns the call that makes the mapping, such as TimeOffset(-1).
func (m Mapping) String() string {
	if m.rule == nil {
		return "by default"
	}
	return m.rule.text()
}

// Equal reports whether two mappings are the same.
func (m Mapping) Equal(n Mapping) bool { return m.String() == n.String() }

// defaultRule returns the rule that follows from two definitions.
func defaultRule(up, down Definition) (rule, bool) {
	switch {
	case Equal(up, down):
		return identity{}, true
	case up == nil || down == nil:
		return allPartitions{}, true
	case up.Kind() == KindTimeWindow && down.Kind() == KindTimeWindow:
		return overlap{}, true
	}
	product, isProduct := up.(*multi)
	single := down
	if !isProduct {
		product, isProduct = down.(*multi)
		single = up
	}
	if !isProduct || single.Kind() == KindMulti {
		return nil, false
	}
	var fits []string
	for _, one := range product.dims {
		if Equal(one.def, single) {
			fits = append(fits, one.name)
		}
	}
	if len(fits) != 1 {
		return nil, false
	}
	return multiToSingle{dimension: fits[0]}, true
}

// fitting lists the mappings that fit two definitions.
func fitting(up, down Definition) []string {
	candidates := []Mapping{Identity(), Overlap(), Subset()}
	for _, d := range []Definition{up, down} {
		if product, ok := d.(*multi); ok {
			for _, name := range product.names() {
				candidates = append(candidates, MultiToSingle(name))
			}
		}
	}
	var names []string
	for _, m := range candidates {
		if _, err := m.route(up, down); err == nil {
			names = append(names, m.String())
		}
	}
	if up != nil && down != nil {
		if up.Kind() == KindMulti && down.Kind() == KindMulti {
			names = append(names, "MultiMap(…)")
		}
		if keyed(up) && keyed(down) {
			names = append(names, "StaticMap(…)")
		}
	}
	names = append(names, AllPartitions().String())
	if up != nil {
		names = append(names, "Specific(…)")
	} else if down != nil {
		names = append(names, "ForKeys(…)")
	}
	return slices.Compact(names)
}

// keyed reports whether a definition has keys other than windows.
func keyed(d Definition) bool { return d.Kind() == KindStatic || d.Kind() == KindDynamic }

// MappingDescription is a mapping as plain data, for stored topologies and other processes. The
// zero value is that of the zero Mapping. [MappingDescription.Mapping] makes the mapping again.
type MappingDescription struct {
	Kind       string                          `json:"kind,omitempty"`
	Offset     int                             `json:"offset,omitempty"`     // of a time offset, in windows
	Keys       []Key                           `json:"keys,omitempty"`       // of specific and for_keys
	Map        map[string][]string             `json:"map,omitempty"`        // of a static map, by downstream key
	Dimension  string                          `json:"dimension,omitempty"`  // of multi_to_single
	By         *MappingDescription             `json:"by,omitempty"`         // what multi_to_single maps the dimension by
	Dimensions map[string]DimensionDescription `json:"dimensions,omitempty"` // of a multi map, by upstream dimension
}

// DimensionDescription is a [DimensionMapping] as plain data.
type DimensionDescription struct {
	Dimension string             `json:"dimension,omitempty"`
	By        MappingDescription `json:"by,omitzero"`
}

// Describe returns the mapping as plain data.
func (m Mapping) Describe() MappingDescription {
	if m.rule == nil {
		return MappingDescription{}
	}
	return m.rule.describe()
}

// mappingKinds lists the kinds of mappings as words.
func mappingKinds() []string {
	return []string{"identity", "all_partitions", "subset", "overlap", "time_offset", "specific", "for_keys", "static_map", "multi_to_single", "multi_map"}
}

// Mapping returns the described mapping. It returns an error for an unknown kind.
func (d MappingDescription) Mapping() (Mapping, error) {
	switch d.Kind {
	case "":
		return Mapping{}, nil
	case "identity":
		return Identity(), nil
	case "all_partitions":
		return AllPartitions(), nil
	case "subset":
		return Subset(), nil
	case "overlap":
		return Overlap(), nil
	case "time_offset":
		return TimeOffset(d.Offset), nil
	case "specific":
		return Specific(d.Keys...), nil
	case "for_keys":
		return ForKeys(d.Keys...), nil
	case "static_map":
		return StaticMap(d.Map), nil
	case "multi_to_single":
		if d.By == nil {
			return MultiToSingle(d.Dimension), nil
		}
		by, err := d.By.Mapping()
		return MultiToSingle(d.Dimension, by), err
	case "multi_map":
		dims := make(map[string]DimensionMapping, len(d.Dimensions))
		var faults []error
		for _, name := range slices.Sorted(maps.Keys(d.Dimensions)) {
			by, err := d.Dimensions[name].By.Mapping()
			faults = append(faults, err)
			dims[name] = DimensionMapping{Dimension: d.Dimensions[name].Dimension, By: by}
		}
		return MultiMap(dims), errors.Join(faults...)
	default:
		return Mapping{}, fmt.Errorf("mapping of kind %q: no mapping of that kind%s", d.Kind, didYouMean(d.Kind, mappingKinds()))
	}
}

// keysText lists keys for the text of a mapping.
func keysText(keys []Key) string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = strconv.Quote(key.text)
	}
	return strings.Join(texts, ", ")
}
