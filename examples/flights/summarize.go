package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// LateMinutes is from how many minutes behind schedule a flight is counted late, as the Department
// of Transportation does.
const LateMinutes = 15

// Join adds both airports to every flight. A code that is not in the list is an error: Clean let
// none through.
func Join(flights []Flight, airports []Airport) ([]Leg, error) {
	byCode := index(airports)
	legs := make([]Leg, 0, len(flights))
	for i, f := range flights {
		from, ok := byCode[f.Origin]
		if !ok {
			return nil, fmt.Errorf("flight %d: origin %q is not in the list of %d airports", i+1, f.Origin, len(airports))
		}
		to, ok := byCode[f.Destination]
		if !ok {
			return nil, fmt.Errorf("flight %d: destination %q is not in the list of %d airports", i+1, f.Destination, len(airports))
		}
		legs = append(legs, Leg{
			Departure: f.Departure, Delay: f.Delay, Distance: f.Distance,
			Origin: from.IATA, OriginCity: from.City, OriginState: from.State, OriginLat: from.Lat, OriginLon: from.Lon,
			Destination: to.IATA, DestCity: to.City, DestState: to.State, DestLat: to.Lat, DestLon: to.Lon,
		})
	}
	return legs, nil
}

// tally adds up delays as integers, so that the order of the legs never shows in a mean.
type tally struct{ flights, minutes, late, longest int }

func (t *tally) add(delay int) {
	if t.flights == 0 || delay > t.longest {
		t.longest = delay
	}
	t.flights++
	t.minutes += delay
	if delay >= LateMinutes {
		t.late++
	}
}

func (t *tally) delays() Delays {
	if t.flights == 0 {
		return Delays{}
	}
	return Delays{Flights: t.flights, MeanDelay: float64(t.minutes) / float64(t.flights), Late: t.late, Longest: t.longest}
}

// Summarize computes the headline of the report. No legs give the zero value.
func Summarize(legs []Leg) Headline {
	if len(legs) == 0 {
		return Headline{}
	}
	var t tally
	h := Headline{First: legs[0].Departure, Last: legs[0].Departure}
	delays := make([]int, 0, len(legs))
	airports, routes := map[string]bool{}, map[[2]string]bool{}
	for _, l := range legs {
		if t.flights == 0 || l.Delay > t.longest {
			h.LongestRoute = l.Origin + " to " + l.Destination
		}
		t.add(l.Delay)
		delays = append(delays, l.Delay)
		h.Miles += l.Distance
		airports[l.Origin], airports[l.Destination] = true, true
		routes[[2]string{l.Origin, l.Destination}] = true
		if l.Departure.Before(h.First) {
			h.First = l.Departure
		}
		if l.Departure.After(h.Last) {
			h.Last = l.Departure
		}
	}
	slices.Sort(delays)
	h.Delays, h.Median = t.delays(), delays[(len(delays)-1)/2]
	h.Airports, h.Routes = len(airports), len(routes)
	return h
}

// DelayByHour summarizes each of the 24 hours of departure, also the empty ones.
func DelayByHour(legs []Leg) []HourDelay {
	var hours [24]tally
	for _, l := range legs {
		hours[l.Departure.Hour()].add(l.Delay)
	}
	out := make([]HourDelay, 0, len(hours))
	for h, t := range hours {
		out = append(out, HourDelay{h, t.delays()})
	}
	return out
}

// DelayByDay summarizes each day on which a flight left, in order.
func DelayByDay(legs []Leg) []DayDelay {
	days := map[time.Time]*tally{}
	for _, l := range legs {
		at(days, l.Departure.Truncate(24*time.Hour)).add(l.Delay)
	}
	out := make([]DayDelay, 0, len(days))
	for day, t := range days {
		out = append(out, DayDelay{day, t.delays()})
	}
	slices.SortFunc(out, func(a, b DayDelay) int { return a.Day.Compare(b.Day) })
	return out
}

