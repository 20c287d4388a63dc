package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

func TestReportIsStableAndSelfContained(t *testing.T) {
	t.Parallel()
	first, err := RenderReport(runAll(t, embedded()).data)
	if err != nil {
		t.Fatal(err)
	}
	second, err := RenderReport(runAll(t, embedded()).data)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the same data gave two different pages")
	}
	page := html.UnescapeString(string(first))
	if loads := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|src=|href=|url\(|@import|http`).FindString(page); loads != "" {
		t.Errorf("the page loads something: %q", loads)
	}
	if broken := regexp.MustCompile(`NaN|Inf\b|#FACE|<no value>|ZgotmplZ|%!`).FindString(page); broken != "" {
		t.Errorf("the page shows %q", broken)
	}
	for _, want := range []string{"19,997", "+7.7", "2,976", "31.8 minutes late", "Sunday, 25 February", "MQT (Marquette County Airport)"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(page, "<svg"); n != 6 {
		t.Errorf("%d drawings, want 6", n)
	}
	for _, svg := range regexp.MustCompile(`(?s)<svg.*?</svg>`).FindAllString(string(first), -1) {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("a drawing is not XML: %v", err)
			}
		}
	}
}

func TestReportOfLittleData(t *testing.T) {
	t.Parallel()
	if _, err := RenderReport(ReportData{Raw: 3, Rejects: make([]Reject, 3)}); err == nil ||
		err.Error() != "report: no flights: 3 of 3 rows were set aside, see the rejects" {
		t.Errorf("no flights: %v", err)
	}
	one := zipped(t, `[{"date":"2001/01/01 00:47","delay":0,"distance":679,"origin":"SEA","destination":"SFO"}]`)
	page, err := RenderReport(runAll(t, Archive{Flights: one, Airports: airportsFile}).data)
	if err != nil {
		t.Fatal(err)
	}
	if broken := regexp.MustCompile(`NaN|Inf\b|#FACE|%!`).Find(page); broken != nil {
		t.Errorf("the page of one flight shows %q", broken)
	}
}

// Every airport must land in the outline of its own state or, on a coast that was simplified, close to it.
func TestProjectionPutsAirportsInTheirStates(t *testing.T) {
	t.Parallel()
	states, err := outlines()
	if err != nil {
		t.Fatal(err)
	}
	inside, shown := 0, 0
	for _, a := range runAll(t, embedded()).data.Airports {
		if insetOf(a.State) == offMap {
			continue
		}
		shown++
		at := place(a)
		if contains(states[a.State], at) {
			inside++
		} else if d := distance(states[a.State], at); d > 4 {
			t.Errorf("%s is %.1f points from %s", a.IATA, d, a.State)
		}
	}
	if inside*100 < shown*93 {
		t.Errorf("only %d of %d airports are inside their states", inside, shown)
	}
}

func contains(rings [][]vg.Point, p vg.Point) (in bool) {
	for _, ring := range rings {
		for i, a := range ring {
			b := ring[(i+1)%len(ring)]
			if (a.Y > p.Y) != (b.Y > p.Y) && p.X < a.X+(b.X-a.X)*(p.Y-a.Y)/(b.Y-a.Y) {
				in = !in
			}
		}
	}
	return in
}

func distance(rings [][]vg.Point, p vg.Point) float64 {
	least := math.Inf(1)
	for _, ring := range rings {
		for i, a := range ring {
			ab := ring[(i+1)%len(ring)].Sub(a)
			ap := p.Sub(a)
			t := min(1, max(0, ap.Dot(ab)/max(ab.Dot(ab), 1e-9)))
			d := ap.Sub(ab.Scale(t))
			least = min(least, math.Hypot(d.X.Points(), d.Y.Points()))
		}
	}
	return least
}

func TestGreatCircle(t *testing.T) {
	t.Parallel()
	points := greatCircle(0, 0, 0, 90, 2)
	if len(points) != 3 || math.Abs(points[1][0]) > 1e-9 || math.Abs(points[1][1]-45) > 1e-9 {
		t.Errorf("half-way along the equator: %v", points)
	}
	north := greatCircle(50, -120, 50, -70, 2)
	if north[1][0] <= 50 {
		t.Errorf("between two places of one latitude the shortest way bends to the pole: %v", north)
	}
	if same := greatCircle(1, 2, 1, 2, 9); len(same) != 2 {
		t.Errorf("no way at all: %v", same)
	}
}

func TestNumbersAsText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{signed(7.74), "+7.7"},
		{signed(-3.5), "−3.5"},
		{signed(-0.04), "0.0"},
		{grouped(0), "0"},
		{grouped(999), "999"},
		{grouped(1000), "1,000"},
		{grouped(-123456), "-123,456"},
		{grouped(14476137), "14,476,137"},
		{punctual(0.01), "on time"},
		{punctual(-3.5), "3.5 minutes early"},
		{hoursMinutes(522), "8 h 42 min"},
		{hoursMinutes(59), "59 min"},
		{millions(14476137), "14.5 million"},
		{millions(5000), "5,000"},
		{percent(0.2275), "23%"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}
