//go:build !race

package freshness_test

import (
	"testing"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/partition"
)

// scattered is an hourly asset since some year, of which every other day was made.
func scattered(tb testing.TB, since int, product bool) freshness.Facts {
	tb.Helper()
	def := partition.Hourly(partition.Date(since, time.January, 1))
	if product {
		def = partition.Multi(map[string]partition.Definition{"hour": def, "region": partition.Static("asia", "eu", "us")})
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	space, err := partition.NewSpace(def, now, partition.Tables{})
	if err != nil {
		tb.Fatal(err)
	}
	facts := freshness.Facts{Last: now, Space: space}
	day := int64(24)
	if product {
		day = 72
	}
	for skip := int64(0); skip+day < space.Len(); skip += 2 * day {
		facts.Materialized = facts.Materialized.Union(space.Part(space.All(), skip, day))
	}
	return facts
}

// What an evaluation costs does not follow from how many partitions there are, nor from how scattered the set is.
func TestEvaluationAllocs(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, product := range []bool{false, true} {
		few, many := scattered(t, 2025, product), scattered(t, 2015, product)
		policy := freshness.LatestPartition(time.Hour)
		a := testing.AllocsPerRun(50, func() { policy.Evaluate(few, now) })
		b := testing.AllocsPerRun(50, func() { policy.Evaluate(many, now) })
		if b > a+2 || b > 60 {
			t.Errorf("%.0f allocations for a year, %.0f for ten", a, b)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	scatter := scattered(b, 2015, false)
	for _, c := range []struct {
		name   string
		policy freshness.Policy
		facts  freshness.Facts
	}{
		{"time window", freshness.TimeWindow(24 * time.Hour), freshness.Facts{Last: now.Add(-time.Hour)}},
		{"cron", freshness.Cron("0 9 * * 1-5", time.Hour).In("Europe/Berlin"), freshness.Facts{Last: now.Add(-time.Hour)}},
		{"latest of 1 year", freshness.LatestPartition(time.Hour), scattered(b, 2025, false)},
		{"latest of 11 years", freshness.LatestPartition(time.Hour), scatter},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if c.policy.Evaluate(c.facts, now).State == freshness.NotApplicable {
					b.Fatal("it was not evaluated")
				}
			}
		})
	}
}
