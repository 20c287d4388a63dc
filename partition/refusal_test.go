package partition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// errTable is a key table that does not answer.
type errTable struct{ err error }

func (t errTable) Ordinals([]string) ([]Ordinal, error) { return nil, t.err }
func (t errTable) Keys([]Ordinal) ([]string, error)     { return nil, t.err }

// march is the instant of most tables here: the last day that has ended is the 9th.
var march = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)

func shops() Tables {
	return Tables{Dynamic: map[string]Registered{"shops": {NewTable("berlin", "paris", "rome", "oslo"), DynamicSet("shops", slices.Values([]Ordinal{0, 1, 3}))}}}
}

func TestRefusedKeys(t *testing.T) {
	t.Parallel()
	days := ok(NewSpace(Daily(start2026, Until(Date(2026, 12, 1))), march, Tables{}))
	ended := ok(NewSpace(Daily(start2026, Until(Date(2026, 2, 1))), march, Tables{}))
	future := ok(NewSpace(Daily(Date(2027, 1, 1), In("Europe/Berlin")), march, Tables{}))
	ahead := ok(NewSpace(Daily(start2026, EndOffset(2)), march, Tables{}))
	behind := ok(NewSpace(Daily(start2026, EndOffset(-2)), march, Tables{}))
	work := ok(NewSpace(TimeWindow(Cron("0 9 * * 1-5"), start2026), march, Tables{}))
	regions := ok(NewSpace(Static("us-east", "us-west", "eu"), march, Tables{}))
	dynamic := ok(NewSpace(Dynamic("shops"), march, shops()))
	none := ok(NewSpace(Dynamic("shops"), march, Tables{Dynamic: map[string]Registered{"shops": {Keys: NewTable()}}}))
	product := ok(NewSpace(Multi(map[string]Definition{"day": Daily(start2026), "shop": Dynamic("shops")}), march, shops()))
	whole := ok(NewSpace(nil, march, Tables{}))
	for _, c := range []struct {
		space Space
		text  string
		err   string
	}{
		{days, "2026-3-1", `partition "2026-3-1" is not written as %Y-%m-%d: write "2026-03-01": the first partition is "2026-01-01"`},
		{days, "2026-01-32", `partition "2026-01-32": there is no day 32: give one from 1 to 31`},
		{days, "2026-02-30", `partition "2026-02-30": February 2026 has no day 30`},
		{days, "24", `partition "24" is not written as %Y-%m-%d: the first partition is "2026-01-01"`},
		{days, "yesterday", `partition "yesterday" is not written as %Y-%m-%d: the first partition is "2026-01-01"`},
		{days, "2025-12-31", `partition "2025-12-31": is before the first partition "2026-01-01"`},
		{days, "2026-03-10", `partition "2026-03-10": does not exist yet: the last partition is "2026-03-09", this window ends at 2026-03-11T00:00:00Z`},
		{days, "2026-12-01", `partition "2026-12-01": is after the last partition "2026-03-09"`},
		{ahead, "2026-03-12", `partition "2026-03-12": does not exist yet: the last partition is "2026-03-11", this window exists from 2026-03-11T00:00:00Z`},
		{behind, "2026-03-08", `partition "2026-03-08": does not exist yet: the last partition is "2026-03-07", this window exists from 2026-03-11T00:00:00Z`},
		{product, "day=", `partition "day=": dimension "day" has no key: give one, as day=key`},
		{ended, "2026-02-01", `partition "2026-02-01": is after the last partition "2026-01-31"`},
		{future, "2027-01-01", `partition "2027-01-01": no window exists yet: the first one, "2027-01-01", ends at 2027-01-02T00:00:00+01:00`},
		{work, "2026-03-07-09:00", `partition "2026-03-07-09:00": no window starts then: the nearest are "2026-03-06-09:00" and "2026-03-09-09:00"`},
		{work, "2026-01-01-08:00", `partition "2026-01-01-08:00": no window starts then: the first partition is "2026-01-01-09:00"`},
		{work, "2026-03-14-08:00", `partition "2026-03-14-08:00": no window starts then: the last partition is "2026-03-09-09:00"`},
		{regions, "us-wast", `partition "us-wast": no such key (did you mean "us-east"?)`},
		{regions, "asia", `partition "asia": no such key: there is "us-east", "us-west", "eu"`},
		{regions, "eu..us-east", `partition "eu..us-east": the range runs backwards: "eu" comes after "us-east" in the order of the definition`},
		{dynamic, "pariss", `partition "pariss": is not registered in "shops" (did you mean "paris"?)`},
		{dynamic, "rome", `partition "rome": is no longer registered in "shops": register it again, or choose another key`},
		{none, "rome", `partition "rome": is not registered in "shops", which has no keys yet: register it first`},
		{product, "2026-01-01", `partition "2026-01-01": the dimensions are missing: write each of "day", "shop" as name=key`},
		{product, "dey=2026-01-01", `partition "dey=2026-01-01": there is no dimension "dey" (did you mean "day"?)`},
		{product, "day=2026-13-01|shop=rom", "partition \"day=2026-13-01|shop=rom\": dimension \"day\": \"2026-13-01\": there is no month 13: give one from 1 to 12\npartition \"day=2026-13-01|shop=rom\": dimension \"shop\": \"rom\": is not registered in \"shops\": there is \"berlin\", \"paris\", \"oslo\""},
		{days, "day=2026-01-01", `partition "day=2026-01-01": there is no dimension "day", nor any other: write the key alone, or \= for an = in it`},
		{days, "2026-01-01,", `partition "2026-01-01,": there is a key without a text: a comma or an = stands at an end`},
		{days, "2026-02-01..2026-01-01", `partition "2026-02-01..2026-01-01": the range runs backwards: "2026-02-01" comes after "2026-01-01" in the order of the definition`},
		{days, "2025-01-01..2026-01-05", `partition "2025-01-01..2026-01-05": "2025-01-01": is before the first partition "2026-01-01"`},
		{days, "", `partition "": is empty`},
		{whole, "a", `partition "a": there are no partitions to choose from: leave the key out`},
	} {
		if set, err := c.space.Select(c.text); err == nil || err.Error() != c.err {
			t.Errorf("%s of %s: %v\nwant %s\n got %s", c.text, stringOf(c.space.def), err, c.err, set)
		}
	}
	for _, c := range []struct {
		space Space
		key   Key
		err   string
	}{
		{days, Key{}, `partition "": the key is missing: give one of time(daily from 2026-01-01 until 2026-12-01)`},
		{product, MultiKey(map[string][]string{"shop": {"oslo"}}), `partition "shop=oslo": dimension "day" is missing: add |day=…`},
		{whole, SingleKey("a"), `partition "a": there are no partitions to choose from: leave the key out`},
		{days, SingleKey("2026-01-01..2026-01-02"), `partition "2026-01-01..2026-01-02" is not written as %Y-%m-%d: the first partition is "2026-01-01"`},
		{days, SingleKey("\xff"), `partition "\xff" is not UTF-8: encode it as text`},
	} {
		if set, err := c.space.Set(c.key); err == nil || err.Error() != c.err {
			t.Errorf("%q: %v\nwant %s\n got %s", c.key, err, c.err, set)
		}
		if is, err := c.space.Contains(c.key); is || err != nil {
			t.Errorf("%q exists: %v, %v", c.key, is, err)
		}
	}
	if _, err := days.Index(SingleKey("2026-01-01", "2026-01-03")); err == nil || err.Error() != `partition "2026-01-01,2026-01-03": names several partitions: write one` {
		t.Error(err)
	}
	if _, err := days.Key(100); err == nil || err.Error() != "partition 100: there are 68, counted from 0" {
		t.Error(err)
	}
	if _, err := regions.Window(SingleKey("eu")); err == nil || err.Error() != `partition "eu": has no window: static(us-east,us-west,eu) has no time dimension` {
		t.Error(err)
	}
}

func TestManyRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	s := ok(NewSpace(Static("a"), march, Tables{}))
	var keys []Key
	for i := range 1000 {
		keys = append(keys, SingleKey(fmt.Sprintf("key %d", i)))
	}
	_, err := s.Set(keys...)
	if lines := strings.Split(err.Error(), "\n"); len(lines) != mostRefusals+1 || lines[mostRefusals] != "partitions: 980 more are refused" {
		t.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
}

func TestErrorsOfTablesPassThrough(t *testing.T) {
	t.Parallel()
	down := errors.New("the store is down")
	static := Tables{Static: map[string]KeyTable{"": errTable{down}}}
	if _, err := NewSpace(Static("a"), march, static); !errors.Is(err, down) {
		t.Error(err)
	}
	live := DynamicSet("shops", slices.Values([]Ordinal{0, 1, 2}))
	s := ok(NewSpace(Dynamic("shops"), march, Tables{Dynamic: map[string]Registered{"shops": {errTable{down}, live}}}))
	good := ok(NewSpace(Static("a", "b", "c"), march, Tables{}))
	for what, err := range map[string]error{
		"set":      second(s.Set(SingleKey("a"))),
		"contains": second(s.Contains(SingleKey("a"))),
		"key":      second(s.Key(0)),
		"index":    second(s.Index(SingleKey("a"))),
		"first":    second(s.First(s.All(), 1)),
		"connect":  second(Identity().Connect(good, s)),
		"specific": second(Specific(SingleKey("a")).Connect(s, good)),
		"for keys": second(ForKeys(SingleKey("a")).Connect(ok(NewSpace(nil, march, Tables{})), s)),
		"map":      second(StaticMap(map[string][]string{"a": {"b"}}).Connect(s, good)),
	} {
		if !errors.Is(err, down) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, err := range s.Ranges(s.All()) {
		if !errors.Is(err, down) {
			t.Error(err)
		}
	}
	for _, err := range s.Texts(s.All()) {
		if !errors.Is(err, down) {
			t.Error(err)
		}
	}
	for _, err := range s.KeysFrom(s.All(), SingleKey("a")) {
		if !errors.Is(err, down) {
			t.Error(err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRefusedSpaces(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		def    Definition
		tables Tables
		err    string
	}{
		{Static(), Tables{}, "static partitions: there is no key: give at least one"},
		{Dynamic("shops"), Tables{}, `dynamic partitions "shops": the keys are not at hand: hand them in as Tables.Dynamic["shops"]`},
		{Static("a", "b"), Tables{Static: map[string]KeyTable{"": NewTable("a")}}, `static partitions: key "b" has no ordinal yet: grow the key table by it first`},
	} {
		if _, err := NewSpace(c.def, march, c.tables); err == nil || err.Error() != c.err {
			t.Errorf("%v\nwant %s", err, c.err)
		}
	}
	var zero Space
	edge := ok(Mapping{}.Connect(zero, zero))
	needs, lacking := edge.Upstream(Whole())
	fits, misfit, err := Fit(Whole(), zero, zero)
	if zero.Len() != 0 || !zero.All().IsEmpty() || zero.Count(Whole()) != 0 || ok(zero.Contains(Key{})) || !needs.Union(lacking).Union(edge.Downstream(Whole())).IsEmpty() ||
		!zero.Complement(Whole()).IsEmpty() || len(ok(zero.First(Whole(), 9))) != 0 || !zero.Latest(1).IsEmpty() || !zero.Part(Whole(), 0, 1).IsEmpty() || len(zero.Windows(Whole())) != 0 {
		t.Error("the zero Space has partitions")
	}
	if !fits.Equal(Whole()) || !misfit.Set.IsEmpty() || err != nil {
		t.Errorf("%s fits, %s does not (%v)", fits, misfit.Set, err)
	}
}

func TestKeyTable(t *testing.T) {
	t.Parallel()
	table, added := NewTable("a", "b").Grow("b", "c", "c", "d")
	if !slices.Equal(added, []string{"c", "d"}) || table.Len() != 4 {
		t.Errorf("%d keys, %q are new", table.Len(), added)
	}
	if got := ok(table.Ordinals([]string{"d", "x", "a"})); !slices.Equal(got, []Ordinal{3, NoOrdinal, 0}) {
		t.Errorf("ordinals %d", got)
	}
	if got := ok(table.Keys([]Ordinal{3, 0})); !slices.Equal(got, []string{"d", "a"}) {
		t.Errorf("keys %q", got)
	}
	if _, err := table.Keys([]Ordinal{4}); err == nil || err.Error() != "key table: ordinal 4: the table has 4 keys" {
		t.Error(err)
	}
	var none *Table
	if got := ok(none.Ordinals([]string{"a"})); got[0] != NoOrdinal || none.Len() != 0 {
		t.Errorf("no table has %d", got)
	}
}

func TestRefusedKeysOfProducts(t *testing.T) {
	t.Parallel()
	s := ok(NewSpace(Multi(map[string]Definition{"day": Daily(start2026), "region": Static("eu")}), march, Tables{}))
	for _, c := range []struct {
		values map[string][]string
		err    string
	}{
		{map[string][]string{"day": {"2026-01-01"}, "regin": {"eu"}}, `partition "day=2026-01-01|regin=eu": there is no dimension "regin" (did you mean "region"?)`},
		{map[string][]string{"day": {"2026-01-01"}}, `partition "day=2026-01-01": dimension "region" is missing: add |region=…`},
		{map[string][]string{"day": {"2026-01-01"}, "region": {}}, `partition "day=2026-01-01|region=": dimension "region" has no key: give one, as region=key`},
	} {
		if _, err := s.Set(MultiKey(c.values)); err == nil || err.Error() != c.err {
			t.Errorf("%v\nwant %s", err, c.err)
		}
	}
}

func TestZonesThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		got  error
		want string
	}{
		{zoneError("Europe/Berlin", true), `time zone "Europe/Berlin": there is no time zone database: import _ "time/tzdata" in the program, or install tzdata`},
		{zoneError("Europe/Berlun", false), `no time zone is called "Europe/Berlun": give an IANA name such as "Europe/Berlin"`},
		{zoneError("Local", true), `no time zone is called "Local": give an IANA name such as "Europe/Berlin"`},
	} {
		if c.got.Error() != c.want {
			t.Errorf("%v\nwant %s", c.got, c.want)
		}
	}
}
