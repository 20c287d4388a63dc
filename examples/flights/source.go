package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// unknown is how airports.csv writes a city or state that it does not know.
const unknown = "NA"

// The data travels inside the binary, so that the example runs from any directory.
var (
	//go:embed data/flights-20k.json.gz
	flightsFile []byte
	//go:embed data/airports.csv
	airportsFile []byte
)

// Archive is where the raw files come from: a resource, so that a test or another month brings its
// own.
type Archive struct {
	Flights  []byte // JSON array of RawFlight, compressed with gzip
	Airports []byte // CSV with a header
}

// embedded is the archive of the first quarter of 2001.
func embedded() Archive { return Archive{Flights: flightsFile, Airports: airportsFile} }

// ObserveFlights describes the raw file without keeping its rows.
func ObserveFlights(a Archive) (FileFacts, error) {
	rows, err := ReadFlights(a)
	if err != nil {
		return FileFacts{}, err
	}
	sum := sha256.Sum256(a.Flights)
	return FileFacts{Size: int64(len(a.Flights)), SHA256: hex.EncodeToString(sum[:]), Rows: len(rows)}, nil
}

// ReadFlights decompresses and parses the raw flights. It judges no row: that is Clean's work.
func ReadFlights(a Archive) ([]RawFlight, error) {
	zr, err := gzip.NewReader(bytes.NewReader(a.Flights))
	if err != nil {
		return nil, fmt.Errorf("raw flights: %d bytes that are not gzip: %w", len(a.Flights), err)
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		return nil, fmt.Errorf("raw flights: gzip ends early after %d bytes of text: %w", len(text), err)
	}
	var rows []RawFlight
	if err := json.Unmarshal(text, &rows); err != nil {
		return nil, fmt.Errorf("raw flights: not a JSON array of flights: %w", err)
	}
	return rows, nil
}

var airportHeader = []string{"iata", "name", "city", "state", "country", "latitude", "longitude"}

// ReadAirports parses the list of airports, in the order of the file. A row that is not an airport
// is an error that names its line: the list is curated, so one bad row means the wrong file.
func ReadAirports(a Archive) ([]Airport, error) {
	r := csv.NewReader(bytes.NewReader(a.Airports))
	r.FieldsPerRecord = len(airportHeader)
	r.ReuseRecord = true
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("airports: reading the header: %w", err)
	}
	for i, want := range airportHeader {
		if head[i] != want {
			return nil, fmt.Errorf("airports: column %d is %q, want %q", i+1, head[i], want)
		}
	}
	var airports []Airport
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return airports, nil
		}
		if err != nil {
			return nil, fmt.Errorf("airports: %w", err)
		}
		line, _ := r.FieldPos(0)
		airport, err := parseAirport(rec)
		if err != nil {
			return nil, fmt.Errorf("airports: line %d: %w", line, err)
		}
		airports = append(airports, airport)
	}
}

func parseAirport(rec []string) (Airport, error) {
	lat, err := parseDegrees("latitude", rec[5], 90)
	if err != nil {
		return Airport{}, err
	}
	lon, err := parseDegrees("longitude", rec[6], 180)
	if err != nil {
		return Airport{}, err
	}
	return Airport{IATA: rec[0], Name: rec[1], City: rec[2], State: rec[3], Country: rec[4], Lat: lat, Lon: lon}, nil
}

func parseDegrees(column, text string, limit float64) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= -limit && v <= limit) { // written so that NaN is refused too
		return 0, fmt.Errorf("%s is %q, want degrees from %g to %g", column, text, -limit, limit)
	}
	return v, nil
}
