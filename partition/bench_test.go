package partition

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// world is a space of some size, with sets in it, to be measured.
type world struct {
	space     Space
	half, two Set // two half-full sets
	key       Key // in the middle
	index     int64
	text      string // a selection
	blob      []byte
}

// benchNow is the instant of all measurements.
var benchNow = time.Date(2026, time.July, 1, 0, 0, 0, 0, time.UTC)

// newWorld makes a world of a definition; pieces draws a set about half full.
func newWorld(d Definition, tables Tables, half func(s Space, r *rand.Rand) Set) *world {
	w := &world{space: ok(NewSpace(d, benchNow, tables))}
	w.index = w.space.Len() / 2
	w.key = ok(w.space.Key(w.index))
	w.half, w.two = half(w.space, rand.New(rand.NewPCG(1, 1))), half(w.space, rand.New(rand.NewPCG(2, 2)))
	for text, err := range w.space.Texts(w.space.Part(w.space.All(), w.index, w.space.Len()/4)) {
		if err != nil {
			panic(err)
		}
		w.text = text
		break
	}
	w.blob = ok(w.half.AppendBinary(nil))
	return w
}

// stretches is a set of so many stretches that make up half of a space.
func stretches(n int64) func(Space, *rand.Rand) Set {
	return func(s Space, r *rand.Rand) Set {
		set := Set{}
		size := s.Len() / n
		for i := range n {
			set = set.Union(s.Part(s.All(), i*size+r.Int64N(max(size/2, 1)), size/2))
		}
		return set
	}
}

// irregular is a random half of the keys of a dynamic dimension.
func irregular(n int) func(Space, *rand.Rand) Set {
	return func(_ Space, r *rand.Rand) Set {
		return DynamicSet("tenants", func(yield func(Ordinal) bool) {
			for o := range Ordinal(n) {
				if r.IntN(2) == 0 && !yield(o) {
					return
				}
			}
		})
	}
}

func tenants(n int) Tables {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = "tenant-" + strconv.Itoa(i)
	}
	return Tables{Dynamic: map[string]Registered{"tenants": {NewTable(keys...), DynamicSet("tenants", func(yield func(Ordinal) bool) {
		for o := range Ordinal(n) {
			if !yield(o) {
				return
			}
		}
	})}}}
}

// hoursSince is the definition of n hours that have ended.
func hoursSince(n int) Definition {
	return Hourly(CivilOf(benchNow.Add(-time.Duration(n) * time.Hour)))
}

const hoursSince1990 = 319_848

// worlds are the definitions that are measured, in sizes of ten times the one before.
var worlds = []struct {
	name  string
	sizes []int
	make  func(n int) *world
}{
	{"hourly", []int{hoursSince1990 / 100, hoursSince1990 / 10, hoursSince1990}, func(n int) *world {
		return newWorld(hoursSince(n), Tables{}, stretches(10))
	}},
	{"monthly cron", []int{37, 370, 3700}, func(n int) *world {
		return newWorld(Monthly(CivilOf(benchNow.AddDate(0, -n, 0))), Tables{}, stretches(10))
	}},
	{"hourly × tenants", []int{100, 1000, 10_000}, func(n int) *world {
		return newWorld(Multi(map[string]Definition{"hour": hoursSince(hoursSince1990), "tenant": Dynamic("tenants")}), tenants(n), stretches(10))
	}},
	{"dynamic", []int{10_000, 100_000, 1_000_000}, func(n int) *world {
		return newWorld(Dynamic("tenants"), tenants(n), irregular(n))
	}},
	{"5 dimensions", []int{100, 1000, 10_000}, func(n int) *world {
		regions := Static("us", "eu", "asia", "africa")
		return newWorld(Multi(map[string]Definition{
			"hour": hoursSince(hoursSince1990), "tenant": Dynamic("tenants"), "region": regions, "kind": Static("a", "b", "c"), "as of": Daily(Date(2020, time.January, 1)),
		}), tenants(n), stretches(10))
	}},
}

// grow measures an operation in all sizes, and reports by which power its time grows
// with the number of partitions. The operation is prepared for a world, and then says
// whether it did what it should.
func grow(b *testing.B, prepare func(w *world) func() bool) {
	b.Helper()
	for _, one := range worlds {
		var first float64
		for i, n := range one.sizes {
			w := one.make(n)
			b.Run(fmt.Sprintf("%s/%d", one.name, w.space.Len()), func(b *testing.B) {
				b.ReportAllocs()
				done := prepare(w)
				for b.Loop() {
					if !done() {
						b.Fatal("the operation did not do what it should")
					}
				}
				b.ReportMetric(float64(len(w.blob)), "blob-bytes")
				took := float64(b.Elapsed()) / float64(b.N)
				if i == 0 {
					first = took
				}
				if last := len(one.sizes) - 1; i == last && first > 0 {
					b.ReportMetric(math.Log(took/first)/math.Log(float64(n)/float64(one.sizes[0])), "exponent")
				}
			})
		}
	}
}

func BenchmarkContains(b *testing.B) {
	grow(b, func(w *world) func() bool { return func() bool { return ok(w.space.Contains(w.key)) } })
}

func BenchmarkIndexAndKey(b *testing.B) {
	grow(b, func(w *world) func() bool {
		return func() bool { return ok(w.space.Index(ok(w.space.Key(w.index)))) == w.index }
	})
}

func BenchmarkLen(b *testing.B) {
	grow(b, func(w *world) func() bool { return func() bool { return w.space.Len() > 0 } })
}

