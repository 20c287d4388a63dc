package term

import (
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestSpark(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		width  int
		want   string
	}{
		{nil, 5, ""},
		{[]float64{3}, 5, "▄"},
		{[]float64{2, 2, 2}, 5, "▄▄▄"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 8, "▁▂▃▄▅▆▇█"},
		{[]float64{0, 1, 2, 3, 4, 5, 6, 7}, 3, "▁▅█"},
		{[]float64{-1, 1}, 5, "▁█"},
		{[]float64{-math.MaxFloat64, 0, math.MaxFloat64}, 5, "▁▅█"},
	} {
		if got := Spark(c.values, c.width); got != c.want {
			t.Errorf("%v in %d cells is %q, want %q", c.values, c.width, got, c.want)
		}
	}
}

func TestChart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values      []float64
		rows, width int
		want        string
	}{
		{[]float64{0, 4, 8}, 3, 15, "" +
			" 8 ┤      ██\n" +
			"   │   ▅▅ ██\n" +
			" 0 ┤▁▁ ██ ██"},
		{[]float64{5, 0, 4, 8}, 2, 7, "" +
			" 8 ┤ ▁█\n" +
			" 0 ┤▁██"},
		{[]float64{1, 1}, 2, 9, "" +
			" 1 ┤\n" +
			" 1 ┤█ █"},
	} {
		got := strings.Join(Chart(c.values, " "+label(c.values, math.Min), " "+label(c.values, math.Max), c.rows, c.width), "\n")
		if got != c.want {
			t.Errorf("%v in %d by %d is\n%s\nwant\n%s", c.values, c.rows, c.width, got, c.want)
		}
	}
}

// label is the text of the number that a function chooses.
func label(values []float64, choose func(x, y float64) float64) string {
	best := values[0]
	for _, v := range values {
		best = choose(best, v)
	}
	return string(rune('0' + int(best)))
}

// Any numbers fit into any window, and a greater number is never drawn lower.
func TestBarsKeepTheOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		finite := rapid.Float64().Filter(func(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) })
		values := rapid.SliceOfN(finite, 1, 30).Draw(t, "values")
		rows, width := rapid.IntRange(1, 9).Draw(t, "rows"), rapid.IntRange(1, 60).Draw(t, "width")
		for _, line := range Chart(values, "low", "high", rows, width) {
			if n := utf8.RuneCountInString(line); n > max(width, 7) {
				t.Fatalf("%q has %d cells, the window %d", line, n, width)
			}
		}
		low, high := values[0], values[0]
		for _, v := range values {
			low, high = min(low, v), max(high, v)
		}
		for i, v := range values {
			h := height(v, low, high, rows*8)
			if h < 1 || h > rows*8 {
				t.Fatalf("%v is %d eighths of %d high", v, h, rows*8)
			}
			if w := values[0]; i > 0 && w < v && height(w, low, high, rows*8) > h {
				t.Fatalf("%v is lower than %v", v, w)
			}
		}
	})
}
