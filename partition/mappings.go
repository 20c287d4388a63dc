package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Identity reads the partition of the same key. Both sides need keys of the same kind: the same
// windows in the same format, static or dynamic keys, or dimensions of the same names that match
// so. A downstream partition whose key does not exist upstream lacks its input.
func Identity() Mapping { return Mapping{identity{}} }

// Subset reads the partition of the same key if it exists, and nothing otherwise. Use it for an
// upstream that has only some of the partitions. It fits where [Identity] fits.
func Subset() Mapping { return Mapping{identity{lenient: true}} }

// AllPartitions reads all existing partitions of the upstream for every downstream partition. From
// an unpartitioned asset it reads the one value.
func AllPartitions() Mapping { return Mapping{allPartitions{}} }

// Overlap reads the windows that overlap with the window of the partition: a day reads its 24
// hours, an hour its day.
//
// Within one zone the civil timeline decides, so a day on which clocks change also has 24 hourly
// partitions. Between zones instants decide; an empty window counts as its instant. A downstream
// partition lacks its input unless every overlapping window exists.
func Overlap() Mapping { return Mapping{overlap{}} }

// TimeOffset reads the window n windows later; -1 is the previous one. Both sides need the same
// windows in the same format. Between [Multi] definitions with one time dimension, all other
// dimensions keep their keys. A partition whose window is outside the upstream lacks its input.
func TimeOffset(n int) Mapping { return Mapping{timeOffset{n}} }

// Specific reads the same upstream partitions for every downstream partition. All downstream
// partitions lack their input while one of the keys does not exist.
func Specific(keys ...Key) Mapping { return Mapping{specific{slices.Clone(keys)}} }

// ForKeys lets only the downstream partitions of some keys read an unpartitioned upstream. The
// others read nothing.
func ForKeys(keys ...Key) Mapping { return Mapping{forKeys{slices.Clone(keys)}} }

// StaticMap reads the upstream keys listed under the key of the partition:
//
//	partition.StaticMap(map[string][]string{"emea": {"eu", "africa"}, "apac": {"asia"}})
//
// It maps a downstream key to what it reads. (Dagster's static mapping has the opposite direction.)
// A key without an entry reads nothing. Both sides must be static or dynamic.
func StaticMap(reads map[string][]string) Mapping {
	m := make(map[string][]string, len(reads))
	for key, upstream := range reads {
		m[key] = slices.Clone(upstream)
	}
	return Mapping{staticMap{m}}
}

// MultiToSingle ties one dimension of a [Multi] definition to a definition without dimensions, in
// either direction. Downstream of the product, a partition reads all partitions that have its key
// in the dimension. Upstream of it, a partition of the product reads the partition of its key in
// the dimension. Without by, the default mapping of the two applies.
func MultiToSingle(dimension string, by ...Mapping) Mapping {
	m := multiToSingle{dimension: dimension}
	if len(by) > 0 {
		m.by, m.more = by[0], by[1:]
	}
	return Mapping{m}
}

// DimensionMapping maps one upstream dimension, see [MultiMap].
type DimensionMapping struct {
	// Dimension is the downstream dimension that it follows. It is "" for none; By is then
	// AllPartitions or Specific.
	Dimension string
	// By maps the two dimensions: Identity, Subset, Overlap, TimeOffset, StaticMap, AllPartitions or
	// Specific. The zero Mapping is the default of the two.
	By Mapping
}

// MultiMap ties dimensions of two [Multi] definitions, by the name of the upstream dimension. An
// upstream dimension without an entry is read completely. A downstream dimension without one does
// not affect what is read. At most one upstream dimension may follow a downstream dimension.
func MultiMap(dimensions map[string]DimensionMapping) Mapping {
	return Mapping{multiMap{maps.Clone(dimensions)}}
}

type identity struct{ lenient bool }

func (r identity) text() string {
	if r.lenient {
		return "Subset()"
	}
	return "Identity()"
}

func (r identity) describe() MappingDescription {
	if r.lenient {
		return MappingDescription{Kind: "subset"}
	}
	return MappingDescription{Kind: "identity"}
}

