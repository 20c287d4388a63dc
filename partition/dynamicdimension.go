package partition

import (
	"fmt"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// dynamicDimension is the registered keys of a dynamic definition, in the order of their ordinals.
// An index is a rank.
type dynamicDimension struct {
	id   sets.Axis
	def  *dynamic
	keys KeyTable
	live *sets.Node
	n    int64
	// Where the ordinals are one run, as long as no key was removed, rank is a
	// subtraction.
	base int64
	run  bool
}

func newDynamicDimension(name string, d *dynamic, registered Registered) *dynamicDimension {
	t := &dynamicDimension{id: sets.Axis{Kind: sets.Dynamic, Name: name, Of: d.name}, def: d, keys: registered.Keys}
	t.live = registered.Live.of(sets.NewShape([]sets.Axis{{Kind: sets.Dynamic, Of: d.name}}))
	if t.live == nil {
		return t
	}
	lo, hi := t.live.Bounds()
	t.base, t.run = lo, t.live.IsInterval()
	t.n = t.live.Rank(hi)
	return t
}

func (t *dynamicDimension) axis() sets.Axis    { return t.id }
func (t *dynamicDimension) size() int64        { return t.n }
func (t *dynamicDimension) exists() *sets.Node { return t.live }
func (t *dynamicDimension) ordered() bool      { return true }

func (t *dynamicDimension) index(label int64) int64 {
	if t.run {
		return label - t.base
	}
	return t.live.Rank(label)
}

func (t *dynamicDimension) label(index int64) int64 { return t.live.Nth(index) }

func (t *dynamicDimension) between(i, j int64) []sets.Seg {
	if i >= j {
		return nil
	}
	lo, hi := t.label(i), t.label(j-1)+1
	var segs []sets.Seg
	for s := range t.live.PiecesFrom(lo) {
		if s.Lo >= hi {
			break
		}
		segs = append(segs, sets.Seg{Lo: s.Lo, Hi: min(s.Hi, hi), Sub: sets.Unit})
	}
	return segs
}

func (t *dynamicDimension) count(lo, hi int64) int64 { return hi - lo }

func (t *dynamicDimension) find(texts []string) ([]int64, []error, error) {
	labels, faults := make([]int64, len(texts)), make([]error, len(texts))
	ordinals, err := t.keys.Ordinals(texts)
	if err != nil {
		return nil, nil, err
	}
	for i, o := range ordinals {
		labels[i] = int64(o)
		if o != NoOrdinal && t.live.At(int64(o)) != nil {
			continue
		}
		labels[i] = noLabel
		if faults[i], err = t.unregistered(texts[i], o); err != nil {
			return nil, nil, err
		}
	}
	return labels, faults, nil
}

// unregistered returns the error for an unknown key, with a suggestion from the first registered
// keys.
func (t *dynamicDimension) unregistered(text string, o Ordinal) (fault, err error) {
	if o != NoOrdinal {
		return fmt.Errorf("%q: is no longer registered in %q: register it again, or choose another key", text, t.def.name), nil
	}
	if t.n == 0 {
		return fmt.Errorf("%q: is not registered in %q, which has no keys yet: register it first", text, t.def.name), nil
	}
	const most = 1000
	var ordinals []int64
	for i := range min(t.n, most) {
		ordinals = append(ordinals, t.label(i))
	}
	keys, err := t.texts(ordinals)
	if err != nil {
		return nil, err
	}
	return fmt.Errorf("%q: is not registered in %q%s", text, t.def.name, didYouMean(text, keys)), nil
}

func (t *dynamicDimension) texts(labels []int64) ([]string, error) {
	ordinals := make([]Ordinal, len(labels))
	for i, label := range labels {
		ordinals[i] = Ordinal(label)
	}
	return t.keys.Keys(ordinals)
}
