package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// Run is a recorded run as the transaction sees it, with what the transaction changes of it.
type Run struct {
	Key   storage.RunKey
	ID    string
	Token int64
	State storage.RunState
	Owner string
	// Until is when the owner's lease ends.
	Until storage.Micros
	// Cancel is the request to stop the run as JSON, empty for none.
	Cancel []byte
	// LastEvent and LastLine are the highest numbers of the recorded events and log lines. A store
	// that replaces records whatever their numbers are leaves them zero.
	LastEvent, LastLine int64

	// Update is the last change of state, nil for none. Started, Ended and Canceled are nil where they
	// do not change. Planned is true if Plan, as JSON, replaces the recorded one.
	Update         *storage.RunUpdate
	Started, Ended *storage.Micros
	Canceled       []byte
	Planned        bool
	Plan           []byte
	// Leased is true if Token, Owner or Until change for another reason than the end of the run.
	Leased bool

	changed bool
}

// NewRun is a run to insert. The ID is here once more, since the record belongs to the caller, who
// may have left when the store answers.
type NewRun struct {
	*commit.Run

	ID string
	// Until is when the owner's lease ends, zero without an owner.
	Until storage.Micros
	// RowKey is the key to insert, zero where the store gives one.
	RowKey storage.RunKey
}

func (t *transaction) checkRunFence(f storage.Fence) (refusal, err error) {
	r, err := t.Runs.Run(f.Run)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return fmt.Errorf("run %d: %w: it is not recorded", f.Run, storage.ErrFenced), nil
	case r.State.Terminal():
		return fmt.Errorf("run %q: %w: it ended in state %s", r.ID, storage.ErrFenced, r.State), nil
	case r.Token != f.Token:
		return fmt.Errorf("run %q: %w: token %d, the owner's is %d", r.ID, storage.ErrFenced, f.Token, r.Token), nil
	}
	return nil, nil
}

// checkNewRuns refuses IDs that a run has, and IDs that the batch has twice.
func (t *transaction) checkNewRuns(r *commit.Request) (refusal, err error) {
	for _, e := range r.Batch.Expect {
		if refusal, err = t.checkNoRun(e.NoRun); refusal != nil || err != nil {
			return refusal, err
		}
	}
	for i := range r.Runs {
		id := r.Runs[i].Record.ID
		for j := range r.Runs[:i] {
			if r.Runs[j].Record.ID == id {
				return fmt.Errorf("run %q: %w: the batch has it twice", id, storage.ErrRunExists), nil
			}
		}
		if expects(r.Batch, id) {
			continue
		}
		if refusal, err = t.checkNoRun(id); refusal != nil || err != nil {
			return refusal, err
		}
	}
	return nil, nil
}

// expects reports whether the batch expects the ID to be new, so that it was checked.
func expects(b *storage.Batch, id string) bool {
	for _, e := range b.Expect {
		if e.NoRun == id {
			return true
		}
	}
	return false
}

func (t *transaction) checkNoRun(id string) (refusal, err error) {
	known, err := t.Runs.HasRun(id)
	if err != nil || !known {
		return nil, err
	}
	return fmt.Errorf("run %q: %w", id, storage.ErrRunExists), nil
}

func (t *transaction) addRun(run *commit.Run, lease time.Duration) error {
	r := &NewRun{Run: run, ID: run.Record.ID}
	rec := r.Record
	if rec.Owner != "" && !rec.State.Terminal() {
		r.Until = t.after(lease)
	}
	if err := t.Runs.AddRun(r); err != nil {
		return err
	}
	t.NewRuns = append(t.NewRuns, r)
	if rec.State.Terminal() {
		return nil
	}
	return t.addInFlight(r.RowKey, rec.Targets, storage.MicrosOf(rec.CreatedAt))
}

// change notes that a run's row is to be written.
func (t *transaction) change(r *Run) {
	if !r.changed {
		r.changed = true
		t.RunChanges = append(t.RunChanges, r)
	}
}

// updateRun changes the state of the fenced run.
func (t *transaction) updateRun(u *storage.RunUpdate) error {
	r, err := t.Runs.Run(u.Run)
	if err != nil {
		return err
	}
	r.State, r.Update = u.State, u // the fence was of this run, so it is recorded
	if u.Plan != nil {
		r.Planned, r.Plan = true, storage.AppendPlan(nil, u.Plan)
		if len(u.Plan) == 0 {
			r.Plan = []byte("[]") // a plan without steps replaces another one too
		}
	}
	at := storage.MicrosOf(u.At)
	switch {
	case u.State == storage.Running:
		r.Started = &at
	case u.State.Terminal():
		r.Ended, r.Until = &at, 0
	}
	t.change(r)
	if u.Targets == nil || u.State.Terminal() {
		return nil
	}
	if err := t.clearInFlight(u.Run, at); err != nil {
		return err
	}
	return t.addInFlight(u.Run, u.Targets, at)
}

// encodeCancels makes the documents of a batch's requests to cancel.
func encodeCancels(b *storage.Batch) ([][]byte, error) {
	if b == nil || len(b.Cancels) == 0 {
		return nil, nil
	}
	docs := make([][]byte, len(b.Cancels))
	for i, c := range b.Cancels {
		c.At = storage.MicrosOf(c.At).Time()
		var err error
		if docs[i], err = json.Marshal(c); err != nil {
			return nil, fmt.Errorf("request to cancel: %w", err)
		}
	}
	return docs, nil
}

// cancel notes the first request to stop a run or a backfill that has not ended.
func (t *transaction) cancel(c *storage.CancelRequest, doc []byte) error {
	if c.Backfill != 0 {
		return t.cancelBackfill(c.Backfill, doc)
	}
	r, err := t.Runs.Run(c.Run)
	if err != nil || r == nil || r.State.Terminal() || len(r.Cancel) > 0 {
		return err
	}
	r.Cancel, r.Canceled = doc, doc
	t.Topics |= storage.TopicCancel
	t.change(r)
	return nil
}
