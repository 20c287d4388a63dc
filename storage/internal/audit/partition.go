package audit

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// Sets compares the stored sets of an asset with what its states come to. Mend writes a set in place of the stored one; it is nil
// where not all states are known.
func Sets(asset string, stored, want fold.Sets, mend func(kind storage.StateKind, now partition.Set) error) []Finding {
	var findings []Finding
	for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed} {
		have, right := *stored.Of(kind), *want.Of(kind)
		if have.Equal(right) {
			continue
		}
		more, less := have.Minus(right), right.Minus(have)
		f := Finding{Text: fmt.Sprintf("asset %q: the set of what is %s %s", asset, kind, apart(more, less))}
		if mend != nil {
			f.Mended = fmt.Sprintf("asset %q: the set of what is %s was made again from the states", asset, kind)
			f.Mend = func() error { return mend(kind, right) }
		}
		findings = append(findings, f)
	}
	return findings
}

// apart says how a set differs from the states.
func apart(more, less partition.Set) string {
	switch {
	case less.IsEmpty():
		return fmt.Sprintf("has %s, whose states say otherwise", more)
	case more.IsEmpty():
		return fmt.Sprintf("lacks %s, whose states say otherwise", less)
	}
	return fmt.Sprintf("has %s and lacks %s, whose states say otherwise", more, less)
}

// Group is a stored group of partitions.
type Group struct {
	Seq  int64
	Kind storage.StateKind
	Set  partition.Set
}

// Groups looks for groups of an asset that have partitions which a newer one of their kind has, or which were wiped since. Mend
// writes what is left of a group, which may be nothing.
func Groups(asset string, groups []Group, mend func(g Group) error) []Finding {
	slices.SortFunc(groups, func(a, b Group) int { return int(b.Seq - a.Seq) })
	var newer [storage.StateKinds]partition.Set
	var findings []Finding
	for _, g := range groups {
		left := g.Set.Minus(newer[g.Kind]).Minus(newer[storage.Wiped])
		if !left.Equal(g.Set) {
			findings = append(findings, Finding{
				Text:   fmt.Sprintf("asset %q: the group of partitions that were %s at once with number %d has %s, which a newer one has", asset, g.Kind, g.Seq, g.Set.Minus(left)),
				Mended: fmt.Sprintf("asset %q: the group of partitions that were %s at once with number %d lost what a newer one has", asset, g.Kind, g.Seq),
				Mend:   func() error { return mend(Group{g.Seq, g.Kind, left}) },
			})
		}
		newer[g.Kind] = newer[g.Kind].Union(left)
	}
	return findings
}

// Keys judges a table of keys by how many keys there are and the highest of their ordinals, -1 for none. Mend writes the
// table's size and what is live.
func Keys(t storage.KeyTable, keys, highest int64, mend func(size int64, live partition.Set) error) []Finding {
	var findings []Finding
	size := t.Size
	if keys != t.Size || highest+1 != t.Size {
		f := Finding{Text: fmt.Sprintf("key table %q says that it has %d keys: there are %d, and the highest ordinal is %d", t.Name, t.Size, keys, highest)}
		if keys == highest+1 {
			size = keys
			f.Mended = fmt.Sprintf("key table %q says now that it has %d keys", t.Name, keys)
			f.Mend = func() error { return mend(size, t.Live) }
		}
		findings = append(findings, f)
	}
	all := partition.Set{}
	if t.Name != "" {
		all = partition.DynamicSet(t.Name, func(yield func(partition.Ordinal) bool) {
			for o := range size {
				if !yield(partition.Ordinal(o)) {
					return
				}
			}
		})
	}
	if stray := t.Live.Minus(all); !stray.IsEmpty() {
		findings = append(findings, Finding{
			Text:   fmt.Sprintf("key table %q has %s registered, which are not in it", t.Name, stray),
			Mended: fmt.Sprintf("key table %q has nothing registered any more that is not in it", t.Name),
			Mend:   func() error { return mend(size, t.Live.Intersect(all)) },
		})
	}
	return findings
}
