package backfill

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rivers-go/rivers/internal/backfill/decide"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Store is what a backfill asks of storage.
type Store interface {
	Commit(ctx context.Context, b *storage.Batch) error
}

// LeaseHolder renews the lease of a backfill until release is called. lost is called when the
// backfill is another's, cancel when somebody asks for it to stop.
type LeaseHolder interface {
	Hold(f storage.Fence, lost func(), cancel func(storage.CancelRequest)) (release func())
}

// Runs makes the runs of a backfill.
type Runs interface {
	// Record returns the record of a run of some members of a group for some partitions, to be
	// inserted; nil are all members.
	Record(group int, members []int, set partition.Set) (storage.RunRecord, error)
	// Do executes or continues a recorded run, and returns what of its partitions it did not make. It
	// returns once the end of the run is recorded; an error is about the recording.
	Do(ctx context.Context, group int, members []int, run storage.RunRecord, set partition.Set) (Outcome, error)
	// Drop cancels a run that was recorded and never started.
	Drop(ctx context.Context, run storage.RunRecord, reason string) error
}

// Outcome is the result of a run, by member of its group and partition.
type Outcome struct {
	Losses []decide.Losses
	// Cause is why the first partition failed, nil if none did.
	Cause error
}

// RecordedRun is a run of a resumed backfill, with its outcome if it has ended.
type RecordedRun struct {
	Run   storage.RunRecord
	Group int
	// Members are what of the group it makes; nil is all.
	Members []int
	Set     partition.Set
	// Ended is set for a run that has ended with Outcome; any other run is continued.
	Ended   bool
	Outcome Outcome
}

// Drive is everything that one process needs to see a backfill through.
type Drive struct {
	Config decide.Config
	// Record is the backfill: recorded, and claimed by this process.
	Record   storage.BackfillRecord
	Recorded []RecordedRun
	Store    Store
	Runs     Runs
	Leases   LeaseHolder
	// Count counts partitions.
	Count func(partition.Set) int64
	// Lease is how long new runs are this process's without a renewal.
	Lease time.Duration
	// Changed is told of progress, outside of any lock, not more often than ten times a second; nil
	// for nobody.
	Changed func(storage.BackfillProgress)
}

// driver obeys a decider.
type driver struct {
	Drive

	d     *decide.Decider
	fence storage.Fence

	mu      sync.Mutex
	runs    map[string]runOf // that have not ended
	cause   error            // why the first partition failed
	stopped string           // why the backfill was asked to stop
	broken  error            // why nothing more is recorded
	saved   time.Time        // when the progress was last recorded
	told    time.Time        // and told
	wake    chan struct{}
	cancels map[string]context.CancelCauseFunc
	ctx     context.Context // of all runs
	cancel  context.CancelCauseFunc
	working sync.WaitGroup
}

type runOf struct {
	record  storage.RunRecord
	group   int
	members []int
	set     partition.Set
}

// saveEvery is how often progress is recorded at least while runs end.
const saveEvery = time.Second

// Execute sees a backfill through to its end and returns its record. When the context ends, runs
// are canceled and the backfill with them. An error is about the backfill as a whole: it could not
// be recorded.
func (c Drive) Execute(ctx context.Context) (storage.BackfillRecord, error) {
	d := &driver{
		Drive: c, d: decide.New(c.Config), runs: map[string]runOf{}, wake: make(chan struct{}, 1), cancels: map[string]context.CancelCauseFunc{},
		fence: storage.Fence{Backfill: c.Record.Key, Token: c.Record.Token},
	}
	d.ctx, d.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer d.cancel(nil)
	release := d.Leases.Hold(d.fence, d.lost, d.cancelRequested)
	defer release()
	if d.Record.Cancel != nil {
		d.cancelRequested(*d.Record.Cancel)
	}
	d.replay()
	stop := context.AfterFunc(ctx, func() { d.stop(context.Cause(ctx).Error()) })
	defer stop()
	return d.loop()
}

// replay applies the recorded runs to the decider, and continues those that have not ended, each in
// its own goroutine.
func (d *driver) replay() {
	for _, id := range d.restore() {
		d.start(id)
	}
}

