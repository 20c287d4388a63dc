package partition_test

import (
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
)

func TestReading(t *testing.T) {
	t.Parallel()
	day, hour := partition.Daily(partition.Date(2026, 1, 1)), partition.Hourly(partition.Date(2026, 1, 1))
	quarter := partition.Hourly(partition.Date(2026, 1, 1), partition.AtMinute(15))
	week, month := partition.Weekly(partition.Date(2026, 1, 1)), partition.Monthly(partition.Date(2026, 1, 1))
	berlin := partition.Daily(partition.Date(2026, 1, 1), partition.In("Europe/Berlin"))
	shops, two := partition.Dynamic("shops"), partition.Static("a", "b")
	byShop := partition.Multi(map[string]partition.Definition{"day": day, "shop": shops})
	one, several := partition.Reading{}, partition.Reading{Several: true}
	none := partition.Reading{None: true}
	for _, c := range []struct {
		name     string
		by       partition.Mapping
		up, down partition.Definition
		want     partition.Reading
	}{
		{"same", partition.Mapping{}, day, day, one},
		{"a day reads its hours", partition.Mapping{}, hour, day, several},
		{"an hour reads its day", partition.Mapping{}, day, hour, one},
		{"an hour that begins at a quarter past may read two days", partition.Mapping{}, day, quarter, several},
		{"a day reads its week", partition.Mapping{}, week, day, one},
		{"a day reads its month", partition.Mapping{}, month, day, one},
		{"a week may read two months", partition.Mapping{}, month, week, several},
		{"a day of another zone", partition.Mapping{}, day, berlin, several},
		{"the day before", partition.TimeOffset(-1), day, day, one},
		{"nothing is divided", partition.Mapping{}, nil, nil, one},
		{"upstream is not divided", partition.Mapping{}, nil, day, one},
		{"downstream is not divided", partition.Mapping{}, day, nil, several},
		{"one key", partition.Specific(partition.SingleKey("a")), two, day, one},
		{"two keys", partition.Specific(partition.SingleKey("a"), partition.SingleKey("b")), two, day, several},
		{"a key of two", partition.Specific(partition.SingleKey("a", "b")), two, day, several},
		{"for some", partition.ForKeys(partition.SingleKey("a")), nil, two, none},
		{"where there is one", partition.Subset(), two, two, none},
		{"a product reads its day", partition.Mapping{}, day, byShop, one},
		{"a day reads all shops", partition.Mapping{}, byShop, day, several},
		{"a map", partition.StaticMap(map[string][]string{"a": {"b"}, "b": {"a"}}), two, two, one},
		{"a map without an entry", partition.StaticMap(map[string][]string{"a": {"b"}}), two, two, none},
		{"a map to two", partition.StaticMap(map[string][]string{"a": {"a", "b"}, "b": {"a"}}), two, two, several},
	} {
		if err := c.by.Check(c.up, c.down); err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := c.by.Reading(c.up, c.down); got != c.want {
			t.Errorf("%s: reads %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestSlice(t *testing.T) {
	t.Parallel()
	day := partition.Daily(partition.Date(2026, 1, 1))
	space, err := partition.NewSpace(day, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	slice := func(text string) partition.Slice {
		t.Helper()
		set, err := space.Select(text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := partition.NewSlice(space, set)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		text, key, said string
		n               int64
		from, to        int // days of the window
	}{
		{"2026-01-03", "2026-01-03", "2026-01-03", 1, 3, 4},
		{"2026-01-03..2026-01-05", "", "2026-01-03..2026-01-05", 3, 3, 6},
		{"2026-01-03,2026-01-05", "", "2 partitions", 2, 3, 6},
	} {
		s := slice(c.text)
		w := s.Window()
		if s.Key().String() != c.key || s.String() != c.said || s.Len() != c.n || w.Start.Day() != c.from || w.End.Day() != c.to {
			t.Errorf("%s: key %q, %q, %d partitions, window %s", c.text, s.Key(), s, s.Len(), w)
		}
		n := int64(0)
		for key, err := range s.Keys() {
			in, containsErr := s.Contains(key)
			if err != nil || containsErr != nil || !in {
				t.Errorf("%s: key %q is not in it: %v, %v", c.text, key, err, containsErr)
			}
			n++
		}
		if n != c.n {
			t.Errorf("%s: %d keys, want %d", c.text, n, c.n)
		}
	}
	if in, err := slice("2026-01-03").Contains(partition.SingleKey("2026-01-04")); err != nil || in {
		t.Errorf("another day is in a slice of one: %v, %v", in, err)
	}
}

func TestSliceOfAnAssetWithoutPartitions(t *testing.T) {
	t.Parallel()
	space, err := partition.NewSpace(nil, time.Now(), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := partition.NewSlice(space, partition.Whole())
	if err != nil || !s.IsZero() || s.Len() != 1 || s.String() != "" || !s.Set().Equal(partition.Whole()) || s.Window() != (partition.Window{}) {
		t.Errorf("the slice of an asset without partitions: %+v, %v", s, err)
	}
	for key, err := range s.Keys() {
		if err != nil || !key.IsZero() {
			t.Errorf("its key is %q, %v", key, err)
		}
	}
	if _, ok := s.Range(); ok {
		t.Error("it has a range")
	}
}

func TestGatherIsTheUnion(t *testing.T) {
	t.Parallel()
	space, err := partition.NewSpace(partition.Daily(partition.Date(2020, 1, 1)), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	var g partition.Gather
	if !g.IsEmpty() || !g.Set().IsEmpty() {
		t.Error("the zero Gather has something in it")
	}
	var want partition.Set
	i := 0
	for set := range space.Split(space.All(), "") {
		if i++; i%3 == 0 { // every third day, so that nothing joins by itself
			g.Add(set)
			want = want.Union(set)
		}
		if i%500 == 0 && !g.Set().Equal(want) {
			t.Fatalf("after %d days the gathered set is another than the union", i)
		}
	}
	if i < 2000 || g.IsEmpty() || !g.Set().Equal(want) || space.Count(g.Set()) != int64(i/3) {
		t.Errorf("of %d days %d were gathered, want %d", i, space.Count(g.Set()), i/3)
	}
}
