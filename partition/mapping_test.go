package partition

import (
	"encoding/json"
	"testing"
)

func TestMappingErrors(t *testing.T) {
	t.Parallel()
	hourly, daily := Hourly(start2026), Daily(start2026)
	regions, shop := Static("us", "eu"), Dynamic("shops")
	product := Multi(map[string]Definition{"day": daily, "region": regions})
	other := Multi(map[string]Definition{"day": daily, "shop": shop})
	two := Multi(map[string]Definition{"a": daily, "b": daily})
	for _, c := range []struct {
		mapping  Mapping
		up, down Definition
		err      string
	}{
		{Mapping{}, regions, daily, `mapping by default from upstream static(us,eu) to downstream time(daily from 2026-01-01): no mapping follows from the definitions: say which one is meant: what would do is AllPartitions(), Specific(…)`},
		{Mapping{}, product, Static("us", "asia"), `mapping by default from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream static(us,asia): no mapping follows from the definitions: say which one is meant: what would do is AllPartitions(), Specific(…)`},
		{Mapping{}, product, hourly, `mapping by default from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream time(hourly from 2026-01-01): no mapping follows from the definitions: say which one is meant: what would do is MultiToSingle("day"), AllPartitions(), Specific(…)`},
		{Mapping{}, two, daily, `mapping by default from upstream multi(a=time(daily from 2026-01-01)|b=time(daily from 2026-01-01)) to downstream time(daily from 2026-01-01): no mapping follows from the definitions: say which one is meant: what would do is MultiToSingle("a"), MultiToSingle("b"), AllPartitions(), Specific(…)`},
		{Mapping{}, product, other, `mapping by default from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream multi(day=time(daily from 2026-01-01)|shop=dynamic(shops)): no mapping follows from the definitions: say which one is meant: what would do is MultiMap(…), AllPartitions(), Specific(…)`},
		{Identity(), hourly, daily, `mapping Identity() from upstream time(hourly from 2026-01-01) to downstream time(daily from 2026-01-01): the windows differ: upstream has every 1h0m0s as %Y-%m-%d-%H:%M, downstream every 24h0m0s as %Y-%m-%d: what would do is Overlap(), AllPartitions(), Specific(…)`},
		{Identity(), regions, Static("asia"), `mapping Identity() from upstream static(us,eu) to downstream static(asia): no key is the same: upstream has static(us,eu), downstream static(asia): what would do is StaticMap(…), AllPartitions(), Specific(…)`},
		{Identity(), regions, nil, `mapping Identity() from upstream static(us,eu) to downstream no partitions: only one side has partitions: what would do is AllPartitions(), Specific(…)`},
		{Identity(), product, other, `mapping Identity() from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream multi(day=time(daily from 2026-01-01)|shop=dynamic(shops)): the dimensions differ: upstream has "day", "region", downstream "day", "shop": what would do is MultiMap(…), AllPartitions(), Specific(…)`},
		{Subset(), regions, daily, `mapping Subset() from upstream static(us,eu) to downstream time(daily from 2026-01-01): one side has windows of time, the other has not: what would do is AllPartitions(), Specific(…)`},
		{Overlap(), daily, regions, `mapping Overlap() from upstream time(daily from 2026-01-01) to downstream static(us,eu): both sides must be windows of time: what would do is AllPartitions(), Specific(…)`},
		{TimeOffset(-1), hourly, daily, `mapping TimeOffset(-1) from upstream time(hourly from 2026-01-01) to downstream time(daily from 2026-01-01): both sides must have the same windows: upstream has time(hourly from 2026-01-01), downstream time(daily from 2026-01-01): what would do is Overlap(), AllPartitions(), Specific(…)`},
		{TimeOffset(-1), two, two, `mapping TimeOffset(-1) from upstream multi(a=time(daily from 2026-01-01)|b=time(daily from 2026-01-01)) to downstream multi(a=time(daily from 2026-01-01)|b=time(daily from 2026-01-01)): downstream has 2 time dimensions where one is counted in: use MultiMap to say which: what would do is Identity(), Subset(), MultiMap(…), AllPartitions(), Specific(…)`},
		{TimeOffset(-1), regions, regions, `mapping TimeOffset(-1) from upstream static(us,eu) to downstream static(us,eu): downstream has no windows of time to count from: what would do is Identity(), Subset(), StaticMap(…), AllPartitions(), Specific(…)`},
		{TimeOffset(2_000_000_000), daily, daily, `mapping TimeOffset(2000000000) from upstream time(daily from 2026-01-01) to downstream time(daily from 2026-01-01): the offset is beyond 1000000000 windows: what would do is Identity(), Overlap(), Subset(), AllPartitions(), Specific(…)`},
		{Specific(), daily, daily, `mapping Specific() from upstream time(daily from 2026-01-01) to downstream time(daily from 2026-01-01): upstream: there is no key: give at least one: what would do is Identity(), Overlap(), Subset(), AllPartitions(), Specific(…)`},
		{Specific(SingleKey("2026-1-1")), daily, regions, `mapping Specific("2026-1-1") from upstream time(daily from 2026-01-01) to downstream static(us,eu): upstream: partition "2026-1-1" is not written as %Y-%m-%d: write "2026-01-01": the first partition is "2026-01-01": what would do is AllPartitions(), Specific(…)`},
		{Specific(SingleKey("x")), nil, regions, `mapping Specific("x") from upstream no partitions to downstream static(us,eu): upstream has no partitions to choose from: what would do is AllPartitions(), ForKeys(…)`},
		{ForKeys(SingleKey("us")), daily, regions, `mapping ForKeys("us") from upstream time(daily from 2026-01-01) to downstream static(us,eu): upstream has partitions: ForKeys chooses who reads the one value of an upstream without: what would do is AllPartitions(), Specific(…)`},
		{ForKeys(SingleKey("uss")), nil, regions, `mapping ForKeys("uss") from upstream no partitions to downstream static(us,eu): downstream: partition "uss": no such key (did you mean "us"?): what would do is AllPartitions(), ForKeys(…)`},
		{ForKeys(SingleKey("us")), nil, nil, `mapping ForKeys("us") from upstream no partitions to downstream no partitions: downstream has no partitions to choose from: what would do is Identity(), Subset(), AllPartitions()`},
		{StaticMap(map[string][]string{"eu": {"de"}}), Static("de", "fr"), regions, ``},
		{StaticMap(nil), regions, regions, `mapping StaticMap() from upstream static(us,eu) to downstream static(us,eu): the map is empty: list what each downstream key reads: what would do is Identity(), Subset(), StaticMap(…), AllPartitions(), Specific(…)`},
		{StaticMap(map[string][]string{"de": {"eu"}}), Static("de", "fr"), regions, `mapping StaticMap("de": "eu") from upstream static(de,fr) to downstream static(us,eu): downstream key "de": no such key: there is "us", "eu"; upstream has it: the map goes from downstream keys to what they read` + "\n" + `upstream key "eu": no such key: there is "de", "fr": what would do is StaticMap(…), AllPartitions(), Specific(…)`},
		{StaticMap(map[string][]string{"de": {"eu"}}), daily, regions, `mapping StaticMap("de": "eu") from upstream time(daily from 2026-01-01) to downstream static(us,eu): both sides must be static or dynamic: what would do is AllPartitions(), Specific(…)`},
		{MultiToSingle("dey"), product, daily, `mapping MultiToSingle("dey") from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream time(daily from 2026-01-01): there is no dimension "dey" (did you mean "day"?): what would do is MultiToSingle("day"), AllPartitions(), Specific(…)`},
		{MultiToSingle("region"), product, daily, `mapping MultiToSingle("region") from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream time(daily from 2026-01-01): dimension "region": no mapping follows from upstream static(us,eu) and downstream time(daily from 2026-01-01): say which one is meant: what would do is MultiToSingle("day"), AllPartitions(), Specific(…)`},
		{MultiToSingle("day"), daily, daily, `mapping MultiToSingle("day") from upstream time(daily from 2026-01-01) to downstream time(daily from 2026-01-01): one side must have dimensions, and the other partitions without: what would do is Identity(), Overlap(), Subset(), AllPartitions(), Specific(…)`},
		{MultiToSingle("region", AllPartitions(), Identity()), product, regions, `mapping MultiToSingle("region", AllPartitions(), Identity()) from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream static(us,eu): the dimension has 2 mappings: give one: what would do is MultiToSingle("region"), AllPartitions(), Specific(…)`},
		{MultiToSingle("region", Specific(SingleKey("ue"))), product, daily, `mapping MultiToSingle("region", Specific("ue")) from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream time(daily from 2026-01-01): dimension "region": partition "ue": no such key (did you mean "eu"?): what would do is MultiToSingle("day"), AllPartitions(), Specific(…)`},
		{MultiToSingle("region", ForKeys(SingleKey("us"))), product, regions, `mapping MultiToSingle("region", ForKeys("us")) from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream static(us,eu): dimension "region": ForKeys("us") does not map one dimension: use Identity, Subset, Overlap, TimeOffset, StaticMap, AllPartitions or Specific: what would do is MultiToSingle("region"), AllPartitions(), Specific(…)`},
		{MultiMap(nil), product, other, `mapping MultiMap() from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream multi(day=time(daily from 2026-01-01)|shop=dynamic(shops)): no dimension is mapped: give at least one, or use AllPartitions: what would do is MultiMap(…), AllPartitions(), Specific(…)`},
		{MultiMap(map[string]DimensionMapping{"day": {Dimension: "shop"}, "x": {Dimension: "day"}, "region": {}}), product, other, `mapping MultiMap("day" from "shop" by default; "region" from "" by default; "x" from "day" by default) from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream multi(day=time(daily from 2026-01-01)|shop=dynamic(shops)): upstream dimension "day": no mapping follows from upstream time(daily from 2026-01-01) and downstream dynamic(shops): say which one is meant` + "\n" + `upstream dimension "region": no downstream dimension is named: name the one that by default follows, or use AllPartitions or Specific` + "\n" + `upstream dimension "x": there is none: there is "day", "region": what would do is MultiMap(…), AllPartitions(), Specific(…)`},
		{MultiMap(map[string]DimensionMapping{"a": {Dimension: "day"}, "b": {Dimension: "day"}}), two, product, `mapping MultiMap("a" from "day" by default; "b" from "day" by default) from upstream multi(a=time(daily from 2026-01-01)|b=time(daily from 2026-01-01)) to downstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)): upstream dimension "b": follows "day", which "a" does already: a dimension can be followed once: what would do is MultiMap(…), AllPartitions(), Specific(…)`},
		{MultiMap(map[string]DimensionMapping{"day": {Dimension: "dai"}}), product, other, `mapping MultiMap("day" from "dai" by default) from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream multi(day=time(daily from 2026-01-01)|shop=dynamic(shops)): upstream dimension "day": downstream has no dimension "dai" (did you mean "day"?): what would do is MultiMap(…), AllPartitions(), Specific(…)`},
		{MultiMap(map[string]DimensionMapping{"day": {Dimension: "day", By: MultiToSingle("x")}}), product, other, `mapping MultiMap("day" from "day" MultiToSingle("x")) from upstream multi(day=time(daily from 2026-01-01)|region=static(us,eu)) to downstream multi(day=time(daily from 2026-01-01)|shop=dynamic(shops)): upstream dimension "day": MultiToSingle("x") does not map one dimension: use Identity, Subset, Overlap, TimeOffset, StaticMap, AllPartitions or Specific: what would do is MultiMap(…), AllPartitions(), Specific(…)`},
		{Identity(), Named("x"), daily, `upstream: named(x) is a reference: resolve it first`},
		{Mapping{}, daily, Multi(map[string]Definition{"d": Named("x")}), `downstream: named(x) is a reference: resolve it first`},
		{Identity(), Static(), Dynamic(""), "upstream: static partitions: there is no key: give at least one\ndownstream: dynamic partitions: the name is empty: give it a text"},
	} {
		err := c.mapping.Check(c.up, c.down)
		if c.err == "" && err == nil {
			continue
		}
		if err == nil || err.Error() != c.err {
			t.Errorf("%v\nwant %s", err, c.err)
		}
	}
}

