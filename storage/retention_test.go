package storage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
)

const day = 24 * time.Hour

func TestPruneCutoffs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) storage.Micros { return storage.MicrosOf(now.Add(-d)) }
	for name, c := range map[string]struct {
		keep   storage.Retention
		before [storage.PruneKindCount]storage.Micros
		passed storage.Micros
		newest [2]int
	}{
		"defaults": {
			storage.Retention{},
			[...]storage.Micros{ago(30 * day), ago(90 * day), ago(365 * day), ago(365 * day), ago(365 * day), ago(30 * day), ago(90 * day)},
			ago(time.Hour),
			[...]int{100, 100},
		},
		"forever": {storage.All(storage.Forever), [storage.PruneKindCount]storage.Micros{}, 0, [...]int{100, 100}},
		"what hangs on a run goes with it, but for events of assets and evaluations": {
			storage.Retention{Logs: storage.Forever, Steps: 9 * day, AssetEvents: storage.Forever, Runs: 5 * day, Backfills: storage.Forever, Changes: time.Minute, NewestAssetEvents: -1, Evaluations: 7 * day, NewestEvaluations: 3},
			[...]storage.Micros{ago(5 * day), ago(5 * day), 0, ago(5 * day), 0, ago(time.Minute), ago(7 * day)},
			ago(time.Minute),
			[...]int{0, 3},
		},
	} {
		r := storage.PruneRequest{Retention: c.keep, Now: now}
		got, err := r.Cutoffs()
		want := storage.PruneCutoffs{Before: c.before, Passed: c.passed}
		want.Newest[storage.PruneAssetEvents], want.Newest[storage.PruneEvaluations] = c.newest[0], c.newest[1]
		if err != nil || got != want {
			t.Errorf("%s:\n got %+v, %v\nwant %+v", name, got, err, want)
		}
	}
}

func TestRetentionFaults(t *testing.T) {
	t.Parallel()
	err := storage.Retention{Logs: -time.Second, Changes: -day}.Validate()
	want := "Logs is -1s: want a positive age, zero for 720h0m0s, or storage.Forever\nChanges is -24h0m0s: want a positive age, zero for 720h0m0s, or storage.Forever"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if err := storage.All(storage.Forever).Validate(); err != nil {
		t.Error(err)
	}
}

func TestRetentionOver(t *testing.T) {
	t.Parallel()
	got := storage.Retention{Logs: day, NewestAssetEvents: -1, NewestEvaluations: 7}.Over(storage.All(2 * day)).Over(storage.All(3 * day))
	want := storage.All(2 * day)
	want.Logs, want.NewestAssetEvents, want.NewestEvaluations = day, -1, 7
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRetentionLongest(t *testing.T) {
	t.Parallel()
	a := storage.Retention{Logs: storage.Forever, Steps: day, NewestAssetEvents: -1, NewestEvaluations: -1, ByHand: true}
	b := storage.Retention{Logs: day, Runs: 400 * day, NewestAssetEvents: 7, NewestEvaluations: -1}
	want := storage.Retention{
		Logs: storage.Forever, Steps: storage.DefaultKeepSteps, AssetEvents: storage.DefaultKeepAssetEvents, NewestAssetEvents: 7,
		Evaluations: storage.DefaultKeepEvaluations, NewestEvaluations: -1, Runs: 400 * day, Backfills: storage.DefaultKeepBackfills,
		Changes: storage.DefaultKeepChanges, ByHand: true,
	}
	for _, got := range []storage.Retention{a.Longest(b), b.Longest(a)} {
		if got != want {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	l := storage.LostOf(storage.PruneLogs) | storage.LostOf(storage.PruneAssetEvents)
	if l.String() != "logs, asset_events" || !l.Events() || l.Has(storage.PruneSteps) || storage.LostOf(storage.PruneLogs).Events() ||
		!storage.LostOf(storage.PruneEvaluations).Events() {
		t.Errorf("%s", l)
	}
	for _, want := range []storage.Lost{0, l} {
		text, err := want.MarshalText()
		var back storage.Lost = 77
		if err == nil {
			err = back.UnmarshalText(text)
		}
		if err != nil || back != want {
			t.Errorf("%q reads as %q, %v", want, back, err)
		}
	}
	var none storage.Lost
	if err := none.UnmarshalText([]byte("logs, lines")); err == nil || !strings.Contains(err.Error(), `"lines": want one of [logs steps`) {
		t.Errorf("got %v", err)
	}
	if text := storage.PruneKind(99).String(); text != "prune_kind(99)" {
		t.Error(text)
	}
}
