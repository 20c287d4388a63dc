package engine

import (
	"cmp"
	"context"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// MadeNotice means that an output was made, all of it or some of its partitions.
type MadeNotice struct {
	Step    string
	Attempt int
	At      time.Time
	// Asset is the output's name, Partition names the made partitions for people.
	Asset, Partition string
	// Detail is what is stored of it, a [storage.Detail].
	Detail []byte
}

// CheckNotice is the result of a check: of its asset, or of some partitions of it.
type CheckNotice struct {
	Step    string
	Attempt int
	At      time.Time
	// Partition names the checked partitions for people, Partitions is their number; zero where there
	// are none.
	Partition  string
	Partitions int64
	State      storage.CheckState
	// Detail is what is stored of it, a [storage.Detail].
	Detail []byte
}

// ActionNotice describes what an action did to its asset, or to some partitions of it.
type ActionNotice struct {
	Step    string
	Attempt int
	At      time.Time
	// Partition and Partitions are as in [JudgedNotice].
	Partition  string
	Partitions int64
	Did        iohandler.Effect
	// Detail is what is stored of it, a [storage.Detail].
	Detail []byte
}

// CutNotice means that lines of an attempt's log were left out, since it had too many.
type CutNotice struct {
	Step    string
	Attempt int
	At      time.Time
	// Lines are those that are lost, Size their bytes.
	Lines, Size int
}

// say keeps something that an observer is told once the lock is free. Called with the lock held,
// while the run has not ended.
func (r *run) say(tell func()) {
	if len(r.notices) == 0 && !r.telling {
		r.hooks.Add(1) // before the end can be seen: the observer has heard everything when the run returns
	}
	r.notices = append(r.notices, tell)
}

// notice keeps a change of a step for the observer.
func (r *run) notice(step int32, n StepNotice) {
	tell := r.Observer.StepFinished
	if n.Kind == storage.StepStarted {
		tell = r.Observer.StepStarted
	}
	if tell == nil {
		return
	}
	n.Step = r.stepKey(step)
	r.say(func() { tell(n) })
}

// noticeMade keeps for the observer that an output was made.
func (r *run) noticeMade(f storage.Fact, m *materialization) {
	tell := r.Observer.Made
	if tell == nil || m.asset == 0 {
		return
	}
	out, _ := r.graph.Output(m.output)
	n := MadeNotice{Step: r.stepKey(f.Step), Attempt: int(f.Attempt), At: f.At.Time(), Asset: out.Name, Detail: m.detail}
	part := m.part
	r.say(func() {
		if !part.IsZero() {
			n.Partition = part.String()
		}
		tell(n)
	})
}

// noticeEvaluated keeps for the observer the result of a check.
func (r *run) noticeEvaluated(f storage.Fact, e *evaluation) {
	tell := r.Observer.CheckEvaluated
	if tell == nil {
		return
	}
	n := CheckNotice{Step: r.stepKey(f.Step), Attempt: int(f.Attempt), At: f.At.Time(), State: e.state, Detail: e.detail}
	part := e.part
	r.say(func() {
		n.Partition, n.Partitions = worded(part)
		tell(n)
	})
}

// noticeActed keeps for the observer what an action did.
func (r *run) noticeActed(f storage.Fact, e *actionResult) {
	tell := r.Observer.ActionPerformed
	if tell == nil {
		return
	}
	n := ActionNotice{Step: r.stepKey(f.Step), Attempt: int(f.Attempt), At: f.At.Time(), Did: e.acted, Detail: e.detail}
	part := e.part
	r.say(func() {
		n.Partition, n.Partitions = worded(part)
		tell(n)
	})
}

// worded reports which partitions and how many; nothing for an asset without.
func worded(part partition.Slice) (text string, n int64) {
	if part.IsZero() {
		return "", 0
	}
	return part.String(), part.Len()
}

// noticeCut keeps for the observer that lines of an attempt's log are lost.
func (r *run) noticeCut(j job, lines, size int) {
	tell := r.Observer.LogsCut
	if tell == nil || lines == 0 {
		return
	}
	n := CutNotice{Step: r.stepKey(j.step), Attempt: int(j.attempt), At: time.Now(), Lines: lines, Size: size}
	r.say(func() { tell(n) })
}

// noticeLine tells the observer of a line of a log. An attempt that was left behind may log after
// the end.
func (r *run) noticeLine(key string, line storage.LogLine) {
	tell := r.Observer.Logged
	if tell == nil {
		return
	}
	r.mu.Lock()
	if !r.d.Ended() {
		r.say(func() { tell(key, line) })
		r.unlock()
		return
	}
	r.mu.Unlock()
	r.observe(func() { tell(key, line) })
}

// unlock gives the lock back and has the observer told what happened meanwhile. One goroutine at a
// time does so, which keeps the order, and it is never one of a step: an observer that is slow, or
// ends its goroutine, delays or ends nothing else.
func (r *run) unlock() {
	if len(r.notices) > 0 && !r.telling {
		r.telling = true
		go r.notify()
	}
	r.mu.Unlock()
}

// notify tells the observer what it has not heard yet.
func (r *run) notify() {
	var notices []func()
	told, all := 0, false
	defer func() {
		if !all { // an observer has ended this goroutine
			r.mu.Lock()
			r.notices = append(notices[told:], r.notices...)
			r.mu.Unlock()
			go r.notify()
		}
	}()
	for {
		r.mu.Lock()
		notices, told, r.notices = r.notices, 0, nil
		if len(notices) == 0 {
			r.telling, all = false, true
			r.mu.Unlock()
			r.hooks.Done()
			return
		}
		r.mu.Unlock()
		for told < len(notices) {
			n := notices[told]
			told++
			r.observe(n)
		}
	}
}

// observe calls an observer. What goes wrong in it is logged and changes nothing.
func (r *run) observe(tell func()) {
	defer func() {
		if p := recover(); p != nil {
			r.log().Error("a listener panicked", "run", r.Record.ID, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	tell()
}

// await calls an observer and waits for it, in a goroutine that it may end.
func (r *run) await(tell func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.observe(tell)
	}()
	<-done
}

// log is where the run describes what is for its operator, not for a step's log.
func (r *run) log() *slog.Logger { return logger(r.Logger) }

// logger is a logger, or the program's default where there is none.
func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.Default()
	}
	return l
}

// runContext is what the steps of the run derive their contexts from.
func (r *run) runContext(ctx context.Context) context.Context {
	if r.Observer.RunContext == nil {
		return ctx
	}
	got := ctx
	r.await(func() { got = WithValuesOf(ctx, r.Observer.RunContext(ctx, r.Record)) }) //nolint:fatcontext // it is set once
	return got
}

// stepContext is what the context of an attempt is derived from.
func (r *run) stepContext(a *attempt) context.Context {
	if r.Observer.StepContext == nil {
		return r.ctx
	}
	n := StepNotice{Step: a.key, Kind: storage.StepStarted, Attempt: int(a.job.attempt), At: time.Now()}
	got := r.ctx
	r.await(func() { got = WithValuesOf(r.ctx, r.Observer.StepContext(r.ctx, n)) }) //nolint:fatcontext // it is set once
	return got
}

// WithValuesOf gives ctx the values of another context, and nothing else of it; nil has none.
func WithValuesOf(ctx, from context.Context) context.Context {
	if from == nil || from.Done() == ctx.Done() {
		return cmp.Or(from, ctx)
	}
	return &valuesOf{Context: ctx, from: from}
}

// valuesOf has values of another context where it has none itself: what package context keeps there
// about cancellation stays that of the run.
type valuesOf struct {
	context.Context //nolint:containedctx // it is a context

	from context.Context //nolint:containedctx // whose values it has
}

// Value returns what the context carries under key.
func (c *valuesOf) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.from.Value(key)
}
