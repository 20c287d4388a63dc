package ledger

import (
	"cmp"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// Needs lists the facts that [Decide] will ask for, for a backend that reads and locks them all at
// once. Keys are sorted and distinct; names may occur twice. The zero value is empty.
type Needs struct {
	// Runs are locked, by key or by ID.
	Runs       []storage.RunKey
	ClaimedIDs []string
	// NewIDs are IDs of new runs, or of runs that must not exist.
	NewIDs []string
	// Numbered are runs whose events or log lines are written.
	Numbered []storage.RunKey
	// Pools are locked, and those in which a Renewed run holds or awaits slots.
	Pools   []string
	Renewed []storage.RunKey
	// Holders are runs whose slots may change.
	Holders []storage.RunKey
	// Tickets counts the steps that may need a place in line.
	Tickets int

	// Assets have updates of partitions; Groups is true if some update covers several at once.
	Assets []storage.AssetKey
	Groups bool
	// InFlight are runs whose partitions in flight may change.
	InFlight []storage.RunKey
	// NewRuns counts new runs; RunKeys is true if one of them needs its key before it is inserted.
	NewRuns int
	RunKeys bool

	// Backfills are locked, by key or by ID. NewBackfillIDs are IDs of new ones.
	Backfills          []storage.BackfillKey
	ClaimedBackfillIDs []string
	NewBackfillIDs     []string
	// Tables of keys are made if missing, and locked.
	Tables []string
}

// Slots reports whether slots are to be decided about.
func (n *Needs) Slots() bool {
	return len(n.Holders) > 0 || len(n.ClaimedIDs) > 0 || len(n.Pools) > 0
}

// Reset empties the lists and keeps their memory.
func (n *Needs) Reset() {
	*n = Needs{
		Runs: n.Runs[:0], ClaimedIDs: n.ClaimedIDs[:0], NewIDs: n.NewIDs[:0], Numbered: n.Numbered[:0],
		Pools: n.Pools[:0], Renewed: n.Renewed[:0], Holders: n.Holders[:0],
		Assets: n.Assets[:0], InFlight: n.InFlight[:0],
		Backfills: n.Backfills[:0], ClaimedBackfillIDs: n.ClaimedBackfillIDs[:0], NewBackfillIDs: n.NewBackfillIDs[:0],
		Tables: n.Tables[:0],
	}
}

// Collect adds what the requests need. Requests that have their answer need nothing.
func (n *Needs) Collect(g *commit.Group, requests []commit.Request) {
	for i := range requests {
		r := &requests[i]
		if r.Err != nil || r.Withdrawn {
			continue
		}
		if r.Fence.Run != 0 {
			n.Runs = append(n.Runs, r.Fence.Run)
		}
		if r.Fence.Backfill != 0 {
			n.Backfills = append(n.Backfills, r.Fence.Backfill)
		}
		if r.Call != nil {
			r.Call.(Call).needs(n)
			continue
		}
		n.addBatch(r.Batch)
		events, assets, logs, releases := g.Records(r)
		n.addRecords(r.Fence.Run, events, logs)
		n.addStates(assets)
		for i := range releases {
			n.Runs = append(n.Runs, releases[i].Run)
			n.Holders = append(n.Holders, releases[i].Run)
		}
	}
	for _, list := range []*[]storage.RunKey{&n.Runs, &n.Numbered, &n.Renewed, &n.Holders, &n.InFlight} {
		*list = distinct(*list)
	}
	n.Assets, n.Backfills, n.Tables = distinct(n.Assets), distinct(n.Backfills), distinct(n.Tables)
}

func distinct[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// addStates adds the subjects of state updates.
func (n *Needs) addStates(updates []storage.AssetUpdate) {
	for i := range updates {
		u := &updates[i]
		if !u.Partitioned() {
			continue
		}
		n.Assets = append(n.Assets, u.Asset)
		n.Groups = n.Groups || !single(u)
		if settles(u) {
			n.Runs, n.InFlight = append(n.Runs, u.Run), append(n.InFlight, u.Run)
		}
	}
}

// addBatch adds what only committed batches have. A nil batch has nothing.
func (n *Needs) addBatch(b *storage.Batch) {
	if b == nil {
		return
	}
	for i := range b.Expect {
		n.NewIDs = append(n.NewIDs, b.Expect[i].NoRun)
	}
	for i := range b.Runs {
		n.NewIDs = append(n.NewIDs, b.Runs[i].ID)
		if len(b.Runs[i].Targets) > 0 {
			n.RunKeys = true
		}
	}
	n.NewRuns += len(b.Runs)
	for i := range b.RunUpdates {
		if u := &b.RunUpdates[i]; u.State.Terminal() || u.Targets != nil {
			n.InFlight = append(n.InFlight, u.Run)
		}
	}
	for i := range b.Backfills {
		n.NewBackfillIDs = append(n.NewBackfillIDs, b.Backfills[i].ID)
	}
	for i := range b.Cancels {
		if c := &b.Cancels[i]; c.Backfill != 0 {
			n.Backfills = append(n.Backfills, c.Backfill)
		} else {
			n.Runs = append(n.Runs, c.Run)
		}
	}
	for i := range b.Keys {
		n.Tables = append(n.Tables, b.Keys[i].Table)
	}
	for i := range b.Pools {
		n.Pools = append(n.Pools, b.Pools[i].Name)
	}
}

// addRecords adds the runs of events and log lines: the fenced one, or any without a fence.
func (n *Needs) addRecords(fenced storage.RunKey, events []storage.Event, logs []storage.LogLine) {
	if fenced != 0 {
		if len(events)+len(logs) > 0 {
			n.Numbered = append(n.Numbered, fenced)
		}
		return
	}
	for i := range events {
		n.Runs, n.Numbered = append(n.Runs, events[i].Run), append(n.Numbered, events[i].Run)
	}
	for i := range logs {
		n.Runs, n.Numbered = append(n.Runs, logs[i].Run), append(n.Numbered, logs[i].Run)
	}
}
