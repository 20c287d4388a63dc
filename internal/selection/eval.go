package selection

import (
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/rivers-go/rivers/internal/nearest"
)

// Graph is what a selection is evaluated against. Nodes are the integers from 0 to
// below Len; each output of a multi-asset is a node of its own.
type Graph interface {
	Len() int
	Name(i int) string
	Definition(i int) string // what makes it: itself, or a multi-asset with a name of its own
	Group(i int) string      // "" for none
	Kinds(i int) []string
	Tag(i int, key string) (value string, ok bool)
	Owners(i int) []string
	Upstream(i int) []int32    // direct neighbours
	Downstream(i int) []int32  // direct neighbours
	Named(name string) []int32 // the node of that name, else all that the definition of that name makes
}

// NoMatchError is a part of a selection that selects nothing.
type NoMatchError struct {
	Term   string   // the part, in its canonical text
	Name   string   // the name that was looked for; "" if it was no plain name
	Near   string   // the name, group, ... that was probably meant; "" if none is close
	What   string   // what was looked at: names, groups, kinds, owners, values of a tag; "" after many mistakes
	Exists []string // the first of what there is, sorted; empty if there is nothing
	More   int      // how much more there is than Exists lists
}

// Error names the term that selects nothing, with the nearest or all existing names.
func (e *NoMatchError) Error() string {
	var b strings.Builder
	b.WriteString("selection " + strconv.Quote(e.Term) + ": ")
	if e.Name != "" {
		b.WriteString("no asset or output of that name")
	} else {
		b.WriteString("nothing fits")
	}
	switch {
	case e.What == "":
	case e.Near != "":
		b.WriteString(" (did you mean " + strconv.Quote(e.Near) + "?)")
	case len(e.Exists) == 0:
		b.WriteString(": there are no " + e.What)
	default:
		quoted := make([]string, len(e.Exists))
		for i, s := range e.Exists {
			quoted[i] = strconv.Quote(s)
		}
		b.WriteString(": the " + e.What + " are " + strings.Join(quoted, ", "))
		if e.More > 0 {
			b.WriteString(" and " + strconv.Itoa(e.More) + " more")
		}
	}
	return b.String()
}

// Eval returns the nodes that are selected. Every part of the selection that
// selects nothing is an error, a *[NoMatchError]; they are joined in the order of
// the text. The zero Expr selects nothing, without an error.
func (e Expr) Eval(g Graph) (Set, error) {
	ev := evaluator{g: g}
	selected := NewSet(g.Len())
	if e.root != nil {
		ev.into(selected, e.root)
	}
	if len(ev.faults) > 0 {
		return Set{}, errors.Join(ev.faults...)
	}
	return selected, nil
}

// evaluator goes over an expression once.
type evaluator struct {
	g      Graph
	told   map[string]bool // the terms that are among the faults
	faults []error
}

// into adds to the set what a node selects. Adding, instead of returning a set,
// makes a union of thousands of names as cheap as reading it.
func (ev *evaluator) into(into Set, n node) {
	switch n := n.(type) {
	case *term:
		ev.term(into, n)
	case *layers:
		base := NewSet(into.n)
		ev.into(base, n.x)
		into.addAll(base)
		reach(into, base, n.up, ev.g.Upstream)
		reach(into, base, n.down, ev.g.Downstream)
	case *negation:
		base := NewSet(into.n)
		ev.into(base, n.x)
		into.addOthers(base)
	case *either:
		for _, x := range n.xs {
			ev.into(into, x)
		}
	case *both:
		every, one := NewSet(into.n), NewSet(into.n)
		ev.into(every, n.xs[0])
		for _, x := range n.xs[1:] {
			one.empty()
			ev.into(one, x)
			every.keep(one)
		}
		into.addAll(every)
	}
}

// reach adds what lies within so many layers of base, layer by layer.
func reach(into, base Set, depth int, next func(int) []int32) {
	if depth == 0 {
		return
	}
	seen := NewSet(into.n)
	seen.addAll(base)
	var layer, following []int32
	for i := range base.All() {
		layer = append(layer, int32(i))
	}
	for ; len(layer) > 0 && depth != 0; depth-- { // all, below zero, never reaches zero
		following = following[:0]
		for _, i := range layer {
			for _, j := range next(int(i)) {
				if !seen.Has(int(j)) {
					seen.Add(int(j))
					following = append(following, j)
				}
			}
		}
		layer, following = following, layer
	}
	into.addAll(seen)
}

