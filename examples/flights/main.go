// Flights turns three months of flights in the United States into a page that shows when, where
// and how late they were.
//
//	go run ./examples/flights materialize      makes flights-data/pages/report.html
//	go run ./examples/flights graph            what depends on what
//	go run ./examples/flights observe          looks at the raw file
//	go run ./examples/flights materialize --dry-run +routes
//
// The same flights are there by days, weeks, days and regions, and airports, one partition at a
// time:
//
//	go run ./examples/flights backfill daily_legs daily_delay
//	go run ./examples/flights partitions status daily_legs
package main

import "github.com/rivers-go/rivers/cli"

func main() { cli.Main(repository()) }