// restore folds the recorded runs and returns the runs that had begun.
func (d *driver) restore() (begun []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.Recorded {
		d.d.Apply(decide.Fact{Kind: decide.RunCreated, Group: p.Group, Run: p.Run.ID, Set: p.Set, Members: p.Members})
		switch {
		case p.Ended:
			d.d.Apply(decide.Fact{Kind: decide.RunEnded, Run: p.Run.ID, Losses: p.Outcome.Losses})
		case p.Run.State == storage.Running: // it is continued in any case
			d.runs[p.Run.ID] = runOf{p.Run, p.Group, p.Members, p.Set}
			d.d.Apply(decide.Fact{Kind: decide.RunStarted, Run: p.Run.ID})
			begun = append(begun, p.Run.ID)
		default:
			d.runs[p.Run.ID] = runOf{p.Run, p.Group, p.Members, p.Set}
		}
	}
	return begun
}

// loop obeys the decider until the backfill has its end.
func (d *driver) loop() (storage.BackfillRecord, error) {
	var cmds []decide.Command
	for {
		d.mu.Lock()
		broken := d.broken
		if broken == nil {
			cmds = d.d.Next(cmds[:0])
		}
		d.mu.Unlock()
		if broken != nil {
			d.cancel(broken)
			d.working.Wait()
			return d.Record, fmt.Errorf("backfill %s: %w", d.Record.ID, broken)
		}
		end, err := d.obey(cmds)
		if err != nil {
			d.fail(err)
			continue
		}
		if end != nil {
			d.working.Wait()
			return d.finish(*end)
		}
		if len(cmds) == 0 {
			<-d.wake
		}
	}
}

// obey executes commands, and returns the final state once the backfill has ended.
func (d *driver) obey(cmds []decide.Command) (end *storage.BackfillState, err error) {
	var create []decide.Command
	for _, c := range cmds {
		switch c.Kind {
		case decide.Create:
			create = append(create, c)
		case decide.Start:
			d.apply(decide.Fact{Kind: decide.RunStarted, Run: c.Run})
			d.start(c.Run)
		case decide.Stop:
			err = errors.Join(err, d.stopRun(c.Run))
		case decide.Block:
			d.apply(decide.Fact{Kind: decide.PartitionsBlocked, Group: c.Group, Member: c.Member, Set: c.Set})
		case decide.End:
			return &c.State, err
		}
	}
	if len(create) > 0 && err == nil {
		err = d.create(create)
	}
	return nil, err
}

func (d *driver) apply(f decide.Fact) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.d.Apply(f)
}

