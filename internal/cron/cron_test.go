package cron_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/internal/cron"
	"pgregory.net/rapid"
)

// fataler is what tests, benchmarks and properties have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

func parse(t fataler, text string) *cron.Expr {
	t.Helper()
	e, err := cron.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestCanonicalText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"* * * * *":                "* * * * *",
		"0 * * * * *":              "* * * * *",
		"0 0 0 1 1 *":              "0 0 1 1 *",
		"5 0 0 1 JAN ?":            "5 0 0 1 1 *",
		"*/1 0-59 0-23 * 1-12 *":   "* * * * * *",
		"*/15 8-18/5 * * *":        "0,15,30,45 8,13,18 * * *",
		"5/20 0 * * *":             "5,25,45 0 * * *",
		"0 0 * * mon-Fri":          "0 0 * * 1-5",
		"0 0 * * 5-7":              "0 0 * * 0,5,6",
		"0 0 * * 7":                "0 0 * * 0",
		"0 0 * * sun":              "0 0 * * 0",
		"0 0 * * */2":              "0 0 * * 0,2,4,6",
		"0 0 * * 1/2":              "0 0 * * 1,3,5",
		"0 0 1-31 * *":             "0 0 * * *",
		"0 0 1-31 * 1":             "0 0 * * *",
		"0 0 * * 0-6":              "0 0 * * *",
		"0 0 13 * 0-7":             "0 0 * * *",
		"0 0 */2 * 1":              "0 0 1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31 * 1",
		"0  0\t1,2,3,15 feb,Mar *": "0 0 1-3,15 2,3 *",
	} {
		e := parse(t, text)
		if e.String() != want {
			t.Errorf("%q is %q, want %q", text, e, want)
		}
		if again := parse(t, e.String()); again.String() != e.String() {
			t.Errorf("%q came back as %q", e, again)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, err string }{
		{"", `cron "": has 0 fields where 5 are read (minute, hour, day of month, month and day of week), or 6 (a second before them)`},
		{"* * * *", `cron "* * * *": has 4 fields where 5 are read (minute, hour, day of month, month and day of week), or 6 (a second before them)`},
		{"@daily", `cron "@daily": is a name where fields are read: write "0 0 * * *"`},
		{"@every 5m", `cron "@every 5m": has 2 fields where 5 are read (minute, hour, day of month, month and day of week), or 6 (a second before them)`},
		{"61 * * * *", `cron "61 * * * *": minute "61": "61" is none: minutes are 0 to 59`},
		{"* 24 * * *", `cron "* 24 * * *": hour "24": "24" is none: hours are 0 to 23`},
		{"* * 0 * *", `cron "* * 0 * *": day of month "0": "0" is none: days of month are 1 to 31`},
		{"* * * 13 *", `cron "* * * 13 *": month "13": "13" is none: months are 1 to 12 or jan to dec`},
		{"* * * * 8", `cron "* * * * 8": day of week "8": "8" is none: days of week are 0 to 7 or sun to sat`},
		{"* * * * mno", `cron "* * * * mno": day of week "mno": "mno" is none: did you mean "mon"? days of week are 0 to 7 or sun to sat`},
		{"? * * * *", `cron "? * * * *": minute "?": "?" is none: minutes are 0 to 59`},
		{"1,,2 * * * *", `cron "1,,2 * * * *": minute "1,,2": "" is none: minutes are 0 to 59`},
		{"-5 * * * *", `cron "-5 * * * *": minute "-5": "" is none: minutes are 0 to 59`},
		{"+5 * * * *", `cron "+5 * * * *": minute "+5": "+5" is none: minutes are 0 to 59`},
		{"*/0 * * * *", `cron "*/0 * * * *": minute "*/0": the step is "0": write a number from 1 to 59 after the /`},
		{"*/x * * * *", `cron "*/x * * * *": minute "*/x": the step is "x": write a number from 1 to 59 after the /`},
		{"0 22-2 * * *", `cron "0 22-2 * * *": hour "22-2": 22-2 runs backwards: write 0-2,22,23`},
		{"0 0 * * fri-mon", `cron "0 0 * * fri-mon": day of week "fri-mon": fri-mon runs backwards: write 0,1,5,6`},
		{"0 0 30 2 *", `cron "0 0 30 2 *": never fires: there is no day 30 in month 2`},
		{"0 0 31 2,4,6,9,11 *", `cron "0 0 31 2,4,6,9,11 *": never fires: there is no day 31 in month 2,4,6,9,11`},
		{"61 24 * * *", "cron \"61 24 * * *\": minute \"61\": \"61\" is none: minutes are 0 to 59\ncron \"61 24 * * *\": hour \"24\": \"24\" is none: hours are 0 to 23"},
	} {
		if _, err := cron.Parse(c.text); err == nil || err.Error() != c.err {
			t.Errorf("%v\nwant %s", err, c.err)
		}
	}
}

