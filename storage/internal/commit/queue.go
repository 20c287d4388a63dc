package commit

import (
	"context"
	"errors"
	"runtime"
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

// Queue holds what waits for the writer. It is filled by callers and taken whole by the writer. It
// is made by [NewQueue].
type Queue struct {
	mu    sync.Mutex
	work  sync.Cond // the writer waits here
	room  sync.Cond // Append waits here while the queue is full
	timer *time.Timer
	doubt *time.Timer // nil while there is none
	waits Group
	// held is what the writer has, lent what callers may do about it meanwhile; opened is closed when
	// that changes.
	held   Group
	lent   loan
	opened chan struct{}
	// turns counts the times the writer has reclaimed a group: a late doubt belongs to an earlier
	// turn.
	turns int64
	due   bool // what was appended has waited long enough
	// answered is true if a caller got its answer since the writer last looked for work.
	answered bool
	closed   bool
	// refused holds the errors of later calls under a fence. The zero fence guards nothing and
	// is told once.
	refused map[storage.Fence]error
	// lost is the error of records that were appended before the queue was closed.
	lost error
	// answers are reused: a channel is back in the pool only after its one answer was read or can
	// no longer come.
	answers sync.Pool
}

// loan is what callers may do while the writer has their group.
type loan uint8

const (
	kept     loan = iota // they wait for its outcome
	released             // they may take their batches back
	doubted              // they may leave without knowing
)

// NewQueue returns an empty queue.
func NewQueue() *Queue {
	q := &Queue{refused: map[storage.Fence]error{}, opened: make(chan struct{})}
	q.work.L, q.room.L = &q.mu, &q.mu
	q.answers.New = func() any { return make(chan error, 1) }
	q.timer = time.AfterFunc(time.Hour, func() {
		q.mu.Lock()
		q.due = true
		q.mu.Unlock()
		q.work.Signal()
	})
	q.timer.Stop()
	return q
}

// admit returns why nothing more is taken under the fence. The lock is held.
func (q *Queue) admit(f storage.Fence) error {
	if q.closed {
		return storage.ErrClosed
	}
	err := q.refused[f]
	if err != nil && f == (storage.Fence{}) {
		delete(q.refused, f)
	}
	return err
}

// Append copies the records of a batch into the queue. It waits only while the queue is full.
func (q *Queue) Append(b *storage.Batch) error {
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

// CommitBatch commits a batch as [storage.Writer] does, and gives its new records their keys.
func (q *Queue) CommitBatch(ctx context.Context, b *storage.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.Validate(); err != nil {
		return err
	}
	r, err := NewRequest(b)
	if err != nil {
		return err
	}
	if err := q.Commit(ctx, r); err != nil {
		return err
	}
	r.GiveKeys()
	return nil
}

// Commit leaves a request in the queue and waits for the writer's answer. Where the context ends
// first, it is taken back unless the writer is at it: an error of the context means that nothing
// was written.
func (q *Queue) Commit(ctx context.Context, r Request) error {
	answer := q.answers.Get().(chan error)
	q.mu.Lock()
	if err := q.admit(r.Fence); err != nil {
		q.mu.Unlock()
		q.answers.Put(answer)
		return err
	}
	r.answer = answer
	q.waits.Requests = append(q.waits.Requests, r)
	q.waits.commits++
	q.mu.Unlock()
	q.work.Signal()

	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = q.leave(ctx, answer)
	}
	q.answers.Put(answer)
	return err
}

// leave takes a request back, or waits for its outcome as long as it may not be left.
func (q *Queue) leave(ctx context.Context, answer chan error) error {
	for {
		opened, left, err := q.withdraw(ctx, answer)
		if left {
			return err
		}
		select {
		case err := <-answer:
			return err
		case <-opened:
		}
	}
}

// withdraw takes a request out and returns its caller's error, or a channel to wait for.
func (q *Queue) withdraw(ctx context.Context, answer chan error) (opened chan struct{}, left bool, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if r := q.waits.find(answer); r != nil {
		*r = Request{Withdrawn: true}
		q.waits.commits--
		return nil, true, ctx.Err()
	}
	if q.lent == kept {
		return q.opened, false, nil
	}
	r := q.held.find(answer)
	switch {
	case r == nil: // answered meanwhile
		return q.opened, false, nil
	case q.lent == released:
		*r = Request{Withdrawn: true}
		return nil, true, ctx.Err()
	}
	err = unknown(ctx)
	if r.Fence != (storage.Fence{}) && r.Call == nil {
		q.refused[r.Fence] = err
	}
	*r = Request{Withdrawn: true}
	return nil, true, err
}

// Wait returns true when the queue has work, and false when it is closed and empty.
//
// If callers got answers since the last call, Wait lets them run first. A caller that commits in a
// loop has its next request ready at once. Without the pause the first one would have a transaction
// to itself, and the others would wait for it.
func (q *Queue) Wait() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		if q.waits.commits > 0 || q.waits.records() >= wakeAt || q.due && q.waits.records() > 0 {
			if q.answered {
				q.mu.Unlock()
				runtime.Gosched()
				q.mu.Lock()
				q.answered = false
				continue // a context may have ended
			}
			return true
		}
		if q.closed {
			return q.waits.records() > 0
		}
		q.due = false
		q.work.Wait()
	}
}

