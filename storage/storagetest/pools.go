package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// pool sets the slots of a pool by a person's hand.
func (f *fixture) pool(name string, slots int) {
	f.Helper()
	f.commit(&storage.Batch{Pools: []storage.PoolUpdate{{Name: name, Slots: slots}}})
}

// claim asks for slots of pools, written "db 2, api 1".
func slotClaim(fence storage.Fence, step int32, pools string) storage.SlotClaim {
	c := storage.SlotClaim{Fence: fence, Step: step, Key: fmt.Sprintf("step_%d", step), Attempt: 1, Hold: long, Wait: long}
	for text := range strings.SplitSeq(pools, ", ") {
		p := storage.PoolSlots{Slots: 1}
		_, _ = fmt.Sscanf(text, "%s %d", &p.Pool, &p.Slots) // the number may be left out
		c.Pools = append(c.Pools, p)
	}
	return c
}

// granted asserts that a claim gets its slots.
func (f *fixture) granted(c storage.SlotClaim) {
	f.Helper()
	if a := must[storage.SlotAnswer](f)(f.ClaimSlots(f.ctx, c)); !a.Granted || len(a.Blocked) > 0 {
		f.Fatalf("%s of run %d: %+v, want its slots", c.Key, c.Fence.Run, a)
	}
}

// blocked asserts that a claim waits, and for what, written "pool: in use/limit, ahead".
func (f *fixture) blocked(c storage.SlotClaim, want string) {
	f.Helper()
	a := must[storage.SlotAnswer](f)(f.ClaimSlots(f.ctx, c))
	var got []string
	for _, b := range a.Blocked {
		got = append(got, fmt.Sprintf("%s: %d/%d, %d ahead", b.Pool, b.InUse, b.Limit, b.Ahead))
	}
	if text := strings.Join(got, "; "); a.Granted || text != want {
		f.Fatalf("%s of run %d: granted %t, blocked by %q, want %q", c.Key, c.Fence.Run, a.Granted, text, want)
	}
}

func (f *fixture) release(fence storage.Fence, steps ...int32) {
	f.Helper()
	b := storage.Batch{Fence: fence}
	for _, s := range steps {
		b.Releases = append(b.Releases, storage.SlotRelease{Run: fence.Run, Step: s})
	}
	f.commit(&b)
}

func checkPools(f *fixture) {
	declare := func(slots int) {
		f.Helper()
		f.commit(&storage.Batch{Pools: []storage.PoolUpdate{{Name: "db", Slots: slots, Declared: true}}})
	}
	list := func() []storage.PoolRecord { f.Helper(); return must[[]storage.PoolRecord](f)(f.ListPools(f.ctx)) }
	f.equal("no pools", list(), []storage.PoolRecord(nil))
	declare(2)
	f.pool("api", 5)
	f.equal("the pools", list(), []storage.PoolRecord{{Name: "api", Limit: 5, Set: 5}, {Name: "db", Limit: 2, Declared: 2}})
	f.pool("db", 3)
	declare(4)
	f.equal("what a person has set wins", list()[1], storage.PoolRecord{Name: "db", Limit: 3, Declared: 4, Set: 3})
	f.pool("db", 0)
	f.pool("api", 0)
	f.equal("what a person has taken back", list(), []storage.PoolRecord{{Name: "db", Limit: 4, Declared: 4}})
	for what, p := range map[string]storage.PoolUpdate{
		"no name": {Slots: 1}, "less than nothing": {Name: "x", Slots: -1}, "nothing declared": {Name: "x", Declared: true},
	} {
		if err := f.Commit(f.ctx, &storage.Batch{Pools: []storage.PoolUpdate{p}}); err == nil {
			f.Errorf("a pool with %s was committed", what)
		}
	}
}

func checkSlots(f *fixture) {
	first, second := f.owned("first", "a", long), f.owned("second", "b", long)
	f.pool("db", 2)
	f.pool("api", 1)
	f.granted(slotClaim(first, 0, "db, api"))
	f.granted(slotClaim(first, 0, "db, api")) // asked again
	f.granted(slotClaim(first, 1, "db"))
	f.blocked(slotClaim(second, 0, "db"), "db: 2/2, 0 ahead")
	f.blocked(slotClaim(second, 1, "db 2, api"), "db: 2/2, 1 ahead; api: 1/1, 0 ahead")
	f.equal("the pools", must[[]storage.PoolRecord](f)(f.ListPools(f.ctx)), []storage.PoolRecord{
		{Name: "api", Limit: 1, Set: 1, InUse: 1, Waiting: 1}, {Name: "db", Limit: 2, Set: 2, InUse: 2, Waiting: 2},
	})
	f.slots(storage.SlotQuery{}, "first/step_0 holds api 1; first/step_0 holds db 1; first/step_1 holds db 1; "+
		"second/step_0 waits db 1; second/step_1 waits api 1; second/step_1 waits db 2")
	f.slots(storage.SlotQuery{Pool: "api"}, "first/step_0 holds api 1; second/step_1 waits api 1")
	f.slots(storage.SlotQuery{Run: second.Run}, "second/step_0 waits db 1; second/step_1 waits api 1; second/step_1 waits db 2")

	// Freed in the transaction of the outcome; who came first gets them first.
	f.release(first, 0)
	f.blocked(slotClaim(second, 1, "db 2, api"), "db: 1/2, 1 ahead")
	f.granted(slotClaim(second, 0, "db"))
	f.release(first, 1)
	f.blocked(slotClaim(second, 1, "db 2, api"), "db: 1/2, 0 ahead")
	f.release(second, 0)
	f.granted(slotClaim(second, 1, "db 2, api"))
	f.release(second, storage.NoStep)
	f.slots(storage.SlotQuery{}, "")
}

