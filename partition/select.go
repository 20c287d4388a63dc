package partition

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// Set returns the partitions of some keys. It refuses an unknown key with the nearest existing
// ones. It joins all refusals, and counts those after the first twenty.
func (s Space) Set(keys ...Key) (Set, error) {
	p := parser{space: s}
	for _, key := range keys {
		if key.IsZero() {
			p.add("", nil)
			continue
		}
		terms, err := key.terms()
		if err == nil {
			err = p.fits(terms)
		}
		if err == nil {
			err = s.complete(terms)
		}
		p.addParsed(key.text, terms, err)
	}
	return p.set()
}

// Range returns the partitions of a range in the order of the definition: time, position or
// registration, never the alphabet. The zero KeyRange is everything.
func (s Space) Range(r KeyRange) (Set, error) {
	if r.IsZero() {
		return s.All(), nil
	}
	return s.Select(r.text)
}

// Select returns the union of what texts of a command line select. A text is a list of keys and
// ranges: a..c,e. A missing end is the first or the last partition. For a [Multi] definition a text
// has one part per dimension, day=2026-01-01..|shop=x,y; a dimension without a part is not
// restricted.
func (s Space) Select(texts ...string) (Set, error) {
	p := parser{space: s}
	for _, text := range texts {
		terms, err := parseTerms(text, true)
		p.addParsed(text, terms, err)
	}
	return p.set()
}

// complete checks that a key names all dimensions.
func (s Space) complete(terms []term) error {
	if len(s.dims) == 1 && s.dims[0].axis().Name == "" {
		return nil
	}
	for _, name := range s.dims.names() {
		if terms[0].dim != "" && !slices.ContainsFunc(terms, func(t term) bool { return t.dim == name }) {
			return fmt.Errorf("dimension %q is missing: add |%s=…", name, escape(name))
		}
	}
	return nil
}

// parser turns texts into a set. It looks up the keys of all texts together, one batch per
// dimension.
type parser struct {
	space  Space
	texts  []string
	terms  [][]term
	faults []error
}

// addParsed adds the terms of a text, or its mistake.
func (p *parser) addParsed(text string, terms []term, err error) {
	if err == nil {
		err = p.fits(terms)
	}
	if err != nil {
		p.faults = append(p.faults, refuse(text, err))
		return
	}
	p.add(text, terms)
}

func (p *parser) add(text string, terms []term) {
	if _, err := p.space.unpartitioned(terms); err != nil {
		p.faults = append(p.faults, refuse(text, err))
		return
	}
	p.texts, p.terms = append(p.texts, text), append(p.terms, terms)
}

// unpartitioned checks that a key is given exactly if the asset is partitioned.
func (s Space) unpartitioned(terms []term) (bool, error) {
	none := len(s.dims) == 0
	switch {
	case none && len(terms) > 0:
		return none, errors.New("there are no partitions to choose from: leave the key out")
	case !none && len(terms) == 0:
		return none, fmt.Errorf("the key is missing: give one of %s", s.def)
	}
	return none, nil
}

// fits checks that terms name existing dimensions.
func (p *parser) fits(terms []term) error {
	if len(p.space.dims) == 0 {
		return nil
	}
	_, product := p.space.def.(*multi)
	for _, t := range terms {
		if t.dim != "" && product && p.space.dims.level(t.dim) >= 0 {
			continue
		}
		switch {
		case !product && t.dim != "":
			return fmt.Errorf("there is no dimension %q, nor any other: write the key alone, or \\= for an = in it", t.dim)
		case product && t.dim == "":
			return fmt.Errorf("the dimensions are missing: write each of %s as name=key", quoted(p.space.dims.names()))
		case product:
			return fmt.Errorf("there is no dimension %q%s", t.dim, didYouMean(t.dim, p.space.dims.names()))
		}
	}
	return nil
}

// set returns the union of the selections.
func (p *parser) set() (Set, error) {
	nodes := make([]*sets.Node, len(p.texts))
	for i := range nodes {
		nodes[i] = sets.Unit
	}
	refused := make([][]error, len(p.texts))
	for _, one := range slices.Backward(p.space.dims) {
		if err := p.dimension(one, nodes, refused); err != nil {
			return Set{}, err
		}
	}
	for i, errs := range refused {
		for _, err := range slices.Backward(errs) { // found from the innermost dimension outwards
			p.faults = append(p.faults, refuse(p.texts[i], err))
		}
	}
	if len(p.faults) > 0 {
		return Set{}, joinRefusals(p.faults)
	}
	if p.space.shape == nil {
		return Set{}, nil
	}
	return p.space.set(sets.Unite(nodes, p.space.shape.Axes)), nil
}

// dimension nests the selection so far in the selection of a dimension.
func (p *parser) dimension(one dimension, nodes []*sets.Node, refused [][]error) error {
	var texts []string
	for _, terms := range p.terms {
		for _, it := range itemsOf(terms, one.axis().Name) {
			texts = append(texts, it.ends()...)
		}
	}
	labels, faults, err := one.find(texts)
	if err != nil {
		return err
	}
	for i, terms := range p.terms {
		items := itemsOf(terms, one.axis().Name)
		if len(items) == 0 {
			nodes[i] = sets.Nest(one.exists(), nodes[i])
			continue
		}
		var segs []sets.Seg
		var wrong []error
		for _, it := range items {
			n := len(it.ends())
			segs, err = choose(one, it, labels[:n], faults[:n], segs)
			if err != nil {
				wrong = append(wrong, inDimension(one, err))
			}
			labels, faults = labels[n:], faults[n:]
		}
		slices.Reverse(wrong)
		refused[i] = append(refused[i], wrong...)
		nodes[i] = sets.Nest(sets.LineOf(segs, one.axis()), nodes[i])
	}
	return nil
}

// inDimension names the dimension of a refusal, if the dimension has a name.
func inDimension(one dimension, err error) error {
	if name := one.axis().Name; name != "" {
		return fmt.Errorf("dimension %q: %w", name, err)
	}
	return err
}

// itemsOf returns the items of a dimension, nil for everything.
func itemsOf(terms []term, name string) []item {
	for _, t := range terms {
		if t.dim == name {
			return t.items
		}
	}
	return nil
}

// ends returns the keys of an item.
func (it item) ends() []string {
	ends := make([]string, 0, 2)
	if it.from != "" {
		ends = append(ends, it.from)
	}
	if it.ranged && it.to != "" {
		ends = append(ends, it.to)
	}
	return ends
}

// choose adds the labels of an item to segments, which may overlap.
func choose(one dimension, it item, labels []int64, faults []error, segs []sets.Seg) ([]sets.Seg, error) {
	for _, fault := range faults {
		if fault != nil {
			return segs, fault
		}
	}
	if !it.ranged {
		i := one.index(labels[0])
		return append(segs, one.between(i, i+1)...), nil
	}
	from, to := int64(0), one.size()
	if it.from != "" {
		from, labels = one.index(labels[0]), labels[1:]
	}
	if it.to != "" {
		to = one.index(labels[0]) + 1
	}
	if from >= to && it.from != "" && it.to != "" {
		return segs, fmt.Errorf("the range runs backwards: %q comes after %q in the order of the definition", it.from, it.to)
	}
	if from >= to {
		return segs, nil
	}
	return append(segs, one.between(from, to)...), nil
}
