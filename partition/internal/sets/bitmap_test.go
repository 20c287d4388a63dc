package sets

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/civil"
	"github.com/rivers-go/rivers/partition/internal/timegrid"
)

// someBitmap draws a bitmap and its runs, some of which reach across the parts in which a bitmap keeps its ordinals.
func someBitmap(t *rapid.T, on Scale) (*Bitmap, []Seg) {
	b := roaring.New()
	var want []Seg
	at := rapid.Int64Range(0, 200_000).Draw(t, "first")
	for range rapid.IntRange(1, 60).Draw(t, "runs") {
		n := rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(65_000, 140_000)).Draw(t, "long")
		b.AddRange(uint64(at), uint64(at+n))
		want = append(want, Seg{on.label(at), on.label(at + n), Unit})
		at += n + rapid.OneOf(rapid.Int64Range(1, 5), rapid.Int64Range(65_000, 70_000), rapid.Just((at+n)|0xffff+1-(at+n)+1)).Draw(t, "gap")
	}
	b.RunOptimize()
	return &Bitmap{b, on}, want
}

func collect(yields func(func(Seg) bool)) []Seg { return slices.Collect(yields) }

// The runs of a bitmap from any label on, and before any, are those of a list.
func TestRunsOfBitmaps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		on := rapid.SampledFrom([]Scale{OrdinalScale, {first: 300, step: 900}, {step: 3600}}).Draw(t, "scale")
		b, runs := someBitmap(t, on)
		if got := slices.Collect(b.runs()); !slices.Equal(got, runs) {
			t.Fatalf("the runs are %v, want %v", got, runs)
		}
		one := rapid.SampledFrom(runs).Draw(t, "run")
		label := rapid.SampledFrom([]int64{0, one.Lo, one.Lo + 1, one.Hi - 1, one.Hi, one.Lo - 1, on.label(MaxOrdinal)}).Draw(t, "label")
		var after, before []Seg
		for _, s := range runs {
			if from := on.label(on.ordinal(label)); s.Hi > from {
				after = append(after, Seg{max(s.Lo, from), s.Hi, Unit})
			}
			if s.Lo <= label {
				before = append(before, s)
			}
		}
		slices.Reverse(before)
		if got := collect(func(yield func(Seg) bool) { b.runsFrom(label, yield) }); !slices.Equal(got, after) {
			t.Fatalf("from %d on the runs are %v, want %v", label, got, after)
		}
		if got := collect(func(yield func(Seg) bool) { b.runsBefore(label, yield) }); !slices.Equal(got, before) {
			t.Fatalf("before %d the runs are %v, want %v", label, got, before)
		}
	})
}

// The scale of a grid can be read from its text, which is what is stored.
func TestScaleOfText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, _ := timegrid.Every(drawTime(t, "step", 1), drawTime(t, "start", 0)).(timegrid.Steps)
		a := WindowAxis("", g.String(), timegrid.FormatMinute, int64(g.First), int64(g.Step))
		if got := readScale(a.Of); got != a.on || a.on.step == 0 {
			t.Fatalf("the scale of %q is read as %v, want %v", a.Of, got, a.on)
		}
	})
	for _, of := range []string{"", "every", "every x as y", "every 1ns as y", "every -1h as y", "cron 0 0 1 * * as 2006-01"} {
		if got := readScale(of); got != (Scale{}) {
			t.Errorf("the scale of %q is read as %v, want none", of, got)
		}
	}
}

// Irregular hours were once stored as intervals. They are read as what they were.
func TestStoredIntervalsAreRead(t *testing.T) {
	t.Parallel()
	on := Scale{step: 3600}
	s := NewShape([]Axis{{Kind: Time, Of: ofText(on), on: on}})
	var segs []Seg
	for i := range int64(300) {
		segs = append(segs, Seg{3 * 3600 * i, 3*3600*i + 7200, Unit})
	}
	set := SetOf(s, Line(slices.Clone(segs), on))
	if set.Of(s).bits == nil {
		t.Fatal("irregular hours are not kept as a bitmap")
	}
	data := appendText(binary.AppendUvarint([]byte{setVersion}, 1), s.Code)
	data = newEncoder(&Node{segs: segs}, 1).append(data)
	if got, err := Parse(data); err != nil || !got.Equal(set) {
		t.Errorf("read as %s (%v), want %s", got, err, set)
	}
	if again := parsed(Parse(set.AppendBinary(nil))); !again.Equal(set) {
		t.Errorf("written and read again it is %s, want %s", again, set)
	}
}

// What does not lie on the scale of its axis, or beyond what a bitmap holds, is kept as intervals, and works.
func TestIntervalsOffTheScale(t *testing.T) {
	t.Parallel()
	for _, on := range []Scale{{}, {step: 3600}, {first: 1800, step: 3600}, {step: 1}} {
		s := NewShape([]Axis{{Kind: Time, Of: ofText(on), on: on}})
		var odd, even []Seg
		for i := range int64(100) {
			at := 16_000_000*3600 + i*7200
			odd = append(odd, Seg{at, at + 3600, Unit})
			even = append(even, Seg{at + 3600, at + 7200, Unit})
		}
		a, b := SetOf(s, Line(odd, on)), SetOf(s, Line(even, on))
		if bits := a.Of(s).bits != nil; bits != (on == Scale{step: 3600}) {
			t.Errorf("on %v: kept as a bitmap: %t", on, bits)
		}
		both := a.Combine(Union, b)
		if lo, hi := both.Of(s).Bounds(); len(both.Of(s).segs) != 1 || hi-lo != 200*3600 {
			t.Errorf("on %v: together they are %s", on, both)
		}
		if !both.Combine(Difference, a).Equal(b) || !a.Combine(Intersection, b).IsEmpty() || !a.Combine(SymmetricDifference, both).Equal(b) ||
			!parsed(Parse(a.AppendBinary(nil))).Equal(a) {
			t.Errorf("on %v: the algebra does not hold", on)
		}
	}
}

func drawTime(t *rapid.T, label string, least int64) civil.Time {
	unit := rapid.SampledFrom([]int64{1, civil.Minute, 15 * civil.Minute, civil.Hour, civil.Day}).Draw(t, label+" unit")
	return civil.Time(unit * rapid.Int64Range(least, 1000).Draw(t, label))
}

// ofText is what an axis with a scale is of.
func ofText(on Scale) string {
	if on.step == 0 {
		return "cron 0 0 1 * *" + asFormat + timegrid.FormatMinute
	}
	return timegrid.Steps{Step: civil.Time(on.step), First: civil.Time(on.first)}.String() + asFormat + timegrid.FormatMinute
}

// parsed is a set that was read.
func parsed(s Set, err error) Set {
	if err != nil {
		panic(err)
	}
	return s
}
