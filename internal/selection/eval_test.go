package selection

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// testNode is a node of a testGraph.
type testNode struct {
	name, group   string
	by            string // the multi-asset that makes it; empty for none
	kinds, owners []string
	tags          map[string]string
	up            []string
}

type testGraph []testNode

func (g testGraph) Len() int              { return len(g) }
func (g testGraph) Name(i int) string     { return g[i].name }
func (g testGraph) Group(i int) string    { return g[i].group }
func (g testGraph) Kinds(i int) []string  { return g[i].kinds }
func (g testGraph) Owners(i int) []string { return g[i].owners }

func (g testGraph) Tag(i int, key string) (string, bool) {
	value, ok := g[i].tags[key]
	return value, ok
}

func (g testGraph) Upstream(i int) []int32 {
	var up []int32
	for _, name := range g[i].up {
		if j, ok := g.Lookup(name); ok {
			up = append(up, int32(j))
		}
	}
	return up
}

func (g testGraph) Downstream(i int) []int32 {
	var down []int32
	for j := range g {
		if slices.Contains(g[j].up, g[i].name) {
			down = append(down, int32(j))
		}
	}
	return down
}

func (g testGraph) Definition(i int) string {
	if g[i].by != "" {
		return g[i].by
	}
	return g[i].name
}

func (g testGraph) Named(name string) []int32 {
	if i, ok := g.Lookup(name); ok {
		return []int32{int32(i)}
	}
	var made []int32
	for i := range g {
		if g[i].by == name {
			made = append(made, int32(i))
		}
	}
	return made
}

func (g testGraph) Lookup(name string) (int, bool) {
	i := slices.IndexFunc(g, func(n testNode) bool { return n.name == name })
	return i, i >= 0
}

// shop is raw_users -> users -> report, raw_orders -> orders -> report -> mail.
func shop() testGraph {
	return testGraph{
		{name: "raw_users", group: "raw", kinds: []string{"csv"}},
		{name: "raw_orders", group: "raw", kinds: []string{"csv", "s3"}},
		{name: "users", group: "core", owners: []string{"team:data"}, tags: map[string]string{"pii": "", "tier": "1"}, up: []string{"raw_users"}},
		{name: "orders", group: "core", tags: map[string]string{"tier": "2"}, up: []string{"raw_orders"}},
		{name: "report", owners: []string{"ann@x.org", "team:data"}, up: []string{"users", "orders"}},
		{name: "mail", up: []string{"report"}},
	}
}

func selected(g Graph, text string) (string, error) {
	e, err := Parse(text)
	if err != nil {
		return "", err
	}
	set, err := e.Eval(g)
	if err != nil {
		return "", err
	}
	var names []string
	for i := range set.All() {
		names = append(names, g.Name(i))
	}
	return strings.Join(names, " "), nil
}

// A multi-asset's own name is the union of what it makes, unless one of these has the name.
func TestEvalOfAMultiAsset(t *testing.T) {
	t.Parallel()
	g := testGraph{
		{name: "raw"},
		{name: "good", by: "split", up: []string{"raw"}},
		{name: "bad", by: "split", up: []string{"raw"}},
		{name: "report", up: []string{"good"}},
		{name: "twice", by: "twice"},
		{name: "more", by: "twice"},
	}
	for _, c := range []struct{ text, want string }{
		{"split", "good bad"},
		{"split+", "good bad report"},
		{"+split", "raw good bad"},
		{"split and not bad", "good"},
		{"not split", "raw report twice more"},
		{"sp*", "good bad"},
		{"raw or split", "raw good bad"},
		{"twice", "twice"},
		{"twice or more", "twice more"},
	} {
		got, err := selected(g, c.text)
		if err != nil || got != c.want {
			t.Errorf("%s selects %s (%v), want %s", c.text, got, err, c.want)
		}
	}
	_, err := selected(g, "spilt")
	if want := `selection "spilt": no asset or output of that name (did you mean "split"?)`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestEval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"users", "users"},
		{"*", "raw_users raw_orders users orders report mail"},
		{"raw_*", "raw_users raw_orders"},
		{"*users", "raw_users users"},
		{"?ail", "mail"},
		{"*o*r*", "raw_orders orders report"},
		{"+report", "raw_users raw_orders users orders report"},
		{"1+report", "users orders report"},
		{"raw_users+", "raw_users users report mail"},
		{"raw_users+2", "raw_users users report"},
		{"+users+1", "raw_users users report"},
		{"(+users)+1", "raw_users users report"},
		{"(+users)+", "raw_users users report mail"},
		{"9+mail", "raw_users raw_orders users orders report mail"},
		{"+(users or orders)", "raw_users raw_orders users orders"},
		{"group:core+1", "users orders report"},
		{"group:r*", "raw_users raw_orders"},
		{"group:*", "raw_users raw_orders users orders"},
		{`group:""`, "report mail"},
		{"kind:s3", "raw_orders"},
		{"owner:team:*", "users report"},
		{"owner:ann@x.org", "report"},
		{"tag:tier", "users orders"},
		{"tag:tier=2", "orders"},
		{"tag:tier=?", "users orders"},
		{`tag:pii=""`, "users"},
		{"tag:pii=*", "users"},
		{"not raw_*", "users orders report mail"},
		{"not not users", "users"},
		{"not *", ""},
		{"+report and not group:raw", "users orders report"},
		{"users and orders", ""},
		{"mail or users and tag:tier", "users mail"},
		{"(mail or users) and tag:tier", "users"},
	} {
		got, err := selected(shop(), c.text)
		if err != nil || got != c.want {
			t.Errorf("%s selects %s (%v), want %s", c.text, got, err, c.want)
		}
	}
}