func BenchmarkSpaceAt(b *testing.B) {
	grow(b, func(w *world) func() bool { return func() bool { return w.space.At(benchNow).all != nil } })
}

func BenchmarkCount(b *testing.B) {
	grow(b, func(w *world) func() bool { return func() bool { return w.space.Count(w.half) > 0 } })
}

func BenchmarkSelectRange(b *testing.B) {
	grow(b, func(w *world) func() bool {
		return func() bool { return !ok(w.space.Select(w.text)).IsEmpty() }
	})
}

func BenchmarkMissing(b *testing.B) {
	grow(b, func(w *world) func() bool {
		return func() bool { return !w.space.Complement(w.half).IsEmpty() }
	})
}

func BenchmarkUnion(b *testing.B) {
	grow(b, func(w *world) func() bool { return func() bool { return !w.half.Union(w.two).IsEmpty() } })
}

// A column of a picture: what a small stretch has of a set of ten thousand pieces.
func BenchmarkPicture(b *testing.B) {
	space := ok(NewSpace(Multi(map[string]Definition{"hour": hoursSince(hoursSince1990), "tenant": Dynamic("tenants")}), benchNow, tenants(10_000)))
	set := stretches(10_000)(space, newRand())
	part := space.Part(space.All(), space.Len()/2, space.Len()/80)
	b.ReportAllocs()
	for b.Loop() {
		if space.Count(part.Intersect(set)) == 0 || part.Minus(set).IsEmpty() {
			b.Fatal("empty")
		}
	}
}

// One partition more: what storage does for every event.
func BenchmarkReadAddWrite(b *testing.B) {
	grow(b, func(w *world) func() bool {
		one := ok(w.space.Set(w.key))
		return func() bool { return len(ok(ok(ParseSet(w.blob)).Union(one).AppendBinary(nil))) > 0 }
	})
}

func BenchmarkEncode(b *testing.B) {
	grow(b, func(w *world) func() bool {
		buffer := make([]byte, 0, 2*len(w.blob))
		return func() bool { return len(ok(w.half.AppendBinary(buffer))) == len(w.blob) }
	})
}

func BenchmarkDecode(b *testing.B) {
	grow(b, func(w *world) func() bool { return func() bool { return !ok(ParseSet(w.blob)).IsEmpty() } })
}

// A batch of a backfill: a thousand partitions from the middle of a set.
func BenchmarkPart(b *testing.B) {
	grow(b, func(w *world) func() bool {
		skip := w.space.Count(w.half) / 2
		return func() bool { return !w.space.Part(w.half, skip, 1000).IsEmpty() }
	})
}

// The first ranges of a set, as a page shows them.
func BenchmarkFirstRanges(b *testing.B) {
	grow(b, func(w *world) func() bool {
		return func() bool {
			n := 0
			for _, err := range w.space.Ranges(w.half) {
				if n++; n == 10 || err != nil {
					break
				}
			}
			return n > 0
		}
	})
}

func BenchmarkIdentity(b *testing.B) {
	grow(b, func(w *world) func() bool {
		edge := ok(Identity().Connect(w.space, w.space))
		return func() bool {
			needs, lacking := edge.Upstream(w.half)
			return !needs.IsEmpty() && lacking.IsEmpty()
		}
	})
}

func BenchmarkAllPartitions(b *testing.B) {
	grow(b, func(w *world) func() bool {
		edge := ok(AllPartitions().Connect(w.space, ok(NewSpace(nil, benchNow, Tables{}))))
		return func() bool {
			needs, _ := edge.Upstream(Whole())
			return !needs.IsEmpty() && !edge.Downstream(w.half).IsEmpty()
		}
	})
}

// Days of hours, both ways, over so many hours.
func BenchmarkOverlap(b *testing.B) {
	for _, zone := range []string{"UTC", "Europe/Berlin"} {
		var first float64
		sizes := []int{hoursSince1990 / 100, hoursSince1990 / 10, hoursSince1990}
		for i, n := range sizes {
			hours := newWorld(hoursSince(n), Tables{}, stretches(10))
			days := newWorld(Daily(CivilOf(benchNow.Add(-time.Duration(n)*time.Hour)), In(zone)), Tables{}, stretches(10))
			edge := ok(Overlap().Connect(hours.space, days.space))
			b.Run(fmt.Sprintf("%s/%d", zone, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					needs, _ := edge.Upstream(days.half)
					if needs.IsEmpty() || edge.Downstream(hours.half).IsEmpty() {
						b.Fatal("empty")
					}
				}
				took := float64(b.Elapsed()) / float64(b.N)
				if i == 0 {
					first = took
				}
				if i == len(sizes)-1 && first > 0 {
					b.ReportMetric(math.Log(took/first)/math.Log(100), "exponent")
				}
			})
		}
	}
}

// A product of hours and tenants that reads days: between a dimension and a whole.
func BenchmarkMultiToSingle(b *testing.B) {
	days := ok(NewSpace(Daily(Date(1990, time.January, 1)), benchNow, Tables{}))
	for _, n := range []int{100, 1000, 10_000} {
		w := newWorld(Multi(map[string]Definition{"hour": hoursSince(hoursSince1990), "tenant": Dynamic("tenants")}), tenants(n), stretches(10))
		edge := ok(MultiToSingle("hour").Connect(days, w.space))
		part := ok(days.Select("2000-01-01..2010-01-01"))
		b.Run(strconv.FormatInt(w.space.Len(), 10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				needs, _ := edge.Upstream(w.half)
				if needs.IsEmpty() || edge.Downstream(part).IsEmpty() {
					b.Fatal("empty")
				}
			}
		})
	}
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 1)) }