func TestStep(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"* * * * * *":       "1 0",
		"* * * * *":         "60 0",
		"30 * * * * *":      "60 30",
		"*/15 * * * *":      "900 0",
		"7 * * * *":         "3600 420",
		"0 */6 * * *":       "21600 0",
		"0 3,9,15,21 * * *": "21600 10800",
		"30 2 * * *":        "86400 9000",
		"0 0 * * 1":         "604800 0",
		"0 0 * * 0":         "604800 518400",
		"*/7 * * * *":       "none",
		"0 */5 * * *":       "none",
		"0 9,18 * * *":      "none",
		"0 0 * * 1-5":       "none",
		"0 0 * 1 1":         "none",
		"0 0 1 * *":         "none",
		"0 0 1 * 1":         "none",
		"0 9,21 * * 1":      "none",
	} {
		got := "none"
		if step, first, ok := parse(t, text).Step(); ok {
			got = fmt.Sprintf("%d %d", step, first)
		}
		if got != want {
			t.Errorf("%q steps %s, want %s", text, got, want)
		}
	}
}

// fits is the oracle: whether an expression fits a time, read from its text again,
// in the plainest way.
func fits(text string, c civil.Time) bool {
	t := c.Std()
	fields := strings.Fields(text)
	if len(fields) == 5 {
		fields = append([]string{"0"}, fields...)
	}
	one := func(field string, v, least, most int) bool {
		for item := range strings.SplitSeq(field, ",") {
			base, stepText, stepped := strings.Cut(item, "/")
			step := 1
			if stepped {
				step, _ = strconv.Atoi(stepText)
			}
			a, b := least, most
			if base != "*" {
				from, to, ranged := strings.Cut(base, "-")
				a, _ = strconv.Atoi(from)
				b = a
				if ranged {
					b, _ = strconv.Atoi(to)
				} else if stepped {
					b = most
				}
			}
			if v >= a && v <= b && (v-a)%step == 0 {
				return true
			}
		}
		return false
	}
	day := one(fields[3], t.Day(), 1, 31)
	weekday := one(fields[5], int(t.Weekday()), 0, 6)
	date := day && weekday
	if free := func(f string) bool { return f == "*" || f == "*/1" }; !free(fields[3]) && !free(fields[5]) {
		date = day || weekday
	}
	return date && one(fields[0], t.Second(), 0, 59) && one(fields[1], t.Minute(), 0, 59) && one(fields[2], t.Hour(), 0, 23) && one(fields[4], int(t.Month()), 1, 12)
}

// expressions draws expressions of all shapes that fire.
func expressions() *rapid.Generator[string] {
	item := func(least, most int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			a := rapid.IntRange(least, most).Draw(t, "a")
			b := rapid.IntRange(a, most).Draw(t, "b")
			step := rapid.IntRange(1, max(1, most/2)).Draw(t, "step")
			return rapid.SampledFrom([]string{
				"*", "*/" + strconv.Itoa(step), strconv.Itoa(a), fmt.Sprintf("%d-%d", a, b), fmt.Sprintf("%d-%d/%d", a, b, step), fmt.Sprintf("%d/%d", a, step),
			}).Draw(t, "item")
		})
	}
	field := func(least, most int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			n := rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "items")
			if n == 1 {
				return item(least, most).Draw(t, "one")
			}
			return strings.Join(rapid.SliceOfN(rapid.Map(rapid.IntRange(least, most), strconv.Itoa), n, n).Draw(t, "list"), ",")
		})
	}
	return rapid.Custom(func(t *rapid.T) string {
		text := strings.Join([]string{field(0, 59).Draw(t, "minute"), field(0, 23).Draw(t, "hour"), field(1, 31).Draw(t, "dom"), field(1, 12).Draw(t, "month"), field(0, 6).Draw(t, "dow")}, " ")
		if rapid.Bool().Draw(t, "seconds") {
			text = field(0, 59).Draw(t, "second") + " " + text
		}
		return text
	}).Filter(func(text string) bool { _, err := cron.Parse(text); return err == nil })
}