func (r identity) route(up, down Definition) (route, error) { return sameDimensions(up, down, r, r) }

// sameDimensions ties dimensions of the same name: time dimensions by one rule, others by another.
func sameDimensions(up, down Definition, time, others rule) (route, error) {
	if up == nil || down == nil {
		if up == nil && down == nil {
			return route{}, nil
		}
		return route{}, errors.New("only one side has partitions")
	}
	ups, downs := dimsOf(up), dimsOf(down)
	if (up.Kind() == KindMulti) != (down.Kind() == KindMulti) {
		return route{}, errors.New("only one side has dimensions")
	}
	if !slices.EqualFunc(ups, downs, func(a, b dim) bool { return a.name == b.name }) {
		return route{}, fmt.Errorf("the dimensions differ: upstream has %s, downstream %s", quoted(namesOf(ups)), quoted(namesOf(downs)))
	}
	var r route
	for i, one := range ups {
		by := others
		if one.def.Kind() == KindTimeWindow {
			by = time
		}
		if err := checkAxis(by, one.def, downs[i].def); err != nil {
			return route{}, inDim(one.name, err)
		}
		r.links = append(r.links, link{up: one.name, down: one.name, rule: by})
	}
	return r, nil
}

// dimsOf returns the dimensions of a definition. One that is not a product is its own unnamed
// dimension.
func dimsOf(d Definition) []dim {
	if product, ok := d.(*multi); ok {
		return product.dims
	}
	return []dim{{"", d}}
}

func namesOf(dims []dim) []string {
	names := make([]string, len(dims))
	for i, one := range dims {
		names[i] = one.name
	}
	return names
}

func inDim(name string, err error) error {
	if name == "" {
		return err
	}
	return fmt.Errorf("dimension %q: %w", name, err)
}

type overlap struct{}

func (overlap) text() string                 { return "Overlap()" }
func (overlap) describe() MappingDescription { return MappingDescription{Kind: "overlap"} }

func (r overlap) route(up, down Definition) (route, error) {
	if up == nil || down == nil || up.Kind() == KindMulti || down.Kind() == KindMulti {
		return route{}, errors.New("both sides must be windows of time")
	}
	return route{links: []link{{rule: r}}}, checkAxis(r, up, down)
}

type timeOffset struct{ n int }

func (r timeOffset) text() string { return "TimeOffset(" + strconv.Itoa(r.n) + ")" }

func (r timeOffset) describe() MappingDescription {
	return MappingDescription{Kind: "time_offset", Offset: r.n}
}

func (r timeOffset) route(up, down Definition) (route, error) {
	if r.n > maxOffset || r.n < -maxOffset {
		return route{}, fmt.Errorf("the offset is beyond %d windows", maxOffset)
	}
	if down == nil {
		return route{}, errors.New("downstream has no windows of time to count from")
	}
	windows := 0
	for _, one := range dimsOf(down) {
		if one.def.Kind() == KindTimeWindow {
			windows++
		}
	}
	if windows == 0 {
		return route{}, errors.New("downstream has no windows of time to count from")
	}
	if windows > 1 {
		return route{}, fmt.Errorf("downstream has %d time dimensions where one is counted in: use MultiMap to say which", windows)
	}
	return sameDimensions(up, down, r, identity{})
}

type staticMap struct{ reads map[string][]string }

func (r staticMap) text() string {
	var b strings.Builder
	b.WriteString("StaticMap(")
	for i, key := range slices.Sorted(maps.Keys(r.reads)) {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(strconv.Quote(key) + ": " + quoted(r.reads[key]))
	}
	return b.String() + ")"
}

func (r staticMap) describe() MappingDescription {
	return MappingDescription{Kind: "static_map", Map: r.reads}
}

func (r staticMap) route(up, down Definition) (route, error) {
	if up == nil || down == nil || !keyed(up) || !keyed(down) {
		return route{}, errors.New("both sides must be static or dynamic")
	}
	return route{links: []link{{rule: r}}}, checkAxis(r, up, down)
}
