package partition

import (
	"cmp"
	"maps"
	"slices"
	"sort"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/sets"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// relation maps labels of a downstream dimension to labels of an upstream one, existing or not.
type relation interface {
	// reads returns the upstream labels that the downstream labels from lo to before hi read, sorted.
	reads(lo, hi int64) []sets.Seg
	// readers returns the downstream labels that read the upstream labels from lo to before hi,
	// sorted.
	readers(lo, hi int64) []sets.Seg
	// complete returns the existing downstream labels whose reads all exist.
	complete() *sets.Node
}

// carried is the relation in which every label reads itself.
type carried struct {
	down, up dimension
	lenient  bool
}

func (r carried) reads(lo, hi int64) []sets.Seg { return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}} }

func (r carried) readers(lo, hi int64) []sets.Seg {
	return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}}
}

func (r carried) complete() *sets.Node {
	if r.lenient {
		return r.down.exists()
	}
	return sets.Combine(sets.Intersection, r.down.exists(), r.up.exists(), []sets.Axis{r.down.axis()})
}

// shifted is the relation in which every window reads the one n windows later.
type shifted struct {
	down, up *timeDimension
	n        int64
}

func (r shifted) by(lo, hi, n int64) []sets.Seg {
	g := r.down.def.grid
	return []sets.Seg{{Lo: int64(timegrid.Shift(g, civil.Time(lo), n)), Hi: int64(timegrid.Shift(g, civil.Time(hi), n)), Sub: sets.Unit}}
}

func (r shifted) reads(lo, hi int64) []sets.Seg   { return r.by(lo, hi, r.n) }
func (r shifted) readers(lo, hi int64) []sets.Seg { return r.by(lo, hi, -r.n) }

func (r shifted) complete() *sets.Node {
	up := r.up.exists()
	if up == nil {
		return nil
	}
	back := r.readers(up.Bounds())
	return sets.Combine(sets.Intersection, r.down.exists(), sets.Line(back, r.down.id.Scale()), []sets.Axis{r.down.id})
}

// overlapping is the relation in which every window reads those that overlap with it.
type overlapping struct{ down, up *timeDimension }

func (r overlapping) reads(lo, hi int64) []sets.Seg   { return overlaps(r.down, r.up, lo, hi) }
func (r overlapping) readers(lo, hi int64) []sets.Seg { return overlaps(r.up, r.down, lo, hi) }

// overlaps returns the windows of one dimension that overlap with those from lo to before hi of
// another. Both tile the timeline, so the result is one interval.
func overlaps(of, with *timeDimension, lo, hi int64) []sets.Seg {
	from, to := civil.Time(lo), civil.Time(hi)
	g := with.def.grid
	if of.def.zone.String() == with.def.zone.String() {
		return []sets.Seg{{Lo: int64(timegrid.Floor(g, from)), Hi: int64(timegrid.Ceil(g, to)), Sub: sets.Unit}}
	}
	const second = 1e9
	opens := from.In(of.def.zone)
	ends := to.In(of.def.zone)
	if last := timegrid.Floor(of.def.grid, to-1).In(of.def.zone); !ends.After(last) {
		ends = last.Add(second) // an empty window lies at an instant
	}
	first := timegrid.Ceil(g, civil.Reached(opens.Add(-second), with.def.zone)+1) // starts no earlier than opens
	if first.In(with.def.zone).After(opens) {
		first = g.Tick(g.Rank(first) - 1) // the one before reaches beyond
	}
	last := civil.Reached(ends.Add(-second), with.def.zone)
	return []sets.Seg{{Lo: int64(first), Hi: int64(g.Tick(g.Rank(last + 1))), Sub: sets.Unit}}
}

func (r overlapping) complete() *sets.Node {
	up, down := r.up.exists(), r.down.exists()
	if up == nil || down == nil {
		return nil
	}
	// Only the windows that overlap with the ones right outside lack anything.
	lo, hi := up.Bounds()
	g := r.up.def.grid
	before := r.readers(int64(g.Tick(g.Rank(civil.Time(lo))-1)), lo)
	after := r.readers(hi, int64(g.Tick(g.Rank(civil.Time(hi))+1)))
	return sets.Combine(sets.Intersection, down, sets.Interval(before[0].Hi, after[0].Lo, sets.Unit), []sets.Axis{r.down.id})
}

// translated is the relation in which keys keep their text and change their ordinal. It holds
// stretches in which both run side by side.
type translated struct {
	down, up dimension
	lenient  bool
	byDown   []aligned
	byUp     []aligned
}

// aligned is n labels that run side by side.
type aligned struct{ from, to, n int64 }