func TestMappingsByDefault(t *testing.T) {
	t.Parallel()
	daily, hourly, shop := Daily(start2026), Hourly(start2026), Dynamic("shops")
	product := Multi(map[string]Definition{"day": daily, "shop": shop})
	for _, c := range []struct {
		up, down Definition
		want     string
	}{
		{nil, nil, "Identity()"},
		{nil, daily, "AllPartitions()"},
		{product, nil, "AllPartitions()"},
		{daily, Daily(start2026), "Identity()"},
		{product, Multi(map[string]Definition{"day": daily, "shop": shop}), "Identity()"},
		{hourly, daily, "Overlap()"},
		{daily, Daily(Date(2025, 1, 1)), "Overlap()"},
		{daily, product, `MultiToSingle("day")`},
		{product, shop, `MultiToSingle("shop")`},
		{shop, Static("x"), "by default"},
	} {
		if got := (Mapping{}).Resolve(c.up, c.down); got.String() != c.want {
			t.Errorf("from %s to %s: %s, want %s", stringOf(c.up), stringOf(c.down), got, c.want)
		}
	}
}

func TestMappingsAsJSON(t *testing.T) {
	t.Parallel()
	for want, m := range map[string]Mapping{
		`{}`:                                     {},
		`{"kind":"identity"}`:                    Identity(),
		`{"kind":"subset"}`:                      Subset(),
		`{"kind":"overlap"}`:                     Overlap(),
		`{"kind":"all_partitions"}`:              AllPartitions(),
		`{"kind":"time_offset","offset":-1}`:     TimeOffset(-1),
		`{"kind":"specific","keys":["a","d=x"]}`: Specific(SingleKey("a"), MultiKey(map[string][]string{"d": {"x"}})),
		`{"kind":"for_keys","keys":["a"]}`:       ForKeys(SingleKey("a")),
		`{"kind":"static_map","map":{"eu":["de","fr"],"us":[]}}`:                                         StaticMap(map[string][]string{"eu": {"de", "fr"}, "us": {}}),
		`{"kind":"multi_to_single","dimension":"day"}`:                                                   MultiToSingle("day"),
		`{"kind":"multi_to_single","dimension":"day","by":{"kind":"time_offset","offset":1}}`:            MultiToSingle("day", TimeOffset(1)),
		`{"kind":"multi_map","dimensions":{"a":{"dimension":"b"},"c":{"by":{"kind":"all_partitions"}}}}`: MultiMap(map[string]DimensionMapping{"a": {Dimension: "b"}, "c": {By: AllPartitions()}}),
	} {
		data := ok(json.Marshal(m.Describe()))
		if string(data) != want {
			t.Errorf("%s\nwant %s", data, want)
		}
		var d MappingDescription
		if err := json.Unmarshal(data, &d); err != nil {
			t.Error(err)
		}
		if again, err := d.Mapping(); err != nil || !again.Equal(m) || again.IsZero() != m.IsZero() {
			t.Errorf("%s came back as %s (%v)", m, again, err)
		}
	}
	for _, c := range []struct {
		d   MappingDescription
		err string
	}{
		{MappingDescription{Kind: "identiti"}, `mapping of kind "identiti": no mapping of that kind (did you mean "identity"?)`},
		{MappingDescription{Kind: "multi_map", Dimensions: map[string]DimensionDescription{"a": {By: MappingDescription{Kind: "x"}}}}, `mapping of kind "x": no mapping of that kind`},
	} {
		if _, err := c.d.Mapping(); err == nil || err.Error() != c.err {
			t.Errorf("%v\nwant %s", err, c.err)
		}
	}
}

