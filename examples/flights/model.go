package main

import "time"

// RawFlight is one row of the raw file, as it is written there.
type RawFlight struct {
	Date        string `json:"date"`     // 2001/01/01 00:47, local time of departure
	Delay       int    `json:"delay"`    // minutes behind schedule; negative is early
	Distance    int    `json:"distance"` // statute miles
	Origin      string `json:"origin"`   // IATA code
	Destination string `json:"destination"`
}

// Airport is one row of the list of airports.
type Airport struct {
	IATA, Name, City, State, Country string
	Lat, Lon                         float64 // degrees; north and east are positive
}

// Located reports whether the list has the airport's city and state: it writes NA for a dozen.
func (a Airport) Located() bool { return a.City != unknown && a.State != unknown }

// Flight is a row that passed every rule of Clean.
type Flight struct {
	Departure           time.Time // wall clock at the origin; the file has no zone, so the location is UTC
	Delay               int       // minutes behind schedule; negative is early
	Distance            int       // statute miles
	Origin, Destination string
}

// Leg is a flight joined with both of its airports.
type Leg struct {
	Departure                        time.Time
	Delay, Distance                  int
	Origin, OriginCity, OriginState  string
	OriginLat, OriginLon             float64
	Destination, DestCity, DestState string
	DestLat, DestLon                 float64
}

// Reject is a raw row that was set aside, and why.
type Reject struct {
	Row    int    // position in the raw file, from 1
	Reason Reason // which rule it broke
	Detail string // what was found
}

// Delays is the summary of a group of flights. The zero value is the summary of none.
type Delays struct {
	Flights   int
	MeanDelay float64 // minutes, early flights count negative
	Late      int     // flights LateMinutes or more behind schedule
	Longest   int     // the largest delay, minutes
}

// LateShare is the share of late flights, 0 to 1; 0 for no flights.
func (d Delays) LateShare() float64 {
	if d.Flights == 0 {
		return 0
	}
	return float64(d.Late) / float64(d.Flights)
}

// Headline is the first part of the report.
type Headline struct {
	Delays
	Median       int // minutes
	Miles        int
	Airports     int // airports flown from or to
	Routes       int // ordered pairs of airports
	First, Last  time.Time
	LongestRoute string // where the longest delay was
}

// HourDelay summarizes the flights that left in one hour of the day, 0 to 23.
type HourDelay struct {
	Hour int
	Delays
}

// DayDelay summarizes the flights of one day.
type DayDelay struct {
	Day time.Time
	Delays
}

// AirportDelay summarizes the flights that left from one airport.
type AirportDelay struct {
	IATA, City, State string
	Lat, Lon          float64
	Delays
	Arrivals int // flights that landed there
}

// Traffic is departures and arrivals together.
func (a AirportDelay) Traffic() int { return a.Flights + a.Arrivals }

// Route summarizes the flights from one airport to another.
type Route struct {
	Origin, OriginCity, OriginState        string
	Destination, DestCity, DestState       string
	OriginLat, OriginLon, DestLat, DestLon float64
	Distance                               int // statute miles
	Delays
}

// StateLegs is the unit of work that the fan-out hands to SummarizeState: one state's departures.
type StateLegs struct {
	State string
	Legs  []Leg
}

// StateSummary summarizes the flights that left from one state.
type StateSummary struct {
	State string
	Delays
	Airports     int
	Busiest      string  // the airport with most departures
	MeanDistance float64 // statute miles
	WorstHour    int     // the hour with the highest mean delay among those with enough flights; -1 if none has
}

// FileFacts is what an observation of the raw file finds.
type FileFacts struct {
	Size   int64  // bytes, compressed
	SHA256 string // of the compressed bytes, hexadecimal: the data version
	Rows   int
}
