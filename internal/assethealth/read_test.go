package assethealth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// world is a store that knows some names.
type world struct {
	fataler

	ctx   context.Context
	store *memory.Store
	keys  map[string]storage.AssetKey
	space partition.Space // of the definition letters
}

var letters = partition.Static("a", "b", "c", "d")

func newWorld(t fataler, names ...string) *world {
	w := &world{fataler: t, ctx: context.Background(), store: memory.New(), keys: map[string]storage.AssetKey{}}
	w.commit(&storage.Batch{
		Topologies: []storage.Topology{{Location: "t", Hash: "1", Assets: names, Doc: []byte("{}")}},
		Keys:       []storage.KeyUpdate{{Add: []string{"a", "b", "c", "d"}}},
	})
	keys, err := w.store.AssetKeys(w.ctx, names)
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		w.keys[name] = keys[i]
	}
	tables, err := storage.NewKeyCache(w.store, 0).Tables(w.ctx, letters)
	if err != nil {
		t.Fatal(err)
	}
	if w.space, err = partition.NewSpace(letters, time.Now(), tables); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) commit(b *storage.Batch) {
	w.Helper()
	if err := w.store.Commit(w.ctx, b); err != nil {
		w.Fatal(err)
	}
}

// record records a state of an asset or check, or of partitions of it, whose keys are letters.
func (w *world) record(name string, kind storage.StateKind, v *storage.Verdict, parts string) {
	w.Helper()
	d := storage.Detail{Check: v}
	u := storage.AssetUpdate{Asset: w.keys[name], Kind: kind, At: storage.MicrosOf(time.Now())}
	if parts != "" {
		set, err := w.space.Select(strings.Split(parts, "")...)
		if err != nil {
			w.Fatal(err)
		}
		if u.Partitions = set; len(parts) == 1 {
			u.Partition = parts
		}
		d.Partitions = set
	}
	u.Detail = d.AppendJSON(nil)
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{u}})
}

// healths are those of subjects, by their names.
func (w *world) healths(subjects ...assethealth.Subject) map[string]health.Report {
	w.Helper()
	verdicts := func(ctx context.Context) (map[string]*checkstate.Results, error) {
		byName := map[string]*checkstate.Results{}
		for _, sub := range subjects {
			for _, c := range sub.Checks {
				if c.Partitioned {
					one := checkstate.Subject{Check: c.Name, Asset: sub.Asset, Partitions: sub.Partitions, External: sub.External}
					results, err := checkstate.Read(ctx, checkstate.Params{Location: c.Name, Store: w.store, Subjects: []checkstate.Subject{one}})
					if err != nil {
						return nil, err
					}
					byName[c.Name] = &results[0]
				}
			}
		}
		return byName, nil
	}
	reports, err := assethealth.Healths(w.ctx, w.store, subjects, verdicts, time.Now())
	if err != nil {
		w.Fatal(err)
	}
	byName := map[string]health.Report{}
	for i := range subjects {
		byName[subjects[i].Asset] = reports[i]
	}
	return byName
}

var (
	pass, fail = &storage.Verdict{Passed: true}, &storage.Verdict{Severity: storage.SeverityError}
	warn       = &storage.Verdict{Severity: storage.SeverityWarn}
)

// What each check said last is counted; what never ran is unknown, and so is what a run did not come to.
func TestChecksOfAnAsset(t *testing.T) {
	t.Parallel()
	words := []string{"passed", "warned", "failed", "crashed", "mended", "skipped", "never"}
	sub := assethealth.Subject{Asset: "users"}
	names := []string{"users"}
	for _, word := range words {
		name := storage.CheckName("users", word)
		sub.Checks, names = append(sub.Checks, assethealth.Check{Name: name}), append(names, name)
	}
	w := newWorld(t, names...)
	w.record("users", storage.Materialized, nil, "")
	w.record("users:passed", storage.Materialized, pass, "")
	w.record("users:warned", storage.Failed, warn, "")
	w.record("users:failed", storage.Failed, fail, "")
	w.record("users:crashed", storage.Failed, nil, "")
	w.record("users:mended", storage.Failed, fail, "")
	w.record("users:mended", storage.Materialized, pass, "")
	w.record("users:skipped", storage.Observed, nil, "")
	for _, c := range []struct{ checks, want string }{
		{"passed mended", "HEALTHY: 2 of 2 checks passed"},
		{"passed warned", "WARNING: 1 of 2 checks warned"},
		{"warned failed mended", "DEGRADED: 1 of 3 checks failed"},
		{"passed crashed", "DEGRADED: 1 of 2 checks crashed"},
		{"passed warned failed crashed mended skipped never", "DEGRADED: 1 of 7 checks failed and 1 crashed"},
		{"passed skipped never", "UNKNOWN: 2 of 3 checks have no result"},
		{"", "NOT_APPLICABLE: it has no checks"},
	} {
		of := assethealth.Subject{Asset: "users"}
		for i, word := range words {
			if strings.Contains(c.checks, word) {
				of.Checks = append(of.Checks, sub.Checks[i])
			}
		}
		got := w.healths(of)["users"].Checks
		if text := got.State.String() + ": " + got.Reason; text != c.want {
			t.Errorf("%s: %s, want %s", c.checks, text, c.want)
		}
	}
}

