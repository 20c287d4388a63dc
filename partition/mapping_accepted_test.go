package partition

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever Check accepts, Connect ties, and both directions of the edge agree.
func TestWhatCheckAcceptsConnectTies(t *testing.T) {
	t.Parallel()
	end := Until(Date(2026, 1, 4))
	day, hour := Daily(start2026, end), Hourly(start2026, Until(Date(2026, 1, 2).Clock(3, 0, 0)))
	region, shop := Static("us", "eu"), Dynamic("shops")
	multi := func(dims ...any) Definition {
		m := map[string]Definition{}
		for i := 0; i < len(dims); i += 2 {
			m[dims[i].(string)] = dims[i+1].(Definition)
		}
		return Multi(m)
	}
	definitions := rapid.SampledFrom([]Definition{
		nil, day, hour, region, Static("eu", "asia"), shop,
		multi("day", day, "region", region), multi("day", day, "shop", shop), multi("day", hour, "region", region), multi("a", day, "b", region), multi("a", day, "b", day),
	})
	single := rapid.SampledFrom([]Mapping{
		{},
		Identity(), Subset(), AllPartitions(), Overlap(), TimeOffset(-1), TimeOffset(1), Specific(SingleKey("eu")), Specific(SingleKey("eu", "us")),
		Specific(SingleKey("2026-01-02")), Specific(SingleKey("berlin")), Specific(SingleKey("later")), ForKeys(SingleKey("us")),
		StaticMap(map[string][]string{"eu": {"us", "eu"}}), MultiToSingle("day"), MultiMap(map[string]DimensionMapping{"day": {Dimension: "day"}}),
	})
	names := rapid.SampledFrom([]string{"day", "region", "shop", "a", "b", ""})
	mappings := rapid.Custom(func(t *rapid.T) Mapping {
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			return single.Draw(t, "mapping")
		case 1:
			return MultiToSingle(names.Draw(t, "dimension"), rapid.SliceOfN(single, 0, 2).Draw(t, "by")...)
		default:
			dims := map[string]DimensionMapping{}
			for range rapid.IntRange(0, 2).Draw(t, "n") {
				dims[names.Draw(t, "up")] = DimensionMapping{Dimension: names.Draw(t, "down"), By: single.Draw(t, "by")}
			}
			return MultiMap(dims)
		}
	})
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		up, down, m := definitions.Draw(t, "up"), definitions.Draw(t, "down"), mappings.Draw(t, "mapping")
		if m.Check(up, down) != nil {
			return
		}
		from, to := ok(NewSpace(up, now, shops())), ok(NewSpace(down, now, shops()))
		edge, err := m.Connect(from, to)
		if err != nil {
			t.Fatalf("%s is accepted from %s to %s: %v", m, stringOf(up), stringOf(down), err)
		}
		reading := m.Reading(up, down)
		for key, err := range to.Keys(to.All()) {
			if err != nil {
				t.Fatal(err)
			}
			one := ok(to.Set(key))
			needs, lacking := edge.Upstream(one)
			if n := from.Count(needs); up != nil && (n > 1 && !reading.Several || n == 0 && lacking.IsEmpty() && !reading.None && !reading.Several) {
				t.Fatalf("%s from %s to %s: %q reads %d partitions, but may read %+v", m, stringOf(up), stringOf(down), key, n, reading)
			}
			if err := edge.Explain(lacking); (err == nil) != lacking.IsEmpty() {
				t.Fatalf("%s from %s to %s: %q lacks %s: %v", m, stringOf(up), stringOf(down), key, lacking, err)
			}
			for read, err := range from.Keys(needs) {
				if err != nil {
					t.Fatal(err)
				}
				if back := edge.Downstream(ok(from.Set(read))); back.Intersect(one).IsEmpty() {
					t.Fatalf("%s from %s to %s: %q reads %q, whose readers are %s", m, stringOf(up), stringOf(down), key, read, back)
				}
			}
		}
	})
}