func TestZeroExprSelectsNothing(t *testing.T) {
	t.Parallel()
	if set, err := (Expr{}).Eval(shop()); err != nil || set.Len() != 0 {
		t.Errorf("%d nodes (%v)", set.Len(), err)
	}
}

func TestPartsThatSelectNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, err string }{
		{"usres", `selection "usres": no asset or output of that name (did you mean "users"?)`},
		{"flights", `selection "flights": no asset or output of that name: the names are "mail", "orders", "raw_orders", "raw_users", "report", "users"`},
		{"usr*", `selection "usr*": nothing fits: the names are "mail", "orders", "raw_orders", "raw_users", "report", "users"`},
		{"group:cores", `selection "group:cores": nothing fits (did you mean "core"?)`},
		{"group:gold", `selection "group:gold": nothing fits: the groups are "core", "raw"`},
		{"kind:parquet", `selection "kind:parquet": nothing fits: the kinds are "csv", "s3"`},
		{"owner:bob", `selection "owner:bob": nothing fits: the owners are "ann@x.org", "team:data"`},
		{"tag:tier=3", `selection "tag:tier=3": nothing fits: the values of the tag "tier" are "1", "2"`},
		{"tag:color", `selection "tag:color": nothing fits: there are no values of the tag "color"`},
		{
			"not usres and (usres or +gruop+ or users)",
			"selection \"usres\": no asset or output of that name (did you mean \"users\"?)\n" +
				`selection "gruop": no asset or output of that name: the names are "mail", "orders", "raw_orders", "raw_users", "report", "users"`,
		},
	} {
		_, err := selected(shop(), c.text)
		if err == nil || err.Error() != c.err {
			t.Errorf("%s: %v\nwant %s", c.text, err, c.err)
		}
	}
	_, err := selected(shop(), "usres")
	if fault, ok := errors.AsType[*NoMatchError](err); !ok || fault.Name != "usres" || fault.Near != "users" {
		t.Errorf("the error carries %+v", fault)
	}
	_, err = selected(testGraph{}, "*")
	if err == nil || err.Error() != `selection "*": nothing fits: there are no names` {
		t.Error(err)
	}
}

func TestManyMistakesAreToldShortly(t *testing.T) {
	t.Parallel()
	var g testGraph
	var texts []string
	for i := range 30 {
		g = append(g, testNode{name: "node" + strconv.Itoa(i)})
		texts = append(texts, "wrong_"+strconv.Itoa(i))
	}
	_, err := selected(g, strings.Join(texts, " or "))
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 30 {
		t.Fatalf("%d lines", len(lines))
	}
	if want := `selection "wrong_0": no asset or output of that name: the names are "node0", "node1", "node10", "node11", "node12", "node13", "node14", "node15", "node16", "node17" and 20 more`; lines[0] != want {
		t.Errorf("%s\nwant %s", lines[0], want)
	}
	if want := `selection "wrong_29": no asset or output of that name`; lines[29] != want {
		t.Errorf("%s\nwant %s", lines[29], want)
	}
}

// naive is a set as simple as it can be.
type naive map[int]bool

// phrase is a text and what it selects, by the rules and nothing else.
type phrase struct {
	text string
	set  naive
}

// graphs are random graphs without cycles; their attributes have few values.
func graphs() *rapid.Generator[testGraph] {
	return rapid.Custom(func(t *rapid.T) testGraph {
		g := make(testGraph, rapid.IntRange(1, 130).Draw(t, "nodes"))
		few := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 2, rapid.ID)
		for i := range g {
			g[i] = testNode{
				name: "n" + strconv.Itoa(i), by: rapid.SampledFrom([]string{"", "", "m1", "m2"}).Draw(t, "by"), group: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "group"),
				kinds: few.Draw(t, "kinds"), owners: few.Draw(t, "owners"), tags: map[string]string{},
			}
			for _, key := range few.Draw(t, "keys") {
				g[i].tags[key] = rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")
			}
			for range rapid.IntRange(0, min(i, 3)).Draw(t, "edges") {
				g[i].up = append(g[i].up, g[rapid.IntRange(0, i-1).Draw(t, "upstream")].name)
			}
		}
		return g
	})
}

// where is the set of nodes that fit.
func where(g testGraph, fits func(testNode) bool) naive {
	set := naive{}
	for i, n := range g {
		if fits(n) {
			set[i] = true
		}
	}
	return set
}