// Minute by minute (second by second where six fields are written), the closed form
// and the oracle agree.
func TestAgainstTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := expressions().Draw(t, "cron")
		e := parse(t, text)
		step := civil.Time(civil.Minute)
		if len(strings.Fields(text)) == 6 {
			step = 1
		}
		from := civil.Time(rapid.Int64Range(0, int64(civil.Last)).Draw(t, "from")).Midnight() + civil.Time(rapid.IntRange(0, 1).Draw(t, "half"))*civil.Hour*12
		rank := e.Rank(from)
		for c := from; c < from+2000*step; c += step {
			if e.Rank(c) != rank {
				t.Fatalf("%s: rank of %s is %d, want %d", text, c, e.Rank(c), rank)
			}
			if fits(text, c) {
				if got := e.Tick(rank); got != c {
					t.Fatalf("%s: tick %d is %s, want %s", text, rank, got, c)
				}
				if e.Latest(c) != c || e.Next(c-1) != c || e.Latest(c-1) >= c || e.Next(c) <= c {
					t.Fatalf("%s: around %s: latest %s, next %s", text, c, e.Latest(c), e.Next(c-1))
				}
				rank++
			}
		}
	})
}

// Day by day over a whole cycle of the calendar, leap years and all.
func TestEveryDayOfTheCycle(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"0 0 * * *", "0 0 29 2 *", "0 0 31 * *", "0 0 * * 1", "0 0 13 * 5", "0 0 1-7 3,11 *", "0 0 30 2,4 0"} {
		e := parse(t, text)
		rank := e.Rank(-civil.Day)
		for c := civil.Time(-civil.Day); c < civil.Date(405, time.January, 1); c += civil.Day {
			if e.Rank(c) != rank {
				t.Fatalf("%s: rank of %s is %d, want %d", text, c, e.Rank(c), rank)
			}
			if fits(text, c) {
				if e.Tick(rank) != c {
					t.Fatalf("%s: tick %d is %s, want %s", text, rank, e.Tick(rank), c)
				}
				rank++
			}
		}
	}
}

// Rank and Tick are inverse anywhere on the timeline.
func TestRankAndTickAreInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := parse(t, expressions().Draw(t, "cron"))
		n := rapid.Int64Range(-1e12, 1e12).Draw(t, "n")
		tick := e.Tick(n)
		if e.Rank(tick) != n || e.Rank(tick+1) != n+1 {
			t.Fatalf("%s: tick %d is %s, of rank %d", e, n, tick, e.Rank(tick))
		}
		if step, first, ok := e.Step(); ok && tick != first+civil.Time(n)*step {
			t.Fatalf("%s: tick %d is %s, but it steps by %d from %d", e, n, tick, step, first)
		}
	})
}

func TestMost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]cron.Most{
		"* * * * * *":      {Minute: 60, Hour: 3600, Day: 86400, Month: 31 * 86400, Year: 366 * 86400},
		"*/30 * * * *":     {Minute: 1, Hour: 2, Day: 48, Month: 31 * 48, Year: 366 * 48},
		"0 6 * * *":        {Minute: 1, Hour: 1, Day: 1, Month: 31, Year: 366},
		"0 0 * * 1":        {Minute: 1, Hour: 1, Day: 1, Month: 5, Year: 53},
		"0 0 1 * *":        {Minute: 1, Hour: 1, Day: 1, Month: 1, Year: 12},
		"0 0 29 2 *":       {Minute: 1, Hour: 1, Day: 1, Month: 1, Year: 1},
		"0 0 30,31 2,4 *":  {Minute: 1, Hour: 1, Day: 1, Month: 1, Year: 1},
		"0 9,15 1,15 1 * ": {Minute: 1, Hour: 1, Day: 2, Month: 4, Year: 4},
	} {
		if got := parse(t, text).Most(); got != want {
			t.Errorf("%q has %+v, want %+v", text, got, want)
		}
	}
}

