package main

import (
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
)

// The quarter by days, by weeks, by days and regions, and by airports. It begins on a Monday; its
// last six days make no week.
var (
	quarterStart = partition.Date(2001, time.January, 1)
	quarterEnd   = partition.Until(partition.Date(2001, time.April, 1))

	byDay     = partition.Daily(quarterStart, quarterEnd)
	byWeek    = partition.Weekly(quarterStart, partition.Until(partition.Date(2001, time.March, 26)), partition.OnWeekday(time.Monday))
	byRegion  = partition.Multi(map[string]partition.Definition{"day": byDay, "region": partition.Static(regionNames()...)})
	byAirport = partition.Dynamic("airport") // its keys are registered while the system runs
)

// DayRules are what makes a day good enough to be used.
type DayRules struct {
	// MaxUnlocated is how many rows of a day may be from or to an airport that the list has no state
	// for.
	MaxUnlocated int `json:"max_unlocated" default:"0" validate:"gte=0"`
}

// The days of the file, one call for all of a step: the file is read once. A day that breaks the
// rules fails by itself, and what is downstream waits for it alone.
var dailyLegs = rivers.NewAsset(
	rivers.AssetSpec{
		Name: "daily_legs", Group: "daily", Kinds: []string{"parquet"}, IOHandler: lake, Partitions: byDay, Backfill: rivers.SingleRun(),
		Description: "The flights of a day, cleaned and joined with both of their airports.", Freshness: daysAreAll,
	},
	func(ctx *rivers.AssetContext, in struct {
		RawFlights []RawFlight
		Airports   []Airport
		Rules      DayRules `rivers:",config"`
	},
	) (rivers.Partitions[[]Leg], error) {
		rows := splitByDay(in.RawFlights)
		var days []rivers.Part[[]Leg]
		for day, err := range ctx.Partition().Keys() {
			if err != nil {
				return rivers.Partitions[[]Leg]{}, err
			}
			legs, err := LegsOfDay(rows[day.String()], in.Airports, in.Rules)
			if err != nil {
				if err := ctx.MarkPartitionFailed(day, err); err != nil {
					return rivers.Partitions[[]Leg]{}, err
				}
				continue
			}
			days = append(days, rivers.Part[[]Leg]{Key: day, Value: legs})
		}
		return rivers.PartitionsOf(days...), nil
	})

// A day reads the same day: equal definitions map by identity.
var dailyDelay = rivers.NewAsset(
	rivers.AssetSpec{Name: "daily_delay", Group: "daily", IOHandler: facts, Partitions: byDay, Backfill: rivers.SingleRun()},
	func(_ *rivers.AssetContext, in struct{ DailyLegs []Leg }) (Delays, error) {
		return SummarizeDelays(in.DailyLegs, func(Leg) bool { return true }), nil
	})

// A week reads its seven days: windows of different length map by overlap.
var weeklyDelay = rivers.NewAsset(
	rivers.AssetSpec{Name: "weekly_delay", Group: "daily", IOHandler: facts, Partitions: byWeek},
	func(ctx *rivers.AssetContext, in struct{ DailyDelay rivers.Partitions[Delays] }) (Delays, error) {
		ctx.AddMetadata("days", in.DailyDelay.Len())
		return MergeDelays(in.DailyDelay.All()), nil
	})

// A day and a region read the day: a product maps to the one of its dimensions that has an equal
// definition. A run makes a day with all of its regions, so that each day is read once.
var regionalDelay = rivers.NewAsset(
	rivers.AssetSpec{
		Name: "regional_delay", Group: "daily", IOHandler: facts, Partitions: byRegion,
		Backfill: rivers.PerDimension([]string{"day"}, []string{"region"}),
	},
	func(ctx *rivers.AssetContext, in struct {
		DailyLegs rivers.Partitions[[]Leg]
	},
	) (rivers.Partitions[Delays], error) {
		var parts []rivers.Part[Delays]
		for key, err := range ctx.Partition().Keys() {
			if err != nil {
				return rivers.Partitions[Delays]{}, err
			}
			legs, _ := in.DailyLegs.Get(partition.SingleKey(key.Values("day")...))
			region := Region(key.Values("region")[0])
			parts = append(parts, rivers.Part[Delays]{Key: key, Value: SummarizeDelays(legs, func(l Leg) bool {
				from, _ := RegionOf(l.OriginState)
				return from == region
			})})
		}
		return rivers.PartitionsOf(parts...), nil
	})

