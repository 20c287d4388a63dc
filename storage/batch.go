package storage

import (
	"fmt"
	"slices"
	"time"
)

// Batch is one atomic write: one slice per table, applied in the order of the fields. Order holds
// within a slice. Partitions that an ended run leaves in flight are dropped last. The caller may
// reuse the slices after the call returned, but not the bytes and maps they point to. The zero
// value writes nothing.
type Batch struct {
	// Fence guards records of a run; the zero fence guards nothing.
	Fence Fence
	// Expect must hold when the batch is applied; otherwise the store applies none of it.
	Expect []Expectation

	// Runs are new runs. Commit fills in their keys.
	Runs []RunRecord
	// Lease is how long the owner of a new run holds it without a renewal.
	Lease time.Duration
	// RunUpdates change states of the fenced run.
	RunUpdates []RunUpdate
	// Backfills are new backfills. Commit fills in their keys. A named owner holds its backfill for
	// Lease.
	Backfills []BackfillRecord
	// BackfillUpdates change the fenced backfill.
	BackfillUpdates []BackfillUpdate
	// Cancels ask runs and backfills to stop. A run or backfill that ended or was asked before is
	// unchanged.
	Cancels []CancelRequest
	Events  []Event
	Assets  []AssetUpdate
	Logs    []LogLine
	// Releases return pool slots: those of the fenced run, or, without a fence, slots that an
	// operator frees.
	Releases   []SlotRelease
	Pools      []PoolUpdate
	Keys       []KeyUpdate
	KV         []KVPair
	Topologies []Topology
}

// Empty reports whether the batch would write nothing.
func (b *Batch) Empty() bool {
	return len(b.Runs) == 0 && len(b.RunUpdates) == 0 && len(b.Backfills) == 0 && len(b.BackfillUpdates) == 0 && len(b.Cancels) == 0 &&
		len(b.Events) == 0 && len(b.Assets) == 0 && len(b.Logs) == 0 && len(b.Releases) == 0 && len(b.Pools) == 0 && len(b.Keys) == 0 &&
		len(b.KV) == 0 && len(b.Topologies) == 0
}

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() {
	*b = Batch{
		Expect: b.Expect[:0], Runs: b.Runs[:0], RunUpdates: b.RunUpdates[:0], Backfills: b.Backfills[:0], BackfillUpdates: b.BackfillUpdates[:0],
		Cancels: b.Cancels[:0], Events: b.Events[:0], Assets: b.Assets[:0], Logs: b.Logs[:0], Releases: b.Releases[:0], Pools: b.Pools[:0],
		Keys: b.Keys[:0], KV: b.KV[:0], Topologies: b.Topologies[:0],
	}
}

// Fence guards the records of either a run or a backfill. The store refuses the batch with
// [ErrFenced] unless the run or backfill is recorded, has this token and has not ended. The zero
// value guards nothing.
type Fence struct {
	Run      RunKey
	Backfill BackfillKey
	Token    int64
}

// Expectation is a fact that must hold when a batch is applied.
type Expectation struct {
	// NoRun is a run ID that must not be recorded yet; otherwise Commit returns [ErrRunExists].
	NoRun string
}

// KVPair is a small value under a name. A nil Value deletes.
type KVPair struct {
	Key   string
	Value []byte
}

// Validate reports faults that no store can apply: a record without a key or of another run than
// the fenced one, a change of a run without a fence or after its end. Backends call it before they
// write.
func (b *Batch) Validate() error {
	for i := range b.Runs {
		switch {
		case b.Runs[i].ID == "":
			return fmt.Errorf("batch: run %d of %d has no id", i+1, len(b.Runs))
		case b.Runs[i].Owner != "" && b.Lease <= 0:
			return fmt.Errorf("batch: run %q has an owner and a lease of %s: want a positive one", b.Runs[i].ID, b.Lease)
		}
	}
	ended := false
	for i := range b.RunUpdates {
		u := &b.RunUpdates[i]
		switch {
		case u.Run == 0 || u.Run != b.Fence.Run:
			return fmt.Errorf("batch: a change of run %d to %s under a fence of run %d: want the same run", u.Run, u.State, b.Fence.Run)
		case ended:
			return fmt.Errorf("batch: a change of run %d to %s after its end", u.Run, u.State)
		}
		ended = u.State.Terminal()
	}
	if err := b.validateBackfills(); err != nil {
		return err
	}
	for i := range b.Events {
		if err := b.validateKey("event", b.Events[i].Run, b.Events[i].N); err != nil {
			return err
		}
	}
	for i := range b.Logs {
		if err := b.validateKey("log line", b.Logs[i].Run, b.Logs[i].N); err != nil {
			return err
		}
	}
	for i := range b.Assets {
		if err := b.Assets[i].validate(); err != nil {
			return fmt.Errorf("batch: asset state %d of %d: %w", i+1, len(b.Assets), err)
		}
	}
	for i := range b.Keys {
		if err := b.Keys[i].validate(); err != nil {
			return fmt.Errorf("batch: %w", err)
		}
	}
	return b.validateSlots()
}

