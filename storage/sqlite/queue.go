package sqlite

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/rivers-go/rivers/storage"
)

const (
	// wakeAt is how many appended records wake the writer, appendDelay how long fewer of them wait.
	wakeAt      = 256
	appendDelay = 2 * time.Millisecond
	// fullAt is how many records may wait before Append waits too: about 1 MiB with what they point
	// to, and as much again is with the writer. More makes nothing faster, only larger.
	fullAt = 4096
)

// queue holds what waits for the writer. It is filled by callers and taken whole by the writer.
type queue struct {
	mu     sync.Mutex
	work   sync.Cond // the writer waits here
	room   sync.Cond // Append waits here while the queue is full
	timer  *time.Timer
	waits  group
	spare  group // the memory of the group before last
	due    bool  // what was appended has waited long enough
	closed bool
	// refused holds what the later calls under a fence are told. The zero fence guards nothing and
	// is told once.
	refused map[storage.Fence]error
	// answers are reused: a channel is back in the pool only after its one answer was read or can
	// no longer come.
	answers sync.Pool
}

// group is what one transaction applies: requests in their order. Appended records are kept in one
// slice a table, and a request has a span of each.
type group struct {
	requests []request
	events   []storage.Event
	assets   []storage.AssetUpdate
	logs     []storage.LogLine
	releases []storage.SlotRelease
	commits  int
}

// request is one committed batch, or the batches appended in a row under one fence.
type request struct {
	fence storage.Fence
	// batch is the caller's, who waits for answer and touches nothing until it came; nil for
	// appended records, which are in the group's slices.
	batch  *storage.Batch
	runs   []encodedRun
	answer chan error
	// lease is a claim or a renewal in place of a batch.
	lease                leaseCall
	events, assets, logs span
	releases             span
	// err is the writer's answer; refused says that it was known before.
	err     error
	refused bool
}

// span is a part of one of a group's slices.
type span struct{ from, to int }

// fail sets the answer unless there is one.
func (r *request) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (g *group) records() int {
	return len(g.events) + len(g.assets) + len(g.logs) + len(g.releases)
}

func (g *group) reset() {
	clear(g.requests)
	clear(g.events)
	clear(g.assets)
	clear(g.logs)
	*g = group{requests: g.requests[:0], events: g.events[:0], assets: g.assets[:0], logs: g.logs[:0], releases: g.releases[:0]}
}

func (q *queue) init() {
	q.work.L, q.room.L = &q.mu, &q.mu
	q.refused = map[storage.Fence]error{}
	q.answers.New = func() any { return make(chan error, 1) }
	q.timer = time.AfterFunc(time.Hour, func() {
		q.mu.Lock()
		q.due = true
		q.mu.Unlock()
		q.work.Signal()
	})
	q.timer.Stop()
}

// admit says why nothing more is taken under the fence, nil if it is. The lock is held.
func (q *queue) admit(f storage.Fence) error {
	if q.closed {
		return storage.ErrClosed
	}
	err := q.refused[f]
	if err != nil && f == (storage.Fence{}) {
		delete(q.refused, f)
	}
	return err
}

// append copies the records of a batch into the queue. It waits only while the queue is full.
func (q *queue) append(b *storage.Batch) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.waits.records() >= fullAt && !q.closed {
		q.room.Wait()
	}
	if err := q.admit(b.Fence); err != nil {
		return err
	}
	g := &q.waits
	before := g.records()
	g.add(b)
	switch now := g.records(); {
	case len(b.Releases) > 0: // somebody may be waiting for them
		q.due = true
		q.work.Signal()
	case now >= wakeAt && before < wakeAt:
		q.work.Signal()
	case before == 0 && now > 0:
		q.timer.Reset(appendDelay)
	}
	return nil
}

