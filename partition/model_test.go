package partition

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
	"pgregory.net/rapid"
)

// The model of a space is a list of its keys, made in the plainest way. What a Space
// answers by arithmetic is compared with what the list says.
type model struct {
	space Space
	dims  []modelDim // in the order of the definition
	keys  []Key      // in the order of the definition
	at    map[Key]int
}

// modelDim is a dimension as a list of keys.
type modelDim struct {
	name  string
	def   Definition
	texts []string
	// Of windows: where each one starts and ends, and the ones beside those that exist.
	starts, ends []civil.Time
	zone         *time.Location
}

// fataler is what tests, benchmarks and properties have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// ok is the result of a call that cannot fail here.
func ok[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

var testZones = []string{"", "", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}

// crons are expressions of all sorts, for windows that are not too many.
var crons = []string{"0 * * * *", "30 * * * *", "0 0 * * *", "30 2 * * *", "0 0 * * 1", "0 0 1 * *", "0 9 * * 1-5", "*/20 8-10 * * *", "15 30 2,3 * * *", "0 0 31 * *", "0 0 13 * 5"}

// ticksFrom lists ticks of a cadence from a time on.
func ticksFrom(c Cadence, start civil.Time, n int) []civil.Time {
	out := make([]civil.Time, 0, n)
	if c.every > 0 {
		for i := range n {
			out = append(out, start+civil.Time(i)*civil.Time(c.every/time.Second))
		}
		return out
	}
	e, err := cron.Parse(c.cron)
	if err != nil {
		panic(err)
	}
	for at := start - 1; len(out) < n; {
		at = e.Next(at)
		out = append(out, at)
	}
	return out
}

// besides are listed ticks, and n more before and after them.
func besides(c Cadence, all []civil.Time, n int) func(int) civil.Time {
	wide := slices.Clone(all)
	for range n {
		if c.every > 0 {
			step := civil.Time(c.every / time.Second)
			wide = append([]civil.Time{wide[0] - step}, append(wide, wide[len(wide)-1]+step)...)
			continue
		}
		e := ok(cron.Parse(c.cron))
		wide = append([]civil.Time{e.Latest(wide[0] - 1)}, append(wide, e.Next(wide[len(wide)-1]))...)
	}
	return func(i int) civil.Time { return wide[i+n] }
}

func drawCadence(t *rapid.T) Cadence {
	if rapid.Bool().Draw(t, "cron?") {
		return Cron(rapid.SampledFrom(crons).Draw(t, "cron"))
	}
	return Every(rapid.SampledFrom([]time.Duration{time.Hour, 90 * time.Minute, 6 * time.Hour, 7 * time.Hour, 24 * time.Hour, 168 * time.Hour, 1000 * time.Second}).Draw(t, "every"))
}

// starts are times around which something happens: changes of clocks, a leap day, a
// year's end.
var startTimes = []civil.Time{
	civil.Date(2026, time.March, 27), civil.Date(2026, time.October, 24) + 13*civil.Hour, civil.Date(2024, time.February, 27),
	civil.Date(1999, time.December, 30), civil.Date(2026, time.April, 3), civil.Date(2026, time.January, 1),
}

// drawWindows draws a definition of windows and what it has at an instant.
func drawWindows(t *rapid.T, name string, now time.Time) modelDim {
	start := rapid.SampledFrom(startTimes).Draw(t, "start")
	cadence := drawCadence(t)
	zone := rapid.SampledFrom(testZones).Draw(t, "zone")
	offset := rapid.SampledFrom([]int{0, 0, 0, 1, 2, -1}).Draw(t, "end offset")
	options := []Option{In(zone), EndOffset(offset)}
	const most = 30
	all := ticksFrom(cadence, start, most+1)
	end := civil.Last
	if rapid.Bool().Draw(t, "ends?") {
		end = all[rapid.IntRange(1, most-1).Draw(t, "end")] + civil.Time(rapid.IntRange(0, 1).Draw(t, "off grid"))
		options = append(options, Until(Civil{end}))
	} else if now.Sub(start.In(time.UTC)) > -26*time.Hour {
		end = all[most] // the model lists no more, so the definition must not have more
		options = append(options, Until(Civil{end}))
	}
	m := modelDim{name: name, def: TimeWindow(cadence, Civil{start}, options...), zone: ok(loadZone(cmpOr(zone, "UTC")))}
	if err := m.def.Validate(); err != nil {
		t.Fatal(err)
	}
	// A window exists if the one that is the offset before it has ended.
	beside := besides(cadence, all, 2)
	for i := range most {
		if !beside(i+1-offset).In(m.zone).After(now) && all[i] < end {
			m.starts, m.ends = append(m.starts, all[i]), append(m.ends, all[i+1])
			m.texts = append(m.texts, writeLabel(m.def.(*timeWindow).format, all[i]))
		}
	}
	return m
}

func cmpOr(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// keyTexts are keys of all sorts, in no order of the alphabet.
var keyTexts = []string{"us", "eu", "asia", "a,b", "x=y", `back\slash`, "p|q", "..", "v1..2", ".", "日本", "north west", "zz", "m", "\n", "a"}

func drawStatic(t *rapid.T, name string, tables *Tables) modelDim {
	keys := rapid.Permutation(keyTexts).Draw(t, "keys")[:rapid.IntRange(1, 6).Draw(t, "n")]
	if rapid.Bool().Draw(t, "table?") {
		known := rapid.Permutation(append(slices.Clone(keys), "gone", "older")).Draw(t, "known")
		tables.Static[name] = NewTable(known...)
	}
	return modelDim{name: name, def: Static(keys...), texts: keys}
}

func drawDynamic(t *rapid.T, name string, tables *Tables) modelDim {
	table := "table of " + name
	keys := rapid.Permutation(keyTexts).Draw(t, "keys")[:rapid.IntRange(0, 8).Draw(t, "n")]
	var live []Ordinal
	m := modelDim{name: name, def: Dynamic(table)}
	for i, key := range keys {
		if rapid.IntRange(0, 3).Draw(t, "live") > 0 {
			live = append(live, Ordinal(i))
			m.texts = append(m.texts, key)
		}
	}
	tables.Dynamic[table] = Registered{Keys: NewTable(keys...), Live: DynamicSet(table, slices.Values(live))}
	return m
}

func drawDim(t *rapid.T, name string, now time.Time, tables *Tables) modelDim {
	switch rapid.SampledFrom([]string{"time", "static", "dynamic"}).Draw(t, "kind of "+name) {
	case "time":
		return drawWindows(t, name, now)
	case "static":
		return drawStatic(t, name, tables)
	default:
		return drawDynamic(t, name, tables)
	}
}

func drawNow(t *rapid.T) time.Time {
	start := rapid.SampledFrom(startTimes).Draw(t, "now around")
	return start.In(time.UTC).Add(time.Duration(rapid.IntRange(-5*3600, 40*24*3600).Draw(t, "now")) * time.Second)
}

func newTables() *Tables {
	return &Tables{Static: map[string]KeyTable{}, Dynamic: map[string]Registered{}}
}

// drawModel draws a space and its list.
func drawModel(t *rapid.T) *model {
	now, tables := drawNow(t), newTables()
	n := rapid.SampledFrom([]int{1, 1, 2, 2, 3}).Draw(t, "dimensions")
	if n == 1 && rapid.Bool().Draw(t, "single") {
		return newModel(t, []modelDim{drawDim(t, "", now, tables)}, now, tables)
	}
	names := rapid.Permutation([]string{"day", "shop", "a|b", "zone", "q=r"}).Draw(t, "names")[:n]
	dims := make([]modelDim, n)
	for i, name := range names {
		dims[i] = drawDim(t, name, now, tables)
	}
	return newModel(t, dims, now, tables)
}

// newModel makes the space of dimensions, and lists its keys.
func newModel(t fataler, dims []modelDim, now time.Time, tables *Tables) *model {
	t.Helper()
	slices.SortFunc(dims, func(a, b modelDim) int {
		order := map[Kind]int{KindTimeWindow: 0, KindStatic: 1, KindDynamic: 2}
		if x, y := order[a.def.Kind()], order[b.def.Kind()]; x != y {
			return x - y
		}
		return strings.Compare(a.name, b.name)
	})
	def := dims[0].def
	if dims[0].name != "" {
		product := map[string]Definition{}
		for _, d := range dims {
			product[d.name] = d.def
		}
		def = Multi(product)
	}
	m := &model{dims: dims, at: map[Key]int{}}
	m.space = ok(NewSpace(def, now, *tables))
	m.list(0, nil)
	for i, key := range m.keys {
		m.at[key] = i
	}
	return m
}

func (m *model) list(level int, chosen []string) {
	if level < len(m.dims) {
		for _, text := range m.dims[level].texts {
			m.list(level+1, append(slices.Clone(chosen), text))
		}
		return
	}
	m.keys = append(m.keys, m.key(chosen))
}

func (m *model) key(texts []string) Key {
	if m.dims[0].name == "" {
		return SingleKey(texts...)
	}
	values := map[string][]string{}
	for i, text := range texts {
		values[m.dims[i].name] = []string{text}
	}
	return MultiKey(values)
}

// drawSet draws a set of the space and the model of it: which of the listed keys it has.
func (m *model) drawSet(t *rapid.T, label string) (Set, map[Key]bool) {
	set, has := Set{}, map[Key]bool{}
	if len(m.keys) == 0 {
		return set, has
	}
	for range rapid.IntRange(0, 4).Draw(t, label+" pieces") {
		var texts [][]string // of each dimension
		for _, d := range m.dims {
			i := rapid.IntRange(0, len(d.texts)-1).Draw(t, "from")
			j := rapid.IntRange(i, len(d.texts)-1).Draw(t, "to")
			if rapid.IntRange(0, 2).Draw(t, "wide") == 0 {
				i, j = 0, len(d.texts)-1
			}
			texts = append(texts, d.texts[i:j+1])
		}
		ranges := map[string]KeyRange{}
		for i, d := range m.dims {
			ranges[d.name] = Range(texts[i][0], texts[i][len(texts[i])-1])
		}
		r := MultiRange(ranges)
		if m.dims[0].name == "" {
			r = ranges[""]
		}
		piece := ok(m.space.Range(r))
		minus := rapid.IntRange(0, 3).Draw(t, "minus") == 0
		if minus {
			set = set.Minus(piece)
		} else {
			set = set.Union(piece)
		}
		for _, key := range m.keys {
			inside := true
			for i, d := range m.dims {
				inside = inside && slices.Contains(texts[i], key.Values(d.name)[0])
			}
			if inside {
				has[key] = !minus
			}
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, label+" singles") {
		key := rapid.SampledFrom(m.keys).Draw(t, "single")
		set = set.SymmetricDifference(ok(m.space.Set(key)))
		has[key] = !has[key]
	}
	return set, has
}

// listOf are the keys of a set in order, as the space yields them.
func (m *model) listOf(t fataler, set Set) []Key {
	t.Helper()
	var keys []Key
	for key, err := range m.space.Keys(set) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// want are the keys that the model has, in order.
func (m *model) want(has func(Key) bool) []Key {
	var keys []Key
	for _, key := range m.keys {
		if has(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// requireKeys compares a set with what the model says.
func (m *model) requireKeys(t fataler, what string, set Set, has func(Key) bool) {
	t.Helper()
	got, want := m.listOf(t, set), m.want(has)
	if !slices.Equal(got, want) {
		t.Fatalf("%s of %s:\n got %v\nwant %v\n set %s", what, stringOf(m.space.def), got, want, set)
	}
	if n := m.space.Count(set); n != int64(len(want)) {
		t.Fatalf("%s of %s: %d counted, want %d: %s", what, stringOf(m.space.def), n, len(want), set)
	}
}

func TestSpaceAgainstItsList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		if n := m.space.Len(); n != int64(len(m.keys)) {
			t.Fatalf("%s has %d partitions, want %d", m.space.def, n, len(m.keys))
		}
		m.requireKeys(t, "all", m.space.All(), func(Key) bool { return true })
		for i, want := range m.keys {
			key, err := m.space.Key(int64(i))
			if err != nil || key != want {
				t.Fatalf("partition %d of %s is %q (%v), want %q", i, m.space.def, key, err, want)
			}
			if index, err := m.space.Index(key); err != nil || index != int64(i) {
				t.Fatalf("%q of %s is partition %d (%v), want %d", key, m.space.def, index, err, i)
			}
			if is, err := m.space.Contains(key); !is || err != nil {
				t.Fatalf("%q of %s does not exist (%v)", key, m.space.def, err)
			}
		}
		for _, i := range []int64{-1, int64(len(m.keys))} {
			if _, err := m.space.Key(i); err == nil {
				t.Fatalf("%s has a partition %d", m.space.def, i)
			}
		}
		if later := m.space.At(m.space.now); later.Len() != m.space.Len() || !later.All().Equal(m.space.All()) {
			t.Fatalf("%s has something else at the same instant", m.space.def)
		}
	})
}

func TestSetsAgainstTheirLists(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		a, hasA := m.drawSet(t, "a")
		b, hasB := m.drawSet(t, "b")
		m.requireKeys(t, "a", a, func(k Key) bool { return hasA[k] })
		m.requireKeys(t, "union", a.Union(b), func(k Key) bool { return hasA[k] || hasB[k] })
		m.requireKeys(t, "intersection", a.Intersect(b), func(k Key) bool { return hasA[k] && hasB[k] })
		m.requireKeys(t, "difference", a.Minus(b), func(k Key) bool { return hasA[k] && !hasB[k] })
		m.requireKeys(t, "symmetric difference", a.SymmetricDifference(b), func(k Key) bool { return hasA[k] != hasB[k] })
		m.requireKeys(t, "complement", m.space.Complement(a), func(k Key) bool { return !hasA[k] })
		equal := slices.Equal(m.listOf(t, a), m.listOf(t, b))
		if a.Equal(b) != equal {
			t.Fatalf("%s and %s: equal is %v", a, b, !equal)
		}
		if a.Contains(b) != slices.Equal(m.want(func(k Key) bool { return hasB[k] }), m.want(func(k Key) bool { return hasA[k] && hasB[k] })) {
			t.Fatalf("%s contains %s: %v", a, b, a.Contains(b))
		}
		if a.IsEmpty() != (m.space.Count(a) == 0) {
			t.Fatalf("%s is empty: %v", a, a.IsEmpty())
		}
		checkAlgebra(t, a, b, m.space)
		checkBinary(t, a, b)
	})
}

// checkAlgebra checks laws that hold without knowing what is in the sets.
func checkAlgebra(t fataler, a, b Set, s Space) {
	t.Helper()
	for law, holds := range map[string]bool{
		"union commutes":            a.Union(b).Equal(b.Union(a)),
		"intersection commutes":     a.Intersect(b).Equal(b.Intersect(a)),
		"symmetric by difference":   a.SymmetricDifference(b).Equal(a.Minus(b).Union(b.Minus(a))),
		"absorption":                a.Union(a.Intersect(b)).Equal(a),
		"de Morgan":                 s.Complement(a.Union(b)).Equal(s.Complement(a).Intersect(s.Complement(b))),
		"nothing with itself":       a.SymmetricDifference(a).IsEmpty() && a.Minus(a).IsEmpty(),
		"difference and the common": a.Minus(b).Union(a.Intersect(b)).Equal(a),
		"complement of complement":  s.Complement(s.Complement(a)).Equal(s.Within(a)),
		"the empty set":             a.Union(Set{}).Equal(a) && a.Intersect(Set{}).IsEmpty() && a.Minus(Set{}).Equal(a),
	} {
		if !holds {
			t.Fatalf("%s: %s and %s", law, a, b)
		}
	}
}

// checkBinary checks that sets come back, and that equal sets have equal bytes however
// they came about.
func checkBinary(t fataler, a, b Set) {
	t.Helper()
	data := ok(a.AppendBinary(nil))
	again, err := ParseSet(data)
	if err != nil || !again.Equal(a) {
		t.Fatalf("%s came back as %s (%v)", a, again, err)
	}
	other := again.SymmetricDifference(b).Minus(b).Union(again.Intersect(b)) // a, by a detour
	if !other.Equal(a) {
		t.Fatalf("%s by a detour is %s", a, other)
	}
	if bytes := ok(other.AppendBinary(nil)); !slices.Equal(bytes, data) {
		t.Fatalf("%s has two binary forms:\n%x\n%x", a, data, bytes)
	}
}

func TestReadingSetsAgainstTheirLists(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		set, has := m.drawSet(t, "set")
		want := m.want(func(k Key) bool { return has[k] })

		skip, n := rapid.IntRange(0, len(want)+1).Draw(t, "skip"), rapid.IntRange(0, len(want)+1).Draw(t, "part")
		part := want[min(skip, len(want)):min(skip+n, len(want))]
		m.requireKeys(t, fmt.Sprintf("%d after %d", n, skip), m.space.Part(set, int64(skip), int64(n)), func(k Key) bool { return slices.Contains(part, k) })
		m.requireKeys(t, "the last", m.space.Last(set, int64(n)), func(k Key) bool { return slices.Contains(want[max(len(want)-n, 0):], k) })
		if first, err := m.space.First(set, n); err != nil || !slices.Equal(first, want[:min(n, len(want))]) {
			t.Fatalf("the first %d are %v (%v), want %v", n, first, err, want[:min(n, len(want))])
		}
		if len(m.keys) > 0 {
			from := rapid.IntRange(0, len(m.keys)-1).Draw(t, "from")
			var got []Key
			for key, err := range m.space.KeysFrom(set, m.keys[from]) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, key)
			}
			if rest := slices.DeleteFunc(slices.Clone(want), func(k Key) bool { return m.at[k] < from }); !slices.Equal(got, rest) {
				t.Fatalf("from %q: %v, want %v", m.keys[from], got, rest)
			}
		}
		m.checkRanges(t, set)
		m.checkTexts(t, set)
	})
}

