package freshness_test

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/partition"
)

// at is an instant of the fifth of January 2026, in UTC.
func at(hour, minute int) time.Time { return time.Date(2026, 1, 5, hour, minute, 0, 0, time.UTC) }

func ExampleTimeWindow() {
	policy := freshness.TimeWindow(6 * time.Hour).WarnAfter(4 * time.Hour)
	r := policy.Evaluate(freshness.Facts{Last: at(8, 0)}, at(13, 0))
	fmt.Println(r.State, "since", r.Since.Format(time.TimeOnly), "until", r.NextChange.Format(time.TimeOnly))
	fmt.Println(r.Reason)
	// Output:
	// WARN since 12:00:00 until 14:00:00
	// last materialized 5h ago, not within 4h, and late at 6h
}

func ExampleCron() {
	policy := freshness.Cron("0 9 * * *", 2*time.Hour) // by nine, from what there was at seven or later
	for _, made := range []time.Time{at(6, 30), at(7, 30)} {
		fmt.Println(policy.Evaluate(freshness.Facts{Last: made}, at(10, 0)).State)
	}
	// Output:
	// FAIL
	// PASS
}

func ExampleLatestPartition() {
	days := partition.Daily(partition.Date(2026, time.January, 1))
	space, _ := partition.NewSpace(days, at(12, 0), partition.Tables{})
	made, _ := space.Select("2026-01-01..2026-01-03")
	policy := freshness.LatestPartition(time.Hour)
	r := policy.Evaluate(freshness.Facts{Last: at(2, 0), Space: space, Materialized: made}, at(12, 0))
	fmt.Println(r.State, r.Reason)
	// Output: FAIL window 2026-01-04, due since 2026-01-05T01:00:00Z, is missing
}