// add appends the batch to the last request where that has the same fence and waits for nothing.
func (g *group) add(b *storage.Batch) {
	last := len(g.requests) - 1
	if last < 0 || g.requests[last].answer != nil || g.requests[last].fence != b.Fence {
		g.requests = append(g.requests, request{
			fence: b.Fence, events: span{from: len(g.events)}, assets: span{from: len(g.assets)}, logs: span{from: len(g.logs)},
			releases: span{from: len(g.releases)},
		})
		last++
	}
	g.events = append(g.events, b.Events...)
	g.assets = append(g.assets, b.Assets...)
	g.logs = append(g.logs, b.Logs...)
	g.releases = append(g.releases, b.Releases...)
	r := &g.requests[last]
	r.events.to, r.assets.to, r.logs.to, r.releases.to = len(g.events), len(g.assets), len(g.logs), len(g.releases)
}

// of returns the records of a request, wherever they are.
func (g *group) of(r *request) ([]storage.Event, []storage.AssetUpdate, []storage.LogLine, []storage.SlotRelease) {
	if r.batch != nil {
		return r.batch.Events, r.batch.Assets, r.batch.Logs, r.batch.Releases
	}
	return g.events[r.events.from:r.events.to], g.assets[r.assets.from:r.assets.to], g.logs[r.logs.from:r.logs.to],
		g.releases[r.releases.from:r.releases.to]
}

// commit leaves a batch or a lease call in the queue and waits for the writer's answer. Where the
// context ends first, it is taken back unless the writer is at it.
func (q *queue) commit(ctx context.Context, r request) error {
	answer := q.answers.Get().(chan error)
	q.mu.Lock()
	if err := q.admit(r.fence); err != nil {
		q.mu.Unlock()
		q.answers.Put(answer)
		return err
	}
	r.answer = answer
	q.waits.requests = append(q.waits.requests, r)
	q.waits.commits++
	q.mu.Unlock()
	q.work.Signal()

	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		if q.withdraw(answer) {
			err = ctx.Err()
		} else {
			err = <-answer
		}
	}
	q.answers.Put(answer)
	return err
}

// withdraw takes a batch out of the queue and reports whether it was still there.
func (q *queue) withdraw(answer chan error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.waits.requests {
		if r := &q.waits.requests[i]; r.answer == answer {
			*r = request{}
			q.waits.commits--
			return true
		}
	}
	return false
}

// wait returns when there is something to write, false when there never will be again.
func (q *queue) wait() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.waits.commits > 0 || q.waits.records() >= wakeAt || q.due && q.waits.records() > 0 {
			return true
		}
		if q.closed {
			return q.waits.records() > 0
		}
		q.due = false
		q.work.Wait()
	}
}

// take hands the queue over to the writer, who gives it back with [queue.finish].
func (q *queue) take() group {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := q.waits
	q.waits = q.spare
	q.spare = group{}
	q.due = false
	q.timer.Stop()
	q.room.Broadcast()
	if len(q.refused) > 0 {
		for i := range g.requests { // left in the queue before the refusal was known
			if r := &g.requests[i]; r.fence != (storage.Fence{}) {
				r.err = q.refused[r.fence]
				r.refused = r.err != nil
			}
		}
	}
	return g
}

// finish answers those who wait and remembers the refusals.
func (q *queue) finish(g *group) {
	q.mu.Lock()
	for i := range g.requests {
		r := &g.requests[i]
		if r.err != nil && r.sticky() {
			q.refused[r.fence] = r.err
		}
		if r.answer != nil {
			r.answer <- r.err // buffered: it never waits
		}
	}
	g.reset()
	q.spare = *g
	q.mu.Unlock()
}

// sticky says whether the later calls under the fence have to know of the error. Of an unmet
// expectation its caller knows, of a failed batch without a fence too, and a claim leaves no gap.
func (r *request) sticky() bool {
	if r.lease != nil {
		return r.fence != (storage.Fence{}) && errors.Is(r.err, storage.ErrFenced)
	}
	if r.fence == (storage.Fence{}) {
		return r.batch == nil
	}
	return !errors.Is(r.err, storage.ErrRunExists)
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.work.Signal()
	q.room.Broadcast()
}

// lost returns what became of records that nobody asked about any more.
func (q *queue) lost() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.refused[storage.Fence{}]
}
