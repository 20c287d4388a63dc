package partition

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/civil"
)

// someBitmap draws a bitmap and its runs, some of which reach across the parts in which a bitmap keeps its ordinals.
func someBitmap(t *rapid.T, on scale) (*bitmap, []seg) {
	b := roaring.New()
	var want []seg
	at := rapid.Int64Range(0, 200_000).Draw(t, "first")
	for range rapid.IntRange(1, 60).Draw(t, "runs") {
		n := rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(65_000, 140_000)).Draw(t, "long")
		b.AddRange(uint64(at), uint64(at+n))
		want = append(want, seg{on.label(at), on.label(at + n), unit})
		at += n + rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(65_000, 70_000), rapid.Just((at+n)|0xffff+1-(at+n)+1)).Draw(t, "gap")
	}
	b.RunOptimize()
	return &bitmap{b, on}, want
}

func collect(yields func(func(seg) bool)) []seg { return slices.Collect(yields) }

// The runs of a bitmap from any label on, and before any, are those of a list.
func TestRunsOfBitmaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		on := rapid.SampledFrom([]scale{ordinalScale, {first: 300, step: 900}, {step: 3600}}).Draw(t, "scale")
		b, runs := someBitmap(t, on)
		if got := slices.Collect(b.runs()); !slices.Equal(got, runs) {
			t.Fatalf("the runs are %v, want %v", got, runs)
		}
		one := rapid.SampledFrom(runs).Draw(t, "run")
		label := rapid.SampledFrom([]int64{0, one.lo, one.lo + 1, one.hi - 1, one.hi, one.lo - 1, on.label(maxOrdinal)}).Draw(t, "label")
		var after, before []seg
		for _, s := range runs {
			if from := on.label(on.ordinal(label)); s.hi > from {
				after = append(after, seg{max(s.lo, from), s.hi, unit})
			}
			if s.lo <= label {
				before = append(before, s)
			}
		}
		slices.Reverse(before)
		if got := collect(func(yield func(seg) bool) { b.runsFrom(label, yield) }); !slices.Equal(got, after) {
			t.Fatalf("from %d on the runs are %v, want %v", label, got, after)
		}
		if got := collect(func(yield func(seg) bool) { b.runsBefore(label, yield) }); !slices.Equal(got, before) {
			t.Fatalf("before %d the runs are %v, want %v", label, got, before)
		}
	})
}

// The keys of a dynamic definition of which many were removed end where they end. (What roaring says of the next value that
// is absent is wrong beyond the first 65,536.)
func TestKeysOfManyThatWereRemoved(t *testing.T) {
	t.Parallel()
	const n = 200_000
	tables := tenants(n)
	some := func(yield func(Ordinal) bool) {
		for o := Ordinal(0); o < n; o += 2 {
			if !yield(o) {
				return
			}
		}
	}
	tables.Dynamic["tenants"] = Registered{Keys: tables.Dynamic["tenants"].Keys, Live: DynamicSet("tenants", some)}
	s := ok(NewSpace(Dynamic("tenants"), benchNow, tables))
	count := 0
	for key, err := range s.KeysFrom(s.All(), ok(s.Key(10))) {
		if _ = ok(key, err); count%997 == 0 && ok(s.Index(key)) != int64(count+10) {
			t.Fatalf("%s is not partition %d", key, count+10)
		}
		count++
	}
	if count != n/2-10 {
		t.Errorf("there are %d keys, want %d", count, n/2-10)
	}
}

// The scale of a grid can be read from its text, which is what is stored.
func TestScaleOfText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := timeAxis("", gridEvery(drawTime(t, "step", 1), drawTime(t, "start", 0)), formatMinute)
		if got := readScale(a.of); got != a.on || a.on.step == 0 {
			t.Fatalf("the scale of %q is read as %v, want %v", a.of, got, a.on)
		}
	})
	for _, of := range []string{"", "every", "every x as y", "every 1ns as y", "every -1h as y", "cron 0 0 1 * * as 2006-01"} {
		if got := readScale(of); got != (scale{}) {
			t.Errorf("the scale of %q is read as %v, want none", of, got)
		}
	}
}

// Irregular hours were once stored as intervals. They are read as what they were.
func TestStoredIntervalsAreRead(t *testing.T) {
	t.Parallel()
	hours := ok(NewSpace(hoursSince(1000), benchNow, Tables{}))
	var gathered Gather
	for i := range int64(300) {
		gathered.Add(hours.Part(hours.All(), 3*i, 2))
	}
	set := gathered.Set()
	p := set.parts[0]
	if p.root.bits == nil {
		t.Fatal("irregular hours are not kept as a bitmap")
	}
	former := &node{segs: p.root.segments()}
	data := appendText(binary.AppendUvarint([]byte{setVersion}, 1), p.shape.code)
	data = newEncoder(former, 1).append(data)
	if got, err := ParseSet(data); err != nil || !got.Equal(set) {
		t.Errorf("read as %s (%v), want %s", got, err, set)
	}
	if again := ok(ParseSet(ok(set.AppendBinary(nil)))); !again.Equal(set) {
		t.Errorf("written and read again it is %s, want %s", again, set)
	}
}

// What does not lie on the scale of its axis, or beyond what a bitmap holds, is kept as intervals, and works.
func TestIntervalsOffTheScale(t *testing.T) {
	t.Parallel()
	for _, on := range []scale{{}, {step: 3600}, {first: 1800, step: 3600}, {step: 1}} {
		s := newShape([]axis{{kind: axisTime, of: ofText(on), on: on}})
		var odd, even []seg
		for i := range int64(100) {
			at := 16_000_000*3600 + i*7200
			odd = append(odd, seg{at, at + 3600, unit})
			even = append(even, seg{at + 3600, at + 7200, unit})
		}
		a, b := setOf(s, line(odd, on)), setOf(s, line(even, on))
		if bits := a.parts[0].root.bits != nil; bits != (on == scale{step: 3600}) {
			t.Errorf("on %v: kept as a bitmap: %t", on, bits)
		}
		both := a.Union(b)
		if lo, hi := both.parts[0].root.bounds(); len(both.parts[0].root.segs) != 1 || hi-lo != 200*3600 {
			t.Errorf("on %v: together they are %s", on, both)
		}
		if !both.Minus(a).Equal(b) || !a.Intersect(b).IsEmpty() || !a.SymmetricDifference(both).Equal(b) || !ok(ParseSet(ok(a.AppendBinary(nil)))).Equal(a) {
			t.Errorf("on %v: the algebra does not hold", on)
		}
	}
}

func drawTime(t *rapid.T, label string, least int64) civil.Time {
	unit := rapid.SampledFrom([]int64{1, civil.Minute, 15 * civil.Minute, civil.Hour, civil.Day}).Draw(t, label+" unit")
	return civil.Time(unit * rapid.Int64Range(least, 1000).Draw(t, label))
}

// ofText is what an axis with a scale is of.
func ofText(on scale) string {
	if on.step == 0 {
		return "cron 0 0 1 * *" + asFormat + formatMinute
	}
	return steps{civil.Time(on.step), civil.Time(on.first)}.String() + asFormat + formatMinute
}
