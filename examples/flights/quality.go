package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/checks"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/metadata"
)

// What is asked of the data. Two checks stop the page from being drawn of data that cannot be
// right; the others find what is odd in the file and in the list, and say so.
var (
	// Enough rows, or the file is not the one that we think it is.
	enoughFlights = checks.RowCount[iter.Seq2[RawFlight, error]](
		checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "raw_flights", Blocking: true}}, checks.Count{Min: 10_000})
	// The same minute, from here to there, twice: in the real file that happens, for flights of two
	// companies.
	repeatedFlights = checks.Unique[iter.Seq2[RawFlight, error]](
		checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "raw_flights"}, Severity: rivers.SeverityWarn}, "date", "origin", "destination")
	// A delay of more than a day is a mistake in the data.
	likelyDelays = checks.Between[iter.Seq2[Flight, error]](
		checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "flights", Blocking: true}}, "delay", -120, 24*60)
	// The list does not know where a dozen airports are.
	locatedAirports = rivers.NewCheck(
		rivers.CheckSpec{Name: "located", Asset: "airports", Description: "Each airport has a city and a state."},
		func(_ *rivers.CheckContext, in struct{ Airports []Airport }) (rivers.CheckResult, error) {
			var lost []string
			for _, a := range in.Airports {
				if !a.Located() {
					lost = append(lost, a.IATA)
				}
			}
			return rivers.CheckResult{
				Passed: len(lost) == 0, Severity: rivers.SeverityWarn,
				Description: fmt.Sprintf("%d of %d airports have no city or state: %s", len(lost), len(in.Airports), strings.Join(lost, ", ")),
				Metadata:    metadata.Map{"unlocated": len(lost)},
			}, nil
		})
	// Each day by itself: a day with few flights was not wholly written down.
	busyDays = rivers.NewCheck(
		rivers.CheckSpec{Name: "busy", Asset: "daily_legs", Partitions: byDay, Description: "A day has 150 flights or more."},
		func(_ *rivers.CheckContext, in struct {
			Legs []Leg `rivers:"daily_legs"`
		},
		) (rivers.CheckResult, error) {
			return rivers.CheckResult{
				Passed: len(in.Legs) >= 150, Severity: rivers.SeverityWarn,
				Description: fmt.Sprintf("%d flights", len(in.Legs)), Metadata: metadata.Map{"flights": len(in.Legs)},
			}, nil
		})
)

// How old results may be: the page a day before somebody should look, a week before it is late; of
// the days the newest must be there.
var (
	pageIsFresh = freshness.TimeWindow(7 * 24 * time.Hour).WarnAfter(24 * time.Hour)
	daysAreAll  = freshness.LatestPartition(0)
)

// publishPage is an action: it puts a copy of the page where others look, which changes nothing of
// what is known of it.
var publishPage = rivers.NewAction(
	rivers.ActionSpec{Name: "publish", Description: "Copy the page to flights-data/published"},
	func(ctx *rivers.ActionContext, in struct{ Report []byte }) (rivers.ActionResult, error) {
		path := filepath.Join("flights-data", "published", "index.html")
		old, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return rivers.ActionResult{}, err
		}
		if string(old) == string(in.Report) {
			ctx.Log().Info("the published page is the present one", "path", path)
			return rivers.ActionResult{}, nil
		}
		return rivers.ActionResult{Metadata: metadata.Map{"published": metadata.Path(path)}}, writePage(ctx, path, in.Report)
	})

// writePage replaces a file at once, so that nobody sees half of it.
func writePage(ctx context.Context, path string, page []byte) error {
	if err := errors.Join(ctx.Err(), os.MkdirAll(filepath.Dir(path), 0o777)); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", page, 0o666); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
