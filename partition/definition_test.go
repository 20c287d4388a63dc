package partition

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var start2026 = Date(2026, time.January, 1)

func TestDefinitionErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		def Definition
		err string
	}{
		{Static(), `static partitions: there is no key: give at least one`},
		{Static("a", "b", "a"), `static partitions: key "a" is given twice, as key 1 and as key 3`},
		{Static("a", ""), `static partitions: key 2: is empty: give it a text`},
		{Static("\xff"), `static partitions: key 1: "\xff" is not UTF-8: encode it as text`},
		{Dynamic(""), `dynamic partitions: the name is empty: give it a text`},
		{Named(""), `named partitions: the name is empty: give it a text`},
		{Multi(nil), `multi partitions: there is no dimension: give at least one`},
		{Multi(map[string]Definition{"a": nil}), `multi partitions: dimension "a": there is no definition: give it one, or leave the dimension out`},
		{Multi(map[string]Definition{"a": Multi(map[string]Definition{"b": Static("x")})}), `multi partitions: dimension "a": is itself a product: write its dimensions beside the others`},
		{Multi(map[string]Definition{"": Static("x"), "b": Static()}), "multi partitions: the name of a dimension is empty: give it a text\nmulti partitions: dimension \"b\": static partitions: there is no key: give at least one"},
		{Daily(Civil{}), `daily partitions: the start is missing: give it as partition.Date(2026, time.January, 1)`},
		{Daily(Date(-5, 1, 1)), `daily partitions: the start -0005-01-01 lies outside the years 1 to 9999`},
		{Daily(start2026, Until(start2026)), `daily partitions: the end 2026-01-01 is not after the start 2026-01-01`},
		{Monthly(start2026, Until(Date(2026, 1, 1).Clock(5, 0, 0)), OnDay(2)), `monthly partitions: no window starts from 2026-01-01 to before 2026-01-01T05:00:00: the first one after the start is at 2026-01-02`},
		{Hourly(start2026, AtHour(3), AtMinute(60)), "hourly partitions: the minute is 60: give one from 0 to 59\nhourly partitions: the hour has no meaning here: leave it out"},
		{Weekly(start2026, OnWeekday(7)), `weekly partitions: the weekday is 7: give one from 0 to 6`},
		{Monthly(start2026, OnDay(31)), `monthly partitions: the day is 31: give one from 1 to 28, which every month has; for later days write TimeWindow(Cron(…))`},
		{Daily(start2026, EndOffset(2_000_000_000)), `daily partitions: the end offset is 2000000000: give one from -1000000000 to 1000000000`},
		{Daily(start2026, In("Europe/Berln")), `daily partitions: no time zone is called "Europe/Berln": give an IANA name such as "Europe/Berlin"`},
		{Daily(start2026, In("Local")), `daily partitions: no time zone is called "Local": give an IANA name such as "Europe/Berlin"`},
		{TimeWindow(Cadence{}, start2026), `time window partitions: the cadence is missing: give Cron("0 6 * * *") or Every(6 * time.Hour)`},
		{TimeWindow(Every(time.Millisecond), start2026), `time window partitions: every 1ms: give a whole number of seconds, one at least`},
		{TimeWindow(Every(-time.Hour), start2026), `time window partitions: every -1h0m0s: give a whole number of seconds, one at least`},
		{TimeWindow(Cron("0 0 30 2 *"), start2026), `time window partitions: cron "0 0 30 2 *": never fires: there is no day 30 in month 2`},
		{Hourly(start2026, Format("%Y-%m-%d")), `hourly partitions: format "%Y-%m-%d": without the hour a key does not name one window: write it, as in %Y-%m-%d-%H:%M`},
		{Daily(start2026, Format("%m-%d")), `daily partitions: format "%m-%d": without the year a key does not name one window: write it, as in %Y-%m-%d`},
		{Daily(start2026, Format("day")), `daily partitions: format "day": without the year a key does not name one window: write it, as in %Y-%m-%d`},
		{Daily(start2026, Format("%Y-%m-%d %z")), `daily partitions: format "%Y-%m-%d %z": %z writes a zone, which keys do not have: leave it out`},
		{Daily(start2026, Format("%F %_10::z")), `daily partitions: format "%F %_10::z": %_10::z writes a zone, which keys do not have: leave it out`},
		{Daily(start2026, Format("%+")), `daily partitions: format "%+": %+ writes a zone, which keys do not have: leave it out`},
		{Daily(start2026, Format("\xff%F")), `daily partitions: format "\xff%F" is not UTF-8: encode it as text`},
		{Daily(start2026, Format("%Q")), `daily partitions: format "%Q": %Q is nothing that a key can be read from: use %Y, %m, %d, %H, %M, %S, or others of strftime without a flag or a width`},
		{Daily(start2026, Format("%Y-%-m-%d")), `daily partitions: format "%Y-%-m-%d": %-m is nothing that a key can be read from: use %Y, %m, %d, %H, %M, %S, or others of strftime without a flag or a width`},
		{Daily(start2026, Format("%Y-%m-%d%")), `daily partitions: format "%Y-%m-%d%": a % at the end begins nothing: write %% for the sign itself`},
		{Daily(start2026, Format("%Y-%m-%d %s")), `daily partitions: format "%Y-%m-%d %s": %s writes an instant, which keys do not have: write the date and the time of day`},
		{TimeWindow(Every(30*time.Minute), start2026, Format("%Y-%M-%d-%H")), `time window partitions: format "%Y-%M-%d-%H": without the month a key does not name one window: write it, as in %Y-%m-%d-%H:%M`},
		{TimeWindow(Every(30*time.Minute), start2026, Format("%Y-%m-%d-%H")), `time window partitions: format "%Y-%m-%d-%H": without the minute a key does not name one window: write it, as in %Y-%m-%d-%H:%M`},
		{TimeWindow(Every(45*time.Second), start2026, Format("%F %R")), `time window partitions: format "%F %R": without the second a key does not name one window: write it, as in %Y-%m-%d-%H:%M:%S`},
		{Hourly(start2026, Format("%F %I")), `hourly partitions: format "%F %I": without the half of the day (%p is that of %I) a key does not name one window: write it, as in %Y-%m-%d-%H:%M`},
		{Hourly(start2026, In("Europe/Berlin"), Format("%F %H%z")), `hourly partitions: format "%F %H%z": %z writes a zone, which keys do not have: leave it out`},
		{Weekly(start2026, Format("%Y-W%V")), `weekly partitions: format "%Y-W%V": without the year of the week (%G is the year of %V) a key does not name one window: write it, as in %Y-%m-%d`},
		{Daily(start2026, Format("%G-W%V")), `daily partitions: format "%G-W%V": without the day a key does not name one window: write it, as in %Y-%m-%d`},
		{Daily(start2026, Format("%G-%m-%d")), `daily partitions: format "%G-%m-%d": without the year (%G is the year of %V) a key does not name one window: write it, as in %Y-%m-%d`},
		{Daily(start2026, Format("%y%m%d")), `daily partitions: format "%y%m%d": two digits of a year stand for 1969 to 2068, and windows lie outside them: write %Y or %G, or end the definition before 2069`},
	} {
		if err := c.def.Validate(); err == nil || err.Error() != c.err {
			t.Errorf("%s: %v\nwant %s", c.def, err, c.err)
		}
		_ = c.def.String() // a definition that is wrong describes itself all the same
		_ = c.def.Describe()
	}
}

