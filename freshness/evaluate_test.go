package freshness_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/cron"
	"github.com/rivers-go/rivers/partition"
)

// zones are those whose clocks change: by an hour, by half an hour, over midnight, and never.
var zones = []string{"", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata"}

var deadlines = []string{"0 9 * * *", "30 2 * * *", "0 * * * *", "*/20 8-10 * * *", "0 2,3 * * *", "0 9 * * 1-5", "0 0 1 * *", "15 30 2 * * *", "0 0 * * 0"}

// world is a policy, what is recorded, and an instant.
type world struct {
	policy freshness.Policy
	facts  freshness.Facts
	now    time.Time
}

// drawInstant draws instants that lie thick around the changes of clocks in 2026.
func drawInstant(t *rapid.T, label string) time.Time {
	around := rapid.SampledFrom([]time.Time{
		time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC), time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC),
		time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), time.Date(2026, 9, 6, 4, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC),
	}).Draw(t, label+" around")
	off := time.Duration(rapid.Int64Range(-int64(100*time.Hour), int64(100*time.Hour)).Draw(t, label+" off"))
	return around.Add(off.Truncate(rapid.SampledFrom([]time.Duration{time.Hour, time.Minute, time.Nanosecond}).Draw(t, label+" to")))
}

func drawMinutes(t *rapid.T, label string, most int) time.Duration {
	return time.Duration(rapid.IntRange(1, most).Draw(t, label)) * time.Minute
}

func drawWorld(t *rapid.T) world {
	w := world{now: drawInstant(t, "now")}
	w.facts.Last = w.now.Add(-time.Duration(rapid.Int64Range(0, int64(90*time.Hour)).Draw(t, "age")))
	if rapid.IntRange(0, 9).Draw(t, "never") == 0 {
		w.facts.Last = time.Time{}
	}
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		w.policy = freshness.TimeWindow(drawMinutes(t, "fail", 4000) + time.Minute)
		if rapid.Bool().Draw(t, "warns") {
			w.policy = freshness.TimeWindow(4000 * time.Minute).WarnAfter(drawMinutes(t, "warn", 2000))
		}
	case 1:
		w.policy = freshness.Cron(rapid.SampledFrom(deadlines).Draw(t, "cron"), drawMinutes(t, "lower", 20)).In(rapid.SampledFrom(zones).Draw(t, "zone"))
	default:
		drawPartitions(t, &w)
	}
	if err := w.policy.Validate(); err != nil {
		t.Fatal(err)
	}
	return w
}

// drawPartitions draws a division by time, and which of its partitions are there: runs of them, as work leaves them.
func drawPartitions(t *rapid.T, w *world) {
	start := partition.Date(2026, time.March, rapid.IntRange(1, 28).Draw(t, "start"))
	options := []partition.Option{
		partition.In(rapid.SampledFrom(zones).Draw(t, "zone")), partition.EndOffset(rapid.SampledFrom([]int{0, 0, 0, 2, -1}).Draw(t, "offset")),
	}
	if rapid.Bool().Draw(t, "ends") {
		options = append(options, partition.Until(partition.Date(2026, time.November, 1)))
	}
	def := partition.TimeWindow(partition.Cron(rapid.SampledFrom(deadlines).Draw(t, "windows")), start, options...)
	keys := 1
	if rapid.Bool().Draw(t, "product") {
		keys = 3
		def = partition.Multi(map[string]partition.Definition{"day": def, "region": partition.Static("a", "b", "c")})
	}
	w.policy = freshness.LatestPartition(drawMinutes(t, "delay", 300) - time.Minute)
	if rapid.Bool().Draw(t, "some") {
		w.policy = w.policy.AtLeast(rapid.IntRange(1, keys).Draw(t, "keys"))
	}
	if err := w.policy.Check(def); err != nil {
		t.Fatal(err)
	}
	space, err := partition.NewSpace(def, w.now.Add(100*time.Hour), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	w.facts.Space = space
	total := space.Len()
	for range rapid.IntRange(0, 4).Draw(t, "runs") {
		skip := max(total-1-rapid.Int64Range(0, 400).Draw(t, "skip"), 0)
		part := space.Part(space.All(), skip, rapid.Int64Range(1, 200).Draw(t, "n"))
		if rapid.Bool().Draw(t, "wiped") {
			w.facts.Materialized = w.facts.Materialized.Minus(part)
		} else {
			w.facts.Materialized = w.facts.Materialized.Union(part)
		}
	}
}

// Until NextChange the state is the same, and at NextChange it is another one; and since Since it was the same, and before
// it was not.
func TestNothingChangesBeforeNextChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		r := w.policy.Evaluate(w.facts, w.now)
		end := w.now.Add(300 * 24 * time.Hour)
		if !r.NextChange.IsZero() {
			end = r.NextChange
			if !end.After(w.now) {
				t.Fatalf("%s: at %s the next change is %s", w.policy, w.now, end)
			}
			w.require(t, r, end, false)
		}
		w.requireThroughout(t, r, w.now, end)
		if r.State != freshness.Warn && r.State != freshness.Fail {
			return
		}
		if r.Since.IsZero() || r.Since.After(w.now) {
			t.Fatalf("%s: at %s it is %s since %s", w.policy, w.now, r.State, r.Since)
		}
		w.requireThroughout(t, r, r.Since, w.now)
		w.require(t, r, r.Since.Add(-time.Nanosecond), false)
	})
}