func TestSmallestGap(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]civil.Time{
		"* * * * * *":          1,
		"*/7 * * * * *":        4, // from 56 to the next 0
		"30 * * * * *":         60,
		"*/15 * * * *":         15 * civil.Minute,
		"50 * * * *":           civil.Hour,
		"0,50 * * * *":         10 * civil.Minute,
		"0 9,18 * * *":         9 * civil.Hour,
		"0 1,23 * * *":         2 * civil.Hour,
		"0 0 * * 1-5":          civil.Day,
		"0 0 * * 1,4":          3 * civil.Day,
		"0 6 1 * *":            28 * civil.Day,
		"0 0 2-30/2 * *":       2 * civil.Day,
		"0 0 1,31 * *":         civil.Day,
		"0 0 1 1 *":            365 * civil.Day,
		"0 0 29 2 *":           4*365*civil.Day + civil.Day,
		"0 0 29 2 1":           civil.Day, // either may match
		"59 59 23 31 12 *":     365 * civil.Day,
		"0 0,12 1 1 *":         12 * civil.Hour,
		"0,59 0,59 0,23 * * *": 1, // from 23:59:59 to 00:00:00
	} {
		if got := parse(t, text).SmallestGap(); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

// No two ticks anywhere are closer than the smallest gap, and somewhere two are that close.
func TestSmallestGapAgainstTheTicks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := parse(t, expressions().Draw(t, "cron"))
		gap := e.SmallestGap()
		n := rapid.Int64Range(-1e9, 1e9).Draw(t, "n")
		for i := n; i < n+500; i++ {
			if d := e.Tick(i+1) - e.Tick(i); d < gap {
				t.Fatalf("%s: ticks %d and %d are %d apart, less than %d", e, i, i+1, d, gap)
			}
		}
		perCycle := e.Rank(civil.Date(401, time.January, 1)) - e.Rank(civil.Date(1, time.January, 1))
		if perCycle > 20_000 {
			return
		}
		for i := range perCycle {
			if e.Tick(i+1)-e.Tick(i) == gap {
				return
			}
		}
		t.Fatalf("%s: no two ticks are %d apart", e, gap)
	})
}

// firesIn is the oracle of zones: the instants of a day at which an expression
// fires, found minute by minute by the rules as they are written.
func firesIn(text string, from, to time.Time, zone *time.Location) []time.Time {
	var fires []time.Time
	seen := map[civil.Time]bool{}
	last := civil.Of(from.Add(-time.Minute).In(zone))
	byHour := !strings.HasPrefix(strings.Fields(text)[1], "*/") && strings.Fields(text)[1] != "*"
	if strings.HasPrefix(strings.Fields(text)[1], "*/") {
		byHour = strings.Fields(text)[1] != "*/1"
	}
	for t := from; t.Before(to); t = t.Add(time.Minute) {
		c := civil.Of(t.In(zone))
		if !byHour {
			if fits(text, c) {
				fires = append(fires, t)
			}
			last = c
			continue
		}
		fired := false
		for over := last + civil.Minute; over < c; over += civil.Minute { // what the clock leapt over
			fired = fired || fits(text, over)
		}
		if fits(text, c) && !seen[c] {
			fired = true
		}
		seen[c] = true
		if fired {
			fires = append(fires, t)
		}
		last = c
	}
	return fires
}