func TestDefinitionsInWords(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]Definition{
		"static(us,eu)": Static("us", "eu"),
		`static(a\,b,2,3,4,5,6,7,8,… and 1 more)`: Static("a,b", "2", "3", "4", "5", "6", "7", "8", "9"),
		"dynamic(shops)":                       Dynamic("shops"),
		"named(days)":                          Named("days"),
		"time(hourly from 2026-01-01)":         Hourly(start2026),
		"time(daily from 2026-01-01)":          Daily(start2026.Clock(0, 0, 0)),
		"time(daily from 2026-01-02)":          Daily(start2026.Clock(0, 0, 1)),
		"time(weekly from 2026-01-04)":         Weekly(start2026),
		"time(weekly from 2026-01-05)":         Weekly(start2026, OnWeekday(time.Monday)),
		"time(cron 0 0 1 * * from 2026-01-01)": Monthly(start2026),

		"time(cron 30 4 15 * * from 2026-01-15T04:30:00 as \"%Y-%m-%d\")":                          Monthly(start2026, OnDay(15), AtHour(4), AtMinute(30)),
		"time(daily from 2026-01-01 until 2026-02-01 in Europe/Berlin end offset 1 as \"%Y%m%d\")": Daily(start2026, Until(Date(2026, 2, 1)), In("Europe/Berlin"), EndOffset(1), Format("%Y%m%d")),
		"multi(day=time(daily from 2026-01-01)|s\\|t=dynamic(shops))":                              Multi(map[string]Definition{"s|t": Dynamic("shops"), "day": Daily(start2026)}),
	} {
		if err := d.Validate(); err != nil {
			t.Error(err)
		}
		if d.String() != want {
			t.Errorf("%s\nwant %s", d, want)
		}
	}
}

