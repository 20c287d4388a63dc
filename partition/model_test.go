package partition

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
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
			m.texts = append(m.texts, timegrid.Write(m.def.(*timeWindow).format, all[i]))
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
