package partition

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// wideKeys is how many keys the dimension of the wide model has: enough for sets of so
// many runs that they are kept as bitmaps.
const wideKeys = 400

func wideTexts() []string {
	texts := make([]string, wideKeys)
	for i := range texts {
		texts[i] = fmt.Sprintf("tenant-%03d", i)
	}
	return texts
}

// drawOrdinals draws ordinals with a random density, some of them in runs.
func drawOrdinals(t *rapid.T, label string) map[Ordinal]bool {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, label), 1))
	dense := rapid.SampledFrom([]float64{0, 0.01, 0.1, 0.5, 0.9, 1}).Draw(t, label+" density")
	run := rapid.SampledFrom([]int{1, 1, 7, 60}).Draw(t, label+" run")
	has := map[Ordinal]bool{}
	for i := 0; i < wideKeys; i += run {
		if r.Float64() < dense {
			for j := i; j < min(i+run, wideKeys); j++ {
				has[Ordinal(j)] = true
			}
		}
	}
	return has
}

func sortedOrdinals(has map[Ordinal]bool) []Ordinal {
	var out []Ordinal
	for o := range Ordinal(wideKeys) {
		if has[o] {
			out = append(out, o)
		}
	}
	return out
}

// wideHours draws a model of many hours, which are kept as bitmaps too.
func wideHours(t *rapid.T) *model {
	every := rapid.SampledFrom([]time.Duration{time.Hour, 7 * time.Hour, 15 * time.Minute}).Draw(t, "every")
	from := rapid.SampledFrom(startTimes).Draw(t, "from")
	d := modelDim{def: TimeWindow(Every(every), Civil{from})}
	for i := range wideKeys {
		d.texts = append(d.texts, timegrid.Write(d.def.(*timeWindow).format, from+civil.Time(i)*civil.Time(every/time.Second)))
	}
	return newModel(t, []modelDim{d}, from.In(time.UTC).Add(wideKeys*every), newTables())
}

// wideModel draws a model of a wide dynamic dimension, alone or inside days, or of many hours.
func wideModel(t *rapid.T) *model {
	if rapid.IntRange(0, 2).Draw(t, "hours") == 0 {
		return wideHours(t)
	}
	live := sortedOrdinals(drawOrdinals(t, "live"))
	tables := newTables()
	texts := wideTexts()
	tables.Dynamic["tenants"] = Registered{Keys: NewTable(texts...), Live: DynamicSet("tenants", slices.Values(live))}
	d := modelDim{def: Dynamic("tenants")}
	for _, o := range live {
		d.texts = append(d.texts, texts[o])
	}
	now := startTimes[0].In(time.UTC).Add(72 * time.Hour)
	if rapid.Bool().Draw(t, "alone") {
		return newModel(t, []modelDim{d}, now, tables)
	}
	d.name = "tenant"
	days := drawWindows(t, "day", now)
	days.texts, days.starts, days.ends = days.texts[:min(3, len(days.texts))], nil, nil
	if len(days.texts) == 0 {
		days = modelDim{name: "day", def: Static("x", "y", "z"), texts: []string{"x", "y", "z"}}
	} else {
		def := days.def.(*timeWindow)
		cut := *def
		cut.end, cut.hasEnd = ok(timegrid.Read(def.grid, def.format, days.texts[len(days.texts)-1]))+1, true
		days.def = &cut
	}
	return newModel(t, []modelDim{days, d}, now, tables)
}