// An airport reads the whole quarter, a day at a time: no two days are in memory together.
var airportDelay = rivers.NewAsset(
	rivers.AssetSpec{
		Name: "airport_delay", Group: "daily", IOHandler: facts, Partitions: byAirport, Backfill: rivers.SingleRun(),
		Deps: []rivers.Dep{{On: "daily_legs", Mapping: partition.AllPartitions()}},
	},
	func(ctx *rivers.AssetContext, in struct {
		DailyLegs rivers.Partitions[[]Leg]
	},
	) (rivers.Partitions[Delays], error) {
		departures := map[string]*tally{}
		for day, err := range in.DailyLegs.Stream() {
			if err != nil {
				return rivers.Partitions[Delays]{}, err
			}
			for _, l := range day.Value {
				at(departures, l.Origin).add(l.Delay)
			}
		}
		var parts []rivers.Part[Delays]
		for airport, err := range ctx.Partition().Keys() {
			if err != nil {
				return rivers.Partitions[Delays]{}, err
			}
			t, seen := departures[airport.Values("")[0]]
			if !seen {
				if err := ctx.MarkPartitionFailed(airport, fmt.Errorf("no flight leaves from %s in %d days", airport, in.DailyLegs.Len())); err != nil {
					return rivers.Partitions[Delays]{}, err
				}
				continue
			}
			parts = append(parts, rivers.Part[Delays]{Key: airport, Value: t.delays()})
		}
		return rivers.PartitionsOf(parts...), nil
	})

// splitByDay parts the raw rows by the key of their day. A row without a date that can be read is
// of no day; [Clean] sets it aside where the whole file is cleaned.
func splitByDay(raw []RawFlight) map[string][]RawFlight {
	days := map[string][]RawFlight{}
	for _, r := range raw {
		if at, err := time.Parse(dateLayout, r.Date); err == nil {
			key := at.Format(time.DateOnly)
			days[key] = append(days[key], r)
		}
	}
	return days
}

// LegsOfDay cleans and joins the rows of one day. A day without rows, or with more rows than the
// rules allow that lead to nowhere in particular, is an error.
func LegsOfDay(rows []RawFlight, airports []Airport, rules DayRules) ([]Leg, error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("the file has no flight of this day")
	}
	flights, rejects := Clean(rows, airports, defaultRules())
	var unlocated []string
	for _, r := range rejects {
		if r.Reason == UnlocatedAirport {
			unlocated = append(unlocated, r.Detail)
		}
	}
	if len(unlocated) > rules.MaxUnlocated {
		return nil, fmt.Errorf("rows with an airport without a state: %d (%s), max_unlocated is %d",
			len(unlocated), strings.Join(unlocated, ", "), rules.MaxUnlocated)
	}
	return Join(flights, airports)
}

// SummarizeDelays summarizes the legs that a condition keeps.
func SummarizeDelays(legs []Leg, keep func(Leg) bool) Delays {
	var t tally
	for _, l := range legs {
		if keep(l) {
			t.add(l.Delay)
		}
	}
	return t.delays()
}

// MergeDelays summarizes groups of flights from their summaries. Means become whole minutes
// again before they are added, so that the result is what a summary of all the flights would be.
func MergeDelays[K any](groups iter.Seq2[K, Delays]) Delays {
	var all tally
	for _, d := range groups {
		if d.Flights == 0 {
			continue
		}
		if all.flights == 0 || d.Longest > all.longest {
			all.longest = d.Longest
		}
		all.flights += d.Flights
		all.late += d.Late
		all.minutes += int(math.Round(d.MeanDelay * float64(d.Flights)))
	}
	return all.delays()
}
