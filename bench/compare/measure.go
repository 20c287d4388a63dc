package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// ours is what we are called beside the peers.
const ours = "rivers-go"

// line is one measurement, or the median of several: what --json prints, and what peers print. One
// with why has no figures.
type line struct {
	Peer      string  `json:"peer"`
	Case      string  `json:"case"`
	N         int     `json:"n"`
	Storage   string  `json:"storage"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"`
	PeakMiB   float64 `json:"peak_mib"`
	Why       string  `json:"why,omitempty"`
}

func (l line) name() string { return fmt.Sprintf("%s/%d/%s", l.Case, l.N, l.Storage) }

// measureHere is the child: it does one case and prints its line.
func measureHere(ctx context.Context, o options, stdout io.Writer) error {
	parts := strings.Split(o.child, "/")
	if len(parts) != 3 {
		return fmt.Errorf("--measure %q: want CASE/N/STORAGE", o.child)
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return fmt.Errorf("--measure %q: %w", o.child, err)
	}
	c, err := caseOf(parts[0])
	if err != nil {
		return fmt.Errorf("--measure %q: %w", o.child, err)
	}
	took, err := work(ctx, c.name, n, parts[2], o.place)
	if err != nil {
		return fmt.Errorf("%s: %w", o.child, err)
	}
	peak, err := peakMiB()
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(line{
		Peer: ours, Case: c.name, N: n, Storage: parts[2], Seconds: took.Seconds(), PerSecond: c.perSecond(n, took.Seconds()), PeakMiB: peak,
	})
}

// meter measures cases, ours by calling this program again.
type meter struct {
	options

	self   string
	places *places
	peers  *peers
	stderr io.Writer
}

// measureAll measures every case in its sizes and stores and returns the medians, in this order.
func measureAll(ctx context.Context, o options, cases []suiteCase, stderr io.Writer) (medians []line, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	places, err := newPlaces(ctx, o, cases, stderr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, places.close()) }()
	m := &meter{options: o, self: self, places: places, peers: newPeers(o, stderr), stderr: stderr}
	for _, c := range cases {
		measured, err := m.measure(ctx, c)
		if err != nil {
			return nil, err
		}
		medians = append(medians, measured...)
	}
	return medians, nil
}

// measure returns the medians of a case, store by store.
func (m *meter) measure(ctx context.Context, c suiteCase) (medians []line, err error) {
	pasts := map[string]string{}
	defer func() { err = errors.Join(err, m.forget(pasts)) }()
	byStore := map[string][]line{}
	for i, n := range c.sizes {
		if c.past != nil && (i == 0 || c.name != "history") {
			if err := errors.Join(m.forget(pasts), m.remember(ctx, c, n, pasts)); err != nil {
				return nil, err
			}
		}
		measured, err := m.inTurns(ctx, c, n, pasts)
		if err != nil {
			return nil, err
		}
		for _, l := range measured {
			byStore[l.Storage] = append(byStore[l.Storage], l)
		}
	}
	for _, store := range c.stores {
		medians = append(medians, byStore[store]...)
	}
	return medians, nil
}

// remember gives each store of a case its past.
func (m *meter) remember(ctx context.Context, c suiteCase, n int, pasts map[string]string) (err error) {
	if c.name == "history" {
		n = m.history
	}
	for _, store := range c.stores {
		if pasts[store], err = m.places.make(store); err != nil {
			return err
		}
		if err := c.past(ctx, store, pasts[store], n); err != nil {
			return fmt.Errorf("the past of %s/%d/%s: %w", c.name, n, store, err)
		}
	}
	return nil
}

func (m *meter) forget(pasts map[string]string) (err error) {
	for store, place := range pasts {
		err = errors.Join(err, m.places.leave(store, place))
		delete(pasts, store)
	}
	return err
}

