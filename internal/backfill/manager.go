package backfill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Manager begins, continues and cancels the backfills of one repository.
type Manager struct {
	Runner *launch.Runner
	// Started hears that a backfill begins, and returns what hears of its end; either may be nil.
	Started func(rec *storage.BackfillRecord) (finished func(*storage.BackfillRecord))
	// Progress returns what hears of a backfill's progress; either may be nil.
	Progress func(id string, total int64) func(storage.BackfillProgress)
	// Before is called before a backfill is executed.
	Before func(ctx context.Context)

	mu sync.Mutex
	// running are the backfills in progress here, and how each is canceled.
	running map[string]func(storage.CancelRequest)
}

// log is where the manager writes for the operator.
func (m *Manager) log() *slog.Logger {
	if m.Runner.Logger == nil {
		return slog.Default()
	}
	return m.Runner.Logger
}

// Preview checks a request and returns what its backfill would be.
func (m *Manager) Preview(ctx context.Context, req storage.BackfillRequest) (*Preview, error) {
	p, err := newPlan(ctx, m.Runner, req, time.Now())
	if err != nil {
		return nil, err
	}
	return p.preview()
}

// Run checks a request, records the backfill and executes it, in the background for a NoBlock
// request. The record is nil if no backfill was recorded. The error is about the backfill as a
// whole.
func (m *Manager) Run(ctx context.Context, req storage.BackfillRequest) (*storage.BackfillRecord, error) {
	p, err := newPlan(ctx, m.Runner, req, time.Now())
	if err != nil {
		return nil, err
	}
	return m.record(ctx, p, "")
}

// rerunTag is the tag with the id of the backfill that a rerun repeats.
const rerunTag = "rivers/rerun_of"

// Rerun makes the partitions of a backfill that has ended which failed or were canceled, as far as
// they are still defined, as a new backfill.
func (m *Manager) Rerun(ctx context.Context, id string, noBlock bool) (*storage.BackfillRecord, error) {
	p, err := m.rerun(ctx, id)
	if err != nil {
		return nil, err
	}
	p.req.NoBlock, p.req.DryRun = noBlock, false
	return m.record(ctx, p, id)
}

// PreviewRerun returns what a rerun would be.
func (m *Manager) PreviewRerun(ctx context.Context, id string) (*Preview, error) {
	p, err := m.rerun(ctx, id)
	if err != nil {
		return nil, err
	}
	return p.preview()
}

// rerun plans to run a backfill again.
func (m *Manager) rerun(ctx context.Context, id string) (*Plan, error) {
	rec, err := m.own(ctx, id)
	if err != nil {
		return nil, err
	}
	if !rec.State.Terminal() {
		return nil, fmt.Errorf("backfill %q: it is %s: wait until it ends, or cancel it", rec.ID, rec.State)
	}
	left := rec.Progress.Failed.Union(rec.Progress.Canceled)
	if left.IsEmpty() {
		return nil, fmt.Errorf("backfill %q has no failed or canceled partition to run again", rec.ID)
	}
	req := rec.Request
	req.Keys, req.Range, req.Only, req.Latest = nil, partition.KeyRange{}, "", 0
	req.Tags = maps.Clone(req.Tags)
	if req.Tags == nil {
		req.Tags = map[string]string{}
	}
	req.Tags[rerunTag] = rec.ID
	p, err := newPlanOf(ctx, m.Runner, req, time.Now(), func(space partition.Space) (partition.Set, error) { return space.Within(left), nil })
	if err != nil {
		return nil, err
	}
	if p.set.IsEmpty() {
		return nil, fmt.Errorf("backfill %q: its failed and canceled partitions are no longer defined", rec.ID)
	}
	return p, nil
}

// Resume continues a backfill whose process died, where it was. Of one that has ended it returns
// the record and changes nothing.
func (m *Manager) Resume(ctx context.Context, id string) (*storage.BackfillRecord, error) {
	done, err := m.begin()
	if err != nil {
		return nil, err
	}
	return m.resume(ctx, id, done)
}

