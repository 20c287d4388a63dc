package main

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

//go:embed data/us-states.json
var outlinesFile []byte

// outlines is the rings of each state, in the viewport with y upwards, as a canvas has it.
func outlines() (map[string][][]vg.Point, error) {
	var packed map[string][][]int
	if err := json.Unmarshal(outlinesFile, &packed); err != nil {
		return nil, fmt.Errorf("outlines of the states: %w", err)
	}
	states := make(map[string][][]vg.Point, len(packed))
	for state, rings := range packed {
		for _, flat := range rings {
			var x, y int
			ring := make([]vg.Point, 0, len(flat)/2)
			for i := 0; i+1 < len(flat); i += 2 {
				x, y = x+flat[i], y+flat[i+1]
				ring = append(ring, onCanvas(float64(x)/10, float64(y)/10))
			}
			states[state] = append(states[state], ring)
		}
	}
	return states, nil
}

func onCanvas(x, y float64) vg.Point { return vg.Point{X: length(x), Y: length(mapHeight - y)} }

func length[N int | float64](n N) vg.Length { return vg.Length(n) }

// drawStates fills each state and draws its border.
func drawStates(canvas draw.Canvas, states map[string][][]vg.Point, fill func(state string) role) {
	for _, state := range slices.Sorted(maps.Keys(states)) {
		var path vg.Path
		for _, ring := range states[state] {
			path.Move(ring[0])
			for _, p := range ring[1:] {
				path.Line(p)
			}
			path.Close()
		}
		canvas.SetColor(fill(state))
		canvas.Fill(path)
		canvas.SetLineStyle(draw.LineStyle{Color: border, Width: 0.8})
		canvas.Stroke(path)
	}
}

// Pair is the flights between two airports in both directions.
type Pair struct {
	A, B Route // A's direction is the one with the lesser code first; B is the zero value where none flew back
	Delays
}

// pairs joins each route with its way back, least flown first, so that the busiest are drawn last.
func pairs(routes []Route) []Pair {
	both := map[[2]string]Pair{}
	for _, r := range routes {
		key := [2]string{min(r.Origin, r.Destination), max(r.Origin, r.Destination)}
		p := both[key]
		if r.Origin == key[0] || p.A.Origin == "" {
			p.A, p.B = r, p.A
		} else {
			p.B = r
		}
		n := p.Flights + r.Flights
		p.MeanDelay = (p.MeanDelay*float64(p.Flights) + r.MeanDelay*float64(r.Flights)) / float64(n)
		p.Longest = max(p.Longest, r.Longest)
		if p.Flights == 0 {
			p.Longest = r.Longest
		}
		p.Flights, p.Late = n, p.Late+r.Late
		both[key] = p
	}
	return slices.SortedFunc(maps.Values(both), func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.Flights, b.Flights), cmp.Compare(b.A.Origin, a.A.Origin), cmp.Compare(b.A.Destination, a.A.Destination))
	})
}

// routesMap draws the pairs as arcs over the states and the airports as discs, and names the
// largest.
func routesMap(shown []Pair, airports []AirportDelay) (string, error) {
	states, err := outlines()
	if err != nil {
		return "", err
	}
	return drawing(mapWidth, mapHeight, func(canvas draw.Canvas) {
		drawStates(canvas, states, func(string) role { return land })
		most := 1
		for _, p := range shown {
			most = max(most, p.Flights)
		}
		for _, p := range shown {
			canvas.SetLineStyle(draw.LineStyle{
				Color: band(p.MeanDelay),
				Width: length(0.5 + 2.6*float64(p.Flights)/float64(most)),
			})
			canvas.Stroke(arc(p.A))
		}
		drawAirports(canvas, airports)
		nameInsets(canvas)
	})
}

// arc is a great circle where both ends share a projection; to an inset, which is not where it
// seems, a plain bow.
func arc(r Route) vg.Path {
	var path vg.Path
	from, to := insetOf(r.OriginState), insetOf(r.DestState)
	if from == to {
		p := from.projection()
		for i, at := range greatCircle(r.OriginLat, r.OriginLon, r.DestLat, r.DestLon, 1+r.Distance/150) {
			point := onCanvas(p.project(at[0], at[1]))
			if i == 0 {
				path.Move(point)
				continue
			}
			path.Line(point)
		}
		return path
	}
	a := onCanvas(from.projection().project(r.OriginLat, r.OriginLon))
	b := onCanvas(to.projection().project(r.DestLat, r.DestLon))
	if a.Y > b.Y { // upwards from the inset, so that the bow leans west, over the ocean
		a, b = b, a
	}
	path.Move(a)
	path.QuadTo(vg.Point{X: (a.X+b.X)/2 - (b.Y-a.Y)/6, Y: (a.Y+b.Y)/2 + (b.X-a.X)/6}, b)
	return path
}

