package main

import (
	"fmt"
	"math"
	"time"
)

// Reason is why a row was set aside.
type Reason string

// The reasons, in the order in which the rules are asked: a row is counted under the first it
// breaks.
const (
	BadDate            Reason = "bad date"
	SameAirport        Reason = "same airport"
	UnknownAirport     Reason = "unknown airport"
	UnlocatedAirport   Reason = "airport without a state"
	ImpossibleDistance Reason = "impossible distance"
	ImplausibleDelay   Reason = "implausible delay"
	RepeatedDeparture  Reason = "repeated departure"
)

// Reasons lists every reason in the order of the rules, for tables that also show what was not
// found.
func Reasons() []Reason {
	return []Reason{
		BadDate, SameAirport, UnknownAirport, UnlocatedAirport,
		ImpossibleDistance, ImplausibleDelay, RepeatedDeparture,
	}
}

// Explain describes the rule in a sentence.
func (r Reason) Explain() string {
	switch r {
	case BadDate:
		return "The date is not written as 2001/01/31 23:59."
	case SameAirport:
		return "Origin and destination are the same airport."
	case UnknownAirport:
		return "The list of airports has no such code."
	case UnlocatedAirport:
		return "The list of airports writes NA for the airport's city or state."
	case ImpossibleDistance:
		return "The distance is far from the great circle between the two airports."
	case ImplausibleDelay:
		return "The flight is earlier or later than the limits allow."
	case RepeatedDeparture:
		return "The same route has an earlier row for the same minute, and no flight number tells them apart."
	}
	return ""
}

// CleanRules are the limits that Clean applies.
type CleanRules struct {
	DistanceSlack int `json:"distance_slack" default:"25" validate:"gte=0"` // miles that distance and great circle may differ by
	MaxEarly      int `json:"max_early" default:"60" validate:"gte=0"`      // minutes
	MaxLate       int `json:"max_late" default:"1440" validate:"gte=0"`     // minutes
}

// defaultRules are the limits that the defaults of the tags give.
func defaultRules() CleanRules { return CleanRules{DistanceSlack: 25, MaxEarly: 60, MaxLate: 1440} }

const dateLayout = "2006/01/02 15:04"

// Clean parts the raw rows into flights and rejects; every row ends in exactly one of the two, in
// the file's order.
func Clean(raw []RawFlight, airports []Airport, rules CleanRules) ([]Flight, []Reject) {
	type departure struct {
		at                  time.Time
		origin, destination string
	}
	flights := make([]Flight, 0, len(raw))
	var rejects []Reject
	byCode := index(airports)
	seen := make(map[departure]int, len(raw))
	for i, r := range raw {
		f, reason, detail := judge(r, byCode, rules)
		if reason == "" {
			d := departure{f.Departure, f.Origin, f.Destination}
			if first, again := seen[d]; again {
				reason, detail = RepeatedDeparture, fmt.Sprintf("%s, %s to %s, as in row %d", r.Date, r.Origin, r.Destination, first)
			} else {
				seen[d] = i + 1
			}
		}
		if reason != "" {
			rejects = append(rejects, Reject{Row: i + 1, Reason: reason, Detail: detail})
			continue
		}
		flights = append(flights, f)
	}
	return flights, rejects
}

// judge applies the rules that need only the row itself.
func judge(r RawFlight, airports map[string]Airport, rules CleanRules) (f Flight, broken Reason, detail string) {
	at, err := time.Parse(dateLayout, r.Date)
	if err != nil {
		return f, BadDate, fmt.Sprintf("%q", r.Date)
	}
	if r.Origin == r.Destination {
		return f, SameAirport, r.Origin
	}
	var ends [2]Airport
	for i, code := range []string{r.Origin, r.Destination} {
		airport, known := airports[code]
		if !known {
			return f, UnknownAirport, fmt.Sprintf("%q", code)
		}
		if !airport.Located() {
			return f, UnlocatedAirport, fmt.Sprintf("%s (%s)", code, airport.Name)
		}
		ends[i] = airport
	}
	if direct := miles(ends[0], ends[1]); math.Abs(direct-float64(r.Distance)) > float64(rules.DistanceSlack) {
		return f, ImpossibleDistance, fmt.Sprintf("%d miles from %s to %s, %.0f in a straight line", r.Distance, r.Origin, r.Destination, direct)
	}
	if r.Delay < -rules.MaxEarly || r.Delay > rules.MaxLate {
		return f, ImplausibleDelay, fmt.Sprintf("%d minutes", r.Delay)
	}
	return Flight{Departure: at, Delay: r.Delay, Distance: r.Distance, Origin: r.Origin, Destination: r.Destination}, "", ""
}

// RejectCount is how many rows one rule set aside.
type RejectCount struct {
	Reason Reason
	Rows   int
}

// CountRejects counts by reason, in the order of the rules, and names the reasons that nothing
// broke too.
func CountRejects(rejects []Reject) []RejectCount {
	n := map[Reason]int{}
	for _, r := range rejects {
		n[r.Reason]++
	}
	counts := make([]RejectCount, 0, len(Reasons()))
	for _, reason := range Reasons() {
		counts = append(counts, RejectCount{reason, n[reason]})
	}
	return counts
}

func index(airports []Airport) map[string]Airport {
	byCode := make(map[string]Airport, len(airports))
	for _, a := range airports {
		byCode[a.IATA] = a
	}
	return byCode
}

const earthRadius = 3958.7613 // statute miles, mean

// miles is the great-circle distance between two airports.
func miles(a, b Airport) float64 {
	lat1, lat2 := radians(a.Lat), radians(b.Lat)
	sinLat, sinLon := math.Sin((lat2-lat1)/2), math.Sin(radians(b.Lon-a.Lon)/2)
	h := sinLat*sinLat + math.Cos(lat1)*math.Cos(lat2)*sinLon*sinLon
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }
