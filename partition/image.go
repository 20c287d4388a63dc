package partition

import (
	"slices"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// image is what is read of upstream, and exists, by a set of downstream that exists.
func (e Edge) image(n *sets.Node) *sets.Node {
	if e.carries() {
		return sets.Combine(sets.Intersection, n, e.up.all, e.up.shape.Axes)
	}
	followed := make([]int, 0, len(e.bound))
	for _, b := range e.bound {
		if b.down >= 0 {
			followed = append(followed, b.down)
		}
	}
	steps := make([]sets.Step, len(e.bound))
	for level, b := range e.bound {
		steps[level] = sets.Step{Only: b.only}
		if b.down >= 0 {
			steps[level].To = b.rel.reads
		}
	}
	made := sets.Image(sets.Arrange(n, e.down.shape.Axes, followed), e.up.shape.Axes, steps)
	return sets.Combine(sets.Intersection, made, e.up.all, e.up.shape.Axes)
}

// preimage is what of downstream exists and reads a set of upstream that exists.
func (e Edge) preimage(n *sets.Node) *sets.Node {
	if e.carries() {
		return sets.Combine(sets.Intersection, n, e.down.all, e.down.shape.Axes)
	}
	// What is not read of upstream has no readers; then each downstream dimension
	// follows the upstream dimension that follows it.
	n = sets.Combine(sets.Intersection, n, e.up.dims.product(func(one dimension) *sets.Node {
		at := slices.Index(e.up.dims, one)
		if e.bound[at].down < 0 {
			return e.bound[at].only
		}
		return one.exists()
	}), e.up.shape.Axes)
	steps := make([]sets.Step, len(e.down.dims))
	var followed []int
	for level, one := range e.down.dims {
		at := slices.IndexFunc(e.bound, func(b bound) bool { return b.down == level })
		if at < 0 {
			steps[level] = sets.Step{Only: one.exists()}
			continue
		}
		followed = append(followed, at)
		steps[level] = sets.Step{To: e.bound[at].rel.readers}
	}
	made := sets.Image(sets.Arrange(n, e.up.shape.Axes, followed), e.down.shape.Axes, steps)
	return sets.Combine(sets.Intersection, made, e.down.all, e.down.shape.Axes)
}

// carries reports whether every partition reads the one with the same labels.
func (e Edge) carries() bool {
	if e.up.shape.Code != e.down.shape.Code {
		return false
	}
	for level, b := range e.bound {
		if _, ok := b.rel.(carried); !ok || b.down != level {
			return false
		}
	}
	return true
}
