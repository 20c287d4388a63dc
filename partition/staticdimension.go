package partition

import (
	"fmt"
	"slices"
	"sort"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// staticDimension is the keys of a static definition with the ordinals of a table. Positions and
// ordinals that run side by side form a stretch. An unchanged definition is one stretch; each
// change adds a few.
type staticDimension struct {
	id         sets.Axis
	def        *static
	table      KeyTable // nil: ordinals are positions
	byPosition []stretch
	byOrdinal  []stretch
	present    *sets.Node
}

// stretch is n keys whose positions and ordinals run side by side.
type stretch struct{ position, ordinal, n int64 }

func newStaticDimension(name string, d *static, table KeyTable) (*staticDimension, error) {
	s := &staticDimension{id: sets.Axis{Kind: sets.Static, Name: name}, def: d, table: table}
	if table == nil {
		s.byPosition = []stretch{{0, 0, int64(len(d.keys))}}
	} else if err := s.layOut(); err != nil {
		return nil, err
	}
	s.byOrdinal = slices.Clone(s.byPosition)
	slices.SortFunc(s.byOrdinal, func(a, b stretch) int { return int(a.ordinal - b.ordinal) })
	segs := make([]sets.Seg, len(s.byOrdinal))
	for i, one := range s.byOrdinal {
		segs[i] = sets.Seg{Lo: one.ordinal, Hi: one.ordinal + one.n, Sub: sets.Unit}
	}
	s.present = sets.Line(segs, sets.OrdinalScale)
	return s, nil
}

// layOut finds the stretches.
func (s *staticDimension) layOut() error {
	if t, ok := s.table.(*Table); ok && sameKeys(t.keys, s.def.keys) {
		s.byPosition = []stretch{{0, 0, int64(len(s.def.keys))}}
		return nil
	}
	ordinals, err := s.table.Ordinals(s.def.keys)
	if err != nil {
		return fmt.Errorf("static partitions: %w", err)
	}
	for i, o := range ordinals {
		if o == NoOrdinal {
			return fmt.Errorf("static partitions: key %q has no ordinal yet: grow the key table by it first", s.def.keys[i])
		}
		if n := len(s.byPosition); n > 0 {
			if last := &s.byPosition[n-1]; last.ordinal+last.n == int64(o) {
				last.n++
				continue
			}
		}
		s.byPosition = append(s.byPosition, stretch{int64(i), int64(o), 1})
	}
	return nil
}

func (s *staticDimension) axis() sets.Axis    { return s.id }
func (s *staticDimension) size() int64        { return int64(len(s.def.keys)) }
func (s *staticDimension) exists() *sets.Node { return s.present }

func (s *staticDimension) ordered() bool {
	return slices.IsSortedFunc(s.byPosition, func(a, b stretch) int { return int(a.ordinal - b.ordinal) })
}

func (s *staticDimension) index(label int64) int64 {
	i := sort.Search(len(s.byOrdinal), func(i int) bool { return s.byOrdinal[i].ordinal+s.byOrdinal[i].n > label })
	one := s.byOrdinal[i]
	return one.position + label - one.ordinal
}

func (s *staticDimension) label(index int64) int64 {
	one := s.byPosition[s.at(index)]
	return one.ordinal + index - one.position
}

// at returns the stretch of a position.
func (s *staticDimension) at(index int64) int {
	return sort.Search(len(s.byPosition), func(i int) bool { return s.byPosition[i].position+s.byPosition[i].n > index })
}

func (s *staticDimension) between(i, j int64) []sets.Seg {
	var segs []sets.Seg
	for at := s.at(i); i < j; at++ {
		one := s.byPosition[at]
		end := min(j, one.position+one.n)
		segs = append(segs, sets.Seg{Lo: one.ordinal + i - one.position, Hi: one.ordinal + end - one.position, Sub: sets.Unit})
		i = end
	}
	slices.SortFunc(segs, sets.ByStart)
	return segs
}

func (s *staticDimension) count(lo, hi int64) int64 { return hi - lo }

func (s *staticDimension) find(texts []string) ([]int64, []error, error) {
	labels, faults := make([]int64, len(texts)), make([]error, len(texts))
	for i, text := range texts {
		if position, ok := s.def.position[text]; ok {
			labels[i] = s.label(position)
		} else {
			labels[i], faults[i] = noLabel, unknownKey(text, s.def.keys)
		}
	}
	return labels, faults, nil
}

func (s *staticDimension) texts(labels []int64) ([]string, error) {
	out := make([]string, len(labels))
	var gone []Ordinal
	for i, label := range labels {
		if s.present.At(label) == nil {
			gone = append(gone, Ordinal(label))
			continue
		}
		out[i] = s.def.keys[s.index(label)]
	}
	switch {
	case len(gone) == 0:
		return out, nil
	case s.table == nil:
		return nil, fmt.Errorf("static partitions: ordinal %d: there are %d keys and no key table", gone[0], len(s.def.keys))
	}
	keys, err := s.table.Keys(gone)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i] == "" {
			out[i], keys = keys[0], keys[1:]
		}
	}
	return out, nil
}