func TestEqualByMeaning(t *testing.T) {
	t.Parallel()
	groups := [][]Definition{ // equal within a group, and nowhere else
		{nil},
		{Daily(start2026), TimeWindow(Cron("0 0 * * *"), start2026), TimeWindow(Cron("0 0 * * sun-sat"), Date(2025, 12, 31).Clock(12, 0, 0)), TimeWindow(Every(24*time.Hour), start2026), Daily(start2026, In("UTC"))},
		{Daily(start2026, EndOffset(1))},
		{Daily(start2026, In("Europe/Berlin"))},
		{Daily(start2026, Format("%Y%m%d"))},
		{Daily(start2026, AtHour(1))},
		{Daily(start2026, Until(Date(2026, 2, 1))), Daily(start2026, Until(Date(2026, 1, 31).Clock(1, 0, 0)))},
		{TimeWindow(Every(24*time.Hour), start2026.Clock(5, 0, 0))},
		{Monthly(start2026)},
		{Hourly(start2026), TimeWindow(Cron("0 */1 * * *"), start2026)},
		{Static("a", "b"), Static("a", "b")},
		{Static("b", "a")},
		{Dynamic("a")},
		{Named("a")},
		{Multi(map[string]Definition{"x": Static("a")}), Multi(map[string]Definition{"x": Static("a")})},
		{Multi(map[string]Definition{"y": Static("a")})},
		{Multi(map[string]Definition{"x": Static("a"), "y": Daily(start2026)})},
	}
	for i, group := range groups {
		for _, a := range group {
			for j, other := range groups {
				for _, b := range other {
					if Equal(a, b) != (i == j) {
						t.Errorf("%s and %s: equal is %v", stringOf(a), stringOf(b), Equal(a, b))
					}
				}
			}
		}
	}
}

func TestDescriptionsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawModel(t).space.def
		data := ok(json.Marshal(Describe(d)))
		var back Description
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatalf("%s: %v", data, err)
		}
		again, err := back.Definition()
		if err != nil || again.Validate() != nil || !Equal(d, again) || again.String() != d.String() {
			t.Fatalf("%s came back as %s (%v) by %s", d, again, err, data)
		}
	})
	if d, err := Describe(nil).Definition(); d != nil || err != nil {
		t.Errorf("no partitions came back as %s (%v)", stringOf(d), err)
	}
}

