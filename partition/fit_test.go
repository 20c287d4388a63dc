package partition

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestFit(t *testing.T) {
	t.Parallel()
	table := NewTable("us", "eu", "asia")
	tables := shops()
	tables.Static = map[string]KeyTable{"": ok2(table.Grow("africa")), "region": ok2(table.Grow("africa"))}
	space := func(d Definition) Space { return ok(NewSpace(d, march, tables)) }
	daily := space(Daily(start2026))
	product := space(Multi(map[string]Definition{"day": Daily(start2026), "region": Static("us", "eu", "asia")}))
	for _, c := range []struct {
		name    string
		was, is Space
		stored  string
		fits    string
		reasons []string
	}{
		{"an earlier start", daily, space(Daily(Date(2020, 1, 1))), "2026-01-05..2026-01-09", "2026-01-05..2026-01-09", nil},
		{"another zone, end offset", daily, space(Daily(start2026, In("Europe/Berlin"), EndOffset(-3))), "2026-01-05..", "2026-01-05..2026-03-06", nil},
		{"a later start", daily, space(Daily(Date(2026, 1, 7))), "2026-01-05..2026-01-09", "2026-01-07..2026-01-09", []string{`2 keys from "2026-01-05" to "2026-01-06" no longer exist`}},
		{"an end", daily, space(Daily(start2026, Until(Date(2026, 1, 6)))), "2026-01-01,2026-01-06", "2026-01-01", []string{`key "2026-01-06" no longer exists`}},
		{"another format", daily, space(Daily(start2026, Format("%Y%m%d"))), "2026-01-05..2026-01-09", "", []string{`the definition wrote its keys as %Y-%m-%d and writes them as %Y%m%d`}},
		{"another step", space(Hourly(start2026, Format("%Y-%m-%d %H"))), space(TimeWindow(Every(2*time.Hour), start2026, Format("%Y-%m-%d %H"))), "2026-01-01 00..2026-01-01 03", "", []string{`the definition had windows every 1h0m0s and has them every 2h0m0s: none is the same`}},
		{"weekdays become days", space(TimeWindow(Cron("0 0 * * mon-fri"), start2026, Format("%F"))), space(Daily(start2026, Format("%F"))), "2026-01-05..2026-01-14", "2026-01-05..2026-01-08,2026-01-12..2026-01-14", []string{`key "2026-01-09" no longer exists`}},
		{"days become weekdays", space(Daily(start2026, Format("%F"))), space(TimeWindow(Cron("0 0 * * mon-fri"), start2026, Format("%F"))), "2026-01-08..2026-01-12", "2026-01-08,2026-01-12", []string{`3 keys from "2026-01-09" to "2026-01-11" no longer exist`}},
		{"a key added between", space(Static("us", "eu", "asia")), space(Static("us", "africa", "eu", "asia")), "eu,asia", "eu..asia", nil},
		{"a key gone and one renamed", space(Static("us", "eu", "asia")), space(Static("asia", "africa")), "us,asia", "asia", []string{`key "us" no longer exists`}},
		{"static becomes dynamic", space(Static("us", "eu", "asia")), ok(NewSpace(Dynamic("shops"), march, Tables{Dynamic: map[string]Registered{"shops": {NewTable("x", "eu", "us"), DynamicSet("shops", slices.Values([]Ordinal{0, 1, 2}))}}})), "us,asia", "us", []string{`key "asia" no longer exists`}},
		{"static becomes time", space(Static("us")), daily, "us", "", []string{`the definition was static and is time: no key is the same`}},
		{"a dimension is added", daily, product, "2026-01-05", "", []string{"the dimensions were a single one and are day, region: no key is the same"}},
		{"partitions are given up", daily, space(nil), "2026-01-05", "", []string{"the dimensions were a single one and are none: no key is the same"}},
		{
			"both dimensions change", product, space(Multi(map[string]Definition{"day": Daily(Date(2026, 1, 3)), "region": Static("africa", "eu", "us")})),
			"day=2026-01-01..2026-01-04|region=us,asia", "day=2026-01-03..2026-01-04|region=us",
			[]string{`dimension "day": 2 keys from "2026-01-01" to "2026-01-02" no longer exist`, `dimension "region": key "asia" no longer exists`},
		},
	} {
		stored := ok(c.was.Select(c.stored))
		fits, misfit, err := Fit(stored, c.was, c.is)
		if err != nil {
			t.Fatal(err)
		}
		want := Set{}
		if c.fits != "" {
			want = ok(c.is.Select(c.fits))
		}
		if !c.is.Within(fits).Equal(want) || !slices.Equal(misfit.Reasons, c.reasons) {
			t.Errorf("%s: %s fits, %s does not because of %q\nwant %s and %q", c.name, fits, misfit.Set, misfit.Reasons, want, c.reasons)
		}
		if misfit.Set.IsEmpty() != (c.reasons == nil) || !stored.Contains(misfit.Set) {
			t.Errorf("%s: %s does not fit", c.name, misfit.Set)
		}
	}
	old := space(Hourly(start2026)).Latest(3).Union(daily.Latest(1)).Union(product.Latest(1))
	fits, misfit, err := Fit(old, daily, product)
	if err != nil || !fits.Equal(product.Latest(1)) || !misfit.Set.Equal(old.Minus(fits)) || len(misfit.Reasons) != 2 {
		t.Errorf("%s fits, %s does not because of %q (%v)", fits, misfit.Set, misfit.Reasons, err)
	}
}

