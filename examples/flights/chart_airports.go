package main

import (
	"cmp"
	"fmt"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg/draw"
)

// rankAirports is the airports with enough departures, most delayed first.
func rankAirports(airports []AirportDelay, least int) []AirportDelay {
	var enough []AirportDelay
	for _, a := range airports {
		if a.Flights >= least {
			enough = append(enough, a)
		}
	}
	slices.SortFunc(enough, func(a, b AirportDelay) int {
		return cmp.Or(cmp.Compare(b.MeanDelay, a.MeanDelay), cmp.Compare(a.IATA, b.IATA))
	})
	return enough
}

// airportsChart draws one bar an airport on a scale from low to high, which two charts may share.
func airportsChart(airports []AirportDelay, low, high float64) (string, error) {
	const width, size, row = 470, 12, 24
	r := rows{size: size - 0.5}
	var names []plot.Tick
	for i, a := range airports {
		label := fmt.Sprintf("%s min, %s late", signed(a.MeanDelay), percent(a.LateShare()))
		r.bars = append(r.bars, bar{a.MeanDelay, band(a.MeanDelay), label})
		names = append(names, plot.Tick{Value: float64(len(airports) - 1 - i), Label: a.City + " (" + a.IATA + ")"})
	}
	p := newChart(size)
	p.Y.Tick.Label.Color = ink
	p.Y.Tick.Marker = plot.ConstantTicks(names)
	p.Y.Padding = 8
	p.Add(r)
	p.X.Min, p.X.Max = min(0, low), max(0, high)*1.6 // the labels stand right of the longest bar
	p.HideX()
	height := len(airports)*row + 8
	return drawing(width, length(height), func(canvas draw.Canvas) { p.Draw(canvas) })
}
