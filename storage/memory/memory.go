package memory

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/signal"
)

// Store is a store in memory, made by [New]. Its zero value is not usable.
type Store struct {
	id string

	mu     sync.RWMutex
	closed bool
	// runs, assets and backfills are indexed by key-1. A run or backfill that was pruned is nil.
	runs         []*run
	runByID      map[string]*run
	assets       []*asset
	assetByKey   map[string]storage.AssetKey
	backfills    []*storage.BackfillRecord
	backfillByID map[string]*storage.BackfillRecord
	keys         map[string]*keyTable
	// seq counts the updates of states and what else is a change; the feed is in its order.
	seq  int64
	feed []*changes
	// claims are in the order of arrival.
	claims     []*claim
	pools      map[string]pool
	kv         map[string][]byte
	topologies map[string]storage.Topology
	// refused holds what the later calls under a fence are told.
	refused map[storage.Fence]error
	// names has the IDs of runs that were pruned and that present states refer to.
	names map[storage.RunKey]string

	signals signal.Hub
}

type run struct {
	record storage.RunRecord
	// events and logs are in the order of N.
	events []storage.Event
	logs   []storage.LogLine
	// targets are the assets in which the run has partitions in flight.
	targets []storage.AssetKey
	// lost has the marks of what was pruned.
	lost int64
}

type asset struct {
	name string
	// states are the latest of each kind, nil where there is none.
	states [storage.StateKinds]*state
	// parts is what is kept of partitions, nil until there is something.
	parts *parts
	// history has the events of the asset in the order of run and N.
	history []eventKey
}

type eventKey struct {
	run storage.RunKey
	n   int64
}

// New returns an empty store. Closing it forgets nothing that was read before, but ends its use.
func New() *Store {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never returns an error, see its documentation
	return &Store{
		id:      hex.EncodeToString(id[:]),
		runByID: map[string]*run{}, assetByKey: map[string]storage.AssetKey{}, pools: map[string]pool{},
		backfillByID: map[string]*storage.BackfillRecord{}, keys: map[string]*keyTable{},
		kv: map[string][]byte{}, topologies: map[string]storage.Topology{},
		refused: map[storage.Fence]error{}, names: map[storage.RunKey]string{},
	}
}

var _ storage.Storage = (*Store)(nil)

// ID returns the random name that New gave the store.
func (s *Store) ID() string { return s.id }

// ValuesDir returns "": values stay in memory, as their records do.
func (s *Store) ValuesDir() string { return "" }

// Close ends the store: later calls return [storage.ErrClosed]. A second Close does so too.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return storage.ErrClosed
	}
	s.closed = true
	s.signals.Close()
	return nil
}

// Watch returns a channel that gets a value when something of the topics was written.
func (s *Store) Watch(ctx context.Context, topics storage.Topic) <-chan struct{} {
	return s.signals.Watch(ctx, topics)
}

// Commit applies the batch and fills in the keys of its new runs. A canceled context refuses it
// before anything is applied.
func (s *Store) Commit(ctx context.Context, b *storage.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.admit(b.Fence); err != nil {
		return err
	}
	if err := s.expect(b); err != nil {
		return err
	}
	s.apply(b)
	return nil
}

// Append applies the batch at once; its refusal is kept for the later calls under its fence.
func (s *Store) Append(b *storage.Batch) error {
	if err := b.ValidateAppend(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.admit(b.Fence); err != nil {
		return err
	}
	s.apply(b)
	return nil
}

// tell wakes who watches the feed of changes where it has grown.
func (s *Store) tell(before int64) {
	if s.seq > before {
		s.signals.Send(storage.TopicChanges)
	}
}

// admit checks a fence and remembers its refusal.
func (s *Store) admit(f storage.Fence) error {
	if s.closed {
		return storage.ErrClosed
	}
	if f == (storage.Fence{}) {
		return nil
	}
	if err := s.refused[f]; err != nil {
		return err
	}
	err := s.checkFence(f)
	if err != nil {
		s.refused[f] = err
	}
	return err
}

func (s *Store) checkFence(f storage.Fence) error {
	if f.Backfill != 0 {
		return s.checkBackfill(f)
	}
	r := s.run(f.Run)
	switch {
	case r == nil:
		return fmt.Errorf("run %d: %w: it is not recorded", f.Run, storage.ErrFenced)
	case r.record.State.Terminal():
		return fmt.Errorf("run %q: %w: it ended in state %s", r.record.ID, storage.ErrFenced, r.record.State)
	case r.record.Token != f.Token:
		return fmt.Errorf("run %q: %w: token %d, the owner's is %d", r.record.ID, storage.ErrFenced, f.Token, r.record.Token)
	}
	return nil
}

// expect checks the expectations, and that the new runs are new, whether that was asked for or not.
func (s *Store) expect(b *storage.Batch) error {
	for _, e := range b.Expect {
		if s.runByID[e.NoRun] != nil {
			return fmt.Errorf("run %q: %w", e.NoRun, storage.ErrRunExists)
		}
	}
	for i := range b.Runs {
		id := b.Runs[i].ID
		if s.runByID[id] != nil {
			return fmt.Errorf("run %q: %w", id, storage.ErrRunExists)
		}
		for j := range b.Runs[:i] {
			if b.Runs[j].ID == id {
				return fmt.Errorf("run %q: %w: the batch has it twice", id, storage.ErrRunExists)
			}
		}
	}
	return s.expectBackfills(b.Backfills)
}

// run returns the run of a key, nil if it is unknown or pruned.
func (s *Store) run(key storage.RunKey) *run {
	if key <= 0 || int64(key) > int64(len(s.runs)) {
		return nil
	}
	return s.runs[key-1]
}