func TestZonesAgainstTheOracle(t *testing.T) {
	t.Parallel()
	changes := []struct {
		zone string
		from time.Time
	}{
		{"Europe/Berlin", time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)},
		{"Europe/Berlin", time.Date(2026, 10, 24, 12, 0, 0, 0, time.UTC)},
		{"America/New_York", time.Date(2026, 3, 7, 20, 0, 0, 0, time.UTC)},
		{"America/New_York", time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC)},
		{"Australia/Lord_Howe", time.Date(2026, 4, 4, 4, 0, 0, 0, time.UTC)},
		{"Australia/Lord_Howe", time.Date(2026, 10, 3, 4, 0, 0, 0, time.UTC)},
		{"Pacific/Apia", time.Date(2011, 12, 29, 20, 0, 0, 0, time.UTC)},
		{"UTC", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
	}
	rapid.Check(t, func(t *rapid.T) {
		text := expressions().Filter(func(text string) bool { return len(strings.Fields(text)) == 5 }).Draw(t, "cron")
		if rapid.Bool().Draw(t, "often") {
			text = strings.Join(append(strings.Fields(text)[:2], "* * *"), " ")
		}
		e := parse(t, text)
		if strings.HasPrefix(e.String(), strings.Fields(e.String())[0]+" * ") != (strings.Fields(text)[1] == "*" || strings.Fields(text)[1] == "*/1") {
			return // all hours by name: canonically a star, which the oracle does not know
		}
		c := rapid.SampledFrom(changes).Draw(t, "change")
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		to := c.from.Add(36 * time.Hour)
		want := firesIn(text, c.from, to, zone)
		var got []time.Time
		for at := e.NextIn(c.from.Add(-time.Second), zone); at.Before(to); at = e.NextIn(at, zone) {
			got = append(got, at)
		}
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%s in %s: %d ticks, want %d: %.500v, want %.500v", text, c.zone, len(got), len(want), fmt.Sprint(got), fmt.Sprint(want))
		}
		for i, at := range want {
			if latest := e.LatestIn(at, zone); !latest.Equal(at) {
				t.Fatalf("%s in %s: the latest at %s is %s", text, c.zone, at, latest)
			}
			if i > 0 {
				if latest := e.LatestIn(at.Add(-time.Second), zone); !latest.Equal(want[i-1]) {
					t.Fatalf("%s in %s: the latest before %s is %s, want %s", text, c.zone, at, latest, want[i-1])
				}
			}
		}
	})
}

// What the rules are about, spelt out.
func TestInZones(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ cron, after, want string }{
		{"30 2 * * *", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00+02:00"}, // as the gap opens
		{"0,30 2,3 * * *", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00+02:00"},
		{"0,30 2,3 * * *", "2026-03-29T01:00:00Z", "2026-03-29T03:30:00+02:00"}, // and once only
		{"30 2 * * *", "2026-10-25T00:00:00Z", "2026-10-25T02:30:00+02:00"},
		{"30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T02:30:00+01:00"},
		{"30 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T03:30:00+02:00"},
		{"30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00+01:00"},
		{"*/20 * * * *", "2026-10-25T00:50:00Z", "2026-10-25T02:00:00+01:00"},
		{"0 * * * *", "2100-12-31T12:30:00Z", "2100-12-31T14:00:00+01:00"},
		{"0 * 1 * *", "2404-12-31T12:30:00Z", "2405-01-01T00:00:00+01:00"}, // the last day of a leap year, far away
	} {
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(t, c.cron).NextIn(after, zone).Format(time.RFC3339); got != c.want {
			t.Errorf("%s after %s: %s, want %s", c.cron, c.after, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"* * * * *", "*/5 1-3,7 ? jan mon-fri", "0 0 30 2 *", "59 59 23 31 12 7", "@daily", "1-0/0 , - / *"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := cron.Parse(text)
		if err != nil {
			return
		}
		again, err := cron.Parse(e.String())
		if err != nil || again.String() != e.String() {
			t.Fatalf("%q is %q, which is %v (%v)", text, e, again, err)
		}
		if c := e.Tick(12345); e.Rank(c) != 12345 || again.Tick(12345) != c {
			t.Fatalf("%q: tick 12345 is %s, of rank %d", text, c, e.Rank(c))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := cron.Parse("*/15 9-17 * * mon-fri"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRankAndTick(b *testing.B) {
	for _, text := range []string{"0 * * * *", "0 0 1 * *", "*/15 9-17 * * mon-fri"} {
		e := parse(b, text)
		b.Run(strings.ReplaceAll(text, "/", "÷"), func(b *testing.B) {
			c := civil.Date(2026, time.July, 1)
			for b.Loop() {
				if e.Tick(e.Rank(c)) < c {
					b.Fatal("went back")
				}
			}
		})
	}
}