// begin registers a backfill with what the repository does, so that closing the repository waits
// for it.
func (m *Manager) begin() (done func(), err error) {
	done, ok := m.Runner.Background.Begin()
	if !ok {
		return nil, fmt.Errorf("repository %q: %w", m.Runner.Catalog.Location(), fault.ErrClosed)
	}
	return done, nil
}

// resume continues a backfill that is registered.
func (m *Manager) resume(ctx context.Context, id string, done func()) (*storage.BackfillRecord, error) {
	rec, err := m.own(ctx, id)
	if err != nil {
		done()
		return nil, err
	}
	if rec.State.Terminal() {
		done()
		return &rec, nil
	}
	if rec.Cancel != nil { // what begins now would be stopped at once
		defer done()
		return m.settle(ctx, rec, *rec.Cancel)
	}
	p, recorded, err := m.claim(ctx, &rec)
	if err != nil {
		done()
		return nil, err
	}
	return m.drive(ctx, p, rec, recorded, done)
}

// claim takes over a recorded backfill, and plans it as it was planned.
func (m *Manager) claim(ctx context.Context, rec *storage.BackfillRecord) (*Plan, []RecordedRun, error) {
	p, err := newRecordedPlan(ctx, m.Runner, rec)
	if err != nil {
		return nil, nil, err
	}
	if err := m.take(ctx, rec); err != nil {
		return nil, nil, err
	}
	recorded, err := p.recordedRuns(ctx, rec)
	return p, recorded, err
}

// take makes this process the owner of a backfill whose owner is gone.
func (m *Manager) take(ctx context.Context, rec *storage.BackfillRecord) error {
	c := storage.RunClaim{ID: rec.ID, Owner: proc.Self().String(), Lease: engine.Lease}
	if proc.Gone(rec.Owner) {
		c.Gone = rec.Owner
	}
	claimed, err := m.Runner.Store.ClaimBackfill(ctx, c)
	switch {
	case errors.Is(err, storage.ErrOwned):
		return fmt.Errorf("backfill %q: %w: %s: wait until it ends, or cancel it", rec.ID, storage.ErrOwned, proc.Describe(rec.Owner))
	case err != nil:
		return fmt.Errorf("backfill %q: taking it over: %w", rec.ID, err)
	}
	*rec = claimed
	return nil
}

// Recover continues, in the background, backfills of this repository whose process died. Errors are
// logged.
func (m *Manager) Recover(ctx context.Context) {
	open, err := m.Runner.Store.ListBackfills(ctx, storage.BackfillQuery{
		Location: m.Runner.Catalog.Location(),
		States:   []storage.BackfillState{storage.BackfillRequested, storage.BackfillInProgress, storage.BackfillCanceling},
	})
	if err != nil {
		m.log().WarnContext(ctx, "backfills whose process died are not looked for", "repository", m.Runner.Catalog.Location(), "error", err)
		return
	}
	for i := range open {
		rec := &open[i]
		if !rec.LeaseUntil.Before(time.Now()) && !proc.Gone(rec.Owner) {
			continue
		}
		log := m.log().With("backfill", rec.ID, "owner", proc.Describe(rec.Owner))
		done, err := m.begin()
		if err != nil { // the repository is being closed
			return
		}
		go func() {
			log.InfoContext(ctx, "a backfill whose process died is resumed")
			_, err := m.resume(context.WithoutCancel(ctx), rec.ID, done)
			if err != nil && !errors.Is(err, storage.ErrOwned) {
				log.WarnContext(ctx, "a backfill whose process died is not resumed", "error", err)
			}
		}()
	}
}