func (b *Batch) validateBackfills() error {
	for i := range b.Backfills {
		switch f := &b.Backfills[i]; {
		case f.ID == "":
			return fmt.Errorf("batch: backfill %d of %d has no id", i+1, len(b.Backfills))
		case f.Owner != "" && b.Lease <= 0:
			return fmt.Errorf("batch: backfill %q has an owner and a lease of %s: want a positive one", f.ID, b.Lease)
		}
	}
	ended := false
	for i := range b.BackfillUpdates {
		u := &b.BackfillUpdates[i]
		switch {
		case u.Backfill == 0 || u.Backfill != b.Fence.Backfill:
			return fmt.Errorf("batch: a change of backfill %d to %s under a fence of backfill %d: want the same backfill", u.Backfill, u.State, b.Fence.Backfill)
		case ended:
			return fmt.Errorf("batch: a change of backfill %d to %s after its end", u.Backfill, u.State)
		}
		ended = u.State.Terminal()
	}
	if b.Fence.Run != 0 && b.Fence.Backfill != 0 {
		return fmt.Errorf("batch: a fence of run %d and of backfill %d: want one of the two", b.Fence.Run, b.Fence.Backfill)
	}
	return nil
}

func (b *Batch) validateSlots() error {
	for i := range b.Cancels {
		if c := &b.Cancels[i]; c.Run != 0 && c.Backfill != 0 {
			return fmt.Errorf("batch: a request to cancel run %d and backfill %d: want one of the two", c.Run, c.Backfill)
		}
	}
	for i := range b.Releases {
		if r := &b.Releases[i]; r.Run <= 0 || b.Fence.Run != 0 && r.Run != b.Fence.Run {
			return fmt.Errorf("batch: slots of run %d are given back under a fence of run %d: want the same run, or no fence", r.Run, b.Fence.Run)
		}
	}
	for i := range b.Pools {
		p := &b.Pools[i]
		switch {
		case p.Name == "":
			return fmt.Errorf("batch: pool %d of %d has no name", i+1, len(b.Pools))
		case p.Slots < 0, p.Slots == 0 && p.Declared:
			return fmt.Errorf("batch: pool %q with %d slots: want 1 or more", p.Name, p.Slots)
		}
	}
	return nil
}

// ValidateAppend is [Batch.Validate] for [Writer.Append], which takes only events, asset states,
// log lines, releases of slots and the start of a run. Callers wait for everything else.
func (b *Batch) ValidateAppend() error {
	switch {
	case len(b.Expect) > 0:
		return fmt.Errorf("append: %d expectations: commit them", len(b.Expect))
	case len(b.Runs) > 0:
		return fmt.Errorf("append: run %q: commit it", b.Runs[0].ID)
	case slices.ContainsFunc(b.RunUpdates, func(u RunUpdate) bool { return u.State.Terminal() || u.Plan != nil || u.Targets != nil }):
		return fmt.Errorf("append: the end of run %d, or its plan: commit it", b.RunUpdates[0].Run)
	case len(b.Backfills) > 0:
		return fmt.Errorf("append: backfill %q: commit it", b.Backfills[0].ID)
	case len(b.BackfillUpdates) > 0:
		return fmt.Errorf("append: a change of backfill %d to %s: commit it", b.BackfillUpdates[0].Backfill, b.BackfillUpdates[0].State)
	case len(b.Keys) > 0:
		return fmt.Errorf("append: keys of table %q: commit them", b.Keys[0].Table)
	case len(b.Cancels) > 0:
		return fmt.Errorf("append: a request to cancel run %d: commit it", b.Cancels[0].Run)
	case len(b.Releases) > 0 && b.Fence == (Fence{}):
		return fmt.Errorf("append: slots of run %d are given back without a fence: commit it", b.Releases[0].Run)
	case len(b.Pools) > 0:
		return fmt.Errorf("append: pool %q: commit it", b.Pools[0].Name)
	case len(b.KV) > 0:
		return fmt.Errorf("append: value %q: commit it", b.KV[0].Key)
	case len(b.Topologies) > 0:
		return fmt.Errorf("append: topology of %q: commit it", b.Topologies[0].Location)
	}
	return b.Validate()
}

func (b *Batch) validateKey(what string, run RunKey, n int64) error {
	switch {
	case run <= 0 || n <= 0:
		return fmt.Errorf("batch: %s with run %d and n %d: both count from 1", what, run, n)
	case b.Fence.Run != 0 && run != b.Fence.Run:
		return fmt.Errorf("batch: %s of run %d under a fence of run %d", what, run, b.Fence.Run)
	}
	return nil
}
