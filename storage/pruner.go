package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Pruner deletes history.
type Pruner interface {
	// Prune deletes history beyond the retention in many small transactions, and rests after each
	// for longer than it took. A concurrent writer waits for one of them at most. Several processes
	// may call it at once. A later call continues where an interrupted one stopped. The report is
	// valid beside an error.
	//
	// It deletes history and no present state. It keeps runs in progress, the runs that they retry,
	// the runs of backfills in progress, the newest run, backfill and change, and runs with a place
	// in a pool. A present state keeps the ID of its deleted run. A run names its deleted records,
	// see [RunRecord].
	//
	// A request with an Every is for background pruning: many processes may ask, and one at a time
	// prunes.
	Prune(ctx context.Context, r PruneRequest) (PruneReport, error)
}

// FeedPrefix begins the keys under which consumers of the change feed store their last Seq, as a
// decimal: "feed/CONSUMER/LOCATION". FeedPruned is the key of the Seq up to which changes may be
// deleted: a consumer with a smaller one reads the present states again.
const (
	FeedPrefix = "feed/"
	FeedPruned = "feed/pruned"
)

// RetentionPrefix begins the keys under which repositories say how long they keep history: a
// [Retention] as JSON under "prune/keep/LOCATION". PruneTurn is the key of whose turn it is to
// prune, and of where the last one stopped.
const (
	RetentionPrefix = "prune/keep/"
	PruneTurn       = "prune/turn"
)

// FirstPruneTurn is the value under [PruneTurn] of an unpruned store that needs no pruning before
// an instant.
func FirstPruneTurn(at time.Time) KVPair {
	return KVPair{Key: PruneTurn, Value: fmt.Appendf(nil, `{"next":%d}`, MicrosOf(at))}
}

// NextPruneTurn reads the value under [PruneTurn]: [Pruner.Prune] with an Every does nothing before
// the returned instant. It returns the zero time for any other value.
func NextPruneTurn(value []byte) time.Time {
	var turn struct {
		Next Micros `json:"next"`
	}
	if json.Unmarshal(value, &turn) != nil {
		return time.Time{}
	}
	return turn.Next.Time()
}