// A check that judges partitions counts by its worst, as long as it was not judged anew and exists.
func TestChecksOfPartitions(t *testing.T) {
	t.Parallel()
	sub := assethealth.Subject{Asset: "days", Partitions: letters, Checks: []assethealth.Check{{Name: "days:even", Partitioned: true}}}
	w := newWorld(t, "days", "days:even")
	w.record("days", storage.Materialized, nil, "abcd")
	for _, c := range []struct {
		kind  storage.StateKind
		said  *storage.Verdict
		parts string
		want  string
	}{
		{storage.Materialized, pass, "ab", "HEALTHY: it is materialized; 1 of 1 checks passed"},
		{storage.Failed, fail, "c", "DEGRADED: 1 of 1 checks failed"},
		{storage.Materialized, pass, "d", "DEGRADED: 1 of 1 checks failed"},
		{storage.Materialized, pass, "c", "HEALTHY: it is materialized; 1 of 1 checks passed"},
		{storage.Failed, nil, "ab", "DEGRADED: 1 of 1 checks crashed"},
		{storage.Materialized, pass, "a", "DEGRADED: 1 of 1 checks crashed"},
		{storage.Materialized, pass, "b", "HEALTHY: it is materialized; 1 of 1 checks passed"},
		{storage.Failed, fail, "cd", "DEGRADED: 1 of 1 checks failed"},
		{storage.Failed, warn, "d", "DEGRADED: 1 of 1 checks failed"},
		{storage.Materialized, pass, "c", "WARNING: 1 of 1 checks warned"},
		{storage.Observed, nil, "d", "HEALTHY: it is materialized; 1 of 1 checks passed"},
		{storage.Observed, nil, "abcd", "HEALTHY: it is materialized"},
		{storage.Failed, warn, "d", "WARNING: 1 of 1 checks warned"},
	} {
		w.record("days:even", c.kind, c.said, c.parts)
		got := w.healths(sub)["days"]
		if text := got.State.String() + ": " + got.Reason; text != c.want {
			t.Errorf("after %s of %s: %s, want %s", c.kind, c.parts, text, c.want)
		}
	}
	sub.Partitions = partition.Static("a", "b", "c")
	if got := w.healths(sub)["days"]; got.State != health.Healthy {
		t.Errorf("the partition that did not pass is gone, and the asset is %s: %s", got.State, got.Reason)
	}
}

// The three things that are recorded come together.
func TestHealths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "users", "days", "feed", "broken")
	w.record("users", storage.Materialized, nil, "")
	w.record("days", storage.Materialized, nil, "abc")
	w.record("days", storage.Failed, nil, "cd")
	w.record("feed", storage.Observed, nil, "")
	w.record("broken", storage.Materialized, nil, "")
	w.record("broken", storage.Failed, nil, "")
	got := w.healths(
		assethealth.Subject{Asset: "users", Policy: freshness.TimeWindow(time.Hour)}, assethealth.Subject{Asset: "days", Partitions: letters},
		assethealth.Subject{Asset: "feed", External: true, Partitions: letters}, assethealth.Subject{Asset: "broken"},
		assethealth.Subject{Asset: "never", Policy: freshness.TimeWindow(time.Hour)}, assethealth.Subject{Asset: "elsewhere", External: true},
	)
	for name, want := range map[string]string{
		"users":     "HEALTHY: it is materialized; it is fresh",
		"days":      "DEGRADED: 2 partitions failed",
		"feed":      "HEALTHY: it was observed",
		"broken":    "DEGRADED: the last materialization failed",
		"never":     "UNKNOWN: it was never materialized; its freshness is unknown: never materialized",
		"elsewhere": "NOT_APPLICABLE: it is made elsewhere and was never observed; it has no checks; it has no freshness policy",
	} {
		if text := got[name].State.String() + ": " + got[name].Reason; text != want {
			t.Errorf("%s: %s, want %s", name, text, want)
		}
	}
}