// around is a set and so many layers next to it.
func around(set naive, depth int, next func(int) []int32) naive {
	for range depth {
		wider := maps.Clone(set)
		for i := range set {
			for _, j := range next(i) {
				wider[int(j)] = true
			}
		}
		set = wider
	}
	return set
}

// atom draws a term; it may select nothing, which the caller expects to be refused.
func atom(t *rapid.T, g testGraph) phrase {
	word := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "word")
	value := rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "value")
	switch rapid.IntRange(0, 8).Draw(t, "term") {
	case 0:
		digit := strconv.Itoa(rapid.IntRange(0, 9).Draw(t, "digit"))
		pattern := rapid.SampledFrom([]string{"n*" + digit, "n?" + digit, "*" + digit + "*", "n" + digit + "*"}).Draw(t, "pattern")
		re := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		return phrase{pattern, where(g, func(n testNode) bool { return re.MatchString(n.name) || re.MatchString(n.by) })}
	case 1:
		return phrase{"group:" + word, where(g, func(n testNode) bool { return n.group == word })}
	case 2:
		return phrase{"kind:" + word, where(g, func(n testNode) bool { return slices.Contains(n.kinds, word) })}
	case 3:
		return phrase{"owner:" + word, where(g, func(n testNode) bool { return slices.Contains(n.owners, word) })}
	case 4:
		return phrase{"tag:" + word, where(g, func(n testNode) bool { _, ok := n.tags[word]; return ok })}
	case 5:
		return phrase{"tag:" + word + "=" + strconv.Quote(value), where(g, func(n testNode) bool { v, ok := n.tags[word]; return ok && v == value })}
	case 6:
		by := rapid.SampledFrom([]string{"m1", "m2"}).Draw(t, "by")
		return phrase{by, where(g, func(n testNode) bool { return n.by == by })}
	case 7:
		return phrase{"m*", where(g, func(n testNode) bool { return n.by != "" })}
	default:
		i := rapid.IntRange(0, len(g)-1).Draw(t, "node")
		return phrase{g[i].name, naive{i: true}}
	}
}

// draw draws a phrase that holds together as an atom. refused is set if a part of
// it selects nothing.
func draw(t *rapid.T, g testGraph, depth int, refused *bool) phrase {
	form := 0
	if depth > 0 {
		form = rapid.IntRange(0, 4).Draw(t, "form")
	}
	switch form {
	case 1:
		x := draw(t, g, depth-1, refused)
		return phrase{"(not " + x.text + ")", where(g, func(n testNode) bool { i, _ := g.Lookup(n.name); return !x.set[i] })}
	case 2, 3:
		x, y := draw(t, g, depth-1, refused), draw(t, g, depth-1, refused)
		word := map[int]string{2: "and", 3: "or"}[form]
		return phrase{"(" + x.text + " " + word + " " + y.text + ")", where(g, func(n testNode) bool {
			i, _ := g.Lookup(n.name)
			return form == 2 && x.set[i] && y.set[i] || form == 3 && (x.set[i] || y.set[i])
		})}
	case 4:
		x := draw(t, g, depth-1, refused)
		up, down := rapid.IntRange(-1, 3).Draw(t, "up"), rapid.IntRange(-1, 3).Draw(t, "down")
		text := "(" + map[bool]string{true: "", false: strconv.Itoa(up)}[up < 0] + "+" + x.text + "+" + map[bool]string{true: "", false: strconv.Itoa(down)}[down < 0] + ")"
		layers := func(n int) int { return map[bool]int{true: len(g), false: n}[n < 0] }
		set := around(x.set, layers(up), g.Upstream)
		for i := range around(x.set, layers(down), g.Downstream) {
			set = maps.Clone(set)
			set[i] = true
		}
		return phrase{text, set}
	default:
		a := atom(t, g)
		*refused = *refused || len(a.set) == 0
		return a
	}
}

func TestEvalAgainstNaiveSets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := graphs().Draw(t, "graph")
		refused := false
		p := draw(t, g, 3, &refused)
		e, err := Parse(p.text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Eval(g)
		if refused {
			if err == nil {
				t.Fatalf("%s: a part selects nothing, and was accepted", p.text)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Sorted(maps.Keys(p.set))
		if have := slices.Collect(got.All()); !slices.Equal(have, want) || got.Len() != len(want) {
			t.Fatalf("%s selects %v, want %v", p.text, have, want)
		}
		for i := -1; i <= len(g); i++ {
			if got.Has(i) != p.set[i] {
				t.Fatalf("%s: Has(%d) is %v", p.text, i, got.Has(i))
			}
		}
	})
}

func TestMatch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[abä*?]{0,6}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[abä]{0,8}`).Draw(t, "text")
		re := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		if got := match(pattern, s); got != re.MatchString(s) {
			t.Fatalf("match(%q, %q) = %v", pattern, s, got)
		}
	})
	if match(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 10000)) {
		t.Error("a pattern that fits nothing fits")
	}
}
