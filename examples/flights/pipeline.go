package main

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/iohandler/parquet"
	"github.com/rivers-go/rivers/metadata"
)

// Where the results go: tables as Parquet, single facts as JSON, the page as it is.
var (
	lake  = parquet.New("file://./flights-data", parquet.Options{Prefix: "tables"})
	facts = blob.New("file://./flights-data", blob.Options{Prefix: "facts", Codec: blob.JSON()})
	pages = blob.New("file://./flights-data", blob.Options{Prefix: "pages", Codec: pageCodec{blob.Raw()}})
)

// pageCodec is the codec of pages: the bytes as they are, under a name that a browser opens.
type pageCodec struct{ blob.Codec }

// Extension returns ".html".
func (pageCodec) Extension() string { return ".html" }

// Library is a resource: it opens the archive once, when the repository resolves.
type Library struct{ Archive }

// Setup makes the archive available to the assets that read it.
func (l *Library) Setup(context.Context) error {
	l.Archive = embedded()
	_, err := ObserveFlights(l.Archive) // a broken archive is reported before anything runs
	return err
}

// The raw file is made elsewhere: we look at it, and wait for it.
var rawFile = rivers.NewExternalAsset(rivers.ExternalAssetSpec{
	Name: "raw_file", Group: "source", Description: "Three months of flights in the United States, as published.",
	Observe: func(*rivers.AssetContext) (rivers.Observation, error) {
		f, err := ObserveFlights(embedded())
		return rivers.Observation{
			DataVersion: f.SHA256,
			Metadata:    metadata.Map{"rows": f.Rows, "size": metadata.Size(f.Size), "sha256": f.SHA256},
		}, err
	},
})

var rawFlights = rivers.NewAsset(
	rivers.AssetSpec{
		Name: "raw_flights", Group: "source", Kinds: []string{"parquet"}, IOHandler: lake,
		Deps: []rivers.Dep{{On: "raw_file", OrderOnly: true}},
	},
	func(_ *rivers.AssetContext, in struct{ Library *Library }) ([]RawFlight, error) {
		return ReadFlights(in.Library.Archive)
	})

var airports = rivers.NewAsset(rivers.AssetSpec{Name: "airports", Group: "source", Kinds: []string{"parquet"}, IOHandler: lake},
	func(_ *rivers.AssetContext, in struct{ Library *Library }) ([]Airport, error) {
		return ReadAirports(in.Library.Archive)
	})

// Cleaned is what cleaning makes: the flights that passed, and those that were set aside.
type Cleaned struct {
	Flights []Flight
	Rejects rivers.Output[[]Reject]
}

// A multi-asset: one reading of the raw rows makes two assets.
var cleaned = rivers.NewMultiAsset(
	rivers.MultiAssetSpec{
		Name: "cleaned", Group: "staging", Kinds: []string{"parquet"}, IOHandler: lake,
		Outputs: []rivers.OutputSpec{{Name: "rejects", Description: "Rows that broke a rule, with the rule."}},
	},
	func(ctx *rivers.AssetContext, in struct {
		RawFlights []RawFlight
		Airports   []Airport
		Rules      CleanRules `rivers:",config"`
	},
	) (Cleaned, error) {
		flights, rejects := Clean(in.RawFlights, in.Airports, in.Rules)
		counted := metadata.Map{}
		for _, c := range CountRejects(rejects) {
			counted[string(c.Reason)] = c.Rows
		}
		ctx.Log().Info("cleaned", "kept", len(flights), "rejected", len(rejects))
		return Cleaned{Flights: flights, Rejects: rivers.Output[[]Reject]{Value: rejects, Metadata: counted}}, nil
	})

var legs = rivers.NewAsset(
	rivers.AssetSpec{Name: "legs", Group: "staging", Kinds: []string{"parquet"}, IOHandler: lake, Description: "Flights joined with both of their airports."},
	func(_ *rivers.AssetContext, in struct {
		Flights  []Flight
		Airports []Airport
	},
	) ([]Leg, error) {
		return Join(in.Flights, in.Airports)
	})

// summary defines an asset that is one function of the legs.
func summary[T any](name string, handler iohandler.Handler, of func([]Leg) T) *rivers.SingleAsset[T] {
	return rivers.NewAsset(rivers.AssetSpec{Name: name, Group: "marts", IOHandler: handler},
		func(_ *rivers.AssetContext, in struct{ Legs []Leg }) (T, error) { return of(in.Legs), nil })
}

