package partition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/sets"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// Misfit is what a changed definition leaves of a stored set.
type Misfit struct {
	Set     Set      // the partitions that are none any more
	Reasons []string // why, for people: one for each dimension and each former shape
}

// Fit sorts a stored set by what the present definition still has: partitions with the
// same key that mean the same. An earlier start, a later end, another zone, a new key,
// a new tenant lose nothing. Of another granularity the windows stay that start and
// end as before. A key that is gone, a window before the start, another format (the
// keys are written otherwise, and so are the places of values), another set of
// dimensions do not fit.
//
// was is the space of the definition under which the set was stored, is that of the
// present one, both with the key tables that storage has now. Time is not limited to
// what has ended, for that is no change of a definition. The Misfit has what does not
// fit; it is empty if all does. What was stored under still older shapes never fits.
// An error is that of a key table.
func Fit(stored Set, was, is Space) (Set, Misfit, error) {
	was, is = was.shaped(), is.shaped()
	f := fitter{was: was, is: is}
	fits := Set{}
	if n := stored.of(was.shape); n != nil {
		if err := f.fit(n); err != nil {
			return Set{}, Misfit{}, err
		}
		fits, f.misfit.Set = is.set(f.kept), setOf(was.shape, f.lost)
	}
	for of, root := range stored.in.All() {
		switch of.Code {
		case was.shape.Code:
		case is.shape.Code:
			fits = fits.Union(setOf(of, root))
		default:
			f.misfit.Set = f.misfit.Set.Union(setOf(of, root))
			f.because("partitions of an older definition (%s)", of)
		}
	}
	return fits, f.misfit, nil
}

// fitter sorts the set of one shape.
type fitter struct {
	was, is Space
	kept    *sets.Node // in the shape of the present definition
	lost    *sets.Node // in that of the former one
	misfit  Misfit
}

func (f *fitter) because(format string, args ...any) {
	f.misfit.Reasons = append(f.misfit.Reasons, fmt.Sprintf(format, args...))
}

// fit sorts what the set has of the former shape.
func (f *fitter) fit(n *sets.Node) error {
	if was, is := dimNames(f.was), dimNames(f.is); was != is {
		f.lost = n
		f.because("the dimensions were %s and are %s: no key is the same", was, is)
		return nil
	}
	// Each dimension says which of its labels have a counterpart; what has one in all of
	// them fits.
	bounds := make([]bound, len(f.is.dims))
	kept := n
	for level, one := range f.was.dims {
		at := f.is.dims.level(one.axis().Name)
		rel, ok, err := f.relation(one, f.is.dims[at])
		if err != nil {
			return err
		}
		if !ok {
			f.lost = n
			return nil
		}
		bounds[at] = bound{down: level, rel: rel}
		fitting := sets.Combine(sets.Intersection, kept, f.only(level, rel.complete()), f.was.shape.Axes)
		if gone := sets.Combine(sets.Difference, kept, fitting, f.was.shape.Axes); gone != nil {
			f.gone(level, sets.Arrange(gone, f.was.shape.Axes, []int{level}))
		}
		kept = fitting
	}
	f.lost = sets.Combine(sets.Difference, n, kept, f.was.shape.Axes)
	if kept == nil || len(f.is.dims) == 0 {
		f.kept = kept
		return nil
	}
	order := make([]int, len(bounds))
	steps := make([]sets.Step, len(bounds))
	for at, b := range bounds {
		order[at], steps[at] = b.down, sets.Step{To: b.rel.reads}
	}
	f.kept = sets.Image(sets.Arrange(kept, f.was.shape.Axes, order), f.is.shape.Axes, steps)
	return nil
}

// dimNames are the names of the dimensions of a space, in words.
func dimNames(s Space) string {
	if len(s.dims) == 0 {
		return "none"
	}
	var names []string
	for _, at := range s.dims.byName() {
		if name := s.dims[at].axis().Name; name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "a single one"
	}
	return strings.Join(names, ", ")
}

// only is everything that has one of some labels in a dimension.
func (f *fitter) only(level int, labels *sets.Node) *sets.Node {
	n := sets.Unit
	for at, a := range slices.Backward(f.was.shape.Axes) {
		outer := labels
		if at != level {
			outer = everything(a)
		}
		n = sets.Nest(outer, n)
	}
	return n
}

// everything is all labels of an axis, whether or not they exist.
func everything(a sets.Axis) *sets.Node {
	if a.Ordinals() {
		return sets.Interval(0, sets.MaxOrdinal+1, sets.Unit)
	}
	return sets.Interval(-sets.FarthestLabel, sets.FarthestLabel, sets.Unit)
}