// Cancel asks a backfill to stop: nothing new begins, and the runs in progress are canceled. It
// returns true if the backfill is in progress in this process; else a request is recorded that its
// owner obeys, and one that has no owner is ended here, and its record returned. A backfill that
// has ended is left as it is.
func (m *Manager) Cancel(ctx context.Context, id string, c storage.CancelRequest) (here bool, ended *storage.BackfillRecord, err error) {
	rec, err := m.Runner.Store.GetBackfill(ctx, id)
	if err != nil {
		return false, nil, err
	}
	c.Backfill = rec.Key
	if rec.State.Terminal() {
		return false, nil, nil
	}
	if err := m.Runner.Store.Commit(ctx, &storage.Batch{Cancels: []storage.CancelRequest{c}}); err != nil {
		return false, nil, fmt.Errorf("backfill %q: asking it to stop: %w", id, err)
	}
	m.mu.Lock()
	stop := m.running[rec.ID]
	m.mu.Unlock()
	if stop != nil {
		stop(c)
		return true, nil, nil
	}
	if rec.Location != m.Runner.Catalog.Location() || !rec.LeaseUntil.Before(time.Now()) && !proc.Gone(rec.Owner) {
		return false, nil, nil // its owner hears of it
	}
	ended, err = m.settle(ctx, rec, c)
	return false, ended, err
}

// settle cancels a backfill that has no owner, and calls nothing of the definitions: its runs are
// settled as canceled, and what has no run is canceled.
func (m *Manager) settle(ctx context.Context, rec storage.BackfillRecord, c storage.CancelRequest) (*storage.BackfillRecord, error) {
	if err := m.take(ctx, &rec); err != nil {
		return nil, err
	}
	open, err := m.Runner.Store.ListRuns(ctx, storage.RunQuery{
		Backfill: rec.ID, States: []storage.RunState{storage.Queued, storage.NotStarted, storage.Running}, Limit: math.MaxInt32,
	})
	if err != nil {
		return nil, fmt.Errorf("backfill %q: reading its runs: %w", rec.ID, err)
	}
	for i := range open {
		of := storage.CancelRequest{At: c.At, By: c.By, Reason: fmt.Sprintf("backfill %s was canceled", rec.ID)}
		if _, err := engine.RequestCancel(ctx, m.Runner.Store, open[i].ID, of); err != nil {
			return nil, fmt.Errorf("backfill %q: %w", rec.ID, err)
		}
	}
	recorded, p, err := m.ended(ctx, &rec)
	switch {
	case err == nil:
		return m.execute(ctx, p.drive(m, rec, recorded)) // which has nothing to run, and counts
	case !errors.Is(err, errDefinedAnew):
		return nil, fmt.Errorf("backfill %q: canceling it: %w", rec.ID, err)
	}
	return m.settleUnplanned(ctx, rec)
}

// ended plans a backfill again and reads its runs, which have all ended.
func (m *Manager) ended(ctx context.Context, rec *storage.BackfillRecord) ([]RecordedRun, *Plan, error) {
	p, err := newRecordedPlan(ctx, m.Runner, rec)
	if err != nil {
		return nil, nil, err
	}
	recorded, err := p.recordedRuns(ctx, rec)
	if err != nil {
		return nil, nil, err
	}
	if at := slices.IndexFunc(recorded, func(r RecordedRun) bool { return !r.Ended }); at >= 0 {
		return nil, nil, fmt.Errorf("run %q is in progress in %s: cancel the backfill again once that has ended", recorded[at].Run.ID, proc.Describe(recorded[at].Run.Owner))
	}
	return recorded, p, nil
}

// settleUnplanned ends a backfill whose definitions are others now, so that what its last runs made
// is not known by partition.
func (m *Manager) settleUnplanned(ctx context.Context, rec storage.BackfillRecord) (*storage.BackfillRecord, error) {
	p := rec.Progress
	p.Canceled = rec.Partitions.Minus(p.Completed).Minus(p.Failed)
	p.CanceledCount = rec.Total - p.CompletedCount - p.FailedCount
	u := storage.BackfillUpdate{Backfill: rec.Key, State: storage.BackfillCanceled, At: time.Now().UTC(), Progress: p, Error: "the backfill was canceled"}
	fence := storage.Fence{Backfill: rec.Key, Token: rec.Token}
	if err := m.Runner.Store.Commit(ctx, &storage.Batch{Fence: fence, BackfillUpdates: []storage.BackfillUpdate{u}}); err != nil {
		return nil, fmt.Errorf("backfill %q: recording its end: %w", rec.ID, err)
	}
	rec.State, rec.EndedAt, rec.Error, rec.Progress = u.State, u.At, u.Error, p
	rec.FillSkipped()
	return &rec, nil
}

