// Package collect deletes stored values that no record means any longer.
//
//	records: present states of assets and partitions ──▶ names of writes that are kept
//	handlers: stored writes of each asset and task   ──▶ the others, if they are old enough
//
// A handler that keeps writes apart never replaces a value, so each materialization leaves the one
// before. Three kinds of writes stay, whatever their age: those that a record names, the newest of
// each value, and those that are younger than the oldest run in progress, since that run may still
// record or read them. What is left is deleted once it is older than the request asks: somebody may
// still read a value that was replaced a moment ago.
//
// A folder of values belongs to one store: another store's records are not known here.
package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// Request describes what is collected.
type Request struct {
	Graph *graph.Graph
	Store storage.Reader
	// Before is the instant before which a write was stored that is deleted.
	Before time.Time
	DryRun bool
}

// Value is a stored write that is deleted.
type Value struct {
	// Name is the asset or task whose values it was found among.
	Name string
	iohandler.StoredWrite
}

// Result is what was deleted, or would be.
type Result struct {
	Count, Bytes int64
	// First are the first of them, at most 100.
	First []Value
}

// listed is how many values a result names.
const listed = 100

// Values deletes the stored values that no record means.
func Values(ctx context.Context, req Request) (*Result, error) {
	before, err := beforeRuns(ctx, &req)
	if err != nil {
		return nil, err
	}
	kept, err := recorded(ctx, &req)
	if err != nil {
		return nil, err
	}
	res, seen := &Result{}, map[string]bool{}
	for v := range int32(req.Graph.Outputs()) {
		out, _ := req.Graph.Output(v)
		handler, ok := out.Handler.(iohandler.Collector)
		if !ok {
			continue
		}
		found, err := unused(ctx, handler, out.Name, kept, before)
		if err != nil {
			return res, fmt.Errorf("values of %q: %w", out.Name, err)
		}
		for _, w := range found {
			if seen[w.Location] { // the values of the tasks of a graph asset lie below the asset's
				continue
			}
			seen[w.Location] = true
			if !req.DryRun {
				if err := handler.RemoveWrite(ctx, w); err != nil {
					return res, fmt.Errorf("values of %q: %w", out.Name, err)
				}
			}
			res.Count++
			res.Bytes += w.Size
			if len(res.First) < listed {
				res.First = append(res.First, Value{out.Name, w})
			}
		}
	}
	return res, nil
}

// beforeRuns returns the instant before which no run in progress wrote or read: at most that of the
// request.
func beforeRuns(ctx context.Context, req *Request) (time.Time, error) {
	before := req.Before
	runs, err := req.Store.ListRuns(ctx, storage.RunQuery{States: []storage.RunState{storage.Queued, storage.NotStarted, storage.Running}})
	if err != nil {
		return before, fmt.Errorf("reading which runs are in progress: %w", err)
	}
	for i := range runs {
		if at := runs[i].CreatedAt; at.Before(before) {
			before = at
		}
	}
	return before, nil
}

// recorded returns the names of all writes that the present states of the graph's assets have.
func recorded(ctx context.Context, req *Request) (map[string]bool, error) {
	kept := map[string]bool{}
	for v := range int32(req.Graph.Outputs()) {
		out, _ := req.Graph.Output(v)
		if _, ok := out.Handler.(iohandler.Collector); !ok || !out.Asset {
			continue
		}
		if err := addRecorded(ctx, req.Store, out.Name, kept); err != nil {
			return nil, fmt.Errorf("asset %q: reading its records: %w", out.Name, err)
		}
	}
	return kept, nil
}

func addRecorded(ctx context.Context, s storage.Reader, asset string, kept map[string]bool) error {
	rec, err := s.GetAsset(ctx, asset)
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if rec.Materialization != nil {
		kept[rec.Materialization.Write] = true
	}
	groups, err := s.ListPartitionGroups(ctx, rec.Key, storage.Materialized)
	if err != nil {
		return err
	}
	for i := range groups {
		kept[groups[i].Write] = true
	}
	for q := (storage.PartitionQuery{Asset: rec.Key, Limit: 1000}); ; {
		states, err := s.ListPartitions(ctx, q)
		if err != nil || len(states) == 0 {
			return err
		}
		for i := range states {
			kept[states[i].Write] = true
		}
		q.After = states[len(states)-1].Partition
	}
}

// unused returns the writes of a name that are not kept, without the newest of each value.
func unused(ctx context.Context, h iohandler.Collector, name string, kept map[string]bool, before time.Time) ([]iohandler.StoredWrite, error) {
	newest := map[string]iohandler.StoredWrite{}
	var old []iohandler.StoredWrite
	err := h.StoredWrites(ctx, name, func(w iohandler.StoredWrite) error {
		if last, known := newest[w.Value]; known {
			switch {
			case w.Written.Equal(last.Written): // a disk may give two writes the same instant: both are the newest
				return nil
			case w.Written.After(last.Written):
				newest[w.Value] = w
				w = last
			}
			old = append(old, w)
			return nil
		}
		newest[w.Value] = w
		return nil
	})
	if err != nil {
		return nil, err
	}
	unused := old[:0]
	for _, w := range old {
		if !kept[w.Write] && w.Written.Before(before) {
			unused = append(unused, w)
		}
	}
	return unused, nil
}