// relation ties the labels of a dimension as it was to those as it is. It is not ok, and
// says why, if no key can be the same.
func (f *fitter) relation(was, is dimension) (relation, bool, error) {
	where := "the definition"
	if name := was.axis().Name; name != "" {
		where = fmt.Sprintf("dimension %q", name)
	}
	oldTime, wasTime := was.(*timeDimension)
	newTime, isTime := is.(*timeDimension)
	switch {
	case wasTime && isTime && oldTime.def.format != newTime.def.format:
		f.because("%s wrote its keys as %s and writes them as %s", where, oldTime.def.format, newTime.def.format)
		return nil, false, nil
	case wasTime && isTime:
		r := keptWindows{was: oldTime, is: newTime}
		if !r.sameGrid() && r.disjoint() {
			f.because("%s had windows %s and has them %s: none is the same", where, oldTime.def.grid, newTime.def.grid)
			return nil, false, nil
		}
		return r, true, nil
	case wasTime || isTime:
		f.because("%s was %s and is %s: no key is the same", where, was.axis().Kind, is.axis().Kind)
		return nil, false, nil
	case was.axis() == is.axis():
		return keptOrdinals{is: is}, true, nil // one table, whatever became of the definition
	}
	pairs, err := samePairs(was, is)
	if err != nil {
		return nil, false, err
	}
	return newTranslated(was, is, false, pairs), true, nil
}

// gone says which labels of a dimension are lost.
func (f *fitter) gone(level int, n *sets.Node) {
	one := f.was.dims[level]
	where := ""
	if name := one.axis().Name; name != "" {
		where = fmt.Sprintf("dimension %q: ", name)
	}
	count := int64(0)
	for s := range n.Pieces() {
		count = plus(count, one.count(s.Lo, s.Hi))
	}
	lo, hi := n.Bounds()
	last := hi - 1
	if t, ok := one.(*timeDimension); ok {
		last = int64(timegrid.Floor(t.def.grid, civil.Time(hi-1)))
	}
	texts, err := one.texts([]int64{lo, last})
	switch {
	case err != nil: // the table has forgotten them; their number remains
		f.because("%s%d keys are none any more", where, count)
	case count == 1:
		f.because("%skey %q is none any more", where, texts[0])
	default:
		f.because("%s%d keys from %q to %q are none any more", where, count, texts[0], texts[1])
	}
}

// keptOrdinals is the relation of a dimension whose table stays.
type keptOrdinals struct{ is dimension }

func (r keptOrdinals) reads(lo, hi int64) []sets.Seg {
	return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}}
}

func (r keptOrdinals) readers(lo, hi int64) []sets.Seg {
	return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}}
}

// complete is, of a static definition, the keys that it has; a dynamic key that is not
// registered now may be again.
func (r keptOrdinals) complete() *sets.Node {
	if r.is.axis().Kind == sets.Dynamic {
		return everything(r.is.axis())
	}
	return r.is.exists()
}

// keptWindows is the relation of windows that start and end as they did.
type keptWindows struct{ was, is *timeDimension }

func (r keptWindows) sameGrid() bool { return r.was.def.grid.String() == r.is.def.grid.String() }

// disjoint reports whether no window can be the same: those of two steps never are.
func (r keptWindows) disjoint() bool {
	_, a := r.was.def.grid.(timegrid.Steps)
	_, b := r.is.def.grid.(timegrid.Steps)
	return a && b
}

func (r keptWindows) reads(lo, hi int64) []sets.Seg {
	return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}}
}

func (r keptWindows) readers(lo, hi int64) []sets.Seg {
	return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}}
}

// complete is the windows of the former definition that the present one has too, if no
// more can end. Where the grids differ it goes through the windows of the sparser one:
// this is the only question about windows that does, and it is asked once, when a
// definition has changed.
func (r keptWindows) complete() *sets.Node {
	first, last := r.is.tick(r.is.first), r.is.tick(r.is.last)
	within := sets.Interval(int64(first), int64(last), sets.Unit)
	if r.sameGrid() {
		return within
	}
	first, last = max(first, r.was.tick(r.was.first)), min(last, r.was.tick(r.was.end))
	a, b := r.was.def.grid, r.is.def.grid
	if a.Rank(last)-a.Rank(first) > b.Rank(last)-b.Rank(first) {
		a, b = b, a
	}
	var segs []sets.Seg
	for lo := timegrid.Ceil(a, first); lo < last; {
		hi := a.Tick(a.Rank(lo) + 1)
		if timegrid.Ceil(b, lo) == lo && b.Tick(b.Rank(lo)+1) == hi {
			segs = append(segs, sets.Seg{Lo: int64(lo), Hi: int64(hi), Sub: sets.Unit})
		}
		lo = hi
	}
	return sets.Combine(sets.Intersection, sets.Line(segs, r.was.id.Scale()), within, []sets.Axis{r.was.id})
}
