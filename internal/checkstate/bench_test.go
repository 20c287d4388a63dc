package checkstate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// judgedOneByOne is a world of n partitions, each of which was judged by itself: every second one did not pass.
func judgedOneByOne(b *testing.B, n int) *world {
	b.Helper()
	hours := partition.Hourly(partition.Date(1900, time.January, 1), partition.Until(partition.CivilOf(time.Date(1900, 1, 1, n, 0, 0, 0, time.UTC))))
	w := newWorld(b, memory.New(), hours, false)
	space := w.space()
	var batch storage.Batch
	add := func(of string, kind storage.StateKind, text string, set partition.Set, d storage.Detail) {
		batch.Assets = append(batch.Assets, storage.AssetUpdate{
			Asset: w.keys[of], Kind: kind, At: 1, Run: 1, Partition: text, Partitions: set, DataVersion: "v1", Detail: d.AppendJSON(nil),
		})
	}
	add(asset, storage.Materialized, "", space.All(), storage.Detail{})
	i := 0
	for key, err := range space.Keys(space.All()) {
		set, miss := space.Set(key)
		if err != nil || miss != nil {
			b.Fatal(err, miss)
		}
		kind := [...]storage.StateKind{storage.Materialized, storage.Failed}[i%2]
		i++
		add(check, kind, key.String(), set, storage.Detail{Check: &storage.Verdict{Passed: kind == storage.Materialized}, Inputs: map[string]string{asset: "v1"}})
	}
	w.commit(&batch)
	return w
}

func readOne(b *testing.B, w *world, n int) {
	b.Helper()
	results, err := checkstate.Read(w.ctx, checkstate.Params{Location: "here", Store: w.store, Subjects: []checkstate.Subject{w.subject}})
	if err != nil {
		b.Fatal(err)
	}
	if r := results[0]; w.space().Count(r.Failed) != int64(n/2) || !r.Outdated.IsEmpty() {
		b.Fatal(w.space().Count(r.Failed))
	}
}

// BenchmarkRead asks what a check says of its partitions: for the first time, again, and after one of them was judged anew.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{500, 5_000, 50_000} {
		w := judgedOneByOne(b, n)
		b.Run(fmt.Sprintf("%d/first", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w.commit(&storage.Batch{KV: []storage.KVPair{{Key: "verdicts/here"}}})
				b.StartTimer()
				readOne(b, w, n)
			}
		})
		b.Run(fmt.Sprintf("%d/again", n), func(b *testing.B) {
			for b.Loop() {
				readOne(b, w, n)
			}
		})
		b.Run(fmt.Sprintf("%d/after one", n), func(b *testing.B) {
			text := w.texts()[n/2]
			for b.Loop() {
				b.StopTimer()
				w.happen(event{of: check, kind: storage.Materialized, texts: []string{text}, said: &storage.Verdict{Passed: true}, version: "v1"})
				b.StartTimer()
				readOne(b, w, n)
			}
		})
	}
}
