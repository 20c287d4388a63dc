package partition

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// drawSelfEdge draws partitions that read others of the same definition.
func drawSelfEdge(t *rapid.T) (*model, Mapping) {
	now, tables := drawNow(t), newTables()
	n := rapid.IntRange(-3, 3).Draw(t, "n")
	day, region, shop := drawWindows(t, "", now), drawStatic(t, "", tables), drawDynamic(t, "", tables)
	as := func(d modelDim, name string) modelDim {
		d.name = name
		tables.Static[name] = tables.Static[""]
		return d
	}
	world := func(dims ...modelDim) *model { return newModel(t, dims, now, tables) }
	reads := StaticMap(drawReads(t, region, region))
	switch rapid.IntRange(0, 9).Draw(t, "case") {
	case 0:
		return world(day), TimeOffset(n)
	case 1:
		return world(day), rapid.SampledFrom([]Mapping{Overlap(), Identity(), AllPartitions()}).Draw(t, "mapping")
	case 2:
		return world(region), reads
	case 3:
		return world(shop), StaticMap(drawReads(t, shop, shop))
	case 4:
		return world(region), Specific(SingleKey(rapid.SampledFrom(region.texts).Draw(t, "chosen")))
	case 5:
		return world(as(day, "day"), as(region, "region")), TimeOffset(n)
	case 6: // dimensions that change places
		by := rapid.SampledFrom([]Mapping{Identity(), reads}).Draw(t, "by")
		return world(as(region, "a"), as(region, "b")), MultiMap(map[string]DimensionMapping{"a": {Dimension: "b", By: Identity()}, "b": {Dimension: "a", By: by}})
	case 7: // windows and keys that both move
		return world(as(day, "day"), as(region, "region")), MultiMap(map[string]DimensionMapping{"day": {Dimension: "day", By: TimeOffset(n)}, "region": {Dimension: "region", By: reads}})
	case 8:
		return world(as(day, "day"), as(shop, "shop")), MultiMap(map[string]DimensionMapping{"day": {Dimension: "day", By: TimeOffset(n)}, "shop": {By: AllPartitions()}})
	default:
		chosen := Specific(SingleKey(rapid.SampledFrom(region.texts).Draw(t, "chosen")))
		return world(as(day, "day"), as(region, "region")), MultiMap(map[string]DimensionMapping{"day": {Dimension: "day", By: TimeOffset(n)}, "region": {By: chosen}})
	}
}

func TestClosureAgainstTheWalkOfEveryStep(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, by := drawSelfEdge(t)
		edge := ok(by.Connect(m.space, m.space))
		reads := map[Key][]Key{}
		for _, key := range m.keys {
			needs, _ := edge.Upstream(ok(m.space.Set(key)))
			reads[key] = m.listOf(t, needs)
		}
		set, has := m.drawSet(t, "set")
		found := map[Key]bool{}
		for before := -1; before < len(found); {
			before = len(found)
			for _, key := range m.keys {
				if slices.ContainsFunc(reads[key], func(read Key) bool { return has[read] || found[read] }) {
					found[key] = true
				}
			}
		}
		m.requireKeys(t, by.String()+": closure of "+set.String(), edge.Closure(set), func(k Key) bool { return found[k] })
		m.requireKeys(t, by.String()+": loops", edge.Loops(), func(k Key) bool { return slices.Contains(reads[k], k) })
	})
}

// What is scattered follows from one end of it, from both, or from neither.
func TestClosureOfScatteredWindows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		days := Daily(Date(2020, time.January, 1), Until(Date(2020, time.December, 1)))
		def, n := days, rapid.IntRange(-40, 40).Draw(t, "n")
		if rapid.Bool().Draw(t, "several dimensions") {
			def = Multi(map[string]Definition{"day": days, "letter": Static("a", "b", "c")})
		}
		s := ok(NewSpace(def, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC), Tables{}))
		edge := ok(TimeOffset(n).Connect(s, s))
		var set Set
		for _, i := range rapid.SliceOfN(rapid.Int64Range(0, s.Len()-1), 60, 300).Draw(t, "partitions") {
			set = set.Union(s.Part(s.All(), i, 1))
		}
		want := edge.Downstream(set)
		for front := want; ; {
			if front = edge.Downstream(front).Minus(want); front.IsEmpty() {
				break
			}
			want = want.Union(front)
		}
		if got := edge.Closure(set); !got.Equal(want) {
			t.Fatalf("by %s from %s follows %s, want %s", edge.Mapping(), set, got, want)
		}
	})
}

// A chain of twelve million hours takes as many steps as there are doublings.
func TestClosureAllocs(t *testing.T) {
	hours := Hourly(Date(600, time.January, 1))
	s := ok(NewSpace(hours, time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC), Tables{}))
	one := s.Part(s.All(), 5, 1)
	for n, want := range map[int]int64{-1: s.Len() - 6, 1: 5, 0: 1} {
		edge := ok(TimeOffset(n).Connect(s, s))
		var got Set
		allocs := testing.AllocsPerRun(1, func() { got = edge.Closure(one) })
		if s.Count(got) != want {
			t.Errorf("TimeOffset(%d): %d hours follow, want %d", n, s.Count(got), want)
		}
		if most := 500.0; allocs > most {
			t.Errorf("TimeOffset(%d): %v allocations, want no more than %v", n, allocs, most)
		}
	}
	var scattered Gather
	for i := range int64(50_000) {
		scattered.Add(s.Part(s.All(), 5+2*i, 1))
	}
	edge, set := ok(TimeOffset(-1).Connect(s, s)), scattered.Set()
	if allocs, most := testing.AllocsPerRun(1, func() { edge.Closure(set) }), 2000.0; allocs > most {
		t.Errorf("every second of 100,000 hours: %v allocations, want no more than %v", allocs, most)
	}
}
