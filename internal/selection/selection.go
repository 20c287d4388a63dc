// Package selection is the language in which people choose nodes of a graph: in a
// request, in a job, on the command line. There is one parser, so that what works
// in one place works in all.
//
//	users            the node of that name, or of a multi-asset all that it makes
//	raw_*            the names that fit: * is any number of letters, ? is one
//	+users           and everything upstream       users+     and everything downstream
//	2+users          and two layers upstream       users+2    and two layers downstream
//	group:staging    by group, kind or owner       tag:pii    by tag, whatever its value
//	tag:team=data    by tag and value              owner:"a b" a value with other letters
//	a or b           a and b, not a, (a)           +(a or b)  as usual, + binding first
//
// The words and, or and not are taken: no node may be called so. A number of
// layers comes before or after its +, never alone, since no name begins with a
// digit. Several texts together are their union.
//
// A text is parsed where it is written (an error there has the position in it) and
// evaluated where the graph is known. Each part must find something: a selection that
// quietly selects less than its author thought is the mistake this package is
// there to prevent. So an unknown name is an error, and so is a pattern, group or
// tag that fits nothing, even beneath a not, where it would change nothing.
//
// Evaluation is linear in the size of the graph for each part of the text. An
// [Expr] never changes and may be shared.
package selection

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Expr is a parsed selection. The zero Expr is no selection; it selects nothing.
type Expr struct{ root node }

// IsZero reports whether there is no selection.
func (e Expr) IsZero() bool { return e.root == nil }

// String returns the canonical text: Parse of it gives an equal Expr. It is "" for
// the zero Expr.
func (e Expr) String() string {
	if e.root == nil {
		return ""
	}
	var b strings.Builder
	e.root.write(&b, bindsOr)
	return b.String()
}

// MarshalText returns the canonical text. It never fails.
func (e Expr) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads a text as [Parse] does; the empty text is the zero Expr.
func (e *Expr) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*e = Expr{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*e = parsed
	return nil
}

// Union is what any of the selections selects; zero ones add nothing.
func Union(exprs ...Expr) Expr {
	var all []node
	for _, e := range exprs {
		if e.root != nil {
			all = append(all, e.root)
		}
	}
	if len(all) == 0 {
		return Expr{}
	}
	return Expr{root: union(all)}
}

// ParseAll parses several texts and returns their union, the zero Expr for none.
// The errors of all are joined.
func ParseAll(texts []string) (Expr, error) {
	exprs := make([]Expr, len(texts))
	faults := make([]error, len(texts))
	for i, text := range texts {
		exprs[i], faults[i] = Parse(text)
	}
	if err := errors.Join(faults...); err != nil {
		return Expr{}, err
	}
	return Union(exprs...), nil
}

// How tightly an expression holds together; what binds less than its place needs
// parentheses.
type binding int

const (
	bindsOr binding = iota
	bindsAnd
	bindsNot
	bindsLayers
	bindsAtom
)

// node is a part of an expression: *term, *layers, *negation, *both or *either.
type node interface {
	// write appends the canonical text, in parentheses if it binds less than its
	// place asks for.
	write(b *strings.Builder, place binding)
}

// field is what a term looks at.
type field string

const (
	byName  field = ""
	byGroup field = "group"
	byTag   field = "tag"
	byKind  field = "kind"
	byOwner field = "owner"
)

// fields are the words that may stand before a colon.
func fields() []string {
	return []string{string(byGroup), string(byTag), string(byKind), string(byOwner)}
}

// term selects the nodes whose field fits.
type term struct {
	field   field
	key     string // of a tag
	anyTag  bool   // the value of the tag does not matter
	pattern string
	glob    bool // * and ? in pattern stand for others
}

// layers selects what x selects, and so many layers around it; all stands for
// every one.
type layers struct {
	up, down int
	x        node
}

// all is the number of layers that has no end.
const all = -1

// negation selects what x does not.
type negation struct{ x node }

// both selects what every one of xs selects, either what any one does. They have
// two or more members, none of their own kind.
type (
	both   struct{ xs []node }
	either struct{ xs []node }
)

// union is the node for any of xs.
func union(xs []node) node {
	var flat []node
	for _, x := range xs {
		if e, ok := x.(*either); ok {
			flat = append(flat, e.xs...)
		} else {
			flat = append(flat, x)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &either{flat}
}

// intersection is the node for every one of xs.
func intersection(xs []node) node {
	var flat []node
	for _, x := range xs {
		if e, ok := x.(*both); ok {
			flat = append(flat, e.xs...)
		} else {
			flat = append(flat, x)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &both{flat}
}

func (t *term) write(b *strings.Builder, _ binding) {
	if t.field == byName {
		b.WriteString(t.pattern)
		return
	}
	b.WriteString(string(t.field))
	b.WriteByte(':')
	if t.field == byTag {
		writeValue(b, t.key, isKeyRune, false)
		if t.anyTag {
			return
		}
		b.WriteByte('=')
	}
	writeValue(b, t.pattern, isValueRune, t.glob)
}

// writeValue writes a value bare where that means the same, else quoted.
func writeValue(b *strings.Builder, s string, bare func(rune) bool, glob bool) {
	odd := func(r rune) bool { return !bare(r) || !glob && isWildcard(r) }
	if s == "" || !utf8.ValidString(s) || strings.ContainsFunc(s, odd) {
		s = strconv.Quote(s)
	}
	b.WriteString(s)
}

func (l *layers) write(b *strings.Builder, place binding) {
	parens(b, place > bindsLayers, func() {
		if l.up != 0 {
			b.WriteString(count(l.up))
			b.WriteByte('+')
		}
		l.x.write(b, bindsAtom)
		if l.down != 0 {
			b.WriteByte('+')
			b.WriteString(count(l.down))
		}
	})
}

// count is a number of layers as it is written.
func count(n int) string {
	if n == all {
		return ""
	}
	return strconv.Itoa(n)
}

func (n *negation) write(b *strings.Builder, place binding) {
	parens(b, place > bindsNot, func() {
		b.WriteString("not ")
		n.x.write(b, bindsNot)
	})
}

func (n *both) write(b *strings.Builder, place binding) {
	parens(b, place > bindsAnd, func() { join(b, n.xs, " and ", bindsNot) })
}

func (n *either) write(b *strings.Builder, place binding) {
	parens(b, place > bindsOr, func() { join(b, n.xs, " or ", bindsAnd) })
}

func join(b *strings.Builder, xs []node, between string, place binding) {
	for i, x := range xs {
		if i > 0 {
			b.WriteString(between)
		}
		x.write(b, place)
	}
}

func parens(b *strings.Builder, needed bool, inside func()) {
	if needed {
		b.WriteByte('(')
	}
	inside()
	if needed {
		b.WriteByte(')')
	}
}
