// Command compare measures rivers as a person meets it: whole processes, from their start to what
// they leave on disk. With a directory of the peers' scripts it runs those in turns with ours, on
// the same machine at the same time, because only the ratio means anything elsewhere.
//
//	go run ./bench/compare                                   # ours, as a Markdown table
//	go run ./bench/compare --peers DIR --python VENV/bin/python
//	go run ./bench/compare --json --cases wide,chain --rounds 9
//	go run ./bench/compare --cases history --history 5000000
//	go run ./bench/compare --storage embedded,postgres       # with a server that it starts itself
//
// Every measurement is a process of its own, this program called again, so that what one leaves
// in memory helps no other. Each checks that its work was done: events are counted and values read
// back, by the parent where the whole process is timed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	serveChild()
	os.Exit(exitCode())
}

func exitCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		return 1
	}
	return 0
}

// options are the flags of the command line.
type options struct {
	cases   string
	stores  string
	json    bool
	rounds  int
	largest int
	history int

	peers       string
	python      string
	peerRounds  int
	peerLargest int
	peerTimeout time.Duration
	peerEnough  time.Duration

	// child and place are set when the program calls itself for one measurement.
	child, place string
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.cases, "cases", "", "the cases to run, separated by commas; all of them by default: "+strings.Join(caseNames(), ", "))
	f.StringVar(&o.stores, "storage", "", "the stores to measure with, separated by commas; all of them by default, PostgreSQL where it is installed: "+strings.Join(storeNames(), ", "))
	f.BoolVar(&o.json, "json", false, "print a line of JSON a case in place of the table")
	f.IntVar(&o.rounds, "rounds", 5, "how often each is measured; the median is shown")
	f.IntVar(&o.largest, "largest", 1_000_000, "the largest size to measure")
	f.IntVar(&o.history, "history", 0, "the events in the store of the case history, which is left out without them")
	f.StringVar(&o.peers, "peers", "", "a directory with rivers_bench.py and dagster_bench.py, to run beside ours")
	f.StringVar(&o.python, "python", "python3", "the Python interpreter that has the peers")
	f.IntVar(&o.peerRounds, "peer-rounds", 1, "in how many of the rounds the peers run too")
	f.IntVar(&o.peerLargest, "peer-largest", 1000, "the largest size to measure peers with")
	f.DurationVar(&o.peerTimeout, "peer-timeout", 5*time.Minute, "how long a peer may take for one measurement")
	f.DurationVar(&o.peerEnough, "peer-enough", time.Minute, "a peer that takes longer for one size, preparations included, is not asked for larger ones")
	f.StringVar(&o.child, "measure", "", "for the program's own use: CASE/N/STORAGE to measure in this process")
	f.StringVar(&o.place, "place", "", "for the program's own use: where that one keeps its store")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("%q: no arguments are taken, only flags", f.Arg(0))
	case o.rounds < 1 || o.peerRounds < 0:
		return o, fmt.Errorf("--rounds %d --peer-rounds %d: want at least 1 and 0", o.rounds, o.peerRounds)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if o.child != "" {
		return measureHere(ctx, o, stdout)
	}
	picked, err := pick(o)
	if err != nil {
		return err
	}
	results, err := measureAll(ctx, o, picked, stderr)
	if err != nil {
		return err
	}
	if o.json {
		return writeJSON(stdout, results)
	}
	_, err = io.WriteString(stdout, table(results, o, machine(time.Now())))
	return err
}
