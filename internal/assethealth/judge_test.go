package assethealth_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/assethealth"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	made, fresh, passed := assethealth.Presence{Made: true}, freshness.Result{State: freshness.Pass}, assethealth.Checks{Defined: 3, Passed: 3}
	late := freshness.Result{State: freshness.Fail, Reason: "last materialized 25h ago, not within 24h"}
	for _, c := range []struct {
		name string
		assethealth.Facts
		want string
	}{
		{"nothing recorded", assethealth.Facts{}, "UNKNOWN: it was never materialized"},
		{"made, nothing asked", assethealth.Facts{Presence: made}, "HEALTHY: it is materialized"},
		{"all is well", assethealth.Facts{made, passed, fresh}, "HEALTHY: it is materialized; 3 of 3 checks passed; it is fresh"},
		{"failed before it was made", assethealth.Facts{Presence: assethealth.Presence{Failed: true}}, "DEGRADED: the last materialization failed"},
		{"failed since", assethealth.Facts{assethealth.Presence{Made: true, Failed: true}, passed, fresh}, "DEGRADED: the last materialization failed"},
		{"one partition failed", assethealth.Facts{Presence: assethealth.Presence{Made: true, FailedPartitions: 1}}, "DEGRADED: 1 partition failed"},
		{"partitions failed, and it is late", assethealth.Facts{Presence: assethealth.Presence{FailedPartitions: 3}, Freshness: late}, "DEGRADED: 3 partitions failed; it is late: last materialized 25h ago, not within 24h"},
		{"a check failed", assethealth.Facts{made, assethealth.Checks{Defined: 3, Passed: 1, Warned: 1, Failed: 1}, fresh}, "DEGRADED: 1 of 3 checks failed"},
		{"a check crashed", assethealth.Facts{made, assethealth.Checks{Defined: 3, Passed: 2, Crashed: 1}, fresh}, "DEGRADED: 1 of 3 checks crashed"},
		{"failed and crashed", assethealth.Facts{made, assethealth.Checks{Defined: 3, Failed: 2, Crashed: 1}, fresh}, "DEGRADED: 2 of 3 checks failed and 1 crashed"},
		{"a check warned", assethealth.Facts{made, assethealth.Checks{Defined: 3, Passed: 1, Warned: 1, Unknown: 1}, fresh}, "WARNING: 1 of 3 checks warned"},
		{"a check did not run", assethealth.Facts{made, assethealth.Checks{Defined: 3, Passed: 2, Unknown: 1}, fresh}, "HEALTHY: it is materialized; it is fresh"},
		{"nobody counted a check", assethealth.Facts{assethealth.Presence{External: true}, assethealth.Checks{Defined: 3, Passed: 1}, freshness.Result{}}, "UNKNOWN: 2 of 3 checks have no result"},
		{"about to be late", assethealth.Facts{made, passed, freshness.Result{State: freshness.Warn, Reason: "13h"}}, "WARNING: it is about to be late: 13h"},
		{"late", assethealth.Facts{made, passed, late}, "DEGRADED: it is late: last materialized 25h ago, not within 24h"},
		{"never made, checks hold", assethealth.Facts{Checks: passed}, "UNKNOWN: it was never materialized"},
		{"never made, with a policy", assethealth.Facts{Freshness: freshness.Result{State: freshness.Unknown, Reason: "never materialized"}}, "UNKNOWN: it was never materialized; its freshness is unknown: never materialized"},
		{"never made, a check failed", assethealth.Facts{Checks: assethealth.Checks{Defined: 1, Failed: 1}}, "DEGRADED: 1 of 1 checks failed"},
		{"made elsewhere, nothing asked", assethealth.Facts{Presence: assethealth.Presence{External: true}}, "NOT_APPLICABLE: it is made elsewhere and was never observed; it has no checks; it has no freshness policy"},
		{"made elsewhere, never observed, with a policy", assethealth.Facts{Presence: assethealth.Presence{External: true}, Freshness: freshness.Result{State: freshness.Unknown, Reason: "never observed"}}, "UNKNOWN: its freshness is unknown: never observed"},
		{"made elsewhere, observed", assethealth.Facts{Presence: assethealth.Presence{External: true, Made: true}}, "HEALTHY: it was observed"},
		{"made elsewhere, checks hold", assethealth.Facts{Presence: assethealth.Presence{External: true}, Checks: passed}, "HEALTHY: 3 of 3 checks passed"},
	} {
		got := assethealth.Judge(c.Facts)
		if text := got.State.String() + ": " + got.Reason; text != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, text, c.want)
		}
	}
}

