package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var twoAirports = []Airport{
	{IATA: "SEA", Name: "Seattle-Tacoma Intl", City: "Seattle", State: "WA", Country: "USA", Lat: 47.449, Lon: -122.309},
	{IATA: "SFO", Name: "San Francisco International", City: "San Francisco", State: "CA", Country: "USA", Lat: 37.619, Lon: -122.375},
	{IATA: "MQT", Name: "Marquette County Airport", City: unknown, State: unknown, Country: "USA", Lat: 46.354, Lon: -87.395},
}

func TestCleanGivesEachRowItsReason(t *testing.T) {
	t.Parallel()
	good := RawFlight{Date: "2001/02/03 04:05", Delay: 7, Distance: 679, Origin: "SEA", Destination: "SFO"}
	with := func(change func(*RawFlight)) RawFlight { r := good; change(&r); return r }
	for _, c := range []struct {
		name string
		row  RawFlight
		want Reason
	}{
		{"good", good, ""},
		{"no such day", with(func(r *RawFlight) { r.Date = "2001/02/30 04:05" }), BadDate},
		{"another layout", with(func(r *RawFlight) { r.Date = "2001-02-03 04:05" }), BadDate},
		{"empty date", with(func(r *RawFlight) { r.Date = "" }), BadDate},
		{"same airport", with(func(r *RawFlight) { r.Destination = "SEA" }), SameAirport},
		{"unknown origin", with(func(r *RawFlight) { r.Origin = "ZZZ" }), UnknownAirport},
		{"lower case is another code", with(func(r *RawFlight) { r.Destination = "sfo" }), UnknownAirport},
		{"no state", with(func(r *RawFlight) { r.Destination = "MQT" }), UnlocatedAirport},
		{"too near", with(func(r *RawFlight) { r.Distance = 600 }), ImpossibleDistance},
		{"negative distance", with(func(r *RawFlight) { r.Distance = -679 }), ImpossibleDistance},
		{"an hour early", with(func(r *RawFlight) { r.Delay = -60 }), ""},
		{"more than an hour early", with(func(r *RawFlight) { r.Delay = -61 }), ImplausibleDelay},
		{"over a day late", with(func(r *RawFlight) { r.Delay = 1441 }), ImplausibleDelay},
		{"first broken rule wins", with(func(r *RawFlight) { r.Date, r.Delay = "?", 9999 }), BadDate},
	} {
		flights, rejects := Clean([]RawFlight{c.row}, twoAirports, defaultRules())
		var got Reason
		if len(rejects) == 1 {
			got = rejects[0].Reason
		}
		if got != c.want || len(flights)+len(rejects) != 1 {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	_, rejects := Clean([]RawFlight{good, good, with(func(r *RawFlight) { r.Delay = 90 })}, twoAirports, defaultRules())
	if len(rejects) != 2 || rejects[0].Reason != RepeatedDeparture || rejects[1].Row != 3 || !strings.Contains(rejects[1].Detail, "row 1") {
		t.Errorf("repeated departures: %+v", rejects)
	}
}

func TestCleanLosesNoRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOf(rapid.Custom(func(t *rapid.T) RawFlight {
			return RawFlight{
				Date:        rapid.SampledFrom([]string{"2001/01/01 00:47", "2001/01/02 10:00", "nonsense"}).Draw(t, "date"),
				Delay:       rapid.IntRange(-100, 2000).Draw(t, "delay"),
				Distance:    rapid.SampledFrom([]int{0, 679, 5000}).Draw(t, "distance"),
				Origin:      rapid.SampledFrom([]string{"SEA", "SFO", "MQT", ""}).Draw(t, "origin"),
				Destination: rapid.SampledFrom([]string{"SEA", "SFO", "MQT", ""}).Draw(t, "destination"),
			}
		})).Draw(t, "raw")
		flights, rejects := Clean(raw, twoAirports, defaultRules())
		if len(flights)+len(rejects) != len(raw) {
			t.Fatalf("%d flights and %d rejects of %d rows", len(flights), len(rejects), len(raw))
		}
		counted := 0
		for _, c := range CountRejects(rejects) {
			counted += c.Rows
		}
		if counted != len(rejects) {
			t.Fatalf("%d of %d rejects have a listed reason", counted, len(rejects))
		}
		legs, err := Join(flights, twoAirports)
		if err != nil {
			t.Fatal(err)
		}
		parts := 0
		for _, s := range SplitByState(legs) {
			parts += SummarizeState(s).Flights
		}
		if parts != len(legs) || Summarize(legs).Flights != len(legs) {
			t.Fatalf("the states have %d flights of %d", parts, len(legs))
		}
	})
}

func TestReadersSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	const header = "iata,name,city,state,country,latitude,longitude\n"
	airports := func(text string) error { _, err := ReadAirports(Archive{Airports: []byte(text)}); return err }
	flights := func(file []byte) error { _, err := ReadFlights(Archive{Flights: file}); return err }
	whole := zipped(t, `[{"date":"2001/01/01 00:47","delay":66,"distance":1750,"origin":"DTW","destination":"LAS"}]`)
	for _, c := range []struct {
		err  error
		want string
	}{
		{airports(""), "airports: reading the header: EOF"},
		{airports("code" + header[4:]), `airports: column 1 is "code", want "iata"`},
		{airports(header + "AAA,A,B,C,USA,91,0\n"), `airports: line 2: latitude is "91", want degrees from -90 to 90`},
		{airports(header + "AAA,A,B,C,USA,1,NaN\n"), `airports: line 2: longitude is "NaN", want degrees from -180 to 180`},
		{airports(header + "AAA,A,B\n"), "wrong number of fields"},
		{flights([]byte("[]")), "raw flights: 2 bytes that are not gzip"},
		{flights(whole[:len(whole)-9]), "raw flights: gzip ends early"},
		{flights(zipped(t, `{"date":1}`)), "raw flights: not a JSON array of flights"},
		{flights(zipped(t, `[{"delay":"late"}]`)), "raw flights: not a JSON array of flights"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("got %v, want %q", c.err, c.want)
		}
	}
	if err := flights(whole); err != nil {
		t.Error(err)
	}
	if _, err := Join([]Flight{{Origin: "SEA", Destination: "ZZZ"}}, twoAirports); fmt.Sprint(err) != `flight 1: destination "ZZZ" is not in the list of 3 airports` {
		t.Error(err)
	}
}

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	zw := gzip.NewWriter(&buf)
	_, err := zw.Write([]byte(text))
	if err := errors.Join(err, zw.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func FuzzReadAirports(f *testing.F) {
	f.Add([]byte("iata,name,city,state,country,latitude,longitude\nSEA,Seattle,Seattle,WA,USA,47.4,-122.3\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		airports, err := ReadAirports(Archive{Airports: text})
		for _, a := range airports {
			if err == nil && !(a.Lat >= -90 && a.Lat <= 90 && a.Lon >= -180 && a.Lon <= 180) {
				t.Fatalf("accepted %+v", a)
			}
		}
	})
}
