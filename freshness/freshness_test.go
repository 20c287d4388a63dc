package freshness_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/partition"
)

// utc reads an instant as tests write it.
func utc(t *testing.T, text string) time.Time {
	t.Helper()
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	if text != "" {
		t.Fatalf("%q is no instant", text)
	}
	return time.Time{}
}

// line is a result as tests write it.
func line(r freshness.Result) string {
	at := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format("2006-01-02 15:04")
	}
	return fmt.Sprintf("%s since %s until %s: %s", r.State, at(r.Since), at(r.NextChange), r.Reason)
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	day, nine := freshness.TimeWindow(24*time.Hour).WarnAfter(12*time.Hour), freshness.Cron("0 9 * * *", 2*time.Hour)
	for _, c := range []struct {
		name      string
		policy    freshness.Policy
		last, now string
		want      string
	}{
		{"no policy", freshness.Policy{}, "2026-01-05 08:00", "2026-01-05 08:00", "NOT_APPLICABLE since - until -: there is no freshness policy"},
		{"never", day, "", "2026-01-05 08:00", "UNKNOWN since - until -: never materialized"},
		{"just made", day, "2026-01-05 08:00", "2026-01-05 08:00", "PASS since 2026-01-05 08:00 until 2026-01-05 20:00: last materialized 0s ago, within 12h"},
		{"old", day, "2026-01-05 08:00", "2026-01-05 20:00", "WARN since 2026-01-05 20:00 until 2026-01-06 08:00: last materialized 12h ago, not within 12h, and late at 24h"},
		{"late", day, "2026-01-05 08:00", "2026-01-06 08:00", "FAIL since 2026-01-06 08:00 until -: last materialized 24h ago, not within 24h"},
		{"without a warning", freshness.TimeWindow(time.Hour), "2026-01-05 08:00", "2026-01-05 08:59:59", "PASS since 2026-01-05 08:00 until 2026-01-05 09:00: last materialized 59m59s ago, within 1h"},
		{"in time", nine, "2026-01-05 07:00", "2026-01-05 09:00", "PASS since 2026-01-05 07:00 until 2026-01-06 09:00: last materialized 2026-01-05T07:00:00Z, and the deadline at 2026-01-05T09:00:00Z wants 2026-01-05T07:00:00Z or later"},
		{"too early", nine, "2026-01-05 06:59:59", "2026-01-05 09:00", "FAIL since 2026-01-05 09:00 until -: last materialized 2026-01-05T06:59:59Z, and the deadline at 2026-01-05T09:00:00Z wants 2026-01-05T07:00:00Z or later"},
		{"too early, not due", nine, "2026-01-05 06:59:59", "2026-01-05 08:59:59", "PASS since 2026-01-05 06:59 until 2026-01-05 09:00: last materialized 2026-01-05T06:59:59Z, and the deadline at 2026-01-04T09:00:00Z wants 2026-01-04T07:00:00Z or later"},
		{"after the deadline", nine, "2026-01-05 11:00", "2026-01-05 12:00", "PASS since 2026-01-05 11:00 until 2026-01-06 09:00: last materialized 2026-01-05T11:00:00Z, and the deadline at 2026-01-05T09:00:00Z wants 2026-01-05T07:00:00Z or later"},
		{"deadline in a zone", nine.In("Europe/Berlin"), "2026-03-28 06:00", "2026-03-29 06:59:59", "PASS since 2026-03-28 06:00 until 2026-03-29 07:00: last materialized 2026-03-28T07:00:00+01:00, and the deadline at 2026-03-28T09:00:00+01:00 wants 2026-03-28T07:00:00+01:00 or later"},
	} {
		got := c.policy.Evaluate(freshness.Facts{Last: utc(t, c.last)}, utc(t, c.now))
		if line(got) != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, line(got), c.want)
		}
	}
	if r := day.Evaluate(freshness.Facts{Observed: true}, utc(t, "2026-01-05 08:00")); r.Reason != "never observed" {
		t.Errorf("an asset made elsewhere: %s", r.Reason)
	}
}

// division is a definition and the partitions of it that are there.
type division struct {
	def  partition.Definition
	have []string
}