func ok2(t *Table, _ []string) *Table { return t }

// What fits has the same keys, and what does not has none of the new ones.
func TestFitKeepsKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now, tables := drawNow(t), newTables()
		day := drawWindows(t, "day", now)
		region := drawStatic(t, "region", tables)
		dynamic := drawDynamic(t, "shop", tables)
		was := newModel(t, []modelDim{day, region, dynamic}, now, tables)
		keys := rapid.Permutation(keyTexts).Draw(t, "new keys")[:rapid.IntRange(1, 8).Draw(t, "n")]
		grown := NewTable(region.texts...)
		if known, had := tables.Static["region"].(*Table); had {
			grown = known
		}
		grown, _ = grown.Grow(keys...)
		tables.Static["region"] = grown
		if _, had := was.space.tables.Static["region"]; !had {
			was = newModel(t, []modelDim{day, region, dynamic}, now, tables)
		}
		other := sibling(t, day, "day", now)
		is := newModel(t, []modelDim{other, {name: "region", def: Static(keys...), texts: keys}, dynamic}, now, tables)
		stored, has := was.drawSet(t, "stored")
		fits, misfit, err := Fit(stored, was.space, is.space)
		if err != nil {
			t.Fatal(err)
		}
		is.requireKeys(t, "what fits", is.space.Within(fits), func(k Key) bool { return has[k] })
		was.requireKeys(t, "what does not fit", misfit.Set, func(k Key) bool {
			_, still := is.at[k]
			return has[k] && !still && !is.someday(k)
		})
	})
}

// someday reports whether a key will exist once its window has ended.
func (m *model) someday(k Key) bool {
	later := m.space.At(m.space.now.AddDate(50, 0, 0))
	return ok(later.Contains(k))
}

func TestLatest(t *testing.T) {
	t.Parallel()
	days := ok(NewSpace(Daily(start2026, In("Europe/Berlin")), time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC), Tables{}))
	product := ok(NewSpace(Multi(map[string]Definition{"day": Daily(start2026), "shop": Dynamic("shops")}), march, shops()))
	regions := ok(NewSpace(Static("us", "eu"), march, Tables{}))
	future := ok(NewSpace(Daily(Date(2027, 1, 1)), march, Tables{}))
	for _, c := range []struct {
		space Space
		got   Set
		want  string
	}{
		{days, days.Latest(2), "2026-03-31..2026-04-01"},
		{days, days.LatestWithin(0), "2026-04-01"},
		{days, days.LatestWithin(48 * time.Hour), "2026-03-31..2026-04-01"},
		{days, days.LatestWithin(47 * time.Hour), "2026-04-01"},
		{days, days.LatestWithin(95 * time.Hour), "2026-03-29..2026-04-01"}, // one of them has 23 hours
		{days, days.LatestWithin(1e6 * time.Hour), "2026-01-01.."},
		{product, product.Latest(2), "day=2026-03-08.."},
		{product, product.LatestWithin(24 * time.Hour), "day=2026-03-09"},
		{regions, regions.Latest(1), "us,eu"},
		{regions, regions.LatestWithin(time.Hour), "us,eu"},
		{product, product.Last(product.All(), 2), "day=2026-03-09|shop=paris,oslo"},
	} {
		if want := ok(c.space.Select(c.want)); !c.got.Equal(want) {
			t.Errorf("%s of %s, want %s", c.got, c.space.def, want)
		}
	}
	if !days.LatestWithin(23*time.Hour).IsEmpty() || !future.Latest(3).IsEmpty() || !future.LatestWithin(time.Hour).IsEmpty() || !days.Latest(0).IsEmpty() {
		t.Error("there are windows where none is")
	}
	if w := product.Windows(product.Latest(2)); len(w) != 1 || w["day"].String() != "[2026-03-08T00:00:00Z, 2026-03-10T00:00:00Z)" {
		t.Errorf("the latest two are %v", w)
	}
	two := ok(NewSpace(Multi(map[string]Definition{"a": Daily(start2026), "b": Hourly(start2026)}), march, Tables{}))
	if _, err := two.Window(ok(two.Key(0))); err == nil || err.Error() != `partition "a=2026-01-01|b=2026-01-01-00:00": has a window in several dimensions: ask for those of its set` {
		t.Error(err)
	}
	if two.Definition() == nil || !two.Now().Equal(march) || len(two.Windows(Set{})) != 0 {
		t.Error("a space has forgotten what it is of")
	}
}

// Next is the first instant at which there is more.
func TestNext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		next, more := m.space.Next()
		if !more {
			if later := m.space.At(m.space.now.AddDate(60, 0, 0)); later.Len() != m.space.Len() {
				t.Fatalf("%s has %d partitions, later %d, without ever having more", m.space.def, m.space.Len(), later.Len())
			}
			return
		}
		sizes := func(s Space) (n int64) {
			for _, one := range s.dims {
				n += one.size()
			}
			return n
		}
		if before, then := m.space.At(next.Add(-time.Second)), m.space.At(next); sizes(before) != sizes(m.space) || sizes(then) <= sizes(m.space) || !next.After(m.space.now) {
			t.Fatalf("%s has more at %s: %d before, %d then, %d now", m.space.def, next, sizes(before), sizes(then), sizes(m.space))
		}
	})
}
