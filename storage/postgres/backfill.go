package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// backfill is a backfill's row as the transaction sees it, and what it changes of it.
type backfill struct {
	key     storage.BackfillKey
	id      string
	token   int64
	state   storage.BackfillState
	owner   string
	until   storage.Micros
	started storage.Micros
	cancel  []byte

	changed   bool
	update    *storage.BackfillUpdate
	ended     *storage.Micros
	canceling []byte
}

// newBackfill is a backfill to insert, with the end of its owner's lease. Its ID is here once more, since its record is the
// caller's, who may have left when the answer comes.
type newBackfill struct {
	*commit.Backfill

	id    string
	until storage.Micros
}

// fillKey names a set of a backfill, fillSet is one; an empty one has no labels.
type fillKey struct {
	backfill storage.BackfillKey
	which    int
}

type fillSet struct {
	fillKey

	labels []byte
}

func compareFills(a, b fillKey) int {
	return cmp.Or(cmp.Compare(a.backfill, b.backfill), cmp.Compare(a.which, b.which))
}

var (
	lockBackfills = &statement{name: "rivers_lock_backfill", sql: `SELECT key, id, token, state, owner, lease_until, started_at, cancel FROM backfill
		WHERE key = ANY($1::bigint[]) ORDER BY key FOR NO KEY UPDATE`}
	lockClaimedBackfills = &statement{name: "rivers_lock_claimed_backfill", sql: `SELECT key, id, token, state, owner, lease_until, started_at, cancel FROM backfill
		WHERE key = ANY($1::bigint[]) OR id = ANY($2::text[]) ORDER BY key FOR NO KEY UPDATE`}
	askBackfillIDs = &statement{name: "rivers_ask_backfill_id", sql: `SELECT id FROM backfill WHERE id = ANY($1::text[])`}
)

// askBackfills locks backfills and asks which IDs are taken.
func (f *facts) askBackfills(t *trip, n *needs) {
	switch {
	case len(n.claimedFills) > 0:
		t.send(lockClaimedBackfills, f.addBackfill, integers(n.backfills), textList(n.claimedFills))
	case len(n.backfills) > 0 && n.backfills[len(n.backfills)-1] > 0: // sorted; zero is none
		t.send(lockBackfills, f.addBackfill, integers(n.backfills))
	}
	if n.fillKeys > 0 {
		t.send(askBackfillIDs, func(row row) { f.fillTaken[row.text(0)] = true }, textList(n.fillIDs))
		t.send(takeFillKeys, func(row row) { f.fillKeys = append(f.fillKeys, row.integer(0)) }, parameter(int64(n.fillKeys)))
	}
}

func (f *facts) addBackfill(row row) {
	b := &backfill{
		key: storage.BackfillKey(row.integer(0)), id: row.text(1), token: row.integer(2), state: storage.BackfillState(row.integer(3)),
		owner: row.text(4), until: storage.Micros(row.integer(5)), started: storage.Micros(row.integer(6)),
		cancel: row.document(7),
	}
	f.backfills[b.key], f.fillByID[b.id] = b, b
}

func (f *facts) checkBackfill(fence storage.Fence) error {
	b := f.backfills[fence.Backfill]
	switch {
	case b == nil:
		return fmt.Errorf("backfill %d: %w: it is not recorded", fence.Backfill, storage.ErrFenced)
	case b.state.Terminal():
		return fmt.Errorf("backfill %q: %w: it ended in state %s", b.id, storage.ErrFenced, b.state)
	case b.token != fence.Token:
		return fmt.Errorf("backfill %q: %w: token %d, the owner's is %d", b.id, storage.ErrFenced, fence.Token, b.token)
	}
	return nil
}

// expectBackfills refuses an ID that a backfill has.
func (f *facts) expectBackfills(backfills []commit.Backfill) error {
	for i := range backfills {
		id := backfills[i].Record.ID
		if f.fillTaken[id] {
			return fmt.Errorf("backfill %q: %w", id, storage.ErrBackfillExists)
		}
		if slices.ContainsFunc(backfills[:i], func(o commit.Backfill) bool { return o.Record.ID == id }) {
			return fmt.Errorf("backfill %q: %w: the batch has it twice", id, storage.ErrBackfillExists)
		}
	}
	return nil
}

