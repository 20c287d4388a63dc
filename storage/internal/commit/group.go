package commit

import (
	"context"
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// Group is what one transaction applies: requests in their order. Appended records are kept in one
// slice a table, and a request has a span of each. The zero value is empty.
type Group struct {
	Requests []Request

	events   []storage.Event
	assets   []storage.AssetUpdate
	logs     []storage.LogLine
	releases []storage.SlotRelease
	commits  int
}

// Request is one committed batch, the batches appended in a row under one fence, or a call of
// another kind that the writer understands.
type Request struct {
	Fence storage.Fence
	// Batch belongs to the caller, who leaves it alone until the answer. It is nil for appended
	// records, which [Group.Records] returns.
	Batch *storage.Batch
	// Runs and Backfills are what is new in the batch, Progress its updates of backfills.
	Runs      []Run
	Backfills []Backfill
	Progress  []Progress
	// Starts are the appended updates of the run's state. None of them ends it.
	Starts []storage.RunUpdate
	// Call is a claim or a renewal in place of a batch.
	Call any
	// Err is the writer's answer. Refused is true if it was known before.
	Err     error
	Refused bool
	// Withdrawn is true if the caller has left: nothing of the request is written.
	Withdrawn bool

	answer               chan error
	events, assets, logs span
	releases             span
}

// span is a part of one of a group's slices.
type span struct{ from, to int }

// Fail sets the answer unless there is one.
func (r *Request) Fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
}

// Sticky reports whether later calls under the fence get the error too. The caller alone gets the
// error of an unmet expectation and of a batch without a fence. A claim leaves no gap.
func (r *Request) Sticky() bool {
	if r.Withdrawn {
		return false
	}
	if r.Call != nil {
		return r.Fence != (storage.Fence{}) && errors.Is(r.Err, storage.ErrFenced)
	}
	if r.Fence == (storage.Fence{}) {
		return r.Batch == nil
	}
	return !errors.Is(r.Err, storage.ErrRunExists) && !errors.Is(r.Err, storage.ErrBackfillExists)
}

// unknown is the error of a caller that leaves a batch in doubt.
func unknown(ctx context.Context) error {
	// The context's error is not wrapped: it would mean that nothing was written.
	why := context.Cause(ctx).Error()
	return fmt.Errorf("%w: its caller left (%s) before the store had answered: read the records before writing them again", storage.ErrOutcomeUnknown, why)
}

func (g *Group) records() int {
	return len(g.events) + len(g.assets) + len(g.logs) + len(g.releases)
}

func (g *Group) reset() {
	clear(g.Requests)
	clear(g.events)
	clear(g.assets)
	clear(g.logs)
	*g = Group{Requests: g.Requests[:0], events: g.events[:0], assets: g.assets[:0], logs: g.logs[:0], releases: g.releases[:0]}
}

// add appends the batch to the last request where that has the same fence and waits for nothing.
func (g *Group) add(b *storage.Batch) {
	last := len(g.Requests) - 1
	if last < 0 || !g.Requests[last].grows(b.Fence) {
		g.Requests = append(g.Requests, Request{
			Fence: b.Fence, events: span{from: len(g.events)}, assets: span{from: len(g.assets)}, logs: span{from: len(g.logs)},
			releases: span{from: len(g.releases)},
		})
		last++
	}
	g.events = append(g.events, b.Events...)
	g.assets = append(g.assets, b.Assets...)
	g.logs = append(g.logs, b.Logs...)
	g.releases = append(g.releases, b.Releases...)
	r := &g.Requests[last]
	r.Starts = append(r.Starts, b.RunUpdates...)
	r.events.to, r.assets.to, r.logs.to, r.releases.to = len(g.events), len(g.assets), len(g.logs), len(g.releases)
}

// grows reports whether records appended under the fence may join the request.
func (r *Request) grows(f storage.Fence) bool {
	return r.answer == nil && !r.Withdrawn && r.Fence == f
}

// find returns the request that waits on a channel, nil where there is none.
func (g *Group) find(answer chan error) *Request {
	for i := range g.Requests {
		if g.Requests[i].answer == answer {
			return &g.Requests[i]
		}
	}
	return nil
}

// Records returns the records of a request, wherever they are.
func (g *Group) Records(r *Request) ([]storage.Event, []storage.AssetUpdate, []storage.LogLine, []storage.SlotRelease) {
	if r.Batch != nil {
		return r.Batch.Events, r.Batch.Assets, r.Batch.Logs, r.Batch.Releases
	}
	return g.events[r.events.from:r.events.to], g.assets[r.assets.from:r.assets.to], g.logs[r.logs.from:r.logs.to],
		g.releases[r.releases.from:r.releases.to]
}
