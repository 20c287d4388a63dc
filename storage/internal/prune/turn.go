package prune

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// The times of a turn.
const (
	// turnLease is how long a turn is its owner's, and atIt how long that prunes at most: a lease
	// that is not renewed cannot be lost.
	turnLease = time.Minute
	atIt      = turnLease / 2
	// goOn is when the next turn begins if this one ended before its end was reached, by its limit
	// or by an error.
	goOn = time.Minute
	// toPass bounds the wait for passing the turn on at the end of a process.
	toPass = 250 * time.Millisecond
)

// prefix begins the keys that a turn reads.
const prefix = "prune/"

// turn is the value under [storage.PruneTurn].
type turn struct {
	// Next is the earliest instant of the next turn: during a turn, the end of its lease.
	Next storage.Micros `json:"next"`
	// By identifies the holder, so that none takes another's turn for its own.
	By string `json:"by,omitempty"`
	// place is where it begins.
	place
}

// place is the progress of the work: a stage, and the key after which it continues.
type place struct {
	Part  string `json:"part,omitempty"`
	After int64  `json:"after,omitempty"`
}

// inTurn prunes if it is the turn of this call.
func (p *pruner) inTurn(ctx context.Context, r storage.PruneRequest) error {
	p.report.Skipped = true
	before, last, keep, err := p.readTurn(ctx, r.Retention)
	if err != nil || keep.ByHand {
		return err
	}
	now := r.Now
	if now.IsZero() {
		now = time.Now()
	}
	at := storage.MicrosOf(now)
	after := func(d time.Duration) storage.Micros { return storage.MicrosOf(now.Add(d)) }
	if at < last.Next && last.Next <= after(max(r.Every, turnLease, goOn)) { // later is the doing of a clock that was wrong
		return nil
	}
	r.Retention = keep
	if p.cutoffs, err = r.Cutoffs(); err != nil {
		return err
	}
	if young, err := p.young(ctx); young || err != nil {
		return err
	}
	mine := turn{Next: after(turnLease), By: rand.Text(), place: last.place}.encode()
	if won, err := p.Swap(ctx, storage.PruneTurn, before, mine); err != nil || !won {
		return err
	}
	p.report.Skipped, p.at = false, last.place
	bounded, cancel := context.WithTimeout(ctx, atIt)
	defer cancel()
	err = p.all(bounded)
	if bounded.Err() != nil && ctx.Err() == nil {
		p.report.More, err = true, nil
	}
	next := turn{Next: after(r.Every)}
	switch {
	case ctx.Err() != nil:
		next = turn{Next: at, place: p.at} // the next turn continues
	case p.report.More:
		next = turn{Next: after(goOn), place: p.at}
	case err != nil:
		next = turn{Next: after(goOn)}
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), toPass)
	defer cancel()
	_, _ = p.Swap(leaving, storage.PruneTurn, mine, next.encode()) // else the lease ends, and the next one begins where this one did
	return err
}

func (t turn) encode() []byte {
	text, _ := json.Marshal(t) //nolint:errchkjson // numbers and words
	return text
}

// readTurn reads the turn and the longest retention of all repositories. It ignores an unreadable
// turn, which is only a date.
func (p *pruner) readTurn(ctx context.Context, keep storage.Retention) (value []byte, t turn, _ storage.Retention, err error) {
	pairs, err := p.ListKV(ctx, prefix)
	if err != nil {
		return nil, t, keep, err
	}
	for _, pair := range pairs {
		if pair.Key == storage.PruneTurn {
			value = pair.Value
			if json.Unmarshal(value, &t) != nil {
				t = turn{}
			}
			continue
		}
		if location, ok := strings.CutPrefix(pair.Key, storage.RetentionPrefix); ok {
			var other storage.Retention
			if err := json.Unmarshal(pair.Value, &other); err != nil {
				return nil, t, keep, fmt.Errorf("how long %q keeps history: value %q: %w", location, pair.Key, err)
			}
			keep = keep.Longest(other)
		}
	}
	return value, t, keep, nil
}

// young reports whether the oldest records of the store are too young for deletion. A young store
// costs no transaction.
func (p *pruner) young(ctx context.Context) (bool, error) {
	before := &p.cutoffs.Before
	runs, err := p.EndedRuns(ctx, RunQuery{Before: math.MaxInt64, Limit: 1})
	if err != nil || len(runs) > 0 && runs[0].Ended < max(youngestRows(before), before[storage.PruneRuns]) {
		return false, err
	}
	fills, err := p.EndedBackfills(ctx, BackfillQuery{Before: before[storage.PruneBackfills], Limit: 1})
	if err != nil || len(fills) > 0 {
		return false, err
	}
	feed, err := p.OldChanges(ctx, 0, 1)
	return err == nil && (len(feed) == 0 || feed[0].At >= max(before[storage.PruneChanges], p.cutoffs.Passed)), err
}
