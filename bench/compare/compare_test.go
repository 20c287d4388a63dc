//go:build gate

package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

func TestMain(m *testing.M) {
	serveChild()
	os.Exit(m.Run())
}

// Every case does its work and proves it, in every store.
func TestCasesDoTheirWork(t *testing.T) {
	var server postgrestest.Shared
	for _, c := range suite() {
		for _, store := range c.stores {
			at := line{Case: c.name, N: 25, Storage: store}
			t.Run(at.name(), func(t *testing.T) {
				var out bytes.Buffer
				place := t.TempDir()
				if store == onServer {
					place = server.URL(t)
				}
				if c.past != nil {
					if err := c.past(t.Context(), store, place, at.N); err != nil {
						t.Fatal(err)
					}
				}
				if err := run(t.Context(), []string{"--measure", at.name(), "--place", place}, &out, &out); err != nil {
					t.Fatal(err)
				}
				l, err := parseLine(out.Bytes())
				if err != nil || l.name() != at.name() || l.Peer != ours || l.PeakMiB < 1 {
					t.Errorf("%+v, %v", l, err)
				}
				if c.outside {
					if err := checkLeft(t.Context(), store, place, at.N); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
}

func TestHistoryIsWritten(t *testing.T) {
	place := t.TempDir()
	if err := writeHistory(t.Context(), embedded, place, 20_000); err != nil {
		t.Fatal(err)
	}
	if err := checkLeft(t.Context(), embedded, place, 10_000); err != nil {
		t.Error(err)
	}
}

func TestExponent(t *testing.T) {
	for _, c := range []struct{ small, large, want float64 }{{1, 10, 1}, {1, 100, 2}, {2, 2, 0}, {1, 13, 1.11}} {
		got := exponent(line{N: 10, Seconds: c.small}, line{N: 100, Seconds: c.large})
		if math.Abs(got-c.want) > 0.01 {
			t.Errorf("from %g s to %g s: %g, want %g", c.small, c.large, got, c.want)
		}
	}
}

func TestMedianIsOfTimeAndOfMemory(t *testing.T) {
	got := median([]line{{Seconds: 3, PeakMiB: 1}, {Seconds: 1, PeakMiB: 9}, {Seconds: 2, PeakMiB: 5}})
	if got.Seconds != 2 || got.PeakMiB != 5 {
		t.Errorf("%+v", got)
	}
	if got := median([]line{{Why: "it was late"}, {Seconds: 3}}); got.Seconds != 3 || got.Why != "" {
		t.Errorf("with one that has no figures: %+v", got)
	}
	if got := median([]line{{Why: "it was late"}}); got.Why == "" {
		t.Errorf("of none with figures: %+v", got)
	}
}

func TestTableHasPeersBeside(t *testing.T) {
	text := table([]line{
		{Peer: ours, Case: "wide", N: 100, Storage: embedded, Seconds: 0.002, PerSecond: 50_000, PeakMiB: 11.25},
		{Peer: "other", Case: "wide", N: 100, Storage: embedded, Seconds: 0.5},
		{Peer: ours, Case: "wide", N: 1000, Storage: embedded, Seconds: 0.01234, PerSecond: 81037, PeakMiB: 12},
		{Peer: ours, Case: "chain", N: 10, Storage: embedded, Seconds: 1, PerSecond: 10, PeakMiB: 1},
		{Peer: "third", Case: "wide", N: 100, Storage: embedded, Why: "third cannot say"},
		{Peer: "other", Case: "wide", N: 1000, Storage: embedded, Why: "other was slow"},
		{Peer: "third", Case: "wide", N: 1000, Storage: embedded, Why: "third cannot say"},
	}, options{rounds: 3, peerRounds: 1}, "here")
	for _, want := range []string{
		"here · medians of 3, of peers 1\n",
		"| wide | 100 | embedded | 2 ms | 50,000 | 11.2 |  | 500 ms | 250 | –¹ | – |\n",
		"| wide | 1,000 | embedded | 12.3 ms | 81,000 | 12.0 | 0.79 | –² | – | –¹ | – |\n",
		"| chain | 10 | embedded | 1.00 s | 10 | 1.0 |  | – | – | – | – |\n",
		"* **chain**: n steps, each reads the one before\n* –¹ third cannot say\n* –² other was slow\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no line %q in\n%s", want, text)
		}
	}
}

func TestBadArguments(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--cases wild", `no case of that name`},
		{"--storage wild", `--storage "wild": no store of that name: want some of embedded, memory, postgres`},
		{"wide", `"wide": no arguments are taken`},
		{"--rounds 0", `want at least 1`},
		{"--measure wide", `want CASE/N/STORAGE`},
		{"--measure wide/x/memory", `invalid syntax`},
		{"--measure wild/1/memory", `want one of`},
	} {
		err := run(t.Context(), strings.Fields(c.args), &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.args, err, c.want)
		}
	}
}

func TestOtherOutputIsRefused(t *testing.T) {
	for _, out := range []string{"", "hello", `{"n":0}`} {
		if l, err := parseLine([]byte(out)); err == nil {
			t.Errorf("%q is read as %+v", out, l)
		}
	}
	good, err := json.Marshal(line{N: 1, Seconds: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parseLine(append([]byte("a warning\n"), good...)); err != nil {
		t.Error(err)
	}
}
