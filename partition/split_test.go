package partition

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The groups of a set are what a walk through its keys would have grouped.
func TestSplitAgainstTheList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		set, has := m.drawSet(t, "set")
		var apart []string
		for _, d := range m.dims {
			if rapid.Bool().Draw(t, "apart") {
				apart = append(apart, d.name)
			}
		}
		group := func(k Key) Key {
			values := map[string][]string{}
			for _, name := range apart {
				values[name] = k.Values(name)
			}
			return MultiKey(values)
		}
		var order []Key
		want := map[Key][]Key{}
		for _, k := range m.want(func(k Key) bool { return has[k] }) {
			g := group(k)
			if want[g] == nil {
				order = append(order, g)
			}
			want[g] = append(want[g], k)
		}
		slices.SortStableFunc(order, func(a, b Key) int { return m.compareIn(apart, want[a][0], want[b][0]) })
		n := 0
		for part := range m.space.Split(set, append(apart, "no such dimension")...) {
			if got := m.listOf(t, part); n >= len(order) || !slices.Equal(got, want[order[n]]) {
				t.Fatalf("group %d of %s by %q is %v, want %v of %v", n, set, apart, got, want, order)
			}
			n++
		}
		if n != len(order) {
			t.Fatalf("%d groups of %s by %q, want %d", n, set, apart, len(order))
		}
		if got := m.space.SplitCount(set, append(apart, "no such dimension")...); got != int64(n) {
			t.Fatalf("%d groups of %s by %q are counted, want %d", got, set, apart, n)
		}
		for range m.space.Split(set, apart...) {
			break
		}
	})
}

// compareIn compares keys in the order of some dimensions.
func (m *model) compareIn(dims []string, a, b Key) int {
	for _, d := range m.dims {
		if slices.Contains(dims, d.name) {
			if x, y := slices.Index(d.texts, a.Values(d.name)[0]), slices.Index(d.texts, b.Values(d.name)[0]); x != y {
				return x - y
			}
		}
	}
	return 0
}

func TestNeeds(t *testing.T) {
	t.Parallel()
	needs := NeedsOf(Multi(map[string]Definition{"a": Static("x", "y"), "b": Dynamic("t"), "c": Dynamic("t"), "d": Daily(start2026)}))
	if !slices.Equal(needs.Dynamic, []string{"t"}) || len(needs.Static) != 1 || !slices.Equal(needs.Static["a"], []string{"x", "y"}) {
		t.Errorf("%+v", needs)
	}
	if needs := NeedsOf(Static("x")); !slices.Equal(slices.Collect(maps.Keys(needs.Static)), []string{""}) {
		t.Errorf("%+v", needs)
	}
	if needs := NeedsOf(nil); len(needs.Static) != 0 || needs.Dynamic != nil {
		t.Errorf("%+v", needs)
	}
}

// Values are shared between goroutines: under the race detector, no question writes.
func TestSharedBetweenGoroutines(t *testing.T) {
	t.Parallel()
	sets := someSets()
	blobs := make([][]byte, len(sets))
	for i, s := range sets {
		blobs[i] = ok(s.AppendBinary(nil))
		sets[i] = ok(ParseSet(blobs[i]))
	}
	now := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	days := ok(NewSpace(Daily(start2026), now, Tables{}))
	edge := ok(TimeOffset(-1).Connect(days, days))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i, a := range sets {
				for _, b := range sets {
					if !a.Union(b).Minus(b).Union(a.Intersect(b)).Equal(a) {
						t.Error("the algebra does not hold")
					}
				}
				if !slices.Equal(ok(a.AppendBinary(nil)), blobs[i]) {
					t.Error("a blob has changed")
				}
				needs, lacking := edge.Upstream(a)
				_, _ = days.Count(needs.Union(lacking)), days.Part(a, 1, 3)
			}
		})
	}
	group.Wait()
}

func FuzzSelect(f *testing.F) {
	for _, text := range []string{"day=2026-01-05..|shop=oslo,paris", "shop=..oslo", "day=2026-01-01..2026-01-03,2026-01-09", "a", "day=..", `shop=\,`, "region=eu|region=us"} {
		f.Add(text)
	}
	s := ok(NewSpace(Multi(map[string]Definition{"day": Daily(start2026), "shop": Dynamic("shops"), "region": Static("us", "eu", "a,b")}), march, shops()))
	f.Fuzz(func(t *testing.T, text string) {
		set, err := s.Select(text)
		if err != nil {
			if !set.IsEmpty() {
				t.Fatalf("%q is refused and selects %s", text, set)
			}
			return
		}
		var texts []string
		for one, err := range s.Texts(set) {
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, one)
		}
		if again, err := s.Select(texts...); err != nil || !again.Equal(set) {
			t.Fatalf("%q is %s, which is %q (%v)", text, set, texts, err)
		}
	})
}