// requireThroughout looks at a stretch of time: at its ends, at hours of it, and at random instants.
func (w *world) requireThroughout(t *rapid.T, r freshness.Result, from, to time.Time) {
	if !to.After(from) {
		return
	}
	w.require(t, r, from, true)
	w.require(t, r, to.Add(-time.Nanosecond), true)
	for at, n := from.Truncate(time.Hour).Add(time.Hour), 0; at.Before(to) && n < 100; at, n = at.Add(time.Hour), n+1 {
		w.require(t, r, at, true)
	}
	for range 10 {
		w.require(t, r, from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from))-1).Draw(t, "then"))), true)
	}
}

func (w *world) require(t *rapid.T, r freshness.Result, at time.Time, same bool) {
	if then := w.policy.Evaluate(w.facts, at); (then.State == r.State) != same {
		t.Fatalf("%s of %s, with %v and %s: at %s it is %s (%s), at %s %s (%s)", w.policy, w.facts.Space.Definition(), w.facts.Last, w.facts.Materialized, w.now, r.State, r.Reason, at, then.State, then.Reason)
	}
}

// The states are those of the rules as they are written, taken literally.
func TestEvaluateAgainstTheRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		if got, want := w.policy.Evaluate(w.facts, w.now), w.byTheRules(t); got.State != want {
			t.Fatalf("%s of %s, with %v: at %s it is %s (%s), want %s", w.policy, w.facts.Space.Definition(), w.facts.Last, w.now, got.State, got.Reason, want)
		}
	})
}

// byTheRules is the state of a world by its policy's document, in the plainest way.
func (w *world) byTheRules(t *rapid.T) freshness.State {
	if w.facts.Last.IsZero() {
		return freshness.Unknown
	}
	doc := described(t, w.policy)
	duration := func(name string) time.Duration {
		d, _ := time.ParseDuration(doc[name])
		return d
	}
	age := w.now.Sub(w.facts.Last)
	switch doc["kind"] {
	case "time_window":
		switch {
		case age >= duration("fail"):
			return freshness.Fail
		case doc["warn"] != "" && age >= duration("warn"):
			return freshness.Warn
		}
		return freshness.Pass
	case "cron":
		zone, err := time.LoadLocation(doc["zone"])
		expr, parseErr := cron.Parse(doc["cron"])
		if err != nil || parseErr != nil {
			t.Fatal(err, parseErr)
		}
		if tick := expr.LatestIn(w.now, zone); w.facts.Last.Before(tick.Add(-duration("lower_bound"))) {
			return freshness.Fail
		}
		return freshness.Pass
	}
	return w.byTheList(t, duration("delay"), doc["at_least"])
}

// byTheList walks over the windows that exist and finds the newest that is due.
func (w *world) byTheList(t *rapid.T, delay time.Duration, least string) freshness.State {
	space := w.facts.Space.At(w.now.Add(-delay))
	newest, there, all := "", 0, 0
	for key, err := range space.Keys(space.Latest(12)) { // enough to reach back over those that have not ended, and empty ones
		if err != nil {
			t.Fatal(err)
		}
		win, winErr := space.Window(key)
		set, setErr := space.Set(key)
		if winErr != nil || setErr != nil {
			t.Fatal(winErr, setErr)
		}
		if win.End.After(space.Now()) {
			continue // it exists, for the end offset lets it, and has not ended
		}
		day := key.String()
		if values := key.Values("day"); len(values) > 0 {
			day = values[0]
		}
		if day != newest {
			newest, there, all = day, 0, 0
		}
		all++
		if w.facts.Materialized.Contains(set) {
			there++
		}
	}
	need := all
	if least != "" {
		need = min(need, int(least[0]-'0'))
	}
	if there >= need {
		return freshness.Pass
	}
	return freshness.Fail
}

// described is a policy as other programs read it.
func described(t interface{ Fatal(args ...any) }, p freshness.Policy) map[string]string {
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for k, v := range doc {
		texts[k] = fmt.Sprint(v)
	}
	return texts
}
