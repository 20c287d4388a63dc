// Flights turns three months of flights in the United States into a page that shows when, where and how late they were.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: flights FILE.html")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// write makes the page from the embedded data, step after step.
func write(path string) error {
	archive := embedded()
	raw, err := ReadFlights(archive)
	if err != nil {
		return err
	}
	airports, err := ReadAirports(archive)
	if err != nil {
		return err
	}
	flights, rejects := Clean(raw, airports, defaultRules())
	legs, err := Join(flights, airports)
	if err != nil {
		return err
	}
	var states []StateSummary
	for _, s := range SplitByState(legs) {
		states = append(states, SummarizeState(s))
	}
	page, err := RenderReport(ReportData{
		Headline: Summarize(legs), Hours: DelayByHour(legs), Days: DelayByDay(legs), Airports: DelayByAirport(legs),
		Routes: Routes(legs), States: RankStates(states), Raw: len(raw), Rejects: rejects, Rules: defaultReportRules(),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, page, 0o644)
}
