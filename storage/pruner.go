package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Pruner deletes history.
type Pruner interface {
	// Prune deletes what the retention does not keep, in many small transactions, and rests after each for longer than that took: who
	// writes meanwhile waits for one of them at most. It may be called at any moment, by several processes at once, and be
	// ended at any: the next call goes on. The report says what was done also beside an error.
	//
	// It deletes history only. What is never touched: a run without an end, one that a run without an end retries, those of a
	// backfill without an end, the newest run, backfill and change, a run with a place in a pool; and whatever says what is true now. A present state keeps the ID of
	// its run when that is gone. A run that has lost something says what, see [RunRecord].
	//
	// A request with an Every is for who prunes beside its work, unasked: many may ask, one at a time does.
	Prune(ctx context.Context, r PruneRequest) (PruneReport, error)
}

// FeedPrefix begins the keys under which consumers of the feed of changes keep the Seq they have read up to, as a decimal: "feed/CONSUMER/LOCATION".
// FeedPruned is the key of the Seq up to which changes may be gone: who has read less reads the present states anew.
const (
	FeedPrefix = "feed/"
	FeedPruned = "feed/pruned"
)

// RetentionPrefix begins the keys under which repositories say how long they keep history: a [Retention] as JSON under
// "prune/keep/LOCATION". PruneTurn is the key of whose turn it is to prune, and of where the last one stopped.
const (
	RetentionPrefix = "prune/keep/"
	PruneTurn       = "prune/turn"
)

// FirstPruneTurn is the value under [PruneTurn] of a store that nobody has pruned and that need not be before an instant.
func FirstPruneTurn(at time.Time) KVPair {
	return KVPair{Key: PruneTurn, Value: fmt.Appendf(nil, `{"next":%d}`, MicrosOf(at))}
}

// NextPruneTurn reads from the value under [PruneTurn] before which instant no call of [Pruner.Prune] with an Every does anything. Of a
// value that says nothing it is the zero time.
func NextPruneTurn(value []byte) time.Time {
	var turn struct {
		Next Micros `json:"next"`
	}
	if json.Unmarshal(value, &turn) != nil {
		return time.Time{}
	}
	return turn.Next.Time()
}