// DelayByAirport summarizes every airport with a departure or arrival, by code.
func DelayByAirport(legs []Leg) []AirportDelay {
	departures := map[string]*tally{}
	airports := map[string]AirportDelay{}
	for _, l := range legs {
		at(departures, l.Origin).add(l.Delay)
		from := AirportDelay{IATA: l.Origin, City: l.OriginCity, State: l.OriginState, Lat: l.OriginLat, Lon: l.OriginLon}
		to := AirportDelay{IATA: l.Destination, City: l.DestCity, State: l.DestState, Lat: l.DestLat, Lon: l.DestLon}
		from.Arrivals, to.Arrivals = airports[l.Origin].Arrivals, airports[l.Destination].Arrivals+1
		airports[l.Origin], airports[l.Destination] = from, to
	}
	out := make([]AirportDelay, 0, len(airports))
	for code, a := range airports {
		a.Delays = at(departures, code).delays()
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b AirportDelay) int { return cmp.Compare(a.IATA, b.IATA) })
	return out
}

// Routes summarizes every ordered pair of airports, by origin, then destination.
func Routes(legs []Leg) []Route {
	type pair struct{ from, to string }
	tallies, routes := map[pair]*tally{}, map[pair]Route{}
	for _, l := range legs {
		p := pair{l.Origin, l.Destination}
		at(tallies, p).add(l.Delay)
		routes[p] = Route{
			Origin: l.Origin, OriginCity: l.OriginCity, OriginState: l.OriginState, OriginLat: l.OriginLat, OriginLon: l.OriginLon,
			Destination: l.Destination, DestCity: l.DestCity, DestState: l.DestState, DestLat: l.DestLat, DestLon: l.DestLon,
			Distance: l.Distance,
		}
	}
	out := make([]Route, 0, len(routes))
	for p, r := range routes {
		r.Delays = tallies[p].delays()
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Route) int {
		return cmp.Or(cmp.Compare(a.Origin, b.Origin), cmp.Compare(a.Destination, b.Destination))
	})
	return out
}

// SplitByState parts the legs by the state they left from, by postal code: the units of the
// fan-out.
func SplitByState(legs []Leg) []StateLegs {
	byState := map[string][]Leg{}
	for _, l := range legs {
		byState[l.OriginState] = append(byState[l.OriginState], l)
	}
	out := make([]StateLegs, 0, len(byState))
	for _, state := range slices.Sorted(maps.Keys(byState)) {
		out = append(out, StateLegs{state, byState[state]})
	}
	return out
}

// enoughForHour is how many flights an hour needs before its mean is meaningful.
const enoughForHour = 10

// SummarizeState summarizes one state's departures.
func SummarizeState(s StateLegs) StateSummary {
	var t tally
	var miles int
	airports := map[string]int{}
	for _, l := range s.Legs {
		t.add(l.Delay)
		miles += l.Distance
		airports[l.Origin]++
	}
	out := StateSummary{State: s.State, Delays: t.delays(), Airports: len(airports), WorstHour: -1}
	if t.flights == 0 {
		return out
	}
	out.MeanDistance = float64(miles) / float64(t.flights)
	for _, code := range slices.Sorted(maps.Keys(airports)) {
		if out.Busiest == "" || airports[code] > airports[out.Busiest] {
			out.Busiest = code
		}
	}
	hours := DelayByHour(s.Legs)
	for _, h := range hours {
		if h.Flights >= enoughForHour && (out.WorstHour < 0 || h.MeanDelay > hours[out.WorstHour].MeanDelay) {
			out.WorstHour = h.Hour
		}
	}
	return out
}

// RankStates sorts the summaries, most delayed first: what collects the fan-out. Its input stays as
// it was.
func RankStates(states []StateSummary) []StateSummary {
	return slices.SortedFunc(slices.Values(states), func(a, b StateSummary) int {
		return cmp.Or(cmp.Compare(b.MeanDelay, a.MeanDelay), cmp.Compare(a.State, b.State))
	})
}

func at[K comparable](m map[K]*tally, k K) *tally {
	t := m[k]
	if t == nil {
		t = new(tally)
		m[k] = t
	}
	return t
}
