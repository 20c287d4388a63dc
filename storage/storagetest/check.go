package storagetest

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// Checker is a backend that can be checked, and mended as far as that is no guess.
type Checker interface {
	storage.Storage
	Check(ctx context.Context) ([]string, error)
	Repair(ctx context.Context) ([]string, error)
}

// Checked is for backends that are a [Checker] and keep their tables in SQL: damage executes a
// statement on the tables of an open store, blob is how bytes are written in one.
func Checked(damage func(t *testing.T, s storage.Storage, sql string), blob func([]byte) string) Option {
	return func(o *options) { o.damage, o.blob = damage, blob }
}

// checkDamages damages a sound store in one way after another. What is mended stays so.
func checkDamages(t *testing.T, open func(*testing.T) storage.Storage, o *options) {
	t.Helper()
	for name, d := range damages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, open)
			f.sound()
			if d.damage != "" {
				o.damage(t, f.Storage, inDialect(d.damage, o.blob))
			}
			f.judged(d)
		})
	}
}

// judged asserts what Check and Repair say of a store.
func (f *fixture) judged(d damage) {
	f.Helper()
	s, ok := f.Storage.(Checker)
	if !ok {
		f.Fatalf("%T cannot be checked", f.Storage)
	}
	list := must[[]string](f)
	found := list(s.Check(f.ctx))
	if all := strings.Join(found, "\n"); d.found == "" && all != "" || !strings.Contains(all, d.found) {
		f.Errorf("found:\n%s\nwant: %s", all, d.found)
	}
	done := list(s.Repair(f.ctx))
	if all := strings.Join(done, "\n"); d.mended == "" && all != "" || !strings.Contains(all, d.mended) {
		f.Errorf("mended:\n%s\nwant: %s", all, d.mended)
	}
	if left := list(s.Check(f.ctx)); len(left) > len(found)-len(done) {
		f.Errorf("%d problems, %d of them mended, leave:\n%s", len(found), len(done), strings.Join(left, "\n"))
	}
	if again := list(s.Repair(f.ctx)); len(again) > 0 {
		f.Errorf("mended again: %q", again)
	}
}

// inDialect puts sets, written as in {0 1 2}, into a statement.
func inDialect(sql string, blob func([]byte) string) string {
	return regexp.MustCompile(`\{[0-9 ]*\}`).ReplaceAllStringFunc(sql, func(text string) string {
		var numbers []int
		for word := range strings.FieldsSeq(strings.Trim(text, "{}")) {
			n, _ := strconv.Atoi(word) // the expression has nothing else
			numbers = append(numbers, n)
		}
		data, _ := keysOf(numbers...).AppendBinary(nil) // never fails
		return blob(data)
	})
}

