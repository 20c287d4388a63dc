package partition_test

import (
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/partition"
)

var (
	start = partition.Date(2026, time.January, 1)
	now   = time.Date(2026, time.March, 10, 12, 0, 0, 0, time.UTC)
)

// space is what exists of a definition that needs no key tables.
func space(d partition.Definition) partition.Space {
	s, err := partition.NewSpace(d, now, partition.Tables{})
	if err != nil {
		panic(err)
	}
	return s
}

func ExampleDaily() {
	s := space(partition.Daily(start, partition.In("Europe/Berlin")))
	fmt.Println(s.Len(), "days have ended")
	w, _ := s.Window(partition.SingleKey("2026-01-31"))
	fmt.Println(w)
	// Output:
	// 68 days have ended
	// [2026-01-31T00:00:00+01:00, 2026-02-01T00:00:00+01:00)
}

func ExampleTimeWindow() {
	d := partition.TimeWindow(partition.Cron("0 9 * * mon-fri"), start, partition.EndOffset(1), partition.Format("%Y-%m-%d"))
	s := space(d)
	keys, _ := s.First(s.Latest(3), 3)
	fmt.Println(keys)
	// Output: [2026-03-06 2026-03-09 2026-03-10]
}

func ExampleMulti() {
	s := space(partition.Multi(map[string]partition.Definition{
		"day":    partition.Daily(start),
		"region": partition.Static("us", "eu"),
	}))
	fmt.Println(s.Len())
	keys, _ := s.First(s.All(), 3)
	for _, key := range keys {
		fmt.Println(key)
	}
	// Output:
	// 136
	// day=2026-01-01|region=us
	// day=2026-01-01|region=eu
	// day=2026-01-02|region=us
}

func ExampleDynamic() {
	table := partition.NewTable("berlin", "paris", "rome")                                       // every key there ever was
	live := partition.DynamicSet("shops", slices.Values([]partition.Ordinal{0, 2}))              // paris was removed
	tables := partition.Tables{Dynamic: map[string]partition.Registered{"shops": {table, live}}} // both from storage
	s, err := partition.NewSpace(partition.Dynamic("shops"), now, tables)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(s.First(s.All(), 10))
	_, err = s.Set(partition.SingleKey("romme"))
	fmt.Println(err)
	// Output:
	// [berlin rome] <nil>
	// partition "romme": is not registered in "shops" (did you mean "rome"?)
}

func ExampleDefinition_validate() {
	d := partition.Hourly(start, partition.In("Europe/Berln"), partition.AtMinute(75))
	fmt.Println(d.Validate())
	// Output:
	// hourly partitions: the minute is 75: give one from 0 to 59
	// hourly partitions: no time zone is called "Europe/Berln": give an IANA name such as "Europe/Berlin"
}

func ExampleSpace_Complement() {
	s := space(partition.Daily(start))
	made, _ := s.Select("2026-01-01..2026-02-15,2026-02-20,2026-03-01..")
	for stretch, err := range s.Ranges(s.Complement(made)) {
		fmt.Println(stretch.Range, stretch.Count, err)
	}
	// Output:
	// 2026-02-16..2026-02-19 4 <nil>
	// 2026-02-21..2026-02-28 8 <nil>
}

func ExampleSpace_Select() {
	s := space(partition.Multi(map[string]partition.Definition{
		"day": partition.Daily(start), "region": partition.Static("us", "eu", "asia"),
	}))
	set, err := s.Select("day=2026-03-01..|region=us,asia", "day=2026-02-28")
	fmt.Println(s.Count(set), err)
	for text, err := range s.Texts(set) {
		fmt.Println(text, err)
	}
	// Output:
	// 21 <nil>
	// day=2026-02-28|region=us..asia <nil>
	// day=2026-03-01..2026-03-09|region=us,asia <nil>
}

func ExampleSet_AppendBinary() {
	hours := space(partition.Hourly(partition.Date(1990, time.January, 1)))
	blob, _ := hours.All().AppendBinary(nil)
	stored, err := partition.ParseSet(blob)
	fmt.Println(hours.Count(stored), "partitions in", len(blob), "bytes", err)
	// Output: 317220 partitions in 51 bytes <nil>
}

// A day reads its 24 hours: definitions of different granularity map by overlap, unless
// told otherwise.
func ExampleMapping() {
	hours, days := space(partition.Hourly(start)), space(partition.Daily(start))
	edge, err := partition.Mapping{}.Connect(hours, days)
	if err != nil {
		fmt.Println(err)
	}
	day, _ := days.Set(partition.SingleKey("2026-01-31"))
	needs, _ := edge.Upstream(day)
	for stretch, err := range hours.Ranges(needs) {
		fmt.Println(edge.Mapping(), stretch.Range, stretch.Count, err)
	}
	// Output: Overlap() 2026-01-31-00:00..2026-01-31-23:00 24 <nil>
}

func ExampleTimeOffset() {
	days := space(partition.Daily(start))
	edge, err := partition.TimeOffset(-1).Connect(days, days)
	if err != nil {
		fmt.Println(err)
	}
	_, lacking := edge.Upstream(days.All())
	fmt.Println(edge.Explain(lacking))
	// Output: partition "2026-01-01" reads "2025-12-31" by TimeOffset(-1), which does not exist upstream: it has "2026-01-01" to "2026-03-09"
}

func ExampleStaticMap() {
	countries := space(partition.Static("de", "fr", "us"))
	regions := space(partition.Static("eu", "america"))
	edge, err := partition.StaticMap(map[string][]string{"eu": {"de", "fr"}, "america": {"us"}}).Connect(countries, regions)
	if err != nil {
		fmt.Println(err)
	}
	eu, _ := regions.Set(partition.SingleKey("eu"))
	needs, _ := edge.Upstream(eu)
	fmt.Println(countries.First(needs, 10))
	// Output: [de fr] <nil>
}

func ExampleMapping_Check() {
	fmt.Println(partition.Mapping{}.Check(partition.Static("us", "eu"), partition.Daily(start)))
	// Output: mapping by default from upstream static(us,eu) to downstream time(daily from 2026-01-01): no mapping follows from the definitions: say which one is meant: what would do is AllPartitions(), Specific(…)
}

func ExampleFit() {
	was, is := space(partition.Daily(start)), space(partition.Daily(partition.Date(2026, time.February, 1)))
	stored, _ := was.Select("2026-01-20..2026-02-10")
	fits, misfit, _ := partition.Fit(stored, was, is)
	fmt.Println(is.Count(fits), "days fit")
	fmt.Println(misfit.Reasons)
	// Output:
	// 10 days fit
	// [12 keys from "2026-01-20" to "2026-01-31" no longer exist]
}

func ExampleSpace_Timeline() {
	s := space(partition.Daily(start))
	line, _ := s.Timeline()
	newest := line.Ended(now) - 1
	made, _ := s.Select("..2026-03-07")
	missing, _ := line.Coverage(made, 1).Next(0, false)
	fmt.Println(line.Key(newest), "is the newest that has ended,", line.Key(missing), "the first that is not there; the next one is over at", line.Over(newest+1))
	// Output: 2026-03-09 is the newest that has ended, 2026-03-08 the first that is not there; the next one is over at 2026-03-11 00:00:00 +0000 UTC
}