var (
	headline       = summary("headline", facts, Summarize)
	delayByHour    = summary("delay_by_hour", lake, DelayByHour)
	delayByDay     = summary("delay_by_day", lake, DelayByDay)
	delayByAirport = summary("delay_by_airport", lake, DelayByAirport)
	routes         = summary("routes", lake, Routes)
)

// The states are a graph asset: each state's flights are a step of their own.
var (
	splitByState = rivers.NewTask(rivers.TaskSpec{Name: "split"},
		func(_ *rivers.TaskContext, in struct{ Legs []Leg }) ([]rivers.DynamicOutput[StateLegs], error) {
			var named []rivers.DynamicOutput[StateLegs]
			for _, s := range SplitByState(in.Legs) {
				named = append(named, rivers.DynamicOutput[StateLegs]{Name: s.State, Value: s})
			}
			return named, nil
		})
	summarizeState = rivers.NewTask(rivers.TaskSpec{Name: "summarize"},
		func(_ *rivers.TaskContext, in struct{ Legs StateLegs }) (StateSummary, error) {
			return SummarizeState(in.Legs), nil
		})
	rankStates = rivers.NewTask(rivers.TaskSpec{Name: "rank"},
		func(_ *rivers.TaskContext, in struct{ States []StateSummary }) ([]StateSummary, error) {
			return RankStates(in.States), nil
		})

	states = rivers.NewGraphAsset(
		rivers.GraphAssetSpec{Name: "states", Group: "marts", Kinds: []string{"parquet"}, IOHandler: lake, NodeIOHandler: iohandler.Memory()},
		func(g *rivers.Graph) rivers.Ref[[]StateSummary] {
			split := rivers.Call(g, splitByState, rivers.Args{"legs": rivers.Upstream[[]Leg](g, "legs")})
			each := rivers.Map(g, split, summarizeState, rivers.MapOptions{MaxConcurrency: 8})
			return rivers.Call(g, rankStates, rivers.Args{"states": each.Collect()})
		})
)

// A bash task: its stdout is its value, and the report notes it.
var diskUsage = rivers.NewBashTask(rivers.BashTaskSpec{
	Name: "disk_usage", Command: "du -sk flights-data/tables | cut -f1",
	Deps: []rivers.Dep{{On: "legs", OrderOnly: true}, {On: "rejects", OrderOnly: true}, {On: "states", OrderOnly: true}},
})

var report = rivers.NewAsset(
	rivers.AssetSpec{
		Name: "report", Group: "marts", Kinds: []string{"html"}, IOHandler: pages, Description: "One page: when, where and how late.",
		Freshness: pageIsFresh, Actions: []rivers.Action{publishPage},
	},
	func(ctx *rivers.AssetContext, in struct {
		Headline       Headline
		DelayByHour    []HourDelay
		DelayByDay     []DayDelay
		DelayByAirport []AirportDelay
		Routes         []Route
		States         []StateSummary
		RawFlights     []RawFlight
		Rejects        []Reject
		DiskUsage      string
		Rules          ReportRules `rivers:",config"`
	},
	) ([]byte, error) {
		ctx.AddMetadata("tables_kib", in.DiskUsage)
		page, err := RenderReport(ReportData{
			Headline: in.Headline, Hours: in.DelayByHour, Days: in.DelayByDay, Airports: in.DelayByAirport,
			Routes: in.Routes, States: in.States, Raw: len(in.RawFlights), Rejects: in.Rejects, Rules: in.Rules,
		})
		if err != nil {
			return nil, fmt.Errorf("drawing the page: %w", err)
		}
		ctx.AddMetadata("flights", in.Headline.Flights)
		return page, nil
	})

// repository puts the pipeline together; tests make one of their own.
func repository() *rivers.CodeRepository {
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "flights",
		Assets: []rivers.Asset{
			rawFile, rawFlights, airports, cleaned, legs,
			headline, delayByHour, delayByDay, delayByAirport, routes, states, report,
			dailyLegs, dailyDelay, weeklyDelay, regionalDelay, airportDelay,
		},
		Tasks:     []rivers.Node{diskUsage},
		Checks:    []*rivers.Check{enoughFlights, repeatedFlights, likelyDelays, locatedAirports, busyDays},
		Jobs:      []rivers.Job{{Name: "page", Select: "+report and not raw_file", Description: "Everything the page needs."}},
		Resources: rivers.Resources{"library": &Library{}},
	})
}