// drawWideSet draws a set with irregular tenants, other ones for some of the days.
func (m *model) drawWideSet(t *rapid.T, label string) (Set, map[Key]bool) {
	set, has := Set{}, map[Key]bool{}
	texts := wideTexts()
	tenants := m.dims[len(m.dims)-1]
	if _, hours := tenants.def.(*timeWindow); hours {
		texts = tenants.texts
	}
	days := []string{""}
	if len(m.dims) > 1 {
		days = m.dims[0].texts
	}
	for i := range rapid.IntRange(0, len(days)).Draw(t, label+" days") {
		chosen := drawOrdinals(t, fmt.Sprintf("%s %d", label, i))
		var values []string
		for _, o := range sortedOrdinals(chosen) {
			if slices.Contains(tenants.texts, texts[o]) {
				values = append(values, texts[o])
			}
		}
		if len(values) == 0 {
			continue
		}
		key := SingleKey(values...)
		if len(m.dims) > 1 {
			key = MultiKey(map[string][]string{"day": {days[i]}, "tenant": values})
		}
		set = set.Union(ok(m.space.Set(key)))
		for _, value := range values {
			if len(m.dims) > 1 {
				has[m.key([]string{days[i], value})] = true
			} else {
				has[SingleKey(value)] = true
			}
		}
	}
	return set, has
}

func TestWideSetsAgainstTheirLists(t *testing.T) {
	t.Parallel()
	bitmaps := 0
	rapid.Check(t, func(t *rapid.T) {
		m := wideModel(t)
		a, hasA := m.drawWideSet(t, "a")
		b, hasB := m.drawWideSet(t, "b")
		if len(m.dims) == 1 && !a.IsEmpty() && a.of(m.space.shape).Packed() != nil {
			bitmaps++
		}
		m.requireKeys(t, "a", a, func(k Key) bool { return hasA[k] })
		m.requireKeys(t, "union", a.Union(b), func(k Key) bool { return hasA[k] || hasB[k] })
		m.requireKeys(t, "intersection", a.Intersect(b), func(k Key) bool { return hasA[k] && hasB[k] })
		m.requireKeys(t, "difference", a.Minus(b), func(k Key) bool { return hasA[k] && !hasB[k] })
		m.requireKeys(t, "symmetric difference", a.SymmetricDifference(b), func(k Key) bool { return hasA[k] != hasB[k] })
		m.requireKeys(t, "complement", m.space.Complement(a), func(k Key) bool { return !hasA[k] })
		checkAlgebra(t, a, b, m.space)
		checkBinary(t, a, b)
		m.checkTexts(t, a)
		want := m.want(func(k Key) bool { return hasA[k] })
		skip, n := rapid.IntRange(0, len(want)).Draw(t, "skip"), rapid.IntRange(0, len(want)).Draw(t, "n")
		part := want[skip:min(skip+n, len(want))]
		m.requireKeys(t, "part", m.space.Part(a, int64(skip), int64(n)), func(k Key) bool {
			_, in := slices.BinarySearchFunc(part, k, func(x, y Key) int { return m.at[x] - m.at[y] })
			return in
		})
		if len(want) > 0 {
			i := m.at[want[skip%len(want)]]
			if key := ok(m.space.Key(int64(i))); ok(m.space.Index(key)) != int64(i) {
				t.Fatalf("%q is not partition %d", key, i)
			}
		}
		edge := ok(Identity().Connect(m.space, m.space))
		if needs, lacking := edge.Upstream(a); !needs.Equal(a) || !lacking.IsEmpty() || !edge.Downstream(a).Equal(a) {
			t.Fatalf("%s is not itself by identity", a)
		}
		m.throughTranslation(t, a)
	})
	if bitmaps == 0 {
		t.Error("no set was kept as a bitmap: the test looks at nothing new")
	}
}

// throughTranslation maps a set to keys that have other ordinals, and back.
func (m *model) throughTranslation(t *rapid.T, a Set) {
	if _, hours := m.dims[0].def.(*timeWindow); hours || len(m.dims) > 1 || len(m.keys) == 0 {
		return
	}
	keys := slices.Clone(m.dims[0].texts)
	slices.Reverse(keys)
	other := ok(NewSpace(Static(keys...), m.space.now, Tables{}))
	edge := ok(Identity().Connect(other, m.space))
	there, lacking := edge.Upstream(a)
	if back := edge.Downstream(there); !lacking.IsEmpty() || !back.Equal(a) || other.Count(there) != m.space.Count(a) {
		t.Fatalf("%s came back as %s", a, back)
	}
}
