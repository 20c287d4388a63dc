//go:build !race

package partition

import (
	"strconv"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition/internal/sets"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// countingTable counts the calls that a table gets, and the keys asked about.
type countingTable struct {
	KeyTable
	calls, keys int
}

func (t *countingTable) Ordinals(keys []string) ([]Ordinal, error) {
	t.calls, t.keys = t.calls+1, t.keys+len(keys)
	return t.KeyTable.Ordinals(keys)
}

func (t *countingTable) Keys(ordinals []Ordinal) ([]string, error) {
	t.calls, t.keys = t.calls+1, t.keys+len(ordinals)
	return t.KeyTable.Keys(ordinals)
}

// Allocations are the same on every machine: what is in closed form makes as many for a
// hundred times the partitions.
func TestAllocationsDoNotGrowWithTheKeys(t *testing.T) {
	for _, one := range worlds {
		if one.name == "dynamic" {
			continue // bitmaps grow with what is irregular in them, the next test counts
		}
		small, large := one.make(one.sizes[0]), one.make(one.sizes[2])
		edges := map[*world][]Edge{}
		for _, w := range []*world{small, large} {
			edges[w] = []Edge{ok(Identity().Connect(w.space, w.space)), ok(AllPartitions().Connect(w.space, ok(NewSpace(nil, benchNow, Tables{}))))}
		}
		for _, op := range []struct {
			name string
			run  func(w *world)
		}{
			{"contains", func(w *world) { _ = ok(w.space.Contains(w.key)) }},
			{"index and key", func(w *world) { _ = ok(w.space.Index(ok(w.space.Key(w.index)))) }},
			{"count", func(w *world) { _ = w.space.Count(w.half) }},
			{"select", func(w *world) { _ = ok(w.space.Select(w.text)) }},
			{"groups", func(w *world) { _ = w.space.SplitCount(w.half, "tenant") }},
			{"missing", func(w *world) { _ = w.space.Complement(w.half) }},
			{"union", func(w *world) { _ = w.half.Union(w.two) }},
			{"decode", func(w *world) { _ = ok(ParseSet(w.blob)) }},
			{"later", func(w *world) { _ = w.space.At(benchNow.Add(time.Hour)) }},
			{"identity", func(w *world) { _, _ = edges[w][0].Upstream(w.half); _ = edges[w][0].Downstream(w.half) }},
			{"all partitions", func(w *world) { _, _ = edges[w][1].Upstream(Whole()); _ = edges[w][1].Downstream(w.half) }},
			{"part", func(w *world) { _ = w.space.Part(w.half, w.space.Count(w.half)/2, 5) }},
		} {
			a := testing.AllocsPerRun(20, func() { op.run(small) })
			b := testing.AllocsPerRun(20, func() { op.run(large) })
			if b > 1.5*a+4 { // where stretches happen to touch, a set has one piece more or less
				t.Errorf("%s of %s: %.0f allocations for %d partitions, %.0f for %d", op.name, one.name, a, small.space.Len(), b, large.space.Len())
			}
		}
	}
}

// A set of keys that are not irregular is as large for any number of them.
func TestBlobSizesCount(t *testing.T) {
	hours := ok(NewSpace(hoursSince(hoursSince1990), benchNow, Tables{}))
	product := ok(NewSpace(Multi(map[string]Definition{"hour": hoursSince(hoursSince1990), "tenant": Dynamic("tenants")}), benchNow, tenants(10_000)))
	half := irregular(1_000_000)(Space{}, newRand())
	for _, c := range []struct {
		name string
		set  Set
		most int
	}{
		{"one hour", hours.Latest(1), 54},
		{"all hours since 1990", hours.All(), 54},
		{"3.2 billion partitions", product.All(), 80},
		{"half of a million keys, at random", half, 1_000_000/8 + 7000},
		{"those keys for a hundred hours each of which has others", hoursOf(half), 1_000_000/8 + 8000},
	} {
		if n := len(ok(c.set.AppendBinary(nil))); n > c.most {
			t.Errorf("%s: %d bytes, the budget is %d", c.name, n, c.most)
		}
	}
}

// hoursOf has the same irregular set nested in a hundred hours with gaps between them.
func hoursOf(inner Set) Set {
	s := sets.NewShape([]sets.Axis{timeAxis("hour", timegrid.Steps{Step: 3600}, timegrid.FormatMinute), {Kind: sets.Dynamic, Name: "tenant", Of: "tenants"}})
	one := sets.NewShape([]sets.Axis{{Kind: sets.Dynamic, Of: "tenants"}})
	var segs []sets.Seg
	for i := range int64(100) {
		copied := inner.Union(Set{}) // other nodes, the same content: what is stored is one
		segs = append(segs, sets.Seg{Lo: 7200 * i, Hi: 7200*i + 3600, Sub: copied.of(one)})
	}
	return setOf(s, sets.Line(segs, sets.Scale{}))
}

// No question about sets asks a key table anything; keys are looked up in batches.
func TestTableCallsCount(t *testing.T) {
	const n = 10_000
	keys := make([]string, n)
	all := make([]Key, n)
	for i := range keys {
		keys[i] = "tenant-" + strconv.Itoa(i)
		all[i] = SingleKey(keys[i])
	}
	table := &countingTable{KeyTable: NewTable(keys...)}
	tables := tenants(n)
	tables.Dynamic["tenants"] = Registered{Keys: table, Live: tables.Dynamic["tenants"].Live}
	s := ok(NewSpace(Dynamic("tenants"), benchNow, tables))
	edge := ok(Identity().Connect(s, s))
	half := irregular(n)(s, newRand())
	needs, lacking := edge.Upstream(half)
	if s.Count(half) == 0 || s.Complement(half).Union(s.Part(half, 10, 100)).IsEmpty() || !needs.Equal(half) || !lacking.IsEmpty() || edge.Downstream(half).IsEmpty() {
		t.Error("there is nothing")
	}
	if table.calls != 0 {
		t.Errorf("the table was asked %d times about sets", table.calls)
	}
	for _, c := range []struct {
		name        string
		run         func() error
		calls, keys int
	}{
		{"ten thousand keys", func() error { _, err := s.Set(all...); return err }, 1, n},
		{"a range", func() error { _, err := s.Range(Range(keys[10], keys[n-10])); return err }, 1, 2},
		{"the first three", func() error { _, err := s.First(s.All(), 3); return err }, 1, 256},
		{"a key", func() error { _, err := s.Key(n / 2); return err }, 1, 1},
	} {
		table.calls, table.keys = 0, 0
		if err := c.run(); err != nil || table.calls > c.calls || table.keys > c.keys {
			t.Errorf("%s: %d calls about %d keys (%v), the budget is %d about %d", c.name, table.calls, table.keys, err, c.calls, c.keys)
		}
	}
}
