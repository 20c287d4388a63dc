package storagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// checkPruneTogether has several prune the same history at once, each from its own lists.
func checkPruneTogether(f *fixture) {
	key := f.assets("a")[0]
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprint("r", i))
		f.pastRun(storage.RunRecord{ID: all[i]}, 0, key)
	}
	f.run("newest")
	keep := oneDay()
	keep.Changes = storage.Forever
	var group sync.WaitGroup
	for chunk := range 4 {
		group.Go(func() {
			if _, err := f.Prune(f.ctx, storage.PruneRequest{Retention: keep, Now: epoch.Add(100 * days), Chunk: 1 + 2*chunk}); err != nil {
				f.Error(err)
			}
		})
	}
	group.Wait()
	f.equal("what is left", f.left(all...), strings.Join(all, " gone; ")+" gone; ")
	f.equal("the present", must[storage.AssetRecord](f)(f.GetAsset(f.ctx, "a")).Materialization.RunID, "r29")
	f.checked()
}

// turn asks for the turn so long after the hundredth day, with an hour between two.
func (f *fixture) turn(later time.Duration, keep storage.Retention, limit int64) storage.PruneReport {
	f.Helper()
	return must[storage.PruneReport](f)(f.Prune(f.ctx, storage.PruneRequest{
		Retention: keep, Now: epoch.Add(100*days + later), Every: time.Hour, Limit: limit, Chunk: 2,
	}))
}

// checkPruneTurns has nobody prune while nothing is old, then one of many who ask at once, and
// nobody for an hour after.
func checkPruneTurns(f *fixture) {
	key := f.assets("a")[0]
	f.pastRun(storage.RunRecord{ID: "old"}, 99, key)
	f.run("newest")
	keep := oneDay()
	keep.Changes = storage.Forever
	if did := f.turn(-time.Hour, keep, 0); !did.Skipped || did.Rows() != 0 {
		f.Errorf("nothing is old, and the report is %+v", did)
	}
	_, err := f.GetKV(f.ctx, storage.PruneTurn)
	f.refused(err, storage.ErrNotFound)

	var all sync.WaitGroup
	var took, rows atomic.Int64
	for range 8 {
		all.Go(func() {
			did, err := f.Prune(f.ctx, storage.PruneRequest{Retention: keep, Now: epoch.Add(100*days + time.Hour), Every: time.Hour, Chunk: 2})
			if err != nil {
				f.Error(err)
			}
			if !did.Skipped {
				took.Add(1)
			}
			rows.Add(did.Rows())
		})
	}
	all.Wait()
	f.equal("who had the turn, and what went", fmt.Sprint(took.Load(), rows.Load()), "1 6")
	f.equal("what is left", f.left("old"), "old gone; ")

	f.pastRun(storage.RunRecord{ID: "older"}, 0, key)
	f.run("newer")
	for later, skips := range map[time.Duration]bool{90 * time.Minute: true, 119 * time.Minute: true} {
		if did := f.turn(later, keep, 0); did.Skipped != skips {
			f.Errorf("%s later the report is %+v", later, did)
		}
	}
	if did := f.turn(2*time.Hour, keep, 0); did.Skipped || did.Rows() != 6 {
		f.Errorf("an hour later the report is %+v", did)
	}
	// A turn that is farther away than any can be is a clock's mistake.
	f.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.PruneTurn, Value: fmt.Appendf(nil, `{"next":%d}`, storage.MicrosOf(epoch.Add(9999*days)))}}})
	f.pastRun(storage.RunRecord{ID: "oldest"}, 0, key)
	f.run("newest of all")
	if did := f.turn(2*time.Hour+time.Minute, keep, 0); did.Skipped {
		f.Error("a turn in thirty years was waited for")
	}
}

// checkPruneTurnPlace: the process after one that was ended continues where it stopped, as soon as
// that one is gone, or a minute after its limit.
func checkPruneTurnPlace(f *fixture) {
	key := f.assets("a")[0]
	for i := range 4 {
		f.pastRun(storage.RunRecord{ID: fmt.Sprint("r", i)}, 0, key)
	}
	f.run("newest")
	keep := oneDay()
	keep.Changes = storage.Forever
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := f.Prune(ctx, storage.PruneRequest{Retention: keep, Now: epoch.Add(100 * days), Every: time.Hour})
	f.refused(err, context.Canceled)
	var rows int64
	calls := 0
	for now := time.Duration(0); ; now += time.Minute {
		did := f.turn(now, keep, 7)
		if rows, calls = rows+did.Rows(), calls+1; did.Skipped || did.Rows() > 7 {
			f.Fatalf("call %d: %+v", calls, did)
		}
		if !did.More {
			break
		}
		if again := f.turn(now+59*time.Second, keep, 7); !again.Skipped {
			f.Errorf("call %d: less than a minute after one that was ended by its limit the report is %+v", calls, again)
		}
		f.checked()
	}
	f.equal("rows, calls", fmt.Sprint(rows, calls), "24 4")
	f.equal("what is left", f.left("r0", "r1", "r2", "r3"), "r0 gone; r1 gone; r2 gone; r3 gone; ")
}

// checkPruneTurnKeeps: what one of those who share a store keeps is not pruned by another, nor
// anything if one of them prunes manually.
func checkPruneTurnKeeps(f *fixture) {
	key := f.assets("a")[0]
	f.pastRun(storage.RunRecord{ID: "old"}, 0, key)
	f.run("newest")
	says := func(location string, keep storage.Retention) {
		f.Helper()
		value, err := json.Marshal(keep)
		if err != nil {
			f.Fatal(err)
		}
		f.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.RetentionPrefix + location, Value: value}}})
	}
	keep := oneDay()
	keep.Changes = storage.Forever
	says("a/b", storage.Retention{Steps: storage.Forever, Runs: storage.Forever})
	says("other", storage.Retention{ByHand: true})
	if did := f.turn(0, keep, 0); !did.Skipped {
		f.Errorf("one prunes manually, and the report is %+v", did)
	}
	says("other", storage.Retention{})
	if did := f.turn(0, keep, 0); did.Skipped {
		f.Errorf("the report is %+v", did)
	}
	f.equal("what is left", f.left("old"), "old [1 2 3] 0 (logs); ") // by default the last 100 events of an asset stay
	f.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.RetentionPrefix + "other", Value: []byte("{")}}})
	if _, err := f.Prune(f.ctx, storage.PruneRequest{Every: time.Minute, Now: epoch.Add(200 * days)}); err == nil {
		f.Error("what cannot be read was taken for a retention")
	}
}
