// Package pruner deletes old history in the background, while a repository runs anything.
//
// One of the processes that share the store deletes old history, a slice at a time. The cost is
// bounded:
//
//   - The start reads one small value: the instant of the next turn. A new store gets it with the
//     definitions.
//   - The work is transactions of at most 512 rows, a millisecond or two on SQLite. The pruner
//     rests three times as long after each.
//   - The end of a run waits for none of it. The end of the process waits for the transaction in
//     progress.
//   - One process prunes a store once an hour, or once a minute while more remains than one turn
//     may delete. It writes nothing to a store without old history.
//
// Each repository writes its Retention to the store. Repositories that share the store keep what
// any of them keeps, so a short age in one of them deletes nothing of another.
package pruner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rivers-go/rivers/storage"
)

const (
	turnEvery = time.Hour // which is also how long a new store is left alone
	askEvery  = time.Minute
	mostRows  = 100_000
	chunkRows = 512
)

// Pruner prunes one store for one repository. Its methods may be called from any goroutine.
type Pruner struct {
	Location  string
	Retention storage.Retention
	// Go runs work in the background; it returns false once the repository is closed.
	Go func(func()) bool
	// Log returns the operator's logger.
	Log func() *slog.Logger

	mu   sync.Mutex
	next time.Time          // before which history is not pruned here
	stop context.CancelFunc // ends a turn, nil before the first
}

// First reads the instant of the next turn. If the store has none, it returns the value to write.
func (p *Pruner) First(ctx context.Context, store storage.KV) ([]storage.KVPair, error) {
	if p.Retention.ByHand {
		return nil, nil
	}
	var first []storage.KVPair
	value, err := store.GetKV(ctx, storage.PruneTurn)
	if errors.Is(err, storage.ErrNotFound) {
		pair := storage.FirstPruneTurn(time.Now().Add(turnEvery))
		first, value, err = []storage.KVPair{pair}, pair.Value, nil
	}
	if err != nil {
		return nil, fmt.Errorf("repository %q: reading when history is to be pruned: %w", p.Location, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = storage.NextPruneTurn(value)
	return first, nil
}

// Kept returns the value that tells other repositories in the store how long this one keeps
// history.
func (p *Pruner) Kept() (storage.KVPair, error) {
	value, err := json.Marshal(p.Retention)
	if err != nil {
		return storage.KVPair{}, fmt.Errorf("repository %q: encoding its retention: %w", p.Location, err)
	}
	return storage.KVPair{Key: storage.RetentionPrefix + p.Location, Value: value}, nil
}

// Turn prunes in the background if a turn is due. It logs errors, which do not affect runs.
func (p *Pruner) Turn(store storage.Pruner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.Retention.ByHand || now.Before(p.next) && p.next.Before(now.Add(2*turnEvery)) {
		return // a turn farther away than two hours comes from a wrong clock, and is ignored
	}
	ctx, cancel := context.WithCancel(context.Background())
	working := p.Go(func() {
		did, err := store.Prune(ctx, storage.PruneRequest{Retention: p.Retention, Every: turnEvery, Limit: mostRows, Chunk: chunkRows})
		switch {
		case ctx.Err() != nil || errors.Is(err, storage.ErrClosed):
		case err != nil:
			p.Log().Warn("history is not pruned", "repository", p.Location, "error", err)
		case did.Rows() > 0:
			p.Log().Debug("history was pruned", "rows", did.Rows(), "more", did.More)
		}
	})
	if !working {
		cancel()
		return
	}
	p.next = time.Now().Add(askEvery)
	if p.stop != nil {
		p.stop() // it ended long ago
	}
	p.stop = cancel
}

// Stop ends the turn in progress.
func (p *Pruner) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != nil {
		p.stop()
	}
}
