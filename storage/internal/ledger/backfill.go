package ledger

import (
	"cmp"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// Backfill is a recorded backfill as the transaction sees it, with what the transaction changes of
// it.
type Backfill struct {
	Key   storage.BackfillKey
	ID    string
	Token int64
	State storage.BackfillState
	Owner string
	// Until is when the owner's lease ends, StartedAt zero before the start.
	Until, StartedAt storage.Micros
	// Cancel is the request to stop the backfill as JSON, empty for none.
	Cancel []byte

	// Update is the last change of state, nil for none. Ended and Canceled are nil where they do not
	// change.
	Update   *storage.BackfillUpdate
	Ended    *storage.Micros
	Canceled []byte

	changed bool
}

// NewBackfill is a backfill to insert; see [NewRun].
type NewBackfill struct {
	*commit.Backfill

	ID    string
	Until storage.Micros
}

// BackfillSetKey names a set of a backfill, by the order of [commit.Sets].
type BackfillSetKey struct {
	Backfill storage.BackfillKey
	Which    int
}

// BackfillSet is a set to write. An empty one has no labels.
type BackfillSet struct {
	BackfillSetKey

	Labels []byte
}

func compareBackfillSets(a, b BackfillSetKey) int {
	return cmp.Or(cmp.Compare(a.Backfill, b.Backfill), cmp.Compare(a.Which, b.Which))
}

func (t *transaction) checkBackfillFence(f storage.Fence) (refusal, err error) {
	b, err := t.Backfills.Backfill(f.Backfill)
	switch {
	case err != nil:
		return nil, err
	case b == nil:
		return fmt.Errorf("backfill %d: %w: it is not recorded", f.Backfill, storage.ErrFenced), nil
	case b.State.Terminal():
		return fmt.Errorf("backfill %q: %w: it ended in state %s", b.ID, storage.ErrFenced, b.State), nil
	case b.Token != f.Token:
		return fmt.Errorf("backfill %q: %w: token %d, the owner's is %d", b.ID, storage.ErrFenced, f.Token, b.Token), nil
	}
	return nil, nil
}

// checkNewBackfills refuses IDs that a backfill has, and IDs that the batch has twice.
func (t *transaction) checkNewBackfills(backfills []commit.Backfill) (refusal, err error) {
	for i := range backfills {
		id := backfills[i].Record.ID
		for j := range backfills[:i] {
			if backfills[j].Record.ID == id {
				return fmt.Errorf("backfill %q: %w: the batch has it twice", id, storage.ErrBackfillExists), nil
			}
		}
		known, err := t.Backfills.HasBackfill(id)
		if err != nil {
			return nil, err
		}
		if known {
			return fmt.Errorf("backfill %q: %w", id, storage.ErrBackfillExists), nil
		}
	}
	return nil, nil
}

func (t *transaction) addBackfill(n *commit.Backfill, lease time.Duration) error {
	b := &NewBackfill{Backfill: n, ID: n.Record.ID}
	if rec := b.Record; rec.Owner != "" && !rec.State.Terminal() {
		b.Until = t.after(lease)
	}
	if err := t.Backfills.AddBackfill(b); err != nil {
		return err
	}
	t.NewBackfills = append(t.NewBackfills, b)
	t.putBackfillSets(b.Key, b.Sets, commit.AllSet)
	return nil
}

// putBackfillSets notes the sets of a backfill from one on.
func (t *transaction) putBackfillSets(key storage.BackfillKey, sets commit.Sets, from int) {
	for which := from; which < len(sets); which++ {
		t.BackfillSets.Put(&BackfillSet{BackfillSetKey{key, which}, sets[which]})
	}
}

// changeBackfill notes that a backfill's row is to be written.
func (t *transaction) changeBackfill(b *Backfill) {
	if !b.changed {
		b.changed = true
		t.BackfillChanges = append(t.BackfillChanges, b)
	}
}

// updateBackfill changes the state and the progress of the fenced backfill.
func (t *transaction) updateBackfill(p *commit.Progress) error {
	u := p.Update
	b, err := t.Backfills.Backfill(u.Backfill)
	if err != nil {
		return err
	}
	b.State, b.Update = u.State, u // the fence was of this backfill, so it is recorded
	at := storage.MicrosOf(u.At)
	switch {
	case u.State == storage.BackfillInProgress && b.StartedAt == 0:
		b.StartedAt = at
	case u.State.Terminal():
		b.Ended, b.Until = &at, 0
	}
	t.changeBackfill(b)
	t.putBackfillSets(b.Key, p.Sets, commit.SubmittedSet)
	return nil
}

// cancelBackfill notes the first request to stop a backfill that has not ended.
func (t *transaction) cancelBackfill(key storage.BackfillKey, doc []byte) error {
	b, err := t.Backfills.Backfill(key)
	if err != nil || b == nil || b.State.Terminal() || len(b.Cancel) > 0 {
		return err
	}
	b.Cancel, b.Canceled = doc, doc
	t.Topics |= storage.TopicCancel
	t.changeBackfill(b)
	return nil
}