// Status returns what is recorded of a backfill, or an error that wraps [storage.ErrNotFound].
func (m *Manager) Status(ctx context.Context, id string) (*storage.BackfillRecord, error) {
	rec, err := m.Runner.Store.GetBackfill(ctx, id)
	if err != nil {
		return nil, err
	}
	return &rec, nil
}

// own reads a backfill, which must be of this repository.
func (m *Manager) own(ctx context.Context, id string) (storage.BackfillRecord, error) {
	rec, err := m.Runner.Store.GetBackfill(ctx, id)
	switch here := m.Runner.Catalog.Location(); {
	case err != nil:
		return rec, err
	case rec.Location != here:
		return rec, fmt.Errorf("backfill %q belongs to repository %q (this is %q): run it there", rec.ID, rec.Location, here)
	}
	return rec, nil
}

// record records a backfill and sees it through.
func (m *Manager) record(ctx context.Context, p *Plan, rerunOf string) (*storage.BackfillRecord, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("backfill: making an id: %w", err)
	}
	rec := storage.BackfillRecord{
		ID: id.String(), Location: m.Runner.Catalog.Location(), Request: p.req, RerunOf: rerunOf, Assets: p.assets, Partitions: p.set, Total: p.total,
		CreatedAt: p.partitioning.Now().UTC(), Token: 1, Owner: proc.Self().String(),
	}
	done, err := m.begin()
	if err != nil {
		return nil, err
	}
	b := storage.Batch{Backfills: []storage.BackfillRecord{rec}, Lease: engine.Lease}
	if err := m.Runner.Store.Commit(ctx, &b); err != nil {
		done()
		return nil, fmt.Errorf("backfill: recording it: %w", err)
	}
	return m.drive(ctx, p, b.Backfills[0], nil, done)
}

// drive executes a backfill, in the background for a NoBlock request. It calls done at the end.
func (m *Manager) drive(ctx context.Context, p *Plan, rec storage.BackfillRecord, recorded []RecordedRun, done func()) (*storage.BackfillRecord, error) {
	drive := p.drive(m, rec, recorded)
	if m.Progress != nil {
		drive.Changed = m.Progress(rec.ID, p.total)
	}
	if !rec.Request.NoBlock {
		defer done()
		return m.execute(ctx, drive)
	}
	go func() {
		defer done()
		ctx := context.WithoutCancel(ctx)
		if _, err := m.execute(ctx, drive); err != nil { // its record has the outcome, if it was written
			m.log().WarnContext(ctx, "a backfill stopped before its end was recorded", "backfill", rec.ID, "error", err)
		}
	}()
	return &rec, nil
}

// drive is what sees the backfill of a plan through.
func (p *Plan) drive(m *Manager, rec storage.BackfillRecord, recorded []RecordedRun) Drive {
	return Drive{
		Config: p.config(), Record: rec, Recorded: recorded, Store: m.Runner.Store, Runs: &runs{plan: p, backfill: rec.ID},
		Leases: m.Runner.Leases, Count: p.space.Count, Lease: engine.Lease,
	}
}

// execute sees a backfill through; while it does, it can be canceled by its id.
func (m *Manager) execute(ctx context.Context, drive Drive) (*storage.BackfillRecord, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	id := drive.Record.ID
	m.mu.Lock()
	if m.running == nil {
		m.running = map[string]func(storage.CancelRequest){}
	}
	m.running[id] = func(c storage.CancelRequest) { cancel(&engine.CancelError{CancelRequest: c}) }
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.running, id)
	}()
	if m.Before != nil {
		m.Before(ctx)
	}
	var finished func(*storage.BackfillRecord)
	if m.Started != nil {
		finished = m.Started(&drive.Record)
	}
	rec, err := drive.Execute(ctx)
	if finished != nil {
		finished(&rec)
	}
	return &rec, err
}