// inTurns measures one size of a case round by round, the stores and the peers in turns; of each
// store the first line is ours.
func (m *meter) inTurns(ctx context.Context, c suiteCase, n int, pasts map[string]string) ([]line, error) {
	type contestant struct{ store, peer string }
	rounds := map[contestant][]line{}
	var order []contestant
	for round := range m.rounds {
		for _, store := range c.stores {
			at := line{Peer: ours, Case: c.name, N: n, Storage: store}
			_, _ = fmt.Fprintln(m.stderr, at.name())
			got, err := m.measureOurs(ctx, c, at, pasts[store])
			if err != nil {
				return nil, err
			}
			turn := []line{got}
			if c.peers && store != onServer && round < m.peerRounds {
				turn = append(turn, m.peers.measure(ctx, c, at)...)
			}
			for _, l := range turn {
				who := contestant{store, l.Peer}
				if rounds[who] == nil {
					order = append(order, who)
				}
				rounds[who] = append(rounds[who], l)
			}
		}
	}
	medians := make([]line, len(order))
	for i, who := range order {
		medians[i] = median(rounds[who])
	}
	return medians, nil
}

// median is the line in the middle, by time; its peak memory is the median of its own. Those
// without figures count only where there are no others.
func median(lines []line) line {
	if measured := slices.DeleteFunc(slices.Clone(lines), func(l line) bool { return l.Why != "" }); len(measured) > 0 {
		lines = measured
	}
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(a.PeakMiB, b.PeakMiB) })
	peak := lines[len(lines)/2].PeakMiB
	slices.SortFunc(lines, func(a, b line) int { return cmp.Compare(a.Seconds, b.Seconds) })
	l := lines[len(lines)/2]
	l.PeakMiB = peak
	return l
}

// measureOurs calls this program again for one measurement, at a place of its own, or one with a
// past or a copy of it.
func (m *meter) measureOurs(ctx context.Context, c suiteCase, at line, past string) (l line, err error) {
	place := past
	if past == "" || c.copied {
		if place, err = m.places.make(at.Storage); err != nil {
			return line{}, err
		}
		defer func() { err = errors.Join(err, m.places.leave(at.Storage, place)) }()
	}
	if c.copied {
		if err := os.CopyFS(place, os.DirFS(past)); err != nil {
			return line{}, fmt.Errorf("the past of %s: %w", at.name(), err)
		}
	}
	cmd := exec.CommandContext(ctx, m.self, "--measure", at.name(), "--place", place)
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	if err != nil {
		return line{}, fmt.Errorf("measuring %s: %w", at.name(), err)
	}
	if l, err = parseLine(out); err != nil {
		return line{}, err
	}
	if c.outside {
		l.Seconds, l.PerSecond = took.Seconds(), float64(at.N)/took.Seconds()
		err = checkLeft(ctx, at.Storage, place, at.N)
	}
	return l, err
}

// checkLeft proves that a process which is gone left a run of n steps in its store.
func checkLeft(ctx context.Context, kind, place string, n int) (err error) {
	store, err := open(ctx, kind, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	all, err := store.ListRuns(ctx, storage.RunQuery{})
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return fmt.Errorf("the process left %d runs in its store, want one", len(all))
	}
	return recorded(ctx, store, all[0].ID, n)
}

// parseLine reads the last line that a measurement printed.
func parseLine(out []byte) (line, error) {
	out = bytes.TrimSpace(out)
	if i := bytes.LastIndexByte(out, '\n'); i >= 0 {
		out = out[i+1:]
	}
	var l line
	if err := json.Unmarshal(out, &l); err != nil {
		return line{}, fmt.Errorf("a measurement printed %q, want a line of JSON: %w", out, err)
	}
	if l.Seconds <= 0 || l.N <= 0 {
		return line{}, fmt.Errorf("a measurement printed %q, want its n and seconds", out)
	}
	return l, nil
}

func writeJSON(w io.Writer, lines []line) error {
	enc := json.NewEncoder(w)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	return nil
}