func (f *fixture) slots(q storage.SlotQuery, want string) {
	f.Helper()
	var got []string
	for _, s := range must[[]storage.SlotRecord](f)(f.ListSlots(f.ctx, q)) {
		word := "waits"
		if s.Holding {
			word = "holds"
		}
		if time.Until(s.Until) < long/2 || time.Since(s.Since).Abs() > long || s.Attempt != 1 {
			f.Fatalf("a slot since %s until %s in attempt %d", s.Since, s.Until, s.Attempt)
		}
		got = append(got, fmt.Sprintf("%s/%s %s %s %d", s.RunID, s.Key, word, s.Pool, s.PoolSlots.Slots))
	}
	f.equal("the slots", strings.Join(got, "; "), want)
}

func checkSlotRefusals(f *fixture) {
	fence := f.owned("r", "a", long)
	f.pool("db", 2)
	claim := func(c storage.SlotClaim) error { _, err := f.ClaimSlots(f.ctx, c); return err }
	f.refused(claim(slotClaim(fence, 0, "dbb")), storage.ErrNotFound)
	f.refused(claim(slotClaim(fence, 0, "db 3")), storage.ErrPoolTooSmall)
	f.refused(claim(slotClaim(storage.Fence{Run: fence.Run, Token: 7}, 0, "db")), storage.ErrFenced)
	for what, change := range map[string]func(*storage.SlotClaim){
		"no pool": func(c *storage.SlotClaim) { c.Pools = nil }, "no slots": func(c *storage.SlotClaim) { c.Pools[0].Slots = 0 },
		"a pool twice": func(c *storage.SlotClaim) { c.Pools = append(c.Pools, c.Pools[0]) }, "no fence": func(c *storage.SlotClaim) { c.Fence = storage.Fence{} },
		"no time to hold": func(c *storage.SlotClaim) { c.Hold = 0 }, "no time to wait": func(c *storage.SlotClaim) { c.Wait = -1 },
	} {
		c := slotClaim(fence, 0, "db")
		change(&c)
		if claim(c) == nil {
			f.Errorf("a claim with %s was answered", what)
		}
	}
	f.slots(storage.SlotQuery{}, "")

	// A pool that shrinks below what somebody waits for tells the waiting step, which loses its place.
	f.granted(slotClaim(fence, 0, "db 2"))
	f.blocked(slotClaim(fence, 1, "db 2"), "db: 2/2, 0 ahead")
	f.pool("db", 1)
	f.refused(claim(slotClaim(fence, 1, "db 2")), storage.ErrPoolTooSmall)
	f.slots(storage.SlotQuery{}, "r/step_0 holds db 2")
	f.blocked(slotClaim(fence, 2, "db"), "db: 2/1, 0 ahead")

	// Another attempt, or other pools, are another claim: it waits behind the others.
	again := slotClaim(fence, 0, "db")
	again.Attempt = 2
	f.blocked(again, "db: 0/1, 1 ahead")
}

// checkSlotsEnd has slots whose step is gone: they are free when their lease has ended, when the
// run is taken over, or when a person frees them.
func checkSlotsEnd(f *fixture) {
	first, second := f.owned("first", "a", long), f.owned("second", "b", long)
	f.pool("db", 1)
	dying := slotClaim(first, 0, "db")
	dying.Hold = short
	f.granted(dying)
	f.until("the end of a slot's lease", func() bool {
		return must[storage.SlotAnswer](f)(f.ClaimSlots(f.ctx, slotClaim(second, 0, "db"))).Granted
	})
	waiting := slotClaim(first, 1, "db")
	waiting.Wait = short
	f.blocked(waiting, "db: 1/1, 0 ahead")
	f.until("the end of a place in line", func() bool {
		return must[[]storage.PoolRecord](f)(f.ListPools(f.ctx))[0].Waiting == 0
	})
	f.blocked(slotClaim(first, 2, "db"), "db: 1/1, 0 ahead")

	f.RenewLeases(f.ctx, storage.Renewal{Fences: []storage.Fence{second}, Lease: long, Slots: short}) //nolint:errcheck // what it did is asked next
	f.until("slots after a renewal that holds them for nothing", func() bool {
		return must[storage.SlotAnswer](f)(f.ClaimSlots(f.ctx, slotClaim(first, 2, "db"))).Granted
	})
	f.blocked(slotClaim(second, 3, "db"), "db: 1/1, 0 ahead")
	must[storage.RunRecord](f)(f.ClaimRun(f.ctx, storage.RunClaim{ID: "first", Owner: "c", Lease: long, Gone: "a"}))
	f.granted(slotClaim(second, 3, "db"))
	f.commit(&storage.Batch{Releases: []storage.SlotRelease{{Run: second.Run, Step: 3}}})
	f.slots(storage.SlotQuery{}, "")
}
