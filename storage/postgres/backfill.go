package postgres

import (
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

var (
	lockBackfills = &statement{name: "rivers_lock_backfill", sql: `SELECT key, id, token, state, owner, lease_until, started_at, cancel FROM backfill
		WHERE key = ANY($1::bigint[]) ORDER BY key FOR NO KEY UPDATE`}
	lockClaimedBackfills = &statement{name: "rivers_lock_claimed_backfill", sql: `SELECT key, id, token, state, owner, lease_until, started_at, cancel FROM backfill
		WHERE key = ANY($1::bigint[]) OR id = ANY($2::text[]) ORDER BY key FOR NO KEY UPDATE`}
	askBackfillIDs = &statement{name: "rivers_ask_backfill_id", sql: `SELECT id FROM backfill WHERE id = ANY($1::text[])`}
)

// askBackfills locks backfills and asks which IDs are taken.
func (f *facts) askBackfills(t *pipeline, n *ledger.Needs) {
	switch {
	case len(n.ClaimedBackfillIDs) > 0:
		t.send(lockClaimedBackfills, f.addBackfill, integers(n.Backfills), textList(n.ClaimedBackfillIDs))
	case len(n.Backfills) > 0:
		t.send(lockBackfills, f.addBackfill, integers(n.Backfills))
	}
	if added := len(n.NewBackfillIDs); added > 0 {
		t.send(askBackfillIDs, func(row row) { f.backfillTaken[row.text(0)] = true }, textList(n.NewBackfillIDs))
		t.send(takeBackfillKeys, func(row row) { f.backfillKeys = append(f.backfillKeys, row.integer(0)) }, parameter(int64(added)))
	}
}

func (f *facts) addBackfill(row row) {
	b := &ledger.Backfill{
		Key: storage.BackfillKey(row.integer(0)), ID: row.text(1), Token: row.integer(2), State: storage.BackfillState(row.integer(3)),
		Owner: row.text(4), Until: storage.Micros(row.integer(5)), StartedAt: storage.Micros(row.integer(6)),
		Cancel: row.document(7),
	}
	f.backfills[b.Key], f.backfillByID[b.ID] = b, b
}

// Backfill implements [ledger.Backfills], as do the three methods below.
func (f *facts) Backfill(key storage.BackfillKey) (*ledger.Backfill, error) {
	return f.backfills[key], nil
}

// BackfillByID returns a backfill that the first pipeline locked by its ID.
func (f *facts) BackfillByID(id string) (*ledger.Backfill, error) { return f.backfillByID[id], nil }

// HasBackfill reports whether a backfill has an ID that the first pipeline asked for.
func (f *facts) HasBackfill(id string) (bool, error) { return f.backfillTaken[id], nil }

// AddBackfill gives a new backfill one of the keys that the first pipeline took.
func (f *facts) AddBackfill(b *ledger.NewBackfill) error {
	f.backfillTaken[b.ID] = true
	b.Key, f.backfillKeys = storage.BackfillKey(f.backfillKeys[0]), f.backfillKeys[1:]
	return nil
}
