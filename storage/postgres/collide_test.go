package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres"
)

// TestHandlesCollide has four handles write the same things in every order: new runs of the same IDs, states of the same
// assets, the same values, slots of the same pools. Nobody waits in a circle for long, and no refusal reaches a
// caller but that of an ID that another has taken.
func TestHandlesCollide(t *testing.T) {
	t.Parallel()
	const handles, writers, rounds, ids = 4, 3, 40, 60
	url := postgres.Server.URL(t)
	var stores []*postgres.Store
	for range handles {
		s := open(t, url)
		t.Cleanup(func() { _ = s.Close() })
		stores = append(stores, s)
	}
	names := []string{"a", "b", "c", "d", "e", "f"}
	setup := storage.Batch{
		Topologies: []storage.Topology{{Location: "l", Assets: names}},
		Pools:      []storage.PoolUpdate{{Name: "p", Slots: 3}, {Name: "q", Slots: 2}},
	}
	if err := stores[0].Commit(t.Context(), &setup); err != nil {
		t.Fatal(err)
	}
	keys, err := stores[0].AssetKeys(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	var created atomic.Int64
	var wg sync.WaitGroup
	for h, s := range stores {
		for w := range writers {
			wg.Go(func() {
				c := collider{s: s, t: t, own: fmt.Sprintf("own-%d-%d", h, w), keys: keys, ids: ids}
				created.Add(c.collide(rounds))
			})
		}
	}
	wg.Wait()
	runs, err := stores[0].ListRuns(t.Context(), storage.RunQuery{Limit: 1000})
	if err != nil || int64(len(runs)) != created.Load() {
		t.Errorf("%d runs are recorded, %v, want the %d that were acknowledged", len(runs), err, created.Load())
	}
	if slots, err := stores[0].ListSlots(t.Context(), storage.SlotQuery{}); err != nil || len(slots) > 0 {
		t.Errorf("slots %v, %v, want none", slots, err)
	}
}

type collider struct {
	s    *postgres.Store
	t    *testing.T
	own  string
	keys []storage.AssetKey
	ids  int
}

// collide writes rounds of random batches and returns how many runs it created.
func (c *collider) collide(rounds int) (created int64) {
	ctx := context.Background()
	own := storage.Batch{Lease: time.Hour, Runs: []storage.RunRecord{{ID: c.own, Token: 1, Owner: c.own}}}
	if err := c.s.Commit(ctx, &own); err != nil {
		c.t.Error(err)
		return 0
	}
	created++
	fence := storage.Fence{Run: own.Runs[0].Key, Token: 1}
	for n := range rounds {
		b := storage.Batch{}
		for _, i := range rand.Perm(c.ids)[:3] {
			b.Runs = append(b.Runs, storage.RunRecord{ID: fmt.Sprint(i)})
		}
		for _, i := range rand.Perm(len(c.keys)) {
			b.Assets = append(b.Assets, storage.AssetUpdate{Asset: c.keys[i], At: 1})
			b.KV = append(b.KV, storage.KVPair{Key: fmt.Sprint(i), Value: []byte("v")}, storage.KVPair{Key: fmt.Sprint((i + 1) % 3)})
		}
		switch err := c.s.Commit(ctx, &b); {
		case err == nil:
			created += 3
		case !errors.Is(err, storage.ErrRunExists):
			c.t.Errorf("a batch: %v", err)
		}
		claim := storage.SlotClaim{
			Fence: fence, Step: int32(n), Key: "k", Attempt: 1, Pools: []storage.PoolSlots{{Pool: "p", Slots: 1}, {Pool: "q", Slots: 1}}, Hold: time.Hour, Wait: time.Hour,
		}
		if n%2 == 0 {
			claim.Pools[0], claim.Pools[1] = claim.Pools[1], claim.Pools[0]
		}
		_, claimErr := c.s.ClaimSlots(ctx, claim)
		_, renewErr := c.s.RenewLeases(ctx, storage.Renewal{Fences: []storage.Fence{fence}, Lease: time.Hour, Slots: time.Hour})
		release := storage.Batch{Fence: fence, Releases: []storage.SlotRelease{{Run: fence.Run, Step: int32(n)}}}
		if err := errors.Join(claimErr, renewErr, c.s.Commit(ctx, &release)); err != nil {
			c.t.Errorf("slots: %v", err)
		}
	}
	return created
}
