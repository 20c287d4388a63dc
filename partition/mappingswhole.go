package partition

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

type allPartitions struct{}

func (allPartitions) text() string { return "AllPartitions()" }

func (allPartitions) describe() MappingDescription {
	return MappingDescription{Kind: "all_partitions"}
}

func (allPartitions) route(_, _ Definition) (route, error) { return route{constant: true}, nil }

type specific struct{ keys []Key }

func (r specific) text() string { return "Specific(" + keysText(r.keys) + ")" }

func (r specific) describe() MappingDescription {
	return MappingDescription{Kind: "specific", Keys: r.keys}
}

func (r specific) route(up, _ Definition) (route, error) {
	if up == nil {
		return route{}, errors.New("upstream has no partitions to choose from")
	}
	if err := checkKeys(r.keys, up); err != nil {
		return route{}, fmt.Errorf("upstream: %w", err)
	}
	return route{constant: true, reads: r.keys}, nil
}

type forKeys struct{ keys []Key }

func (r forKeys) text() string { return "ForKeys(" + keysText(r.keys) + ")" }

func (r forKeys) describe() MappingDescription {
	return MappingDescription{Kind: "for_keys", Keys: r.keys}
}

func (r forKeys) route(up, down Definition) (route, error) {
	switch {
	case up != nil:
		return route{}, errors.New("upstream has partitions: ForKeys chooses who reads the one value of an upstream without")
	case down == nil:
		return route{}, errors.New("downstream has no partitions to choose from")
	}
	if err := checkKeys(r.keys, down); err != nil {
		return route{}, fmt.Errorf("downstream: %w", err)
	}
	return route{constant: true, readers: r.keys}, nil
}

// checkKeys checks that keys can ever be partitions of a definition. Dynamic keys are checked when
// they are used.
func checkKeys(keys []Key, d Definition) error {
	if len(keys) == 0 {
		return errors.New("there is no key: give at least one")
	}
	var faults []error
	for _, key := range keys {
		terms, err := key.terms()
		if err != nil {
			faults = append(faults, refuse(key.text, err))
			continue
		}
		s, err := someday(d)
		if err != nil {
			return err
		}
		p := parser{space: s}
		if err = p.fits(terms); err == nil {
			err = s.complete(terms)
		}
		if err != nil {
			faults = append(faults, refuse(key.text, err))
			continue
		}
		for _, one := range s.dims {
			faults = append(faults, checkValues(key, one, itemsOf(terms, one.axis().Name))...)
		}
	}
	return joinRefusals(faults)
}

// checkValues checks the values of a key in one dimension.
func checkValues(key Key, one dimension, items []item) []error {
	if one.axis().Kind == sets.Dynamic {
		return nil
	}
	var faults []error
	for _, it := range items {
		_, wrong, err := one.find([]string{it.from})
		if err == nil {
			err = wrong[0]
		}
		if err != nil {
			faults = append(faults, refuse(key.text, inDimension(one, err)))
		}
	}
	return faults
}

// someday returns the space in which all windows of a definition have ended.
func someday(d Definition) (Space, error) {
	tables := Tables{Dynamic: map[string]Registered{}}
	for _, one := range dimsOf(d) {
		if keys, ok := one.def.(*dynamic); ok {
			tables.Dynamic[keys.name] = Registered{Keys: NewTable()}
		}
	}
	const far = 9999
	return NewSpace(d, time.Date(far, time.December, 31, 0, 0, 0, 0, time.UTC), tables)
}

type multiToSingle struct {
	dimension string
	by        Mapping
	more      []Mapping // given after by, which is a mistake
}

func (r multiToSingle) text() string {
	var b strings.Builder
	b.WriteString("MultiToSingle(" + strconv.Quote(r.dimension))
	if !r.by.IsZero() || len(r.more) > 0 {
		b.WriteString(", " + r.by.String())
	}
	for _, one := range r.more {
		b.WriteString(", " + one.String())
	}
	return b.String() + ")"
}

func (r multiToSingle) describe() MappingDescription {
	d := MappingDescription{Kind: "multi_to_single", Dimension: r.dimension}
	if !r.by.IsZero() {
		by := r.by.Describe()
		d.By = &by
	}
	return d
}

