package rivers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// Nobody thinks of cron before the disk is full, so a repository that runs something prunes beside that: what is too old goes, a slice at a
// time, in one of the processes that share the store. What that may cost is bounded in all that people would notice.
//
//   - The start: one small value is read, which says when the next turn is. In a new store it is written with the definitions.
//   - The work: transactions of at most 512 rows, a millisecond or two on SQLite, and a rest three times as long after each.
//   - The end of a run waits for none of it. That of the process ends it: it waits for the transaction that is under way.
//   - The store: one process in an hour, or in a minute while there is more than it may take at once. A store in which nothing is
//     old is not written to.
//
// An age that is too short for somebody else who shares the store is no accident that may happen: each repository leaves its Retention
// there, and what any of them keeps stays.
const (
	upkeepEvery = time.Hour // which is also how long a new store is left alone
	upkeepAsks  = time.Minute
	upkeepRows  = 100_000
	upkeepChunk = 512
)

// upkeep prunes in the background, if it is time. What goes wrong with it is said and keeps nothing else from running.
func (r *CodeRepository) upkeep() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := time.Now(); r.closed || r.config.Retention.ByHand || now.Before(r.upkeepAt) && r.upkeepAt.Before(now.Add(2*upkeepEvery)) {
		return // a turn that is farther away is the doing of a clock that was wrong
	}
	r.upkeepAt = time.Now().Add(upkeepAsks)
	if r.endUpkeep != nil {
		r.endUpkeep() // it ended long ago
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.endUpkeep = cancel
	store := r.store
	r.background.Go(func() {
		did, err := store.Prune(ctx, storage.PruneRequest{Retention: r.config.Retention, Every: upkeepEvery, Limit: upkeepRows, Chunk: upkeepChunk})
		switch {
		case ctx.Err() != nil || errors.Is(err, storage.ErrClosed):
		case err != nil:
			r.log().Warn("history is not pruned", "repository", r.Name(), "error", err)
		case did.Rows() > 0:
			r.log().Debug("history was pruned", "rows", did.Rows(), "more", did.More)
		}
	})
}

// firstUpkeep reads when history is to be pruned next. Where that is not known it returns what is to be written.
func (r *CodeRepository) firstUpkeep(ctx context.Context, store storage.KV) ([]storage.KVPair, error) {
	if r.config.Retention.ByHand {
		return nil, nil
	}
	var first []storage.KVPair
	value, err := store.GetKV(ctx, storage.PruneTurn)
	if errors.Is(err, storage.ErrNotFound) {
		pair := storage.FirstPruneTurn(time.Now().Add(upkeepEvery))
		first, value, err = []storage.KVPair{pair}, pair.Value, nil
	}
	if err != nil {
		return nil, fmt.Errorf("repository %q: reading when history is to be pruned: %w", r.config.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.upkeepAt = storage.NextPruneTurn(value)
	return first, nil
}

// keptAs is the value by which others who share the store know how long this repository keeps history.
func (r *CodeRepository) keptAs() (storage.KVPair, error) {
	value, err := json.Marshal(r.config.Retention)
	if err != nil {
		return storage.KVPair{}, fmt.Errorf("repository %q: encoding its retention: %w", r.config.Name, err)
	}
	return storage.KVPair{Key: storage.RetentionPrefix + r.config.Name, Value: value}, nil
}

// Retention returns how long this repository keeps history, as [RepositoryConfig.Retention] says it.
func (r *CodeRepository) Retention() storage.Retention { return r.config.Retention }

// checkRetention looks at the ages that history is kept.
func (v *validation) checkRetention() {
	if err := v.repo.config.Retention.Validate(); err != nil {
		v.repositoryFault("Retention", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}
