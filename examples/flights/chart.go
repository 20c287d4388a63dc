package main

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// bar is one value with its colour and the text at its end.
type bar struct {
	value float64
	color role
	label string
}

// columns draws bars upright at x = 0, 1, 2 …
type columns struct {
	bars []bar
	fill float64 // share of the step that a bar takes
	size vg.Length
}

// Plot implements plot.Plotter.
func (c columns) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	for i, b := range c.bars {
		left, right := x(float64(i)-c.fill/2), x(float64(i)+c.fill/2)
		rect(canvas, b.color, left, y(0), right, y(b.value))
		if b.label == "" {
			continue
		}
		sty := letters(ink, c.size)
		sty.XAlign, sty.YAlign = draw.XCenter, draw.YBottom
		at := vg.Point{X: (left + right) / 2, Y: y(b.value) + 3}
		if b.value < 0 {
			sty.YAlign, at.Y = draw.YTop, y(b.value)-3
		}
		canvas.FillText(sty, at, b.label)
	}
}

// DataRange implements plot.DataRanger.
func (c columns) DataRange() (xmin, xmax, ymin, ymax float64) {
	for _, b := range c.bars {
		ymin, ymax = min(ymin, b.value), max(ymax, b.value)
	}
	return -0.6, float64(len(c.bars)) - 0.4, ymin, ymax
}

// rows draws bars lying down, the first on top.
type rows struct {
	bars []bar
	size vg.Length
}

// Plot implements plot.Plotter.
func (r rows) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	for i, b := range r.bars {
		mid := float64(len(r.bars) - 1 - i)
		rect(canvas, b.color, x(0), y(mid-0.33), x(b.value), y(mid+0.33))
		sty := letters(ink, r.size)
		sty.YAlign = draw.YCenter
		at := vg.Point{X: x(max(0, b.value)) + 5, Y: y(mid) + 1}
		canvas.FillText(sty, at, b.label)
	}
}

// DataRange implements plot.DataRanger.
func (r rows) DataRange() (xmin, xmax, ymin, ymax float64) {
	for _, b := range r.bars {
		xmin, xmax = min(xmin, b.value), max(xmax, b.value)
	}
	return xmin, xmax, -0.6, float64(len(r.bars)) - 0.4
}

// rules draws a faint line across at each value, under what is added later.
type rules []float64

// Plot implements plot.Plotter.
func (r rules) Plot(canvas draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&canvas)
	for _, v := range r {
		canvas.StrokeLine2(draw.LineStyle{Color: grid, Width: 0.8}, canvas.Min.X, y(v), canvas.Max.X, y(v))
	}
}

func rect(c draw.Canvas, r role, x0, y0, x1, y1 vg.Length) {
	c.FillPolygon(r, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

// newChart is an empty plot in the report's look: no frame, quiet axes.
func newChart(size vg.Length) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Width = 0
		axis.Tick.LineStyle.Width = 0
		axis.Tick.Length = 0
		axis.Padding = 4
		label := letters(muted, size)
		label.XAlign, label.YAlign = axis.Tick.Label.XAlign, axis.Tick.Label.YAlign
		axis.Tick.Label = label
	}
	return p
}

// scale names round values from the lowest to the highest, in at most so many steps.
func scale(low, high float64, most int, name func(float64) string) ([]plot.Tick, rules) {
	step := niceStep(high-low, most)
	var ticks []plot.Tick
	var lines rules
	for i := int(math.Ceil(low / step)); float64(i)*step <= high; i++ {
		v := float64(i) * step
		ticks = append(ticks, plot.Tick{Value: v, Label: name(v)})
		lines = append(lines, v)
	}
	return ticks, lines
}

// niceStep is the smallest round step that goes into a span no more than so many times.
func niceStep(span float64, most int) float64 {
	if span <= 0 {
		return 1
	}
	unit := math.Pow(10, math.Floor(math.Log10(span/float64(most))))
	for _, m := range []float64{1, 2, 5} {
		if span/(m*unit) <= float64(most) {
			return m * unit
		}
	}
	return 10 * unit
}

// signed writes a mean delay with its sign: +7.7, −1.6, 0.0.
func signed(minutes float64) string {
	switch text := fmt.Sprintf("%.1f", math.Abs(minutes)); {
	case text == "0.0":
		return text
	case minutes < 0:
		return "−" + text
	default:
		return "+" + text
	}
}

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

// grouped writes a whole number with a comma at every thousand.
func grouped(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// punctual writes a mean delay in words: 3.5 minutes early.
func punctual(minutes float64) string {
	switch text := fmt.Sprintf("%.1f minutes", math.Abs(minutes)); {
	case text == "0.0 minutes":
		return "on time"
	case minutes < 0:
		return text + " early"
	default:
		return text + " late"
	}
}

// hoursMinutes writes minutes as 8 h 42 min.
func hoursMinutes(minutes int) string {
	if minutes < 60 {
		return fmt.Sprintf("%d min", minutes)
	}
	return fmt.Sprintf("%d h %02d min", minutes/60, minutes%60)
}

// millions writes a large number with one decimal.
func millions(n int) string {
	if n < 1e6 {
		return grouped(n)
	}
	return fmt.Sprintf("%.1f million", float64(n)/1e6)
}