// What a partition is told that lacks what it reads.
func TestLackingInWords(t *testing.T) {
	t.Parallel()
	days := ok(NewSpace(Daily(start2026), march, Tables{}))
	hours := ok(NewSpace(Hourly(Date(2026, 1, 2).Clock(6, 0, 0)), march, Tables{}))
	months := ok(NewSpace(Monthly(start2026), march, Tables{}))
	product := ok(NewSpace(Multi(map[string]Definition{"day": Daily(start2026), "shop": Dynamic("shops")}), march, shops()))
	regions := ok(NewSpace(Static("us", "eu"), march, Tables{}))
	more := ok(NewSpace(Static("us", "asia"), march, Tables{}))
	dynamic := ok(NewSpace(Dynamic("shops"), march, shops()))
	future := ok(NewSpace(Daily(Date(2027, 1, 1)), march, Tables{}))
	for _, c := range []struct {
		mapping  Mapping
		up, down Space
		set      Set
		err      string
	}{
		{TimeOffset(-1), days, days, days.All(), `partition "2026-01-01" reads "2025-12-31" by TimeOffset(-1), which does not exist upstream: it has "2026-01-01" to "2026-03-09"`},
		{TimeOffset(1), days, days, days.Latest(1), `partition "2026-03-09" reads "2026-03-10" by TimeOffset(1), which does not exist upstream: it has "2026-01-01" to "2026-03-09"`},
		{TimeOffset(-1), days, days, ok(days.Select("2026-01-02..")), ``},
		{Overlap(), hours, days, days.All(), `partition "2026-01-01" reads "2026-01-01-00:00" by Overlap(), which does not exist upstream: it has "2026-01-02-06:00" to "2026-03-10-11:00" (others that lack what they read: 1)`},
		{Overlap(), months, hours, hours.Latest(1), `partition "2026-03-10-11:00" reads "2026-03-01" by Overlap(), which does not exist upstream: it has "2026-01-01" to "2026-02-01"`},
		{Overlap(), future, days, days.Latest(2), `partition "2026-03-08" reads "2026-03-08" by Overlap(), which does not exist upstream: it has no partition yet (others that lack what they read: 1)`},
		{Identity(), regions, more, more.All(), `partition "asia" reads "asia" by Identity(), which does not exist upstream: it has "us" to "eu"`},
		{TimeOffset(-2), product, product, ok(product.Select("shop=oslo")), `partition "day=2026-01-01|shop=oslo" reads "2025-12-30" in dimension "day" by TimeOffset(-2), which does not exist upstream: it has "2026-01-01" to "2026-03-09" (others that lack what they read: 1)`},
		{StaticMap(map[string][]string{"us": {"rome", "paris"}}), dynamic, regions, regions.All(), `partition "us" reads "rome" by StaticMap("us": "rome", "paris"), which does not exist upstream: it has "berlin" to "oslo"`},
		{Specific(SingleKey("rome")), dynamic, regions, regions.All(), `Specific("rome"): partition "rome": is no longer registered in "shops": register it again, or choose another key`},
		{AllPartitions(), days, regions, regions.All(), ``},
	} {
		edge := ok(c.mapping.Connect(c.up, c.down))
		_, lacking := edge.Upstream(c.set)
		err := edge.Explain(lacking)
		if got := errText(err); got != c.err {
			t.Errorf("%s\nwant %s", got, c.err)
		}
		if edge.Mapping().String() != c.mapping.String() {
			t.Errorf("the edge of %s is by %s", c.mapping, edge.Mapping())
		}
	}
	if _, err := Identity().Connect(days, hours); err == nil {
		t.Error("an edge was made that makes no sense")
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestForKeys(t *testing.T) {
	t.Parallel()
	whole := ok(NewSpace(nil, march, Tables{}))
	regions := ok(NewSpace(Static("us", "eu", "asia"), march, Tables{}))
	edge := ok(ForKeys(SingleKey("us", "asia")).Connect(whole, regions))
	if needs, lacking := edge.Upstream(ok(regions.Select("eu,asia"))); !needs.Equal(Whole()) || !lacking.IsEmpty() {
		t.Errorf("reads %s, lacks %s", needs, lacking)
	}
	if needs, _ := edge.Upstream(ok(regions.Select("eu"))); !needs.IsEmpty() {
		t.Errorf("eu reads %s", needs)
	}
	if got := edge.Downstream(Whole()); !got.Equal(ok(regions.Select("us,asia"))) {
		t.Errorf("is read by %s", got)
	}
	if got := edge.Downstream(Set{}); !got.IsEmpty() {
		t.Errorf("nothing is read by %s", got)
	}
	one := ok(Mapping{}.Connect(whole, whole))
	if needs, lacking := one.Upstream(Whole()); !needs.Equal(Whole()) || !lacking.IsEmpty() || !one.Downstream(Whole()).Equal(Whole()) {
		t.Errorf("the one reads %s", needs)
	}
	all := ok(Mapping{}.Connect(regions, whole))
	if needs, _ := all.Upstream(Whole()); !needs.Equal(regions.All()) || !all.Downstream(ok(regions.Select("us"))).Equal(Whole()) {
		t.Errorf("the one reads %s", needs)
	}
}
