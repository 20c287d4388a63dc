package decide

import (
	"cmp"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/storage"
)

func TestIndexSetIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s indexSet
		model := map[int32]bool{}
		size := int32(0)
		index := func() int32 { // members cluster around the ends of words, where the bits are
			return min(rapid.Int32Range(0, size/64).Draw(t, "word")*64+rapid.SampledFrom([]int32{0, 1, 31, 62, 63}).Draw(t, "bit"), size-1)
		}
		t.Repeat(map[string]func(*rapid.T){
			"grow": func(t *rapid.T) {
				size = max(size, rapid.Int32Range(1, 10_000).Draw(t, "size"))
				s.grow(int(size))
			},
			"add": func(*rapid.T) {
				if size > 0 {
					i := index()
					s.add(i)
					model[i] = true
				}
			},
			"remove": func(*rapid.T) {
				if size > 0 {
					i := index()
					s.remove(i)
					delete(model, i)
				}
			},
			"": func(t *rapid.T) {
				var got []int32
				for i := s.next(0); i >= 0; i = s.next(i + 1) {
					got = append(got, i)
				}
				if want := slices.Sorted(maps.Keys(model)); !slices.Equal(got, want) || s.count != len(want) {
					t.Fatalf("%d members %v, want %v", s.count, got, want)
				}
			},
		})
	})
}

func TestRetryQueueIsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q retryQueue
		var model []retryEntry
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				e := retryEntry{storage.Micros(rapid.Int64Range(1, 8).Draw(t, "at")), rapid.Int32Range(0, 9).Draw(t, "step")}
				if !slices.ContainsFunc(model, func(x retryEntry) bool { return x.step == e.step }) { // a step waits once
					q.add(e.step, e.at)
					model = append(model, e)
				}
			},
			"remove": func(t *rapid.T) {
				step := rapid.Int32Range(0, 9).Draw(t, "step")
				q.remove(step)
				model = slices.DeleteFunc(model, func(x retryEntry) bool { return x.step == step })
			},
			"": func(t *rapid.T) {
				slices.SortFunc(model, func(a, b retryEntry) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.step, b.step)) })
				now := storage.Micros(rapid.Int64Range(0, 9).Draw(t, "now"))
				var due []int32
				after := storage.Micros(0)
				for _, e := range model {
					if e.at <= now {
						due = append(due, e.step)
					} else if after == 0 {
						after = e.at
					}
				}
				if !slices.Equal(q.due(now), due) || q.after(now) != after {
					t.Fatalf("at %d: due %v, then %d; want %v, then %d", now, q.due(now), q.after(now), due, after)
				}
			},
		})
	})
}