// sides is where a name may stand around its disc, best first.
var sides = [...]vg.Point{{X: 1}, {X: -1}, {Y: 1}, {Y: -1}, {X: 0.8, Y: 0.8}, {X: 0.8, Y: -0.8}, {X: -0.8, Y: 0.8}, {X: -0.8, Y: -0.8}}

// drawAirports draws the busiest last, and names them as long as their names find room.
func drawAirports(canvas draw.Canvas, airports []AirportDelay) {
	const size, named = 11, 44
	byTraffic := slices.SortedFunc(slices.Values(airports), func(a, b AirportDelay) int {
		return cmp.Or(cmp.Compare(b.Traffic(), a.Traffic()), cmp.Compare(a.IATA, b.IATA))
	})
	byTraffic = slices.DeleteFunc(byTraffic, func(a AirportDelay) bool { return insetOf(a.State) == offMap })
	if len(byTraffic) == 0 {
		return
	}
	most := float64(byTraffic[0].Traffic())
	var taken []vg.Rectangle
	discs := make([]vg.Path, len(byTraffic))
	for i, a := range byTraffic {
		at := place(a)
		radius := length(1.1 + 6.4*math.Sqrt(float64(a.Traffic())/most))
		discs[i].Move(vg.Point{X: at.X + radius, Y: at.Y})
		discs[i].Arc(at, radius, 0, 2*math.Pi)
		taken = append(taken, around(at, radius, radius))
	}
	for _, disc := range slices.Backward(discs) {
		canvas.SetColor(ink)
		canvas.Fill(disc)
		canvas.SetLineStyle(draw.LineStyle{Color: paper, Width: 0.8})
		canvas.Stroke(disc)
	}
	for i, a := range byTraffic[:min(named, len(byTraffic))] {
		sty := letters(ink, size)
		w := sty.Width(a.IATA)
		radius := taken[i].Size().X/2 + 2
		at := place(a)
		for n := range 2 * len(sides) {
			side, gap := sides[n%len(sides)], radius+length(8*(n/len(sides))) // a second time round, farther off
			centre := vg.Point{X: at.X + side.X*(gap+w/2), Y: at.Y + side.Y*(gap+size/2-1)}
			box := around(centre, w/2, size/2-1)
			if slices.ContainsFunc(taken, func(r vg.Rectangle) bool { return overlap(r, box) }) {
				continue
			}
			taken = append(taken, box)
			sty.XAlign, sty.YAlign = draw.XCenter, draw.YCenter
			canvas.FillText(sty, centre, a.IATA)
			break
		}
	}
}

// nameInsets names the two insets, for they lie where Mexico and the ocean would.
func nameInsets(canvas draw.Canvas) {
	canvas.FillText(letters(muted, 11), onCanvas(16, 488), "Alaska")
	canvas.FillText(letters(muted, 11), onCanvas(312, 536), "Hawaii")
}

func place(a AirportDelay) vg.Point {
	return onCanvas(insetOf(a.State).projection().project(a.Lat, a.Lon))
}

func around(p vg.Point, w, h vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: p.X - w, Y: p.Y - h}, Max: vg.Point{X: p.X + w, Y: p.Y + h}}
}

func overlap(a, b vg.Rectangle) bool {
	return a.Min.X < b.Max.X && b.Min.X < a.Max.X && a.Min.Y < b.Max.Y && b.Min.Y < a.Max.Y
}

// statesMap colours each state by the mean delay of its departures.
func statesMap(summaries []StateSummary) (string, error) {
	states, err := outlines()
	if err != nil {
		return "", err
	}
	fills := map[string]role{}
	for _, s := range summaries {
		fills[s.State] = band(s.MeanDelay)
	}
	return drawing(mapWidth, mapHeight, func(canvas draw.Canvas) {
		drawStates(canvas, states, func(state string) role {
			if fill, ok := fills[state]; ok {
				return fill
			}
			return wash
		})
	})
}