// Take hands the queue over to the writer, who gives it back with [Queue.Finish]. Requests that are
// already refused are marked.
func (q *Queue) Take() *Group {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.held, q.waits = q.waits, q.held // its memory: Finish has emptied it
	q.due = false
	q.timer.Stop()
	q.room.Broadcast()
	q.markRefused()
	return &q.held
}

// markRefused answers what was left in the queue before a refusal was known.
func (q *Queue) markRefused() {
	if len(q.refused) == 0 {
		return
	}
	for i := range q.held.Requests {
		r := &q.held.Requests[i]
		if known := q.refused[r.Fence]; known != nil && r.Fence != (storage.Fence{}) {
			r.Err, r.Refused = known, true
		}
	}
}

// Release lets callers whose context ends take their requests out of the group that the writer has:
// the writer waits for something, and nothing of the group is written.
func (q *Queue) Release() { q.lend(released) }

// Doubt lets callers whose context ends leave the group that the writer has, which may have been
// written or not. They get [storage.ErrOutcomeUnknown].
func (q *Queue) Doubt() { q.lend(doubted) }

// DoubtAfter is [Queue.Doubt] after a time, unless the group was reclaimed by then.
func (q *Queue) DoubtAfter(d time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	turn := q.turns
	q.doubt = time.AfterFunc(d, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.turns == turn {
			q.lendHeld(doubted)
		}
	})
}

func (q *Queue) lend(l loan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lendHeld(l)
}

// lendHeld is lend with the lock held.
func (q *Queue) lendHeld(l loan) {
	q.lent = l
	close(q.opened)
	q.opened = make(chan struct{})
}

// Reclaim ends [Queue.Release] and [Queue.Doubt]. The requests of callers who left are marked as
// withdrawn.
func (q *Queue) Reclaim() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lent = kept
	q.turns++
	if q.doubt != nil {
		q.doubt.Stop()
		q.doubt = nil
	}
	q.markRefused()
}

// Finish answers those who wait for the group that was taken, and remembers the refusals.
func (q *Queue) Finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.held.Requests {
		r := &q.held.Requests[i]
		if r.Err != nil && r.Sticky() {
			q.refused[r.Fence] = r.Err
		}
		switch {
		case r.answer != nil:
			r.answer <- r.Err // buffered: it never waits
			q.answered = true
		case q.closed && r.Err != nil && !r.Withdrawn && !r.Refused && !errors.Is(r.Err, storage.ErrFenced):
			q.lost = r.Err // nobody will ask
		}
	}
	q.held.reset()
	q.lent = kept
}

// Close takes nothing more. What is in the queue is still written.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.work.Signal()
	q.room.Broadcast()
}

// Lost returns the errors of appended records that no caller asked about.
func (q *Queue) Lost() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return errors.Join(q.refused[storage.Fence{}], q.lost)
}