func (f *facts) insertBackfill(n *commit.Backfill, lease time.Duration, e *effects) {
	b := &newBackfill{Backfill: n, id: n.Record.ID}
	if rec := b.Record; rec.Owner != "" && !rec.State.Terminal() {
		b.until = f.after(lease)
	}
	f.fillTaken[b.id] = true
	b.Key, f.fillKeys = storage.BackfillKey(f.fillKeys[0]), f.fillKeys[1:]
	e.newBackfills = append(e.newBackfills, b)
	e.putFillSets(b.Key, b.Sets, commit.AllSet)
}

func (e *effects) putFillSets(key storage.BackfillKey, sets commit.Sets, from int) {
	for which := from; which < len(sets); which++ {
		e.fillSets.put(&fillSet{fillKey{key, which}, sets[which]})
	}
}

// changeBackfill notes that a backfill's row is to be written.
func (e *effects) changeBackfill(b *backfill) {
	if !b.changed {
		b.changed = true
		e.backfills = append(e.backfills, b)
	}
}

func (f *facts) updateBackfill(p *commit.Progress, e *effects) {
	u := p.Update
	b := f.backfills[u.Backfill] // the fence was of this backfill, so it is there
	b.state, b.update = u.State, u
	at := storage.MicrosOf(u.At)
	switch {
	case u.State == storage.BackfillInProgress && b.started == 0:
		b.started = at
	case u.State.Terminal():
		b.ended, b.until = &at, 0
	}
	e.changeBackfill(b)
	e.putFillSets(b.key, p.Sets, commit.SubmittedSet)
}

// cancelBackfill notes the first who asks a backfill to stop.
func (f *facts) cancelBackfill(key storage.BackfillKey, doc []byte, e *effects) {
	b := f.backfills[key]
	if b == nil || b.state.Terminal() || len(b.cancel) > 0 {
		return
	}
	b.cancel, b.canceling = doc, doc
	e.topics |= storage.TopicCancel
	e.changeBackfill(b)
}

// ClaimBackfill makes an owner the owner of a backfill that is nobody's.
func (s *Store) ClaimBackfill(ctx context.Context, c storage.RunClaim) (storage.BackfillRecord, error) {
	if err := c.Validate(); err != nil {
		return storage.BackfillRecord{}, err
	}
	call := backfillClaim{RunClaim: c}
	if err := s.lease(ctx, storage.Fence{}, &call); err != nil {
		return storage.BackfillRecord{}, err
	}
	rec, err := s.GetBackfill(ctx, c.ID)
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	rec.Token, rec.Owner, rec.LeaseUntil = call.token, c.Owner, call.until.Time() // whatever happened since
	return rec, nil
}

type backfillClaim struct {
	storage.RunClaim

	token int64
	until storage.Micros
}

func (c *backfillClaim) needs(n *needs) { n.claimedFills = append(n.claimedFills, c.ID) }

func (c *backfillClaim) decide(f *facts, e *effects) (refusal error) {
	b := f.fillByID[c.ID]
	switch {
	case b == nil:
		return fmt.Errorf("backfill %q: %w", c.ID, storage.ErrNotFound)
	case b.state.Terminal():
		return fmt.Errorf("backfill %q: %w in state %s", c.ID, storage.ErrRunEnded, b.state)
	case b.owner != "" && b.owner != c.Gone && b.until > f.now:
		return fmt.Errorf("backfill %q: %w: %s, until %s", c.ID, storage.ErrOwned, b.owner, b.until.Time().Format(time.RFC3339))
	}
	b.token++
	b.owner, b.until = c.Owner, f.after(c.Lease)
	c.token, c.until = b.token, b.until
	e.changeBackfill(b)
	return nil
}
