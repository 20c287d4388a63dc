package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// dayStarts is the hour at which a day of flying begins: what leaves at one in the night belongs to
// the day before.
const dayStarts = 5

// flyingDay puts the hours in the order in which a day is flown, and leaves out those with too few
// flights for a mean.
func flyingDay(hours []HourDelay, least int) (shown, hidden []HourDelay) {
	for i := range hours {
		h := hours[(i+dayStarts)%len(hours)]
		if h.Flights < least {
			hidden = append(hidden, h)
			continue
		}
		shown = append(shown, h)
	}
	return shown, hidden
}

// hoursChart draws mean delay, share of late flights and number of flights, one panel each over the
// same hours.
func hoursChart(hours []HourDelay) (string, error) {
	const width, size = 960, 12
	var delays, shares, counts columns
	var names []plot.Tick
	for i, h := range hours {
		delays.bars = append(delays.bars, bar{h.MeanDelay, band(h.MeanDelay), signed(h.MeanDelay)})
		shares.bars = append(shares.bars, bar{100 * h.LateShare(), accent, fmt.Sprintf("%.0f", 100*h.LateShare())})
		counts.bars = append(counts.bars, bar{float64(h.Flights), faint, grouped(h.Flights)})
		names = append(names, plot.Tick{Value: float64(i), Label: fmt.Sprintf("%02d", h.Hour)})
	}
	panels := []struct {
		title  string
		bars   columns
		height vg.Length
		name   func(float64) string
	}{
		{"Mean delay, minutes", delays, 260, func(v float64) string { return fmt.Sprintf("%g", v) }},
		{"Flights late by 15 minutes or more, %", shares, 165, func(v float64) string { return fmt.Sprintf("%g", v) }},
		{"Flights by hour of departure, local time", counts, 155, func(v float64) string { return grouped(int(v)) }},
	}
	var height vg.Length
	for _, p := range panels {
		height += p.height
	}
	return drawing(width, height, func(canvas draw.Canvas) {
		top := height
		for _, p := range panels {
			p.bars.fill, p.bars.size = 0.78, size-1.5
			chart := timeChart(p.title, p.bars, names, int(p.height/50), p.name, size)
			chart.Draw(draw.Crop(canvas, 0, 0, top-p.height, top-height))
			top -= p.height
		}
	})
}

// axisRoom is the same left margin for all panels that share their x, so that they line up.
const axisRoom = 44

// timeChart is one panel: its title on the left above the bars, a scale on the left, names below.
func timeChart(title string, bars columns, names []plot.Tick, most int, name func(float64) string, size vg.Length) panel {
	p := newChart(size)
	p.Title.Text = title
	p.X.Tick.Marker = plot.ConstantTicks(names)
	xmin, xmax, low, high := bars.DataRange()
	p.X.Min, p.X.Max = xmin, xmax
	ticks, lines := scale(low, high, most, name)
	p.Add(lines, bars)
	p.Y.Min, p.Y.Max = low, high
	if low < 0 {
		p.Y.Min = low - (high-low)*0.09 // room for the labels under bars that point down
	}
	return panel{p, ticks, size}
}

// panel draws a plot below a title of its own, with the y scale in a margin of fixed width.
type panel struct {
	plot  *plot.Plot
	scale []plot.Tick
	size  vg.Length
}

// Draw paints the panel onto the canvas.
func (p panel) Draw(canvas draw.Canvas) {
	title := letters(ink, p.size+1)
	title.YAlign = draw.YTop
	canvas.FillText(title, vg.Point{X: canvas.Min.X, Y: canvas.Max.Y - 10}, p.plot.Title.Text)
	p.plot.Title.Text = ""
	p.plot.HideY()
	body := draw.Crop(canvas, axisRoom, 0, 0, -46)
	p.plot.Draw(body)
	data := p.plot.DataCanvas(body)
	_, y := p.plot.Transforms(&data)
	for _, t := range p.scale {
		sty := letters(muted, p.size)
		sty.XAlign, sty.YAlign = draw.XRight, draw.YCenter
		canvas.FillText(sty, vg.Point{X: canvas.Min.X + axisRoom - 10, Y: y(t.Value)}, t.Label)
	}
}

// worstDays is the n most delayed days that lie far enough apart for a label on each.
func worstDays(days []DayDelay, n int) []DayDelay {
	const apart = 5 * 24 * time.Hour
	var worst []DayDelay
	for _, d := range slices.SortedStableFunc(slices.Values(days), func(a, b DayDelay) int { return cmp.Compare(b.MeanDelay, a.MeanDelay) }) {
		near := slices.ContainsFunc(worst, func(w DayDelay) bool { return d.Day.Sub(w.Day).Abs() < apart })
		if len(worst) < n && !near {
			worst = append(worst, d)
		}
	}
	return worst
}

// daysChart draws the mean delay of every day and names the worst.
func daysChart(days []DayDelay) (string, error) {
	const width, height, size, named = 960, 250, 12, 4
	worst := worstDays(days, named)
	bars := columns{fill: 0.76, size: size - 1.5}
	var names []plot.Tick
	for i, d := range days {
		b := bar{d.MeanDelay, band(d.MeanDelay), ""}
		if slices.Contains(worst, d) {
			b.label = d.Day.Format("2 Jan")
		}
		bars.bars = append(bars.bars, b)
		if i%7 == 0 {
			names = append(names, plot.Tick{Value: float64(i), Label: d.Day.Format("2 Jan")})
		}
	}
	return drawing(width, height, func(canvas draw.Canvas) {
		minutes := func(v float64) string { return fmt.Sprintf("%g", v) }
		timeChart("Mean delay by day of departure, minutes", bars, names, height/50, minutes, size).Draw(canvas)
	})
}
