package storagetest

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/storage"
	"pgregory.net/rapid"
)

var modelPools = []string{"db", "api"}

// claimRun claims one of the runs for one of two owners.
func (p *pair) claimRun(t *rapid.T, run int) {
	owners := rapid.SampledFrom([]string{"a", "b"})
	c := storage.RunClaim{Owner: owners.Draw(t, "owner"), Lease: long}
	if rapid.Bool().Draw(t, "knows") {
		c.Gone = owners.Draw(t, "gone")
	}
	var errs [2]error
	var recs [2]storage.RunRecord
	for i, s := range p.stores {
		c.ID = p.ids[run]
		recs[i], errs[i] = s.ClaimRun(p.ctx, c)
	}
	what := fmt.Sprintf("claim of run %d by %q, %q gone", run, c.Owner, c.Gone)
	p.agree(t, what, errs)
	if errs[0] != nil {
		return
	}
	for i := range recs {
		recs[i].Key = 0
		if asked := recs[i].Cancel; asked != nil {
			recs[i].Cancel = &storage.CancelRequest{At: asked.At, By: asked.By, Reason: asked.Reason}
		}
	}
	p.same(t, what, "record", [2]any{withoutLease(recs[0]), withoutLease(recs[1])})
	p.tokens[run] = recs[0].Token
}

// withoutLease leaves out what differs by the microseconds between two calls.
func withoutLease(rec storage.RunRecord) storage.RunRecord {
	if !rec.LeaseUntil.IsZero() {
		rec.LeaseUntil = epoch
	}
	return rec
}

// claimSlots claims slots for one of the steps of a run.
func (p *pair) claimSlots(t *rapid.T, run int) {
	c := storage.SlotClaim{
		Step: rapid.Int32Range(0, 2).Draw(t, "step"), Attempt: rapid.Int32Range(1, 2).Draw(t, "attempt"), Hold: long, Wait: long,
	}
	c.Key = fmt.Sprint(c.Step)
	for _, name := range modelPools {
		if n := rapid.IntRange(0, 2).Draw(t, "slots of "+name); n > 0 {
			c.Pools = append(c.Pools, storage.PoolSlots{Pool: name, Slots: n})
		}
	}
	var errs [2]error
	var answers [2]any
	for i, s := range p.stores {
		c.Fence = storage.Fence{Run: p.runs[i][run], Token: p.token(t, run)}
		answers[i], errs[i] = s.ClaimSlots(p.ctx, c)
	}
	what := fmt.Sprintf("slots for step %d of run %d: %v", c.Step, run, c.Pools)
	p.agree(t, what, errs)
	p.same(t, what, "answer", answers)
}

// token is the run's present one. (Stale ones are drawn for batches, whose refusals are sticky.)
func (p *pair) token(_ *rapid.T, run int) int64 { return p.tokens[run] }

// lease draws one of the calls that are no batch.
func (p *pair) lease(t *rapid.T) {
	run := rapid.IntRange(0, len(p.runs[0])-1).Draw(t, "leased run")
	if rapid.Bool().Draw(t, "slots") {
		p.claimSlots(t, run)
	} else {
		p.claimRun(t, run)
	}
}

// drawSlots adds what a batch does to pools and leases.
func (pl *plan) drawSlots(t *rapid.T, runs int) {
	if pl.run >= 0 {
		pl.releases = rapid.SliceOfN(rapid.Int32Range(-1, 2), 0, 2).Draw(t, "releases")
	}
	if pl.later {
		return
	}
	if rapid.IntRange(0, 3).Draw(t, "sets") == 0 {
		pl.pools = []storage.PoolUpdate{{
			Name: rapid.SampledFrom(modelPools).Draw(t, "pool"), Slots: rapid.IntRange(1, 3).Draw(t, "limit"), Declared: rapid.Bool().Draw(t, "declared"),
		}}
	}
	if runs > 0 && rapid.IntRange(0, 5).Draw(t, "asks") == 0 {
		pl.cancel = rapid.IntRange(0, runs-1).Draw(t, "canceled")
	}
}

// slotAnswers asks one store what is held, with what both stores share in place of keys and
// instants.
func (p *pair) slotAnswers(t *rapid.T, store int, numberOf map[storage.RunKey]storage.RunKey) (pools []storage.PoolRecord, slots []storage.SlotRecord) {
	s := p.stores[store]
	pools, poolErr := s.ListPools(p.ctx)
	slots, slotErr := s.ListSlots(p.ctx, storage.SlotQuery{})
	if err := errors.Join(poolErr, slotErr); err != nil {
		t.Fatal(err)
	}
	for i := range slots {
		slots[i].Run = numberOf[slots[i].Run]
		slots[i].Since, slots[i].Until = epoch, epoch
	}
	return pools, slots
}