// create records runs and, in the same transaction, how far the backfill has come.
func (d *driver) create(cmds []decide.Command) error {
	b := storage.Batch{Fence: d.fence, Lease: d.Lease}
	for _, c := range cmds {
		rec, err := d.Runs.Record(c.Group, c.Members, c.Set)
		if err != nil {
			return err
		}
		b.Runs = append(b.Runs, rec)
	}
	d.mu.Lock()
	for i, c := range cmds {
		d.d.Apply(decide.Fact{Kind: decide.RunCreated, Group: c.Group, Run: b.Runs[i].ID, Set: c.Set, Members: c.Members})
	}
	b.BackfillUpdates = []storage.BackfillUpdate{d.update(storage.BackfillInProgress)}
	d.mu.Unlock()
	if err := d.Store.Commit(context.WithoutCancel(d.ctx), &b); err != nil {
		return fmt.Errorf("creating runs: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, c := range cmds {
		d.runs[b.Runs[i].ID] = runOf{b.Runs[i], c.Group, c.Members, c.Set}
	}
	return nil
}

// update is the record of how far the backfill has come. Called with the lock held.
func (d *driver) update(state storage.BackfillState) storage.BackfillUpdate {
	d.saved = time.Now()
	if d.d.Canceling() && !state.Terminal() {
		state = storage.BackfillCanceling
	}
	u := storage.BackfillUpdate{Backfill: d.Record.Key, State: state, At: d.saved.UTC(), Progress: d.d.Progress(d.Count)}
	switch {
	case d.stopped != "":
		u.Error = d.stopped
	case d.cause != nil:
		u.Error = d.cause.Error()
	}
	return u
}

// start executes a run in a goroutine of its own.
func (d *driver) start(id string) {
	d.mu.Lock()
	r := d.runs[id]
	ctx, cancel := context.WithCancelCause(d.ctx)
	d.cancels[id] = cancel
	d.mu.Unlock()
	d.working.Go(func() {
		defer cancel(nil)
		o, err := d.Runs.Do(ctx, r.group, r.members, r.record, r.set)
		d.ended(r, o, err)
	})
}

// ended applies the outcome of a run.
func (d *driver) ended(r runOf, o Outcome, err error) {
	d.mu.Lock()
	delete(d.runs, r.record.ID)
	delete(d.cancels, r.record.ID)
	if err != nil && d.broken == nil {
		d.broken = fmt.Errorf("run %s: %w", r.record.ID, err)
	}
	d.d.Apply(decide.Fact{Kind: decide.RunEnded, Run: r.record.ID, Losses: o.Losses})
	if o.Cause != nil && d.cause == nil {
		d.cause = o.Cause
	}
	save := time.Since(d.saved) >= saveEvery && d.broken == nil
	var b storage.Batch
	if save {
		b = storage.Batch{Fence: d.fence, BackfillUpdates: []storage.BackfillUpdate{d.update(storage.BackfillInProgress)}}
	}
	tell := d.Changed != nil && time.Since(d.told) >= time.Second/10
	var progress storage.BackfillProgress
	if tell {
		d.told, progress = time.Now(), d.d.Progress(d.Count)
	}
	d.mu.Unlock()
	if save {
		if err := d.Store.Commit(context.WithoutCancel(d.ctx), &b); err != nil {
			d.fail(fmt.Errorf("recording its progress: %w", err))
		}
	}
	if tell {
		d.Changed(progress)
	}
	d.look()
}

// stopRun cancels one run: in progress here, or created and never started.
func (d *driver) stopRun(id string) error {
	d.mu.Lock()
	d.d.Asked(id)
	r, reason := d.runs[id], d.stopReason()
	cancel := d.cancels[id]
	d.mu.Unlock()
	if cancel != nil {
		cancel(errors.New(reason))
		return nil
	}
	if err := d.Runs.Drop(context.WithoutCancel(d.ctx), r.record, reason); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.runs, id)
	losses := make([]decide.Losses, max(d.Config.Groups[r.group].Members, 1))
	for m := range losses {
		losses[m].Canceled = r.set
	}
	d.d.Apply(decide.Fact{Kind: decide.RunEnded, Run: id, Losses: losses})
	return nil
}

// stopReason returns the reason why runs are stopped. Called with the lock held.
func (d *driver) stopReason() string {
	if d.stopped != "" {
		return d.stopped
	}
	return fmt.Sprintf("backfill %s stops after a failure", d.Record.ID)
}

// cancelRequested stops the backfill because somebody asked for it.
func (d *driver) cancelRequested(c storage.CancelRequest) {
	text := "the backfill was canceled"
	if c.By != "" {
		text += " by " + c.By
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	d.stop(text)
}

func (d *driver) stop(why string) {
	d.mu.Lock()
	if d.stopped == "" {
		d.stopped = why
	}
	d.d.Apply(decide.Fact{Kind: decide.CancelAsked})
	d.mu.Unlock()
	d.look()
}

// lost stops obeying: another process has the backfill.
func (d *driver) lost() {
	d.fail(fmt.Errorf("another process has taken it over: %w", storage.ErrFenced))
}

func (d *driver) fail(err error) {
	d.mu.Lock()
	if d.broken == nil {
		d.broken = err
	}
	d.mu.Unlock()
	d.look()
}

// look has the loop ask again.
func (d *driver) look() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// finish records the end.
func (d *driver) finish(state storage.BackfillState) (storage.BackfillRecord, error) {
	d.mu.Lock()
	u := d.update(state)
	if state == storage.BackfillCompleted {
		u.Error = ""
	}
	d.mu.Unlock()
	if err := d.Store.Commit(context.WithoutCancel(d.ctx), &storage.Batch{Fence: d.fence, BackfillUpdates: []storage.BackfillUpdate{u}}); err != nil {
		return d.Record, fmt.Errorf("backfill %s: recording its end: %w", d.Record.ID, err)
	}
	d.Record.State, d.Record.EndedAt, d.Record.Error, d.Record.Progress = u.State, u.At, u.Error, u.Progress
	if d.Changed != nil {
		d.Changed(u.Progress)
	}
	return d.Record, nil
}