func (d division) facts(t *testing.T, last, now string) freshness.Facts {
	t.Helper()
	space, err := partition.NewSpace(d.def, utc(t, now), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	f := freshness.Facts{Last: utc(t, last), Space: space}
	if len(d.have) > 0 {
		if f.Materialized, err = space.Select(d.have...); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestEvaluateLatestPartition(t *testing.T) {
	t.Parallel()
	begin, hour := partition.Date(2026, time.January, 1), freshness.LatestPartition(time.Hour)
	days := partition.Daily(begin)
	regions := partition.Multi(map[string]partition.Definition{"day": days, "region": partition.Static("asia", "eu", "us")})
	for _, c := range []struct {
		name   string
		policy freshness.Policy
		division
		now, want string
	}{
		{"none due", hour, division{days, nil}, "2026-01-02 00:30", "PASS since - until 2026-01-02 01:00: no window is due before 2026-01-02T01:00:00Z"},
		{"the first is missing", hour, division{days, nil}, "2026-01-02 01:00", "FAIL since 2026-01-02 01:00 until -: window 2026-01-01, due since 2026-01-02T01:00:00Z, is missing"},
		{"in time", hour, division{days, []string{"2026-01-01.."}}, "2026-01-05 12:00", "PASS since - until 2026-01-06 01:00: window 2026-01-04, due since 2026-01-05T01:00:00Z, is materialized"},
		{"not due yet", hour, division{days, []string{"..2026-01-03"}}, "2026-01-05 00:59:59", "PASS since - until 2026-01-05 01:00: window 2026-01-03, due since 2026-01-04T01:00:00Z, is materialized"},
		{"late for days", hour, division{days, []string{"..2026-01-03"}}, "2026-01-09 12:00", "FAIL since 2026-01-05 01:00 until -: window 2026-01-08, due since 2026-01-09T01:00:00Z, is missing"},
		{"a hole in the past", hour, division{days, []string{"2026-01-02", "2026-01-04"}}, "2026-01-05 12:00", "PASS since - until 2026-01-06 01:00: window 2026-01-04, due since 2026-01-05T01:00:00Z, is materialized"},
		{"the one after is there", freshness.LatestPartition(30 * time.Hour), division{days, []string{"2026-01-04"}}, "2026-01-05 12:00", "FAIL since 2026-01-03 06:00 until 2026-01-06 06:00: window 2026-01-03, due since 2026-01-05T06:00:00Z, is missing"},
		{"the end has come", hour, division{partition.Daily(begin, partition.Until(partition.Date(2026, time.January, 4))), []string{"2026-01-03"}}, "2026-02-01 00:00", "PASS since - until -: window 2026-01-03, due since 2026-01-04T01:00:00Z, is materialized"},
		{"the open window may be there", hour, division{partition.Daily(begin, partition.EndOffset(1)), []string{"2026-01-04..2026-01-05"}}, "2026-01-05 12:00", "PASS since - until 2026-01-07 01:00: window 2026-01-04, due since 2026-01-05T01:00:00Z, is materialized"},
		{"windows are held back", hour, division{partition.Daily(begin, partition.EndOffset(-2)), []string{"2026-01-02"}}, "2026-01-05 12:00", "PASS since - until 2026-01-06 01:00: window 2026-01-02, due since 2026-01-05T01:00:00Z, is materialized"},
		{"a region is missing", hour, division{regions, []string{"day=2026-01-04|region=eu,us"}}, "2026-01-05 12:00", "FAIL since 2026-01-02 01:00 until -: window 2026-01-04, due since 2026-01-05T01:00:00Z, has 2 of its 3 partitions, and 3 are wanted"},
		{"two regions are enough", hour.AtLeast(2), division{regions, []string{"day=2026-01-04|region=eu,us"}}, "2026-01-05 12:00", "PASS since - until 2026-01-06 01:00: window 2026-01-04, due since 2026-01-05T01:00:00Z, has 2 of its 3 partitions, and 2 are wanted"},
		{"all regions", hour, division{regions, []string{"day=2026-01-04"}}, "2026-01-05 12:00", "PASS since - until 2026-01-06 01:00: window 2026-01-04, due since 2026-01-05T01:00:00Z, has all of its 3 partitions"},
		{"in a zone", hour, division{partition.Daily(begin, partition.In("Europe/Berlin")), []string{"2026-03-28"}}, "2026-03-29 12:00", "PASS since - until 2026-03-29 23:00: window 2026-03-28, due since 2026-03-29T01:00:00+01:00, is materialized"},
	} {
		facts := c.facts(t, "2026-01-01 00:00", c.now)
		if got := line(c.policy.Evaluate(facts, utc(t, c.now))); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
		facts.Last = time.Time{}
		if got := c.policy.Evaluate(facts, utc(t, c.now)); got.State != freshness.Unknown || !got.NextChange.IsZero() {
			t.Errorf("%s, never materialized: %s", c.name, line(got))
		}
	}
}

// The hour that clocks leap over is a window that ends as it begins, when the one before ends too: it is the newest then,
// and the one before it never is.
func TestWindowsThatClocksLeapOver(t *testing.T) {
	t.Parallel()
	hours := partition.Hourly(partition.Date(2026, time.March, 28), partition.In("Europe/Berlin"))
	policy := freshness.LatestPartition(0)
	for _, c := range []struct{ have, now, want string }{
		// 01:00 ends at 01:00Z, when 02:00, which is empty, is over as well.
		{"2026-03-29-01:00", "2026-03-29 00:30", "FAIL since 2026-03-28 00:00 until -: window 2026-03-29-00:00, due since 2026-03-29T01:00:00+01:00, is missing"},
		{"2026-03-29-02:00", "2026-03-29 00:30", "FAIL since 2026-03-28 00:00 until 2026-03-29 01:00: window 2026-03-29-00:00, due since 2026-03-29T01:00:00+01:00, is missing"},
		{"..2026-03-29-00:00,2026-03-29-02:00", "2026-03-29 00:30", "PASS since - until 2026-03-29 02:00: window 2026-03-29-00:00, due since 2026-03-29T01:00:00+01:00, is materialized"},
		{"..2026-03-29-00:00,2026-03-29-01:00", "2026-03-29 05:30", "FAIL since 2026-03-29 01:00 until -: window 2026-03-29-06:00, due since 2026-03-29T07:00:00+02:00, is missing"},
	} {
		facts := division{hours, []string{c.have}}.facts(t, "2026-03-28 00:00", "2026-04-01 00:00")
		if got := line(policy.Evaluate(facts, utc(t, c.now))); got != c.want {
			t.Errorf("%s at %s:\n%s\nwant\n%s", c.have, c.now, got, c.want)
		}
	}
}

// A day has 25 hours once a year; a deadline that exists twice is met or missed the first time.
func TestDeadlineThatExistsTwice(t *testing.T) {
	t.Parallel()
	policy := freshness.Cron("30 2 * * *", time.Hour).In("Europe/Berlin")
	r := policy.Evaluate(freshness.Facts{Last: utc(t, "2026-10-24 12:00")}, utc(t, "2026-10-25 00:00"))
	if want := utc(t, "2026-10-25 00:30"); r.State != freshness.Pass || !r.NextChange.Equal(want) {
		t.Errorf("%s, want a change at %s", line(r), want)
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	hour := time.Hour
	for _, c := range []struct {
		policy freshness.Policy
		want   string
	}{
		{freshness.Policy{}, ""},
		{freshness.TimeWindow(time.Minute), ""},
		{freshness.Cron("0 9 * * *", 24*hour).In("Europe/Berlin"), ""},
		{freshness.LatestPartition(0).AtLeast(1), ""},
		{freshness.TimeWindow(0), "time window: it fails at an age of 0s: give a minute or more"},
		{freshness.TimeWindow(59 * time.Second).WarnAfter(-time.Second), "time window: it fails at an age of 59s: give a minute or more\ntime window: it warns at an age of -1s: give a minute or more"},
		{freshness.TimeWindow(hour).WarnAfter(hour), "time window: it warns at an age of 1h and fails at 1h: the warning comes first, give it a smaller age"},
		{freshness.TimeWindow(hour).WarnAfter(0), "time window: it warns at an age of 0s: give a minute or more"},
		{freshness.TimeWindow(hour).In("Europe/Berlin").AtLeast(3), "time window: In has no meaning here, it is for a cron deadline: leave it out\ntime window: AtLeast has no meaning here, it is for a latest partition: leave it out"},
		{freshness.Cron("0 25 * *", 0), "cron deadline: the lower bound is 0s: give a minute or more\ncron deadline: cron \"0 25 * *\": has 4 fields where 5 are read (minute, hour, day of month, month and day of week), or 6 (a second before them)"},
		{freshness.Cron("61 24 * * *", hour), "cron deadline: cron \"61 24 * * *\": minute \"61\": \"61\" is none: minutes are 0 to 59\ncron deadline: cron \"61 24 * * *\": hour \"24\": \"24\" is none: hours are 0 to 23"},
		{freshness.Cron("0 9,18 * * *", 10*hour), `cron deadline: the lower bound is 10h, and "0 9,18 * * *" has deadlines that are 9h apart: give that or less`},
		{freshness.Cron("0 9 * * *", hour).In("Europe/Berlni"), `cron deadline: no time zone is called "Europe/Berlni": give an IANA name such as "Europe/Berlin"`},
		{freshness.Cron("0 9 * * *", hour).In("Local"), `cron deadline: no time zone is called "Local": give an IANA name such as "Europe/Berlin"`},
		{freshness.LatestPartition(-hour).AtLeast(0), "latest partition: the allowed delay is -1h: give a positive duration, or 0 for none\nlatest partition: at least 0 partitions: give 1 or more, or leave AtLeast out for all"},
		{freshness.LatestPartition(hour).WarnAfter(hour), "latest partition: WarnAfter has no meaning here, it is for a time window: leave it out"},
		{freshness.Policy{}.WarnAfter(hour), "no policy: WarnAfter has no meaning here, it is for a time window: leave it out"},
	} {
		got := ""
		if err := c.policy.Validate(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.policy, got, c.want)
		}
	}
}

func TestMisfits(t *testing.T) {
	t.Parallel()
	begin := partition.Date(2026, time.January, 1)
	days, shops := partition.Daily(begin), partition.Dynamic("shop")
	latest := freshness.LatestPartition(time.Hour)
	for _, c := range []struct {
		policy freshness.Policy
		def    partition.Definition
		want   string
	}{
		{freshness.TimeWindow(time.Hour), nil, ""},
		{freshness.Cron("0 9 * * *", time.Hour), shops, ""},
		{latest, days, ""},
		{latest.AtLeast(2), partition.Multi(map[string]partition.Definition{"day": days, "region": partition.Static("eu", "us")}), ""},
		{latest.AtLeast(200), partition.Multi(map[string]partition.Definition{"day": days, "shop": shops}), ""},
		{latest, nil, "latest partition: the asset has no partitions: use a TimeWindow or Cron policy, or LatestPartition on partitions of time"},
		{latest, shops, "latest partition: dynamic(shop) has no windows of time: use a TimeWindow or Cron policy, or LatestPartition on partitions of time"},
		{latest.AtLeast(2), days, "latest partition: at least 2 partitions, and a window of time(daily from 2026-01-01) has 1: give that or less"},
		{
			latest.AtLeast(3), partition.Multi(map[string]partition.Definition{"day": days, "region": partition.Static("eu", "us")}),
			"latest partition: at least 3 partitions, and a window of multi(day=time(daily from 2026-01-01)|region=static(eu,us)) has 2: give that or less",
		},
		{
			latest, partition.Multi(map[string]partition.Definition{"day": days, "seen": days}),
			"latest partition: multi(day=time(daily from 2026-01-01)|seen=time(daily from 2026-01-01)) has 2 dimensions of time, and which of them is due is not said: use a TimeWindow or Cron policy",
		},
	} {
		got := ""
		if err := c.policy.Check(c.def); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.policy, got, c.want)
		}
	}
}

func TestTextForms(t *testing.T) {
	t.Parallel()
	hour := time.Hour
	for _, c := range []struct {
		policy     freshness.Policy
		text, json string
	}{
		{freshness.Policy{}, "none", "null"},
		{freshness.TimeWindow(24 * hour), "time_window(24h)", `{"kind":"time_window","fail":"24h"}`},
		{freshness.TimeWindow(90 * time.Minute).WarnAfter(65 * time.Second), "time_window(1h30m, warn 1m5s)", `{"kind":"time_window","fail":"1h30m","warn":"1m5s"}`},
		{freshness.Cron("0 9 * * 1,2", hour), `cron("0 9 * * 1,2", 1h)`, `{"kind":"cron","cron":"0 9 * * 1,2","lower_bound":"1h"}`},
		{freshness.Cron("0 9 * * *", hour).In(""), `cron("0 9 * * *", 1h)`, `{"kind":"cron","cron":"0 9 * * *","lower_bound":"1h"}`},
		{freshness.Cron("0 9 * * *", 100*time.Minute).In("Europe/Berlin"), `cron("0 9 * * *", 1h40m, Europe/Berlin)`, `{"kind":"cron","cron":"0 9 * * *","lower_bound":"1h40m","zone":"Europe/Berlin"}`},
		{freshness.LatestPartition(0), "latest_partition(0s)", `{"kind":"latest_partition","delay":"0s"}`},
		{freshness.LatestPartition(30 * time.Minute).AtLeast(5), "latest_partition(30m, at least 5)", `{"kind":"latest_partition","delay":"30m","at_least":5}`},
	} {
		if c.policy.String() != c.text {
			t.Errorf("%s, want %s", c.policy, c.text)
		}
		if back, err := freshness.Parse(c.text); err != nil || !back.Equal(c.policy) {
			t.Errorf("%s came back as %s (%v)", c.text, back, err)
		}
		doc, err := json.Marshal(c.policy)
		if err != nil || string(doc) != c.json {
			t.Errorf("%s: %s (%v), want %s", c.policy, doc, err, c.json)
		}
		var back freshness.Policy
		if err := json.Unmarshal(doc, &back); err != nil || !back.Equal(c.policy) {
			t.Errorf("%s came back as %s (%v)", doc, back, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"time_windwo(24h)":            `there is no policy of that name (did you mean "time_window"?): write one like none, time_window(24h, warn 12h), cron("0 9 * * *", 2h, Europe/Berlin), latest_partition(30m, at least 5)`,
		"none()":                      "none takes nothing: leave the parentheses out",
		"time_window(24h":             "the parenthesis is not closed: write it like time_window(24h, warn 12h)",
		"time_window(day)":            `the duration "day" is none: write it like time_window(24h, warn 12h)`,
		"time_window(24h, 12h)":       `the warning "12h" is none: write it like time_window(24h, warn 12h)`,
		"cron(0 9 * * *, 1h)":         `the expression is not in quotes: write it like cron("0 9 * * *", 2h, Europe/Berlin)`,
		`cron("0 9 * * *")`:           `the lower bound is missing: write it like cron("0 9 * * *", 2h, Europe/Berlin)`,
		`cron("0 9 * * *", 1h, )`:     `the time zone "" is none: write it like cron("0 9 * * *", 2h, Europe/Berlin)`,
		"latest_partition(1h, 5)":     `the number "5" is none: write it like latest_partition(30m, at least 5)`,
		"latest_partition(1h, least)": `the number "least" is none: write it like latest_partition(30m, at least 5)`,
	} {
		want = fmt.Sprintf("freshness policy %q: %s", text, want)
		if _, err := freshness.Parse(text); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	for text, want := range map[string]string{
		`{"kind":"moon"}`: `freshness policy: the kind is "moon", which a newer version may have written`,
		`{"kind":"time_window","fail":"x","warn":"y"}`: `freshness policy: no durations are fail "x", warn "y": write them like 1h30m`,
	} {
		var p freshness.Policy
		if err := json.Unmarshal([]byte(text), &p); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
}

// What Parse accepts comes back from its text, and the text is the same then.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "none", "time_window(24h, warn 12h)", `cron("0 9 * * *", 2h, Europe/Berlin)`, "latest_partition(30m, at least 5)", `cron("\x00", 1ns)`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := freshness.Parse(text)
		if err != nil {
			return
		}
		again, err := freshness.Parse(p.String())
		if err != nil || !again.Equal(p) || again.String() != p.String() {
			t.Fatalf("%q is %s, which came back as %s (%v)", text, p, again, err)
		}
		if err := p.Validate(); err != nil && strings.Contains(err.Error(), "%!") {
			t.Fatal(err)
		}
	})
}

func TestPoliciesSurviveTheRecord(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		doc, err := json.Marshal(w.policy)
		if err != nil {
			t.Fatal(err)
		}
		var back freshness.Policy
		if err := json.Unmarshal(doc, &back); err != nil || !back.Equal(w.policy) {
			t.Fatalf("%s came back as %s (%v)", doc, back, err)
		}
		if text, err := freshness.Parse(w.policy.String()); err != nil || !text.Equal(w.policy) {
			t.Fatalf("%s came back as %s (%v)", w.policy, text, err)
		}
	})
}

func TestStates(t *testing.T) {
	t.Parallel()
	for s := range freshness.Fail + 1 {
		text, err := s.MarshalText()
		var back freshness.State
		if err != nil || back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%s came back as %s", text, back)
		}
		if s.Late() != (s == freshness.Fail) {
			t.Errorf("%s is late: %v", s, s.Late())
		}
	}
	var s freshness.State
	if err := s.UnmarshalText([]byte("FIAL")); err == nil || err.Error() != `state of freshness "FIAL": there is none of that name (did you mean "FAIL"?)` {
		t.Error(err)
	}
}
