package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// ReportRules are the limits below which a mean is left out of the report, and the lengths of its
// lists.
type ReportRules struct {
	MinHourFlights    int `json:"min_hour_flights" default:"30" validate:"gte=1"`
	MinAirportFlights int `json:"min_airport_flights" default:"100" validate:"gte=1"`
	MinRouteFlights   int `json:"min_route_flights" default:"20" validate:"gte=1"`
	MinStateFlights   int `json:"min_state_flights" default:"30" validate:"gte=1"`
	MinPairFlights    int `json:"min_pair_flights" default:"20" validate:"gte=1"` // both directions, for an arc on the map
	Top               int `json:"top" default:"12" validate:"gte=1,lte=50"`
}

// defaultReportRules are the limits that the defaults of the tags give.
func defaultReportRules() ReportRules {
	return ReportRules{
		MinHourFlights: 30, MinAirportFlights: 100, MinRouteFlights: 20, MinStateFlights: 30, MinPairFlights: 20, Top: 12,
	}
}

// ReportData is everything that the report shows.
type ReportData struct {
	Headline Headline
	Hours    []HourDelay
	Days     []DayDelay
	Airports []AirportDelay
	Routes   []Route
	States   []StateSummary
	Raw      int // rows of the raw file
	Rejects  []Reject
	Rules    ReportRules
}

var (
	//go:embed report.html.tmpl
	reportTemplate string
	//go:embed report.css
	reportStyle string
)

// RenderReport makes the page: one file that needs nothing beside it, the same bytes for the same
// data.
func RenderReport(d ReportData) ([]byte, error) {
	if d.Headline.Flights == 0 {
		return nil, fmt.Errorf("report: no flights: %d of %d rows were set aside, see the rejects", len(d.Rejects), d.Raw)
	}
	view, err := newReportView(d)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	page, err := template.New("report").Funcs(template.FuncMap{
		"signed": signed, "percent": percent, "grouped": grouped, "lower": strings.ToLower,
		"band":     func(mean float64) string { return roleNames[band(mean)] },
		"punctual": punctual, "hours": hoursMinutes, "millions": millions,
		"stop": func(hour int) string { return fmt.Sprintf("%02d:00", hour) },
	}).Parse(reportTemplate)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var buf bytes.Buffer
	if err := page.Execute(&buf, view); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return buf.Bytes(), nil
}

// reportView is what the template reads: the data with its drawings and its lists cut to length.
type reportView struct {
	ReportData
	Style                               template.CSS
	HoursChart, DaysChart, RoutesMap    template.HTML
	WorstChart, BestChart, StatesMap    template.HTML
	Legend                              []Swatch
	Shown, Hidden                       []HourDelay
	WorstHour, BestHour                 HourDelay
	WorstDay                            DayDelay
	Ranked, WorstAirports, BestAirports []AirportDelay
	Pairs, PairsAll                     int
	OffMap                              int // flights with an end that the map does not show
	WorstRoutes                         []Route
	RoutesEnough                        int
	WorstStates, BestStates             []StateSummary
	RejectCounts                        []RejectCount
}

func newReportView(d ReportData) (*reportView, error) {
	v := &reportView{ReportData: d, Style: template.CSS(reportStyle), Legend: legend(), RejectCounts: CountRejects(d.Rejects)}
	v.chooseHours()
	v.WorstDay = slices.MaxFunc(d.Days, func(a, b DayDelay) int { return cmp.Compare(a.MeanDelay, b.MeanDelay) })
	v.chooseAirports()
	v.chooseRoutes()
	v.chooseStates()
	if err := v.draw(); err != nil {
		return nil, err
	}
	return v, nil
}

func (v *reportView) chooseHours() {
	v.Shown, v.Hidden = flyingDay(v.Hours, v.Rules.MinHourFlights)
	if len(v.Shown) == 0 {
		v.Shown, v.Hidden = v.Hours, nil // too few everywhere: show what there is
	}
	byMean := func(a, b HourDelay) int { return cmp.Compare(a.MeanDelay, b.MeanDelay) }
	v.WorstHour, v.BestHour = slices.MaxFunc(v.Shown, byMean), slices.MinFunc(v.Shown, byMean)
}

func (v *reportView) chooseAirports() {
	v.Ranked = rankAirports(v.Airports, v.Rules.MinAirportFlights)
	n := min(v.Rules.Top, (len(v.Ranked)+1)/2)
	v.WorstAirports = v.Ranked[:n]
	v.BestAirports = slices.Clone(v.Ranked[max(n, len(v.Ranked)-n):])
	slices.Reverse(v.BestAirports)
}

func (v *reportView) chooseRoutes() {
	for _, r := range v.Routes {
		if insetOf(r.OriginState) == offMap || insetOf(r.DestState) == offMap {
			v.OffMap += r.Flights
		}
		if r.Flights >= v.Rules.MinRouteFlights {
			v.WorstRoutes = append(v.WorstRoutes, r)
		}
	}
	v.RoutesEnough = len(v.WorstRoutes)
	slices.SortStableFunc(v.WorstRoutes, func(a, b Route) int { return cmp.Compare(b.MeanDelay, a.MeanDelay) })
	v.WorstRoutes = v.WorstRoutes[:min(v.Rules.Top, len(v.WorstRoutes))]
}

func (v *reportView) chooseStates() {
	enough := slices.DeleteFunc(RankStates(v.States), func(s StateSummary) bool { return s.Flights < v.Rules.MinStateFlights })
	n := min(v.Rules.Top/2, (len(enough)+1)/2)
	v.WorstStates = enough[:n]
	v.BestStates = slices.Clone(enough[max(n, len(enough)-n):])
	slices.Reverse(v.BestStates)
}

// draw makes every drawing.
func (v *reportView) draw() error {
	shown := pairs(v.Routes)
	v.PairsAll = len(shown)
	shown = slices.DeleteFunc(shown, func(p Pair) bool {
		return p.Flights < v.Rules.MinPairFlights || insetOf(p.A.OriginState) == offMap || insetOf(p.A.DestState) == offMap
	})
	v.Pairs = len(shown)
	var low, high float64
	for _, a := range v.Ranked {
		low, high = min(low, a.MeanDelay), max(high, a.MeanDelay)
	}
	enough := slices.DeleteFunc(slices.Clone(v.States), func(s StateSummary) bool { return s.Flights < v.Rules.MinStateFlights })
	for _, drawing := range []struct {
		to   *template.HTML
		make func() (string, error)
	}{
		{&v.HoursChart, func() (string, error) { return hoursChart(v.Shown) }},
		{&v.DaysChart, func() (string, error) { return daysChart(v.Days) }},
		{&v.WorstChart, func() (string, error) { return airportsChart(v.WorstAirports, low, high) }},
		{&v.BestChart, func() (string, error) { return airportsChart(v.BestAirports, low, high) }},
		{&v.RoutesMap, func() (string, error) { return routesMap(shown, v.Airports) }},
		{&v.StatesMap, func() (string, error) { return statesMap(enough) }},
	} {
		svg, err := drawing.make()
		if err != nil {
			return err
		}
		*drawing.to = template.HTML(svg) // ours: every text in it was escaped by the canvas
	}
	return nil
}