// sound writes something of everything that is kept: run r has made the asset a; of asset parted
// run p made 0, 1 and at once 2, 3, 4, and run open is about to make 5 and 6; asset wiped was.
func (f *fixture) sound() {
	f.Helper()
	keys := f.assets("a", "parted", "wiped")
	r := f.run("r")
	at := storage.MicrosOf(epoch)
	f.commit(&storage.Batch{
		Fence: r, Logs: []storage.LogLine{{Run: r.Run, N: 1, Message: "m"}},
		Events: []storage.Event{
			event(r.Run, 1),
			{Run: r.Run, N: 2, Fact: storage.Fact{At: at, Kind: storage.StepSucceeded, Step: 1, Attempt: 1}, Asset: keys[0]},
			{Run: r.Run, N: 3, Fact: storage.Fact{At: at, Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}},
		},
		Assets:     []storage.AssetUpdate{{Asset: keys[0], Run: r.Run, N: 2, At: at}},
		RunUpdates: []storage.RunUpdate{{Run: r.Run, State: storage.Success, At: epoch, Counts: storage.StepCounts{Succeeded: 1}}},
	})
	f.pool("db", 2)
	begin := storage.Batch{
		Lease: long,
		Keys:  []storage.KeyUpdate{{Table: "tenants", Add: []string{"x", "y", "z"}, Remove: []string{"y"}}, {Add: []string{"static"}}},
		Backfills: []storage.BackfillRecord{
			{ID: "done", Token: 1, State: storage.BackfillInProgress, Owner: "a", Partitions: keysOf(1, 2, 3), Total: 3},
			{ID: "going", Token: 1, State: storage.BackfillInProgress, Owner: "a", Partitions: keysOf(1, 2), Total: 2},
		},
		Runs: []storage.RunRecord{
			{ID: "p", State: storage.Running, Token: 1, Owner: "a", Targets: []storage.Target{{Asset: keys[1], Partitions: keysOf(0, 1, 2, 3, 4)}}},
			{ID: "open", State: storage.Running, Token: 1, Owner: "a", Backfill: "going", Targets: []storage.Target{{Asset: keys[1], Partitions: keysOf(5, 6)}}},
		},
	}
	f.commit(&begin)
	f.soundParts(storage.Fence{Run: begin.Runs[0].Key, Token: 1}, keys)
	f.granted(slotClaim(storage.Fence{Run: begin.Runs[1].Key, Token: 1}, 0, "db"))
	done := storage.Fence{Backfill: begin.Backfills[0].Key, Token: 1}
	f.commit(&storage.Batch{Fence: done, BackfillUpdates: []storage.BackfillUpdate{{
		Backfill: done.Backfill, State: storage.BackfillFailed, At: time.Unix(9, 0),
		Progress: storage.BackfillProgress{
			Submitted: keysOf(1, 2), Completed: keysOf(1), CompletedCount: 1, Failed: keysOf(2), FailedCount: 1, Canceled: keysOf(3), CanceledCount: 1,
		},
	}}})
	going := storage.Fence{Backfill: begin.Backfills[1].Key, Token: 1}
	f.commit(&storage.Batch{Fence: going, BackfillUpdates: []storage.BackfillUpdate{{
		Backfill: going.Backfill, State: storage.BackfillInProgress, At: time.Unix(9, 0), Progress: storage.BackfillProgress{Submitted: keysOf(1), Runs: 1},
	}}})
}

// soundParts is run p: singles, a group, a failure, a wipe, and a step that was reused.
func (f *fixture) soundParts(fence storage.Fence, keys []storage.AssetKey) {
	f.Helper()
	b := storage.Batch{Fence: fence}
	add := func(kind storage.EventKind, asset storage.AssetKey, state storage.StateKind, numbers ...int) {
		n := int64(len(b.Events) + 1)
		u := update(asset, state, fence, n, numbers...)
		e := event(fence.Run, n)
		e.Kind, e.Asset, e.Partition, u.At = kind, asset, u.Partition, e.At
		b.Events, b.Assets = append(b.Events, e), append(b.Assets, u)
	}
	add(storage.StepSucceeded, keys[1], storage.Materialized, 0)
	add(storage.AssetMaterialized, keys[1], storage.Materialized, 1)
	add(storage.AssetMaterialized, keys[1], storage.Materialized, 2, 3, 4)
	add(storage.PartitionFailed, keys[1], storage.Failed, 1)
	add(storage.AssetMaterialized, keys[1], storage.Materialized, 7, 8)
	add(storage.AssetWiped, keys[1], storage.Wiped, 7)
	add(storage.AssetMaterialized, keys[2], storage.Materialized)
	add(storage.AssetWiped, keys[2], storage.Wiped)
	n := int64(len(b.Events))
	b.Events = append(b.Events,
		storage.Event{Run: fence.Run, N: n + 1, Fact: storage.Fact{Kind: storage.StepReused, Step: 50}},
		storage.Event{Run: fence.Run, N: n + 2, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}})
	b.RunUpdates = []storage.RunUpdate{{Run: fence.Run, State: storage.Success, At: epoch, Counts: storage.StepCounts{Succeeded: 2}}}
	f.commit(&b)
}