func TestDescriptionsAsJSON(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]Definition{
		`{"kind":"none"}`:                    nil,
		`{"kind":"static","keys":["a","b"]}`: Static("a", "b"),
		`{"kind":"time_window","every":"24h0m0s","start":"2026-01-01","format":"%Y-%m-%d"}`:                                                                            Daily(start2026),
		`{"kind":"time_window","cron":"0 9 * * 1-5","start":"2026-01-01T09:00:00","end":"2027-01-01","zone":"Europe/Berlin","format":"%Y-%m-%d-%H:%M","end_offset":1}`: TimeWindow(Cron("0 9 * * mon-fri"), start2026, In("Europe/Berlin"), Until(Date(2027, 1, 1)), EndOffset(1)),
		`{"kind":"multi","dimensions":{"d":{"kind":"dynamic","name":"shops"},"n":{"kind":"named","name":"days"}}}`:                                                     Multi(map[string]Definition{"d": Dynamic("shops"), "n": Named("days")}),
	} {
		if data := ok(json.Marshal(Describe(d))); string(data) != want {
			t.Errorf("%s\nwant %s", data, want)
		}
		var back Description
		if err := json.Unmarshal([]byte(want), &back); err != nil {
			t.Error(err)
		}
		if again, err := back.Definition(); err != nil || !Equal(again, d) {
			t.Errorf("%s is %s (%v)", want, stringOf(again), err)
		}
	}
	for _, c := range []struct{ text, err string }{
		{`{"kind":"weekly"}`, `kind of partitions "weekly": no kind of that name: there is "none", "static", "time_window", "dynamic", "multi", "named"`},
		{`{"kind":"statik"}`, `kind of partitions "statik": no kind of that name (did you mean "static"?)`},
		{`{"kind":"time_window","every":"daily"}`, `description of partitions: every "daily": write a duration such as 6h`},
		{`{"kind":"multi","dimensions":{"a":{"kind":"time_window","every":"x"}}}`, `dimension "a": description of partitions: every "x": write a duration such as 6h`},
	} {
		var d Description
		err := json.Unmarshal([]byte(c.text), &d)
		if err == nil {
			_, err = d.Definition()
		}
		if err == nil || err.Error() != c.err {
			t.Errorf("%s: %v\nwant %s", c.text, err, c.err)
		}
	}
	if _, err := (Description{Kind: 99}).Definition(); err == nil || err.Error() != "description of partitions: the kind is kind(99), which a newer version may have written" {
		t.Error(err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	days := Daily(start2026)
	registered := map[string]Definition{"days": days, "also": Named("days"), "a": Named("b"), "b": Named("a"), "product": Multi(map[string]Definition{"d": Named("also")})}
	for want, d := range map[string]Definition{
		"no partitions":               nil,
		"time(daily from 2026-01-01)": Named("also"),
		"static(x)":                   Static("x"),
		"multi(d=time(daily from 2026-01-01)|s=static(x))": Multi(map[string]Definition{"d": Named("days"), "s": Static("x")}),
		"multi(d=time(daily from 2026-01-01))":             Named("product"),
	} {
		if got, err := Resolve(d, registered); err != nil || stringOf(got) != want {
			t.Errorf("%s is %s (%v), want %s", stringOf(d), stringOf(got), err, want)
		}
	}
	for _, c := range []struct {
		def Definition
		err string
	}{
		{Named("dais"), `partitions named "dais": no definition is registered under that name (did you mean "days"?)`},
		{Named("zzzzzz"), `partitions named "zzzzzz": no definition is registered under that name: there is "a", "also", "b", "days", "product"`},
		{Named("a"), `partitions named "a": the name stands for itself, through "a", "b", "a"`},
		{Multi(map[string]Definition{"d": Named("x"), "e": Named("b")}), "dimension \"d\": partitions named \"x\": no definition is registered under that name: there is \"a\", \"also\", \"b\", \"days\", \"product\"\ndimension \"e\": partitions named \"b\": the name stands for itself, through \"b\", \"a\", \"b\""},
	} {
		if got, err := Resolve(c.def, registered); err == nil || err.Error() != c.err {
			t.Errorf("%s, %v\nwant %s", stringOf(got), err, c.err)
		}
	}
	if _, err := NewSpace(Named("days"), time.Now(), Tables{}); err == nil || err.Error() != "named(days): is a reference: resolve it to the definition it stands for" {
		t.Error(err)
	}
}

func TestFormatsThatComeBack(t *testing.T) {
	t.Parallel()
	for format, d := range map[string]func(Option) Definition{
		"%G-W%V":             func(o Option) Definition { return Weekly(start2026, OnWeekday(time.Monday), o) },
		"%Y-%m":              func(o Option) Definition { return Monthly(start2026, OnDay(15), o) },
		"%Y%m%dT%H":          func(o Option) Definition { return Hourly(start2026, AtMinute(30), o) },
		"%Y/%j":              func(o Option) Definition { return Daily(start2026, AtHour(3), o) },
		"%y%m%d":             func(o Option) Definition { return Daily(start2026, Until(Date(2069, 1, 1)), o) },
		"%F %H":              func(o Option) Definition { return TimeWindow(Every(90*time.Minute), start2026, o) },
		"%Y-%m-%d-%H":        func(o Option) Definition { return Daily(start2026, AtHour(6), o) },
		"%Y/%U":              func(o Option) Definition { return Weekly(start2026, OnWeekday(time.Friday), o) },
		"%d %b %Y, %I:%M %p": func(o Option) Definition { return Hourly(start2026, o) },
		"year=%Y|month=%m":   func(o Option) Definition { return Monthly(start2026, o) },
	} {
		def := d(Format(format))
		if err := def.Validate(); err != nil {
			t.Error(err)
			continue
		}
		s := ok(NewSpace(def, time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC), Tables{}))
		for _, i := range []int64{0, 1, s.Len() / 2, s.Len() - 1} {
			key := ok(s.Key(i))
			if back := ok(s.Index(key)); back != i {
				t.Errorf("%q of %s is partition %d, not %d", key, def, back, i)
			}
		}
	}
}

