package fold_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"pgregory.net/rapid"
)

// keys is a set of keys of a dynamic definition.
func keys(numbers ...int) partition.Set {
	return partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
		for _, n := range numbers {
			if !yield(partition.Ordinal(n)) {
				return
			}
		}
	})
}

func numbers(least, most int) *rapid.Generator[[]int] {
	return rapid.SliceOfN(rapid.IntRange(0, 100), least, most)
}

// kinds are all kinds of states, each after any other.
var kinds = rapid.Map(rapid.IntRange(0, storage.StateKinds-1), func(n int) storage.StateKind { return storage.StateKind(n) })

// naive is what an asset's sets are, key by key.
type naive struct{ materialized, failed map[int]bool }

func (n naive) move(kind storage.StateKind, moved []int) {
	for _, key := range moved {
		switch kind {
		case storage.Materialized:
			n.materialized[key] = true
			delete(n.failed, key)
		case storage.Failed:
			n.failed[key] = true
		case storage.Wiped:
			delete(n.materialized, key)
			delete(n.failed, key)
		}
	}
}

func (n naive) sets() fold.Sets {
	return fold.Sets{
		Materialized: keys(slices.Collect(maps.Keys(n.materialized))...), Failed: keys(slices.Collect(maps.Keys(n.failed))...),
	}
}

func same(t *rapid.T, what string, got, want fold.Sets) {
	if !got.Materialized.Equal(want.Materialized) || !got.Failed.Equal(want.Failed) {
		t.Fatalf("%s: %v and %v, want %v and %v", what, got.Materialized, got.Failed, want.Materialized, want.Failed)
	}
}

// TestMovesAgainstKeys applies updates some at a time, and all at once from the states that they leave.
func TestMovesAgainstKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := naive{map[int]bool{}, map[int]bool{}}
		var moves fold.Moves
		var replay fold.Replay
		var sets fold.Sets
		for range rapid.IntRange(0, 30).Draw(t, "updates") {
			kind, moved := kinds.Draw(t, "kind"), numbers(1, 8).Draw(t, "keys")
			want.move(kind, moved)
			moves.Add(kind, keys(moved...))
			replay.Add(kind, keys(moved...))
			if rapid.IntRange(0, 3).Draw(t, "apply") == 0 {
				sets = moves.Apply(sets)
				same(t, "so far", sets, want.sets())
			}
		}
		same(t, "all", moves.Apply(sets), want.sets())
		same(t, "replayed", replay.Sets(), want.sets())
		same(t, "replayed, asked again", replay.Sets(), want.sets())
	})
}

func TestUnionOfMany(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lists := rapid.SliceOf(numbers(0, 5)).Draw(t, "lists")
		sets := make([]partition.Set, len(lists))
		for i, list := range lists {
			sets[i] = keys(list...)
		}
		if got, want := fold.Union(sets), keys(slices.Concat(lists...)...); !got.Equal(want) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// TestFeedAgainstAList adds changes in any order: each is told once, in an entry for its kind, run and set.
func TestFeedAgainstAList(t *testing.T) {
	t.Parallel()
	var feed fold.Feed // its memory is used again
	rapid.Check(t, func(t *rapid.T) {
		feed.Reset()
		if !feed.Empty() {
			t.Fatal("a feed is not empty after a reset")
		}
		want := map[string]partition.Set{}
		at := storage.Micros(0)
		for range rapid.IntRange(0, 40).Draw(t, "changes") {
			kind := storage.ChangeKind(rapid.IntRange(1, 3).Draw(t, "kind"))
			run, asset := storage.RunKey(rapid.IntRange(0, 2).Draw(t, "run")), storage.AssetKey(rapid.IntRange(1, 5).Draw(t, "asset"))
			at++
			set := partition.Whole()
			if rapid.Bool().Draw(t, "partitioned") {
				set = keys(rapid.IntRange(0, 4).Draw(t, "key"))
				feed.Partitions(kind, run, at, asset, set)
			} else {
				feed.Whole(kind, run, at, asset)
			}
			what := fmt.Sprint(kind, run, asset)
			want[what] = want[what].Union(set)
		}
		if rapid.Bool().Draw(t, "keys") {
			feed.Keys("tenants", 1, keys(1))
			want["keys tenants"] = keys(1)
		}
		got, entries := map[string]partition.Set{}, map[string]bool{}
		for _, c := range feed.Entries() {
			entry := fmt.Sprint(c.Kind, c.Run, c.Keys, c.Partitions)
			if entries[entry] {
				t.Fatalf("two entries of %s", entry)
			}
			entries[entry] = true
			if !slices.IsSorted(c.Assets) || len(slices.Compact(slices.Clone(c.Assets))) != len(c.Assets) || c.At == 0 {
				t.Fatalf("entry %+v", c)
			}
			if c.Kind == storage.ChangeKeys {
				got["keys "+c.Keys] = c.Partitions
			}
			for _, asset := range c.Assets {
				what := fmt.Sprint(c.Kind, c.Run, asset)
				got[what] = got[what].Union(c.Partitions)
			}
		}
		if !maps.EqualFunc(got, want, partition.Set.Equal) {
			t.Fatalf("%v, want %v", got, want)
		}
	})
}

// TestFeedOfManyAssetsHasOneEntry has what a wide run changes.
func TestFeedOfManyAssetsHasOneEntry(t *testing.T) {
	t.Parallel()
	var feed fold.Feed
	for asset := range storage.AssetKey(10_000) {
		feed.Whole(storage.ChangeMaterialized, 7, 1, 10_000-asset)
		feed.Partitions(storage.ChangeTargeted, 7, 1, 1+asset, keys(int(asset%3)))
	}
	entries := feed.Entries()
	if len(entries) != 4 || len(entries[0].Assets) != 10_000 || entries[0].Assets[0] != 1 {
		t.Fatalf("%d entries, want one of all and three of a third each", len(entries))
	}
	data := fold.AppendAssets(nil, entries[0].Assets)
	if len(data) != 10_000 {
		t.Errorf("10,000 keys that follow one another take %d bytes", len(data))
	}
}

func FuzzParseAssets(f *testing.F) {
	for _, seed := range [][]byte{nil, {1}, {5, 1, 1, 200, 1}, {0x80}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		assets, err := fold.ParseAssets(data)
		if err != nil {
			return
		}
		again, err := fold.ParseAssets(fold.AppendAssets(nil, assets))
		if err != nil || !slices.Equal(again, assets) {
			t.Fatalf("%x reads as %v, which reads as %v, %v", data, assets, again, err)
		}
	})
}
