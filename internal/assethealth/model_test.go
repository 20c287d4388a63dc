package assethealth_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/storage"
)

// happening is one thing that was recorded.
type happening struct {
	name  string
	kind  storage.StateKind
	said  *storage.Verdict
	parts string
}

// last is what all that happened to a name, or to one partition of it, comes to.
type last struct {
	made, failed, skipped bool
	said                  *storage.Verdict
}

func lastOf(all []happening, name, part string) (l last) {
	for _, h := range all {
		if h.name != name || !strings.Contains(h.parts, part) {
			continue
		}
		switch h.kind {
		case storage.Materialized:
			l = last{made: true, said: h.said}
		case storage.Failed:
			l.failed, l.skipped, l.said = true, false, h.said
		case storage.Observed:
			l.skipped = true
		case storage.Wiped:
			l = last{}
		}
	}
	return l
}

// word is what a check said last.
func (l last) word() string {
	switch {
	case l.skipped || !l.made && !l.failed:
		return "unknown"
	case l.failed && l.said == nil:
		return "crashed"
	case l.failed && l.said.Severity == storage.SeverityWarn:
		return "warned"
	case l.failed:
		return "failed"
	default:
		return "passed"
	}
}

// modelFacts are the facts of an asset, from all that happened.
func modelFacts(all []happening, sub *assethealth.Subject, parts ...string) (f assethealth.Facts) {
	for _, part := range parts {
		l := lastOf(all, sub.Asset, part)
		f.Presence.Made = f.Presence.Made || l.made
		switch {
		case part == "":
			f.Presence.Failed = l.failed
		case l.failed:
			f.Presence.FailedPartitions++
		}
	}
	for _, c := range sub.Checks {
		worst, of := 0, []string{""}
		if c.Partitioned {
			of = parts
		}
		for _, part := range of {
			worst = max(worst, map[string]int{"unknown": 0, "passed": 1, "warned": 2, "failed": 3, "crashed": 4}[lastOf(all, c.Name, part).word()])
		}
		f.Checks.Defined++
		*[]*int{&f.Checks.Unknown, &f.Checks.Passed, &f.Checks.Warned, &f.Checks.Failed, &f.Checks.Crashed}[worst]++
	}
	return f
}

// What is read of the present state is what all that happened comes to.
func TestHealthsAreWhatAllEventsSay(t *testing.T) {
	t.Parallel()
	users := assethealth.Subject{Asset: "users", Checks: []assethealth.Check{{Name: "users:one"}, {Name: "users:two"}}}
	days := assethealth.Subject{Asset: "days", Partitions: letters, Checks: []assethealth.Check{{Name: "days:each", Partitioned: true}, {Name: "days:whole"}}}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t, "users", "users:one", "users:two", "days", "days:each", "days:whole")
		var all []happening
		t.Repeat(map[string]func(*rapid.T){
			"happen": func(t *rapid.T) {
				h := happening{name: rapid.SampledFrom([]string{"users", "users:one", "users:two", "days", "days:each", "days:each", "days:whole"}).Draw(t, "name")}
				if h.name == "days" || h.name == "days:each" {
					h.parts = rapid.SampledFrom([]string{"a", "b", "c", "d", "ab", "bcd", "abcd"}).Draw(t, "partitions")
				}
				if strings.Contains(h.name, ":") {
					h.kind = rapid.SampledFrom([]storage.StateKind{storage.Materialized, storage.Failed, storage.Failed, storage.Observed}).Draw(t, "kind")
					switch h.kind {
					case storage.Materialized:
						h.said = pass
					case storage.Failed:
						h.said = rapid.SampledFrom([]*storage.Verdict{warn, fail, nil}).Draw(t, "said")
					}
				} else {
					h.kind = rapid.SampledFrom([]storage.StateKind{storage.Materialized, storage.Failed, storage.Wiped}).Draw(t, "kind")
				}
				w.record(h.name, h.kind, h.said, h.parts)
				all = append(all, h)
			},
			"": func(t *rapid.T) {
				got := w.healths(users, days)
				if want := assethealth.Judge(modelFacts(all, &users, "")); got["users"] != want {
					t.Fatalf("users: %+v\nwant %+v\nafter %+v", got["users"], want, all)
				}
				if want := assethealth.Judge(modelFacts(all, &days, "a", "b", "c", "d")); got["days"] != want {
					t.Fatalf("days: %+v\nwant %+v\nafter %+v", got["days"], want, all)
				}
			},
		})
	})
}
