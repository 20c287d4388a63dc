package engine

import (
	"errors"
	"time"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/storage"
)

// job is one attempt of a step, given to a goroutine.
type job struct {
	step, attempt int32
}

// work runs attempts until the decider has nothing for this goroutine.
func (r *run) work(j job) {
	for ok := true; ok; {
		o := r.perform(j)
		j, ok = r.settle(j, o)
	}
}

// settle folds the outcome of an attempt, runs its hooks, and returns what to do next.
func (r *run) settle(j job, o outcome) (job, bool) {
	var few [2]materialization
	evaluated, acted := r.evaluation(j, &o), r.actionResultOf(j, &o)
	made := r.materializations(j, &o, few[:0]) // bytes are encoded before the lock is taken
	r.mu.Lock()
	if !r.d.Running(j.step, j.attempt) {
		r.mu.Unlock()
		r.reportLate(j, o)
		return job{}, false
	}
	lines, size := r.logs.end(j)
	r.noticeCut(j, lines, size)
	r.recordOutcome(j, &o, made, evaluated, acted)
	hooked := r.hooksFor(j.step, o.kind, o.retryAt != 0)
	if len(hooked) > 0 {
		r.hooks.Add(1) // before the end can be seen, which waits for it
	}
	mine, ok := r.advance()
	if ok && len(hooked) > 0 {
		go r.work(mine)
		ok = false
	}
	r.flush()
	r.unlock()
	if o.kind == storage.StepSucceeded {
		r.doneReading(j.step)
	}
	if len(hooked) > 0 {
		defer r.hooks.Done() // also when a hook ends this goroutine
		r.runHooks(j, hooked, o.err)
	}
	return mine, ok
}

// advance asks what should happen now and sets it going; the first step it is given is the
// caller's. Called with the lock held.
func (r *run) advance() (mine job, ok bool) {
	var at storage.Micros
	for again := true; again; {
		again = false
		at = now()
		r.cmds = r.d.Next(at, r.cmds[:0])
		for _, c := range r.cmds {
			switch c.Kind {
			case decide.Start:
				j := job{c.Step, c.Attempt}
				r.recordStart(j, at)
				if ok {
					go r.work(j)
				} else {
					mine, ok = j, true
				}
			case decide.Claim:
				j := job{c.Step, c.Attempt}
				r.d.Apply(factEvent(storage.Fact{Kind: decide.StepClaiming, Step: j.step, Attempt: j.attempt, At: at}))
				r.hooks.Add(1) // before the end can be seen: slots that come late are given back with it
				go r.claim(j)
			case decide.Skip:
				r.recordSkip(c, at)
				again = true
			case decide.Cancel:
				r.record(storage.Fact{Kind: storage.StepCanceled, Step: c.Step, Attempt: c.Attempt, At: at}, nil)
				r.skipCheck(c.Step, at, r.why)
				r.notice(c.Step, StepNotice{Kind: storage.StepCanceled, At: at.Time()})
				again = true
			case decide.End:
				r.end = c.State
				r.record(storage.Fact{At: at}.Ended(c.State), nil)
				close(r.done)
			}
		}
	}
	r.setWake(at)
	return mine, ok
}

// setWake arms the timer for the first retry after the instant of the last decision. A later
// instant would lose a retry that became due in between.
func (r *run) setWake(decided storage.Micros) {
	at := r.d.Wake(decided)
	if at == r.wakeAt {
		return
	}
	r.wakeAt = at
	if r.wake != nil {
		r.wake.Stop()
	}
	if at != 0 {
		r.wake = time.AfterFunc(time.Until(at.Time()), r.tick)
	}
}

// tick is called when a retry is due.
func (r *run) tick() {
	r.mu.Lock()
	r.wakeAt = 0
	mine, ok := r.advance()
	r.flush()
	r.unlock()
	if ok {
		r.work(mine)
	}
}

// record folds a fact and puts its event into the batch, with the slots that a step gives back by
// it. Called with the lock held.
func (r *run) record(f storage.Fact, detail []byte) int64 {
	return r.recordEvent(storage.Event{Fact: f, Detail: detail}, factEvent(f))
}

// recordMade records the fact by which an output was made.
func (r *run) recordMade(f storage.Fact, m *materialization) int64 {
	r.noticeMade(f, m)
	of := decide.Event{Fact: f, Partitions: setOf(m.part), Output: int32(r.graph.OutputPos(m.output))}
	return r.recordEvent(storage.Event{Fact: f, Asset: m.asset, Partition: m.part.Key().String(), Detail: m.detail}, of)
}

// recordEvent folds an event, as the decider knows it, and puts it into the batch. Called with the
// lock held.
func (r *run) recordEvent(e storage.Event, of decide.Event) int64 {
	f := &of.Fact
	holds := len(r.plan.Classes) > 0 && f.Step >= 0 && r.d.Holds(f.Step)
	r.d.Apply(of)
	if holds && !r.d.Holds(f.Step) {
		r.release(f.Step)
	}
	r.n++
	e.Run, e.N = r.key, r.n
	r.batch.Events = append(r.batch.Events, e)
	return r.n
}

func (r *run) recordStart(j job, at storage.Micros) {
	r.record(storage.Fact{Kind: storage.StepStarted, Step: j.step, Attempt: j.attempt, At: at}, nil)
	r.detailOf(j.step).started = at
	r.notice(j.step, StepNotice{Kind: storage.StepStarted, Attempt: int(j.attempt), At: at.Time()})
}

func (r *run) recordSkip(c decide.Command, at storage.Micros) {
	f := c.Consume().Fact
	f.At = at
	err := newUpstreamError(r, f.DueTo())
	r.detailOf(f.Step).err = err
	r.record(f, nil)
	r.skipCheck(f.Step, f.At, err)
	r.notice(f.Step, StepNotice{Kind: storage.StepSkipped, At: f.At.Time(), Err: err})
}

// newUpstreamError explains a skip that is due to another step. Called with the lock held.
func newUpstreamError(r *run, dueTo int32) *UpstreamError {
	outcome := map[decide.Status]string{decide.Failed: "failed", decide.Skipped: "skipped", decide.Canceled: "canceled"}
	return &UpstreamError{Step: r.stepKey(dueTo), Outcome: outcome[r.d.Status(dueTo)]}
}

// detailOf grows with the instances of mapped steps.
func (r *run) detailOf(step int32) *stepDetail {
	for int(step) >= len(r.detail) {
		r.detail = append(r.detail, stepDetail{})
	}
	return &r.detail[step]
}

// flush hands the pending records to the store. Called with the lock held.
func (r *run) flush() {
	if r.d.Ended() { // the end is committed with what is left, by finish
		return
	}
	if r.batch.Logs = r.logs.take(r.batch.Logs); r.batch.Empty() {
		return
	}
	r.batch.Fence = r.fence
	err := r.Store.Append(&r.batch)
	r.batch.Reset()
	if err != nil && r.broken == nil {
		r.broken = err
		go r.stop(errors.Join(ErrCanceled, err))
	}
}

// flushLogs stores the lines that have waited for the next event long enough, so that a step that
// runs for hours can be followed.
func (r *run) flushLogs() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flush()
}