// term adds the nodes that a term fits, or a fault if there are none.
func (ev *evaluator) term(into Set, t *term) {
	found := false
	if t.field == byName && !t.glob {
		for _, i := range ev.g.Named(t.pattern) {
			into.Add(int(i))
			found = true
		}
	} else {
		for i := range ev.g.Len() {
			if t.fits(ev.g, i) {
				into.Add(i)
				found = true
			}
		}
	}
	if !found {
		ev.nothing(t)
	}
}

// fits reports whether a term selects a node.
func (t *term) fits(g Graph, i int) bool {
	switch t.field {
	case byGroup:
		return t.fitsText(g.Group(i))
	case byTag:
		value, ok := g.Tag(i, t.key)
		return ok && (t.anyTag || value == t.pattern || t.glob && match(t.pattern, value))
	case byKind:
		return slices.ContainsFunc(g.Kinds(i), t.fitsText)
	case byOwner:
		return slices.ContainsFunc(g.Owners(i), t.fitsText)
	default:
		return match(t.pattern, g.Name(i)) || match(t.pattern, g.Definition(i))
	}
}

// fitsText reports whether the pattern fits. No group is not a group that * fits.
func (t *term) fitsText(s string) bool {
	if t.glob {
		return s != "" && match(t.pattern, s)
	}
	return s == t.pattern
}

// nothing records the fault of a term that fits no node, once.
func (ev *evaluator) nothing(t *term) {
	const listed, explained = 10, 20
	fault := &NoMatchError{Term: (Expr{root: t}).String()}
	if ev.told[fault.Term] {
		return
	}
	if ev.told == nil {
		ev.told = map[string]bool{}
	}
	ev.told[fault.Term] = true
	ev.faults = append(ev.faults, fault)
	plain := !t.glob && !t.anyTag
	if plain && t.field == byName {
		fault.Name = t.pattern
	}
	if len(ev.faults) > explained {
		return // a text of a thousand wrong names would go over all names a thousand times
	}
	var have iter.Seq[string]
	fault.What, have = ev.existing(t)
	if plain {
		fault.Near, _ = nearest.Name(t.pattern, have)
	}
	fault.Exists = slices.Compact(slices.Sorted(have))
	if len(fault.Exists) > listed {
		fault.More = len(fault.Exists) - listed
		fault.Exists = slices.Clone(fault.Exists[:listed])
	}
}

// existing is what the graph has of what a term looks at, with repetitions.
func (ev *evaluator) existing(t *term) (what string, have iter.Seq[string]) {
	each := func(of func(i int) []string) iter.Seq[string] {
		return func(yield func(string) bool) {
			for i := range ev.g.Len() {
				for _, s := range of(i) {
					if s != "" && !yield(s) {
						return
					}
				}
			}
		}
	}
	switch t.field {
	case byGroup:
		return "groups", each(func(i int) []string { return []string{ev.g.Group(i)} })
	case byKind:
		return "kinds", each(ev.g.Kinds)
	case byOwner:
		return "owners", each(ev.g.Owners)
	case byTag:
		return "values of the tag " + strconv.Quote(t.key), each(func(i int) []string {
			value, _ := ev.g.Tag(i, t.key)
			return []string{value}
		})
	default:
		return "names", each(func(i int) []string { return []string{ev.g.Name(i), ev.g.Definition(i)} })
	}
}

// match reports whether a pattern fits a text: * is any number of letters, ? is
// one. It goes back to the last * only, so its time is the product of the lengths
// at worst, however many * there are.
func match(pattern, s string) bool {
	star, from := -1, 0 // where the last * is, and where what it stands for ends
	p, i := 0, 0
	for i < len(s) {
		_, width := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p, i = p+1, i+width
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			_, width = utf8.DecodeRuneInString(s[from:])
			from += width
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