// checkRanges checks that the ranges of a set are the set, in order, each as long as
// it can be.
func (m *model) checkRanges(t fataler, set Set) {
	t.Helper()
	union, total, n := Set{}, int64(0), 0
	var last, previous Key // the last of all partitions, the first of a range
	for stretch, err := range m.space.Ranges(set) {
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKeyRange(stretch.Range.String())
		if err != nil || again != stretch.Range {
			t.Fatalf("range %q came back as %q (%v)", stretch.Range, again, err)
		}
		part := ok(m.space.Range(stretch.Range))
		if !union.Intersect(part).IsEmpty() || m.space.Count(part) != stretch.Count {
			t.Fatalf("range %q has %d partitions, says %d, or was there before", stretch.Range, m.space.Count(part), stretch.Count)
		}
		first := ok(m.space.First(part, 1))[0]
		if n > 0 && m.at[first] <= m.at[previous] {
			t.Fatalf("range %q comes after %q", stretch.Range, previous)
		}
		if len(m.dims) == 1 && n > 0 && m.at[first] == m.at[last]+1 {
			t.Fatalf("range %q is no range of its own", stretch.Range)
		}
		previous, last = first, ok(m.space.First(m.space.Last(part, 1), 1))[0]
		union, total, n = union.Union(part), total+stretch.Count, n+1
	}
	if !union.Equal(set) || total != m.space.Count(set) {
		t.Fatalf("the ranges of %s are %s, %d partitions", set, union, total)
	}
}

// checkTexts checks that the texts of a set select it.
func (m *model) checkTexts(t fataler, set Set) {
	t.Helper()
	var texts []string
	for text, err := range m.space.Texts(set) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if again, err := m.space.Select(texts...); err != nil || !again.Equal(set) {
		t.Fatalf("%s is %q, which is %s (%v)", set, texts, again, err)
	}
	if len(m.dims) == 1 && len(texts) > 1 {
		t.Fatalf("%s takes %q", set, texts)
	}
}
