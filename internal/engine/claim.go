package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/storage"
)

// tellWaiting is how often the operator is told of a step that waits for its pool slots.
const tellWaiting = 10 * time.Minute

// askAgain is about how often a waiting step asks for its slots when nothing wakes it: a step that
// came earlier may have gone, or a lease ended, without a signal.
const askAgain = 2 * time.Second

// SlotsError is an attempt that did not get its pool slots.
type SlotsError struct {
	// Waited is how long it waited; zero for slots that can never be had.
	Waited time.Duration
	// Blocked are the pools that were in the way when it gave up.
	Blocked []storage.PoolBlock
	Err     error
}

// Error reports what was waited for, how long, and who has it.
func (e *SlotsError) Error() string {
	switch {
	case e.Err != nil && e.Waited == 0:
		return fmt.Sprintf("its pool slots: %v", e.Err)
	case e.Err != nil:
		return fmt.Sprintf("its pool slots, after %s: %v", e.Waited, e.Err)
	case len(e.Blocked) == 0:
		return fmt.Sprintf("its pool slots were not granted within %s", e.Waited)
	}
	return fmt.Sprintf("its pool slots were not granted within %s: %s", e.Waited, blockText(e.Blocked[0]))
}

// Unwrap returns what the store said.
func (e *SlotsError) Unwrap() error { return e.Err }

// Hint explains what to do about it.
func (e *SlotsError) Hint() string {
	switch {
	case errors.Is(e.Err, storage.ErrPoolTooSmall):
		return "give the pool more slots (`pools set`), or let the step ask for fewer"
	case errors.Is(e.Err, storage.ErrNotFound):
		return "declare the pool in PoolLimits, or make it with `pools set`"
	case e.Err != nil:
		return ""
	}
	return "see who holds the slots with `pools holders`; RepositoryConfig.PoolTimeout and RIVERS_CLAIM_TIMEOUT set how long a step waits"
}

// FailureReason is infrastructure for slots that did not come: another attempt may have more luck.
// Slots that there never can be are an error like any other.
func (e *SlotsError) FailureReason() storage.FailureReason {
	if e.never() {
		return storage.ReasonError
	}
	return storage.ReasonInfrastructure
}

// never reports whether there can never be such slots.
func (e *SlotsError) never() bool {
	return errors.Is(e.Err, storage.ErrPoolTooSmall) || errors.Is(e.Err, storage.ErrNotFound)
}

// blockText describes why a pool gives nothing yet.
func blockText(b storage.PoolBlock) string {
	text := fmt.Sprintf("pool %q has %d of %d slots in use", b.Pool, b.InUse, b.Limit)
	if b.HolderStep != "" {
		text += fmt.Sprintf(", one by step %q of run %s", b.HolderStep, b.HolderRun)
	}
	if b.Ahead > 0 {
		text += fmt.Sprintf(", and %d came earlier", b.Ahead)
	}
	return text
}

// claim waits for the slots of an attempt and starts it, or another. It is a goroutine of its own;
// the decider bounds how many there are.
func (r *run) claim(j job) {
	mine, ok := r.claimed(j)
	r.hooks.Done()
	if ok {
		r.work(mine)
	}
}

// claimed waits for the slots of an attempt and returns what to do next.
func (r *run) claimed(j job) (mine job, ok bool) {
	began := time.Now()
	answer, err := r.askForSlots(j, began)
	r.mu.Lock()
	if !r.d.Claiming(j.step, j.attempt) {
		r.mu.Unlock()
		if answer.Granted { // canceled or skipped meanwhile, which gave back what was not granted yet
			r.giveBack(j.step)
		}
		return job{}, false
	}
	if !answer.Granted {
		r.mu.Unlock()
		slots := &SlotsError{Blocked: answer.Blocked, Err: err}
		if !slots.never() {
			slots.Waited = time.Since(began).Round(time.Millisecond)
		}
		return r.failClaim(j, slots)
	}
	r.d.Apply(factEvent(storage.Fact{Kind: decide.StepClaimed, Step: j.step, Attempt: j.attempt, At: now()}))
	mine, ok = r.advance()
	r.flush()
	r.unlock()
	return mine, ok
}

// askForSlots asks until the slots are granted, can never be, or were waited for too long, which is
// never if no limit is set. It is woken when some become free. An error of the store ends it: the
// store has tried again by itself.
func (r *run) askForSlots(j job, began time.Time) (answer storage.SlotAnswer, err error) {
	at := r.stepRef(j.step)
	ctx := r.ctx
	if r.ClaimTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.ClaimTimeout)
		defer cancel()
	}
	told := began
	c := storage.SlotClaim{
		Fence: r.fence, Step: j.step, Key: at.key, Attempt: j.attempt, Pools: r.plan.Classes[r.plan.Steps[at.mapped].Class],
		Hold: SlotLease, Wait: Lease,
	}
	var wake <-chan struct{}
	for first := true; ; first = false {
		answer, err = r.Store.ClaimSlots(ctx, c)
		switch {
		case answer.Granted, err != nil && ctx.Err() == nil:
			return answer, err
		case err != nil:
			return answer, nil
		case time.Since(told) >= tellWaiting:
			told = time.Now()
			logWaiting(r, j, &answer, began)
		case first:
			wake = r.Store.Watch(ctx, storage.TopicSlots)
			r.noticeWait(j, &answer, began)
			continue // what became free before the watch began is seen now
		}
		timer := time.NewTimer(askAgain/2 + rand.N(askAgain))
		select {
		case <-wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return answer, nil
		}
	}
}

// logWaiting tells the operator that a step has waited for long.
func logWaiting(r *run, j job, answer *storage.SlotAnswer, began time.Time) {
	why := ""
	if len(answer.Blocked) > 0 {
		why = blockText(answer.Blocked[0])
	}
	r.log().Warn("a step waits for its pool slots", "run", r.Record.ID, "step", r.stepKey(j.step), "waited", time.Since(began).Round(time.Second), "reason", why)
}

// noticeWait tells the observer that a step waits, and for what.
func (r *run) noticeWait(j job, answer *storage.SlotAnswer, at time.Time) {
	if r.Observer.StepWaiting == nil || len(answer.Blocked) == 0 {
		return
	}
	b := answer.Blocked[0]
	n := WaitNotice{Step: r.stepKey(j.step), Attempt: int(j.attempt), At: at, Pool: b, Reason: blockText(b)}
	r.mu.Lock()
	if !r.d.Ended() {
		r.say(func() { r.Observer.StepWaiting(n) })
	}
	r.unlock()
}

// failClaim fails an attempt that did not get its slots.
func (r *run) failClaim(j job, err error) (mine job, ok bool) {
	o := r.newAttempt(j).failure(err)
	r.mu.Lock()
	if !r.d.Claiming(j.step, j.attempt) {
		r.mu.Unlock()
		return job{}, false
	}
	r.recordOutcome(j, &o, nil, r.evaluation(j, &o), nil)
	hooked := r.hooksFor(j.step, o.kind, o.retryAt != 0)
	mine, ok = r.advance()
	r.flush()
	r.unlock()
	r.runHooks(j, hooked, err)
	return mine, ok
}

// giveBack frees slots that were granted to a step that no longer wants them.
func (r *run) giveBack(step int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.release(step)
	r.flush()
}

// release has the next batch give back what the step holds or waits for. Called with the lock held.
func (r *run) release(step int32) {
	r.batch.Releases = append(r.batch.Releases, storage.SlotRelease{Run: r.key, Step: step})
}
