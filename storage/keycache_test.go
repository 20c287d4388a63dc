package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// counted counts what a store is asked for.
type counted struct {
	*memory.Store

	queries, keys atomic.Int64
}

func (c *counted) LookUpKeys(ctx context.Context, q storage.KeyQuery) ([]partition.Ordinal, []string, error) {
	c.queries.Add(1)
	c.keys.Add(int64(len(q.Keys) + len(q.Ordinals)))
	return c.Store.LookUpKeys(ctx, q)
}

// tenantStore has keys key_0, key_1, … in a table.
func tenantStore(t *testing.T, n int) *counted {
	t.Helper()
	c := &counted{Store: memory.New()}
	u := storage.KeyUpdate{Table: "tenants"}
	for i := range n {
		u.Add = append(u.Add, fmt.Sprint("key_", i))
	}
	if err := c.Commit(t.Context(), &storage.Batch{Keys: []storage.KeyUpdate{u, {Add: []string{"key_1"}}}}); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestKeyCacheAsksOnce(t *testing.T) {
	t.Parallel()
	store := tenantStore(t, 5)
	cache := storage.NewKeyCache(store, 0)
	table := cache.Table(t.Context(), "tenants")
	asked := func(what string, want int64) {
		t.Helper()
		if got := store.keys.Swap(0); got != want {
			t.Errorf("%s: the store was asked for %d keys, want %d", what, got, want)
		}
	}
	for i, want := range []int64{2, 0} {
		got, err := table.Ordinals([]string{"key_3", "key_0"})
		if err != nil || !slices.Equal(got, []partition.Ordinal{3, 0}) {
			t.Fatalf("ordinals %v, %v", got, err)
		}
		asked(fmt.Sprint("ordinals, time ", i), want)
	}
	keys, err := table.Keys([]partition.Ordinal{0, 4, 3})
	if err != nil || !slices.Equal(keys, []string{"key_0", "key_4", "key_3"}) {
		t.Fatalf("keys %q, %v", keys, err)
	}
	asked("keys, of which two were met", 1)
	if got, err := cache.Table(t.Context(), "").Ordinals([]string{"key_1"}); err != nil || got[0] != 0 {
		t.Errorf("the same key of another table: %v, %v", got, err)
	}
	asked("the same key of another table", 1)

	for range 2 { // what is not there may come
		if got, err := table.Ordinals([]string{"new", "key_0"}); err != nil || got[0] != partition.NoOrdinal {
			t.Errorf("a key that is not there: %v, %v", got, err)
		}
		asked("a key that is not there", 1)
	}
	if err := store.Commit(t.Context(), &storage.Batch{Keys: []storage.KeyUpdate{{Table: "tenants", Add: []string{"new"}, Remove: []string{"key_0"}}}}); err != nil {
		t.Fatal(err)
	}
	if got, err := table.Ordinals([]string{"new"}); err != nil || got[0] != 5 {
		t.Errorf("a key that has come: %v, %v", got, err)
	}
	if _, err := table.Keys([]partition.Ordinal{1, 9}); err == nil {
		t.Error("an ordinal that there is not has a key")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cache.Table(ctx, "tenants").Ordinals([]string{"key_2"}); !errors.Is(err, context.Canceled) {
		t.Errorf("under a context that has ended: %v", err)
	}
	if got, err := cache.Table(ctx, "tenants").Ordinals([]string{"key_3"}); err != nil || got[0] != 3 {
		t.Errorf("what is remembered needs no store: %v, %v", got, err)
	}
}

// TestKeyCacheIsBounded walks through more keys than are remembered, and asks for some again and again.
func TestKeyCacheIsBounded(t *testing.T) {
	t.Parallel()
	const all, bound = 1000, 100
	store := tenantStore(t, all)
	table := storage.NewKeyCache(store, bound).Table(t.Context(), "tenants")
	for o := range partition.Ordinal(all) {
		for _, o := range []partition.Ordinal{o, 7} {
			if keys, err := table.Keys([]partition.Ordinal{o}); err != nil || keys[0] != fmt.Sprint("key_", o) {
				t.Fatalf("ordinal %d: %q, %v", o, keys, err)
			}
		}
	}
	if got := store.keys.Swap(0); got != all {
		t.Errorf("the store was asked for %d keys, want each once: the one that is asked for again stays", got)
	}
	for o := range partition.Ordinal(all) {
		if _, err := table.Keys([]partition.Ordinal{o}); err != nil {
			t.Fatal(err)
		}
	}
	if got := store.keys.Load(); got < all-bound {
		t.Errorf("of %d keys %d were remembered, want at most %d", all, all-got, bound)
	}
}

func TestKeyCacheAtOnce(t *testing.T) {
	t.Parallel()
	const all = 300
	store := tenantStore(t, all)
	cache := storage.NewKeyCache(store, 50)
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			table := cache.Table(context.Background(), "tenants")
			for i := range all {
				o := partition.Ordinal((i*7 + w) % all)
				keys, err := table.Keys([]partition.Ordinal{o, o / 2})
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := table.Ordinals(keys); err != nil || got[0] != o || got[1] != o/2 {
					t.Errorf("keys %q have the ordinals %v, %v", keys, got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestKeyCacheMakesSpaces makes what exists of a dynamic definition from a store.
func TestKeyCacheMakesSpaces(t *testing.T) {
	t.Parallel()
	store := tenantStore(t, 500)
	if err := store.Commit(t.Context(), &storage.Batch{Keys: []storage.KeyUpdate{{Table: "tenants", Remove: []string{"key_3"}}}}); err != nil {
		t.Fatal(err)
	}
	cache := storage.NewKeyCache(store, 0)
	registered, err := cache.Registered(t.Context(), "tenants")
	if err != nil {
		t.Fatal(err)
	}
	space, err := partition.NewSpace(partition.Dynamic("tenants"), time.Now(), partition.Tables{Dynamic: map[string]partition.Registered{"tenants": registered}})
	if err != nil || space.Len() != 499 {
		t.Fatalf("%d partitions, %v", space.Len(), err)
	}
	set, err := space.Set(partition.SingleKey("key_2", "key_4"))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for key, err := range space.Keys(set) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key.String())
	}
	if !slices.Equal(keys, []string{"key_2", "key_4"}) {
		t.Errorf("keys %q", keys)
	}
	if _, err := space.Set(partition.SingleKey("key_3")); err == nil {
		t.Error("a key that was removed is a partition")
	}
}