func newTranslated(down, up dimension, lenient bool, pairs []pair) *translated {
	r := &translated{down: down, up: up, lenient: lenient, byDown: align(pairs)}
	for i := range pairs {
		pairs[i] = pair{pairs[i].up, pairs[i].down}
	}
	r.byUp = align(pairs)
	return r
}

// pair is a downstream label and an upstream label that it reads.
type pair struct{ down, up int64 }

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.down, b.down), cmp.Compare(a.up, b.up))
}

// align joins pairs that run side by side.
func align(pairs []pair) []aligned {
	slices.SortFunc(pairs, comparePairs)
	var out []aligned
	for _, p := range pairs {
		if n := len(out); n > 0 {
			if last := &out[n-1]; last.from+last.n == p.down && last.to+last.n == p.up {
				last.n++
				continue
			}
		}
		out = append(out, aligned{p.down, p.up, 1})
	}
	return out
}

// through maps labels through stretches to the other side.
func through(stretches []aligned, lo, hi int64) []sets.Seg {
	i := sort.Search(len(stretches), func(i int) bool { return stretches[i].from+stretches[i].n > lo })
	var segs []sets.Seg
	for ; i < len(stretches) && stretches[i].from < hi; i++ {
		s := stretches[i]
		a, b := max(lo, s.from), min(hi, s.from+s.n)
		segs = append(segs, sets.Seg{Lo: s.to + a - s.from, Hi: s.to + b - s.from, Sub: sets.Unit})
	}
	slices.SortFunc(segs, sets.ByStart)
	return segs
}

func (r *translated) reads(lo, hi int64) []sets.Seg   { return through(r.byDown, lo, hi) }
func (r *translated) readers(lo, hi int64) []sets.Seg { return through(r.byUp, lo, hi) }

func (r *translated) complete() *sets.Node {
	if r.lenient {
		return r.down.exists()
	}
	var segs []sets.Seg
	for s := range r.up.exists().Pieces() {
		segs = append(segs, r.readers(s.Lo, s.Hi)...)
	}
	return sets.Combine(sets.Intersection, r.down.exists(), sets.LineOf(segs, r.down.axis()), []sets.Axis{r.down.axis()})
}

// paired is the relation of a list of pairs.
type paired struct {
	down, up   dimension
	byDown     []pair
	byUp       []pair // turned round
	incomplete []absent
}

// absent is a downstream label that reads a key that does not exist.
type absent struct {
	label int64
	key   string
}

func newPaired(r staticMap, down, up dimension) (*paired, error) {
	p := &paired{down: down, up: up}
	var keys, reads []string
	for _, key := range slices.Sorted(maps.Keys(r.reads)) {
		for _, read := range r.reads[key] {
			keys, reads = append(keys, key), append(reads, read)
		}
	}
	downs, _, err := down.find(keys)
	if err != nil {
		return nil, err
	}
	ups, wrong, err := up.find(reads)
	if err != nil {
		return nil, err
	}
	for i, label := range downs {
		switch {
		case label == noLabel: // a key that is registered no more, or not yet
		case wrong[i] != nil:
			p.incomplete = append(p.incomplete, absent{label, reads[i]})
		default:
			p.byDown = append(p.byDown, pair{label, ups[i]})
			p.byUp = append(p.byUp, pair{ups[i], label})
		}
	}
	slices.SortFunc(p.byDown, comparePairs)
	slices.SortFunc(p.byUp, comparePairs)
	return p, nil
}

// others are the labels that labels are paired with.
func others(pairs []pair, lo, hi int64, a sets.Axis) []sets.Seg {
	i := sort.Search(len(pairs), func(i int) bool { return pairs[i].down >= lo })
	var segs []sets.Seg
	for ; i < len(pairs) && pairs[i].down < hi; i++ {
		segs = append(segs, sets.Seg{Lo: pairs[i].up, Hi: pairs[i].up + 1, Sub: sets.Unit})
	}
	return slices.Collect(sets.LineOf(segs, a).Pieces())
}

func (p *paired) reads(lo, hi int64) []sets.Seg   { return others(p.byDown, lo, hi, p.up.axis()) }
func (p *paired) readers(lo, hi int64) []sets.Seg { return others(p.byUp, lo, hi, p.down.axis()) }

func (p *paired) complete() *sets.Node {
	segs := make([]sets.Seg, len(p.incomplete))
	for i, one := range p.incomplete {
		segs[i] = sets.Seg{Lo: one.label, Hi: one.label + 1, Sub: sets.Unit}
	}
	return sets.Combine(sets.Difference, p.down.exists(), sets.LineOf(segs, p.down.axis()), []sets.Axis{p.down.axis()})
}