// A format accepts exactly what it writes.
func TestFormatsAreExact(t *testing.T) {
	t.Parallel()
	s := ok(NewSpace(Daily(start2026), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Tables{}))
	for _, text := range []string{"2026-1-5", "2026-01-5", " 2026-01-05", "2026-01-05 ", "02026-01-05", "+2026-01-05", "2026-01-05T00:00:00", "2026-02-30", "２026-01-05"} {
		if is, err := s.Contains(SingleKey(text)); is || err != nil {
			t.Errorf("%q is a day (%v)", text, err)
		}
	}
}

func FuzzFormat(f *testing.F) {
	for _, format := range []string{"%Y-%m-%d", "%G-W%V", "%", "%-d", "%j%%", "%s", "%Y%m%d%H%M%S", "%10Y"} {
		f.Add(format, int64(12345), "2026-01-05")
	}
	f.Fuzz(func(t *testing.T, format string, index int64, text string) {
		d := TimeWindow(Every(7*time.Hour), start2026, Format(format))
		if d.Validate() != nil {
			return
		}
		s := ok(NewSpace(d, time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC), Tables{}))
		key, err := s.Key(max(index%s.Len(), 0))
		if err != nil {
			t.Fatal(err)
		}
		if back, err := s.Index(key); err != nil || back != max(index%s.Len(), 0) {
			t.Fatalf("%q of %s is partition %d (%v)", key, d, back, err)
		}
		if i, err := s.Index(SingleKey(text)); err == nil && ok(s.Key(i)) != SingleKey(text) {
			t.Fatalf("%q of %s is partition %d, which is %q", text, d, i, ok(s.Key(i)))
		}
	})
}
