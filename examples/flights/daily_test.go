package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// readFacts reads the files that a run left of one asset, without rivers, by their paths below it.
func readFacts(t *testing.T, dir string) map[string]Delays {
	t.Helper()
	facts := map[string]Delays{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		var v Delays
		name, relErr := filepath.Rel(dir, strings.TrimSuffix(path, ".json"))
		err = errors.Join(err, relErr, json.Unmarshal(text, &v))
		facts[filepath.ToSlash(name)] = v
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// requireDaily compares what the backfills stored with the expected numbers: each day, each week, each day and region,
// and the airports that were asked for.
func requireDaily(t *testing.T, dir string) {
	t.Helper()
	want := readExpected(t)
	days := readFacts(t, filepath.Join(dir, "daily_delay"))
	requireGroups(t, "stored day", days, want.Days)
	if len(days) != 90 {
		t.Errorf("%d days, want 90", len(days))
	}
	delete(want.Weeks, "2001-03-26") // six days are no week
	weeks := readFacts(t, filepath.Join(dir, "weekly_delay"))
	requireGroups(t, "stored week", weeks, want.Weeks)
	inWeeks, inDays := 0, 0
	for _, w := range weeks {
		inWeeks += w.Flights
	}
	for day, d := range days {
		if day < "2001-03-26" {
			inDays += d.Flights
		}
	}
	if len(weeks) != 12 || inWeeks != inDays {
		t.Errorf("%d weeks with %d flights, their days have %d", len(weeks), inWeeks, inDays)
	}
	cells := map[string]group{}
	for day := range want.Days { // a region may have no flight on a day, and is made all the same
		for _, region := range regionNames() {
			cells[fmt.Sprintf("day=%s/region=%s", day, region)] = want.Cells[day+"|"+region]
		}
	}
	if len(cells) != 450 || len(want.Cells) > 450 {
		t.Errorf("%d cells, of which %d have flights", len(cells), len(want.Cells))
	}
	requireGroups(t, "stored cell", readFacts(t, filepath.Join(dir, "regional_delay")), cells)
	requireGroups(t, "stored airport", readFacts(t, filepath.Join(dir, "airport_delay")), map[string]group{"ORD": want.Origins["ORD"], "ATL": want.Origins["ATL"]})
}

func TestLegsOfDay(t *testing.T) {
	t.Parallel()
	p := runAll(t, embedded())
	rows := splitByDay(append(slices.Clone(p.raw), RawFlight{Date: "yesterday"}))
	if len(rows) != 90 {
		t.Errorf("the file has %d days", len(rows))
	}
	for day, of := range rows {
		legs, err := LegsOfDay(of, p.airports, DayRules{})
		if bad := day == "2001-03-12"; bad != (err != nil) {
			t.Errorf("%s: %d legs, %v", day, len(legs), err)
		}
	}
	_, err := LegsOfDay(rows["2001-03-12"], p.airports, DayRules{})
	if err == nil || err.Error() != "rows with an airport without a state: 1 (MQT (Marquette County Airport)), max_unlocated is 0" {
		t.Error(err)
	}
	if legs, err := LegsOfDay(rows["2001-03-12"], p.airports, DayRules{MaxUnlocated: 1}); err != nil || len(legs) != len(rows["2001-03-12"])-1 {
		t.Errorf("%d legs of %d rows, %v", len(legs), len(rows["2001-03-12"]), err)
	}
	if _, err := LegsOfDay(rows["2001-04-01"], p.airports, DayRules{}); err == nil {
		t.Error("a day without rows was good enough")
	}
}

func TestEveryStateHasOneRegion(t *testing.T) {
	t.Parallel()
	airports, err := ReadAirports(embedded())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range airports {
		if _, known := RegionOf(a.State); known != a.Located() {
			t.Errorf("%s of state %q: a region is known: %v", a.IATA, a.State, known)
		}
	}
	seen := map[string]Region{}
	for region, states := range regionStates {
		for _, s := range states {
			if other, again := seen[s]; again {
				t.Errorf("%s is in %s and in %s", s, other, region)
			}
			seen[s] = region
		}
	}
	if !slices.Equal(slices.Sorted(slices.Values(regionNames())), slices.Sorted(func(yield func(string) bool) {
		for r := range maps.Keys(regionStates) {
			if !yield(string(r)) {
				return
			}
		}
	})) {
		t.Error("the names of the regions are not their keys")
	}
}

// A summary of summaries is the summary of all, however the flights are parted.
func TestMergeDelays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		groups := rapid.SliceOf(rapid.SliceOf(rapid.IntRange(-90, 1500))).Draw(t, "groups")
		var all []Leg
		var parts []Delays
		keep := func(Leg) bool { return true }
		for _, delays := range groups {
			var legs []Leg
			for _, d := range delays {
				legs = append(legs, Leg{Delay: d})
			}
			all = append(all, legs...)
			parts = append(parts, SummarizeDelays(legs, keep))
		}
		if got, want := MergeDelays(slices.All(parts)), SummarizeDelays(all, keep); got != want {
			t.Fatalf("merged %+v, want %+v", got, want)
		}
	})
}
