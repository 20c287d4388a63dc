package storagetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"pgregory.net/rapid"
)

// drawBackfill adds what a batch does to backfills.
func (p *pair) drawBackfill(t *rapid.T, pl *plan) {
	if rapid.IntRange(0, 4).Draw(t, "begins") == 0 {
		pl.begin = rapid.SliceOfN(rapid.SampledFrom([]string{"f", "g", "h"}), 1, 2).Draw(t, "begin")
	}
	if n := len(p.backfillIDs); n > 0 && rapid.IntRange(0, 5).Draw(t, "stops") == 0 {
		pl.stop = rapid.IntRange(0, n-1).Draw(t, "stopped")
	}
	if pl.fill >= 0 && rapid.Bool().Draw(t, "progresses") {
		pl.progress = &storage.BackfillUpdate{
			State: storage.BackfillState(rapid.IntRange(0, 5).Draw(t, "state")), At: p.prunes.now().Add(time.Duration(rapid.IntRange(0, 9).Draw(t, "at"))),
			Error: rapid.SampledFrom([]string{"", "e"}).Draw(t, "error"),
			Progress: storage.BackfillProgress{
				Submitted: keysOf(drawNumbers(t, 0, "submitted")...), Completed: keysOf(drawNumbers(t, 0, "completed")...),
				Failed: keysOf(drawNumbers(t, 0, "failed")...), Runs: rapid.Int64Range(0, 3).Draw(t, "runs"),
			},
		}
	}
}

// backfillBatch adds what the plan does to backfills, in the keys of one store.
func (p *pair) backfillBatch(store int, pl plan, b *storage.Batch) {
	for _, id := range pl.begin {
		rec := storage.BackfillRecord{ID: id, Token: 1, CreatedAt: epoch, Partitions: keysOf(1, 2), Total: 2}
		if id > "f" {
			rec.Owner = "a"
		}
		b.Backfills = append(b.Backfills, rec)
	}
	if pl.stop >= 0 {
		b.Cancels = append(b.Cancels, storage.CancelRequest{Backfill: p.backfills[store][pl.stop], At: epoch, By: "bob"})
	}
	if pl.fill < 0 {
		return
	}
	b.Fence = storage.Fence{Backfill: p.backfills[store][pl.fill], Token: pl.token}
	if pl.progress != nil {
		u := *pl.progress
		u.Backfill = b.Fence.Backfill
		b.BackfillUpdates = []storage.BackfillUpdate{u}
	}
}

// begun notes the keys of new backfills.
func (p *pair) begun(ids []string, keys [2][]storage.BackfillKey) {
	for _, id := range ids {
		p.filled[len(p.backfillIDs)] = 1
		p.backfillIDs = append(p.backfillIDs, id)
	}
	for i := range p.stores {
		p.backfills[i] = append(p.backfills[i], keys[i]...)
	}
}

// claimBackfill claims one of the backfills for one of two owners.
func (p *pair) claimBackfill(t *rapid.T) {
	fill := rapid.IntRange(0, len(p.backfillIDs)-1).Draw(t, "claimed backfill")
	owners := rapid.SampledFrom([]string{"a", "b"})
	c := storage.RunClaim{ID: p.backfillIDs[fill], Owner: owners.Draw(t, "owner"), Gone: owners.Draw(t, "gone"), Lease: long}
	var errs [2]error
	var recs [2]storage.BackfillRecord
	for i, s := range p.stores {
		recs[i], errs[i] = s.ClaimBackfill(p.ctx, c)
	}
	what := fmt.Sprintf("claim of backfill %d by %q, %q gone", fill, c.Owner, c.Gone)
	p.agree(t, what, errs)
	if errs[0] != nil {
		return
	}
	p.same(t, what, "record", [2]any{plainBackfill(recs[0]), plainBackfill(recs[1])})
	p.filled[fill] = recs[0].Token
}

// plainBackfill leaves out what differs between stores.
func plainBackfill(rec storage.BackfillRecord) string {
	rec.Key = 0
	if !rec.LeaseUntil.IsZero() {
		rec.LeaseUntil = epoch
	}
	return backfillText(rec)
}

// backfillAnswers asks one store everything about backfills.
func (p *pair) backfillAnswers(t *rapid.T, store int, all map[string]any) {
	s := p.stores[store]
	list, err := s.ListBackfills(p.ctx, storage.BackfillQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, rec := range list {
		texts = append(texts, plainBackfill(rec))
	}
	all["backfills"] = texts
	for _, id := range p.backfillIDs {
		rec, err := s.GetBackfill(p.ctx, id)
		if p.prunes != nil && errors.Is(err, storage.ErrNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all["backfill "+id] = plainBackfill(rec)
	}
}
