package partition

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/sets"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// Misfit is the part of a stored set that a changed definition no longer has.
type Misfit struct {
	Set     Set      // the partitions that no longer exist
	Reasons []string // one per dimension and former shape, for people
}

// Fit splits a stored set by what the current definition still has: partitions with the same key
// and the same meaning. An earlier start, a later end, another zone or a new key lose nothing. If
// the granularity changes, windows that start and end as before fit. A removed key, a window before
// the start, another format and other dimensions do not fit.
//
// was is the space of the definition under which the set was stored, is that of the current one,
// both with the current key tables. Fit ignores which windows have ended. The Misfit is empty if
// everything fits. Sets stored under even older shapes never fit. Fit returns an error if a key
// table does.
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

// fitter splits the set of one shape.
type fitter struct {
	was, is Space
	kept    *sets.Node // in the shape of the present definition
	lost    *sets.Node // in that of the former one
	misfit  Misfit
}

func (f *fitter) because(format string, args ...any) {
	f.misfit.Reasons = append(f.misfit.Reasons, fmt.Sprintf(format, args...))
}

// fit splits the set of the former shape.
func (f *fitter) fit(n *sets.Node) error {
	if was, is := dimNames(f.was), dimNames(f.is); was != is {
		f.lost = n
		f.because("the dimensions were %s and are %s: no key is the same", was, is)
		return nil
	}
	// A partition fits if its label has a counterpart in every dimension.
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

// dimNames lists the names of the dimensions of a space.
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

// only returns everything that has one of some labels in a dimension.
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

// everything returns all labels of an axis, existing or not.
func everything(a sets.Axis) *sets.Node {
	if a.Ordinals() {
		return sets.Interval(0, sets.MaxOrdinal+1, sets.Unit)
	}
	return sets.Interval(-sets.FarthestLabel, sets.FarthestLabel, sets.Unit)
}

// relation ties the former labels of a dimension to the current ones. It is not ok, and records the
// reason, if no key can be the same.
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

// gone records which labels of a dimension are lost.
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
	case err != nil: // without texts, report their number
		f.because("%s%d keys no longer exist", where, count)
	case count == 1:
		f.because("%skey %q no longer exists", where, texts[0])
	default:
		f.because("%s%d keys from %q to %q no longer exist", where, count, texts[0], texts[1])
	}
}

// keptOrdinals is the relation of a dimension whose table is unchanged.
type keptOrdinals struct{ is dimension }

func (r keptOrdinals) reads(lo, hi int64) []sets.Seg {
	return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}}
}

func (r keptOrdinals) readers(lo, hi int64) []sets.Seg {
	return []sets.Seg{{Lo: lo, Hi: hi, Sub: sets.Unit}}
}

// complete returns the current keys of a static definition, and all keys of a dynamic one: a
// removed dynamic key may be registered again.
func (r keptOrdinals) complete() *sets.Node {
	if r.is.axis().Kind == sets.Dynamic {
		return everything(r.is.axis())
	}
	return r.is.exists()
}

// keptWindows is the relation of windows that start and end as before.
type keptWindows struct{ was, is *timeDimension }

func (r keptWindows) sameGrid() bool { return r.was.def.grid.String() == r.is.def.grid.String() }

// disjoint reports whether no window can be the same, as for two different fixed steps.
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

// complete returns the former windows that the current definition has too. If the grids differ, it
// walks over the windows of the sparser one. No other question about windows does; it is asked once
// per change of a definition.
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