func drawFacts(t *rapid.T) assethealth.Facts {
	n := func(label string) int { return rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, label) }
	c := assethealth.Checks{Passed: n("passed"), Warned: n("warned"), Failed: n("failed"), Crashed: n("crashed"), Unknown: n("unknown")}
	c.Defined = c.Passed + c.Warned + c.Failed + c.Crashed + c.Unknown
	return assethealth.Facts{
		Presence: assethealth.Presence{
			Made: rapid.Bool().Draw(t, "made"), Failed: rapid.Bool().Draw(t, "last failed"), FailedPartitions: int64(n("partitions")),
			External: rapid.IntRange(0, 4).Draw(t, "external") == 0,
		},
		Checks:    c,
		Freshness: freshness.Result{State: freshness.State(rapid.IntRange(0, 4).Draw(t, "freshness")), Reason: "…"},
	}
}

// model is the rules as they are written, row by row.
func model(f assethealth.Facts) string {
	var have []string
	add := func(condition bool, word string) bool {
		if condition {
			have = append(have, word)
		}
		return condition
	}
	p, c := f.Presence, f.Checks
	_ = add(p.Failed || p.FailedPartitions > 0, "DEGRADED") || add(p.Made, "HEALTHY") || add(p.External, "NOT_APPLICABLE") || add(true, "UNKNOWN")
	_ = add(c.Failed > 0 || c.Crashed > 0, "DEGRADED") || add(c.Warned > 0, "WARNING") || add(c.Passed < c.Defined, "UNKNOWN") || add(c.Defined == 0, "NOT_APPLICABLE") || add(true, "HEALTHY")
	have = append(have, map[freshness.State]string{
		freshness.NotApplicable: "NOT_APPLICABLE", freshness.Pass: "HEALTHY", freshness.Unknown: "UNKNOWN", freshness.Warn: "WARNING", freshness.Fail: "DEGRADED",
	}[f.Freshness.State])
	all := strings.Join(have, " ")
	for _, word := range []string{"DEGRADED", "WARNING"} {
		if strings.Contains(all, word) {
			return word
		}
	}
	if have[0] == "UNKNOWN" {
		return "UNKNOWN"
	}
	for _, word := range []string{"HEALTHY", "UNKNOWN"} {
		if strings.Contains(all, word) {
			return word
		}
	}
	return "NOT_APPLICABLE"
}

func TestJudgeAgainstTheRules(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		got := assethealth.Judge(f)
		if got.State.String() != model(f) || got.Reason == "" {
			t.Fatalf("%+v is %s (%s), want %s", f, got.State, got.Reason, model(f))
		}
	})
}

// Whatever gets worse, the health does not get better by it.
func TestHealthIsMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := drawFacts(t)
		after := before
		p, c := &after.Presence, &after.Checks
		worse := map[string]func() bool{
			"it is gone":            func() bool { was := p.Made; p.Made = false; return was && !p.External },
			"it failed":             func() bool { p.Failed = true; return true },
			"one partition more":    func() bool { p.FailedPartitions++; return true },
			"a pass became unknown": func() bool { c.Passed--; c.Unknown++; return c.Passed >= 0 },
			"an unknown warned":     func() bool { c.Unknown--; c.Warned++; return c.Unknown >= 0 },
			"a pass warned":         func() bool { c.Passed--; c.Warned++; return c.Passed >= 0 },
			"a warning failed":      func() bool { c.Warned--; c.Failed++; return c.Warned >= 0 },
			"an unknown crashed":    func() bool { c.Unknown--; c.Crashed++; return c.Unknown >= 0 },
			"it is less fresh": func() bool {
				after.Freshness.State++
				return before.Freshness.State >= freshness.Pass && after.Freshness.State <= freshness.Fail
			},
			"a failing check is new": func() bool { c.Defined++; c.Failed++; return true },
		}
		name := rapid.SampledFrom([]string{
			"it is gone", "it failed", "one partition more", "a pass became unknown", "an unknown warned", "a pass warned", "a warning failed", "an unknown crashed", "it is less fresh", "a failing check is new",
		}).Draw(t, "worse")
		if !worse[name]() {
			return
		}
		if a, b := assethealth.Judge(before), assethealth.Judge(after); b.State < a.State {
			t.Fatalf("%+v is %s; %s, and it is %s", before, a.State, name, b.State)
		}
	})
}
