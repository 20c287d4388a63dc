package staleness_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
)

// halfStale is a world of two assets with n partitions each, every second of which is stale, kept.
func halfStale(b *testing.B, n int) *world {
	b.Helper()
	hours := partition.Hourly(partition.Date(1900, time.January, 1), partition.Until(partition.CivilOf(time.Date(1900, 1, 1, n, 0, 0, 0, time.UTC))))
	w := newWorld(b, spec{name: "up", def: hours}, spec{name: "down", def: hours, reads: []dep{{on: "up"}}})
	space := w.space(hours)
	all := space.All()
	var second partition.Gather
	for i := range int64(n / 2) {
		second.Add(space.Part(all, 2*i, 1))
	}
	w.landSet("up", all)
	w.landSet("down", all)
	w.landSet("up", second.Set())
	if err := w.view.Update(w.ctx, w.now); err != nil {
		b.Fatal(err)
	}
	w.save()
	return w
}

func BenchmarkCold(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := halfStale(b, n)
			for b.Loop() {
				w.restart()
				if err := w.view.Update(w.ctx, w.now); err != nil {
					b.Fatal(err)
				}
				for _, s := range w.view.Statuses() {
					if got := s.Space.Count(s.Stale); s.Asset == "down" && got != int64(n/2) {
						b.Fatal(got)
					}
				}
			}
		})
	}
}

// BenchmarkChange brings a view up to date after one partition of many, or a hundred, were made.
func BenchmarkChange(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		for _, k := range []int{1, 100} {
			b.Run(fmt.Sprintf("%d/%d", n, k), func(b *testing.B) {
				w := halfStale(b, n)
				texts := make([]string, 0, k)
				space := w.space(w.spec("up").def)
				for i := range int64(k) {
					key, err := space.Key(i * int64(n/k))
					if err != nil {
						b.Fatal(err)
					}
					texts = append(texts, key.String())
				}
				for b.Loop() {
					b.StopTimer()
					w.end(w.begin(w.run(), "up", false, texts...), "again")
					b.StartTimer()
					if err := w.view.Update(w.ctx, w.now); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkStatus asks a view that is up to date, where nothing, one hour or every second hour of an asset is stale which
// reads itself, or reads another.
func BenchmarkStatus(b *testing.B) {
	const n = 1_000_000
	hours := partition.Hourly(partition.Date(1900, time.January, 1), partition.Until(partition.CivilOf(time.Date(1900, 1, 1, n, 0, 0, 0, time.UTC))))
	for _, reads := range []dep{{on: "own", by: partition.TimeOffset(-1)}, {on: "up"}} {
		for _, stale := range []int64{0, 1, n / 2} {
			b.Run(fmt.Sprintf("%s/%d", reads.on, stale), func(b *testing.B) {
				w := newWorld(b, spec{name: "up", def: hours}, spec{name: "own", def: hours, reads: []dep{reads}})
				space := w.space(hours)
				var again partition.Gather
				for i := range stale {
					again.Add(space.Part(space.All(), n/stale*i, 1))
				}
				w.landSet("up", space.All())
				w.landSet("own", space.All())
				if stale > 0 {
					w.landSet(reads.on, again.Set())
				}
				if err := w.view.Update(w.ctx, w.now); err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					for _, s := range w.view.Statuses() {
						if got := s.Space.Count(s.Stale); s.Asset == "own" && got != stale {
							b.Fatal(got)
						}
					}
				}
			})
		}
	}
}