func (r multiToSingle) route(up, down Definition) (route, error) {
	if up == nil || down == nil || (up.Kind() == KindMulti) == (down.Kind() == KindMulti) {
		return route{}, errors.New("one side must have dimensions, and the other partitions without")
	}
	if len(r.more) > 0 {
		return route{}, fmt.Errorf("the dimension has %d mappings: give one", 1+len(r.more))
	}
	upDim, downDim := up, down
	product, upIsProduct := up.(*multi)
	if !upIsProduct {
		product = down.(*multi)
	}
	def, found := product.find(r.dimension)
	if !found {
		return route{}, fmt.Errorf("there is no dimension %q%s", r.dimension, didYouMean(r.dimension, product.names()))
	}
	l := link{}
	if upIsProduct {
		upDim, l.up = def, r.dimension
	} else {
		downDim, l.down = def, r.dimension
	}
	var err error
	if l.rule, err = axisRule(r.by, upDim, downDim); err != nil {
		return route{}, fmt.Errorf("dimension %q: %w", r.dimension, err)
	}
	l.apart = readsApart(l.rule)
	return route{links: []link{l}}, nil
}

type multiMap struct{ dims map[string]DimensionMapping }

func (r multiMap) text() string {
	parts := make([]string, 0, len(r.dims))
	for _, name := range slices.Sorted(maps.Keys(r.dims)) {
		one := r.dims[name]
		parts = append(parts, fmt.Sprintf("%q from %q %s", name, one.Dimension, one.By))
	}
	return "MultiMap(" + strings.Join(parts, "; ") + ")"
}

func (r multiMap) describe() MappingDescription {
	dims := make(map[string]DimensionDescription, len(r.dims))
	for name, one := range r.dims {
		dims[name] = DimensionDescription{Dimension: one.Dimension, By: one.By.Describe()}
	}
	return MappingDescription{Kind: "multi_map", Dimensions: dims}
}

func (r multiMap) route(up, down Definition) (route, error) {
	ups, upOK := up.(*multi)
	downs, downOK := down.(*multi)
	if !upOK || !downOK {
		return route{}, errors.New("both sides must have dimensions: for one of them MultiToSingle does it")
	}
	if len(r.dims) == 0 {
		return route{}, errors.New("no dimension is mapped: give at least one, or use AllPartitions")
	}
	var made route
	var faults []error
	followed := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(r.dims)) {
		l, err := r.link(name, ups, downs)
		if err != nil {
			faults = append(faults, fmt.Errorf("upstream dimension %q: %w", name, err))
			continue
		}
		if other, taken := followed[l.down]; taken && !l.apart {
			faults = append(faults, fmt.Errorf("upstream dimension %q: follows %q, which %q does already: a dimension can be followed once", name, l.down, other))
		}
		if !l.apart {
			followed[l.down] = name
		}
		made.links = append(made.links, l)
	}
	return made, errors.Join(faults...)
}

// link ties one dimension.
func (r multiMap) link(name string, ups, downs *multi) (link, error) {
	one := r.dims[name]
	upDim, found := ups.find(name)
	if !found {
		return link{}, fmt.Errorf("there is none%s", didYouMean(name, ups.names()))
	}
	l := link{up: name, down: one.Dimension}
	if one.Dimension == "" {
		switch by := one.By.rule.(type) {
		case allPartitions:
		case specific:
			if err := checkKeys(by.keys, upDim); err != nil {
				return link{}, err
			}
		default:
			return link{}, fmt.Errorf("no downstream dimension is named: name the one that %s follows, or use AllPartitions or Specific", one.By)
		}
		l.rule, l.apart = one.By.rule, true
		return l, nil
	}
	downDim, found := downs.find(one.Dimension)
	if !found {
		return link{}, fmt.Errorf("downstream has no dimension %q%s", one.Dimension, didYouMean(one.Dimension, downs.names()))
	}
	var err error
	if l.rule, err = axisRule(one.By, upDim, downDim); err != nil {
		return link{}, err
	}
	l.apart = readsApart(l.rule)
	return l, nil
}

// readsApart reports whether a rule between two dimensions reads the same for every downstream key.
func readsApart(r rule) bool {
	switch r.(type) {
	case allPartitions, specific:
		return true
	default:
		return false
	}
}
