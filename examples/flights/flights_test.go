package main

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"
)

// group is one summary of testdata/expected.json, which testdata/expected.py computed from the raw files.
type group struct {
	Flights int
	Mean    float64
	Late    int
	Longest int
}

type expected struct {
	Size           int64
	SHA256         string
	Raw            int
	AirportsListed int `json:"airports_listed"`
	Rejects        [][2]any
	Total          group
	Median         int
	Miles          int
	Airports       int
	First, Last    string
	Hours          map[string]group
	Days           map[string]group
	Origins        map[string]group
	States         map[string]group
	Routes         map[string]group
	Weeks          map[string]group // by the Monday
	Cells          map[string]group // day|region
	WorstAirports  []string         `json:"worst_airports"`
	BestAirports   []string         `json:"best_airports"`
	WorstRoutes    []string         `json:"worst_routes"`
}

func readExpected(t testing.TB) (want expected) {
	t.Helper()
	text, err := os.ReadFile("testdata/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// pipeline is every value of the example, made by calling its functions one after the other.
type pipeline struct {
	raw      []RawFlight
	airports []Airport
	flights  []Flight
	rejects  []Reject
	legs     []Leg
	data     ReportData
}

func runAll(t testing.TB, archive Archive) (p pipeline) {
	t.Helper()
	var err error
	if p.raw, err = ReadFlights(archive); err != nil {
		t.Fatal(err)
	}
	if p.airports, err = ReadAirports(archive); err != nil {
		t.Fatal(err)
	}
	p.flights, p.rejects = Clean(p.raw, p.airports, defaultRules())
	if p.legs, err = Join(p.flights, p.airports); err != nil {
		t.Fatal(err)
	}
	var states []StateSummary
	for _, s := range SplitByState(p.legs) {
		states = append(states, SummarizeState(s))
	}
	p.data = ReportData{
		Headline: Summarize(p.legs), Hours: DelayByHour(p.legs), Days: DelayByDay(p.legs), Airports: DelayByAirport(p.legs),
		Routes: Routes(p.legs), States: RankStates(states), Raw: len(p.raw), Rejects: p.rejects, Rules: defaultReportRules(),
	}
	return p
}

func requireGroup(t *testing.T, name string, got Delays, want group) {
	t.Helper()
	if got.Flights != want.Flights || got.Late != want.Late || got.Longest != want.Longest || math.Abs(got.MeanDelay-want.Mean) > 1e-8 {
		t.Errorf("%s: got %+v, want %+v", name, got, want)
	}
}

func requireGroups(t *testing.T, kind string, got map[string]Delays, want map[string]group) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d groups, want %d", kind, len(got), len(want))
	}
	for name, w := range want {
		requireGroup(t, kind+" "+name, got[name], w)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	want, p := readExpected(t), runAll(t, embedded())
	if len(p.raw) != want.Raw || len(p.airports) != want.AirportsListed {
		t.Errorf("read %d flights and %d airports, want %d and %d", len(p.raw), len(p.airports), want.Raw, want.AirportsListed)
	}
	h := p.data.Headline
	requireGroup(t, "total", h.Delays, want.Total)
	if h.Median != want.Median || h.Miles != want.Miles || h.Airports != want.Airports || h.Routes != len(want.Routes) {
		t.Errorf("headline %+v, want median %d, miles %d, airports %d, routes %d",
			h, want.Median, want.Miles, want.Airports, len(want.Routes))
	}
	if first, last := h.First.Format(dateLayout), h.Last.Format(dateLayout); first != want.First || last != want.Last {
		t.Errorf("from %s to %s, want from %s to %s", first, last, want.First, want.Last)
	}
	hours, days, origins := map[string]Delays{}, map[string]Delays{}, map[string]Delays{}
	for _, g := range p.data.Hours {
		hours[strconv.Itoa(g.Hour)] = g.Delays
	}
	for _, g := range p.data.Days {
		days[g.Day.Format("2006-01-02")] = g.Delays
	}
	arrivals := 0
	for _, g := range p.data.Airports {
		arrivals += g.Arrivals
		if g.Flights > 0 {
			origins[g.IATA] = g.Delays
		}
	}
	if arrivals != h.Flights {
		t.Errorf("%d arrivals of %d flights", arrivals, h.Flights)
	}
	states, routes := map[string]Delays{}, map[string]Delays{}
	for _, g := range p.data.States {
		states[g.State] = g.Delays
	}
	for _, g := range p.data.Routes {
		routes[g.Origin+"-"+g.Destination] = g.Delays
	}
	requireGroups(t, "hour", hours, want.Hours)
	requireGroups(t, "day", days, want.Days)
	requireGroups(t, "origin", origins, want.Origins)
	requireGroups(t, "state", states, want.States)
	requireGroups(t, "route", routes, want.Routes)
}

func TestObservation(t *testing.T) {
	t.Parallel()
	e := readExpected(t)
	want := FileFacts{Size: e.Size, SHA256: e.SHA256, Rows: e.Raw}
	if facts, err := ObserveFlights(embedded()); err != nil || facts != want {
		t.Errorf("observed %+v, %v; want %+v", facts, err, want)
	}
}

func TestRejectsOfTheRealFile(t *testing.T) {
	t.Parallel()
	want, p := readExpected(t), runAll(t, embedded())
	if len(p.rejects) != len(want.Rejects) || len(p.flights)+len(p.rejects) != len(p.raw) {
		t.Fatalf("%d rejects and %d flights of %d rows, want %d rejects", len(p.rejects), len(p.flights), len(p.raw), len(want.Rejects))
	}
	for i, r := range p.rejects {
		if w := want.Rejects[i]; float64(r.Row) != w[0] || string(r.Reason) != w[1] {
			t.Errorf("reject %d: row %d, %s; want row %v, %v", i, r.Row, r.Reason, w[0], w[1])
		}
	}
}

func TestRankings(t *testing.T) {
	t.Parallel()
	want, p := readExpected(t), runAll(t, embedded())
	view, err := newReportView(p.data)
	if err != nil {
		t.Fatal(err)
	}
	code := func(a AirportDelay) string { return a.IATA }
	requireOrder(t, "worst airports", view.WorstAirports, code, want.WorstAirports)
	requireOrder(t, "best airports", view.BestAirports, code, want.BestAirports)
	requireOrder(t, "worst routes", view.WorstRoutes, func(r Route) string { return r.Origin + "-" + r.Destination }, want.WorstRoutes)
	if !slices.IsSortedFunc(p.data.States, func(a, b StateSummary) int { return cmp.Compare(b.MeanDelay, a.MeanDelay) }) {
		t.Error("states are not ranked by their mean delay")
	}
}

func requireOrder[T any](t *testing.T, kind string, got []T, name func(T) string, want []string) {
	t.Helper()
	names := make([]string, 0, len(got))
	for _, g := range got {
		names = append(names, name(g))
	}
	if !slices.Equal(names, want) {
		t.Errorf("%s: %v, want %v", kind, names, want)
	}
}

func BenchmarkFromBytesToReport(b *testing.B) {
	for b.Loop() {
		if _, err := RenderReport(runAll(b, embedded()).data); err != nil {
			b.Fatal(err)
		}
	}
}
