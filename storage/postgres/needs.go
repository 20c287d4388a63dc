package postgres

import (
	"cmp"
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// needs is what the writer has to know before it can decide about a group. Lists may name a thing twice.
type needs struct {
	// runs are locked, by key or by ID.
	runs    []storage.RunKey
	claimed []string
	// ids are asked for, whether a run has them.
	ids []string
	// numbered are runs of which events or lines are written.
	numbered []storage.RunKey
	// pools are locked, and those in which a renewed run holds or waits.
	pools   []string
	renewed []storage.RunKey
	// holders are runs whose slots are touched.
	holders []storage.RunKey
	// tickets is how many steps may need a place in line.
	tickets int

	// assets are those of whose partitions there are updates; groups says that some are about many at once.
	assets []storage.AssetKey
	groups bool
	// flights are runs whose partitions in flight may change.
	flights []storage.RunKey
	// newRuns is how many runs are new; keyed says that one of them needs its key before it is inserted.
	newRuns int
	keyed   bool

	// backfills are locked, by key or by ID; fillIDs are asked for, whether a backfill has them, and fillKeys is how many
	// are new.
	backfills    []storage.BackfillKey
	claimedFills []string
	fillIDs      []string
	fillKeys     int
	// tables of keys are made and locked.
	tables []string
}

// slots says whether anything about slots is to be decided.
func (n *needs) slots() bool {
	return len(n.holders) > 0 || len(n.claimed) > 0 || len(n.pools) > 0
}

func (n *needs) reset() {
	*n = needs{
		runs: n.runs[:0], claimed: n.claimed[:0], ids: n.ids[:0], numbered: n.numbered[:0],
		pools: n.pools[:0], renewed: n.renewed[:0], holders: n.holders[:0],
		assets: n.assets[:0], flights: n.flights[:0], backfills: n.backfills[:0], claimedFills: n.claimedFills[:0], fillIDs: n.fillIDs[:0], tables: n.tables[:0],
	}
}

// collect adds what the requests need, without those whose answer is known.
func (n *needs) collect(g *commit.Group, requests []commit.Request) {
	for i := range requests {
		r := &requests[i]
		if r.Err != nil || r.Withdrawn {
			continue
		}
		if r.Fence.Run != 0 {
			n.runs = append(n.runs, r.Fence.Run)
		}
		if r.Fence.Backfill != 0 {
			n.backfills = append(n.backfills, r.Fence.Backfill)
		}
		if r.Call != nil {
			r.Call.(call).needs(n)
			continue
		}
		n.batch(r.Batch)
		events, assets, logs, releases := g.Records(r)
		n.records(r.Fence.Run, events, logs)
		n.states(assets)
		for i := range releases {
			n.runs = append(n.runs, releases[i].Run)
			n.holders = append(n.holders, releases[i].Run)
		}
	}
	for _, list := range []*[]storage.RunKey{&n.runs, &n.numbered, &n.renewed, &n.holders, &n.flights} {
		*list = distinct(*list)
	}
	n.assets, n.backfills, n.tables = distinct(n.assets), distinct(n.backfills), distinct(n.tables)
}

func distinct[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// states adds what updates of states are about.
func (n *needs) states(updates []storage.AssetUpdate) {
	for i := range updates {
		u := &updates[i]
		if !u.Partitioned() {
			continue
		}
		n.assets = append(n.assets, u.Asset)
		n.groups = n.groups || u.Partition == "" || u.Kind == storage.Wiped
		if u.Run != 0 && (u.Kind == storage.Materialized || u.Kind == storage.Failed) {
			n.runs, n.flights = append(n.runs, u.Run), append(n.flights, u.Run)
		}
	}
}

// batch adds what is in committed batches only; nil has nothing.
func (n *needs) batch(b *storage.Batch) {
	if b == nil {
		return
	}
	for i := range b.Expect {
		n.ids = append(n.ids, b.Expect[i].NoRun)
	}
	for i := range b.Runs {
		n.ids = append(n.ids, b.Runs[i].ID)
		if len(b.Runs[i].Targets) > 0 {
			n.keyed = true
		}
	}
	n.newRuns += len(b.Runs)
	for i := range b.RunUpdates {
		if u := &b.RunUpdates[i]; u.State.Terminal() || u.Targets != nil {
			n.flights = append(n.flights, u.Run)
		}
	}
	for i := range b.Backfills {
		n.fillIDs = append(n.fillIDs, b.Backfills[i].ID)
		n.fillKeys++
	}
	for i := range b.Cancels {
		n.runs = append(n.runs, b.Cancels[i].Run)
		n.backfills = append(n.backfills, b.Cancels[i].Backfill)
	}
	for i := range b.Keys {
		n.tables = append(n.tables, b.Keys[i].Table)
	}
	for i := range b.Pools {
		n.pools = append(n.pools, b.Pools[i].Name)
	}
}

// records adds the runs of events and lines: the fenced one, or any without a fence.
func (n *needs) records(fenced storage.RunKey, events []storage.Event, logs []storage.LogLine) {
	if fenced != 0 {
		if len(events)+len(logs) > 0 {
			n.numbered = append(n.numbered, fenced)
		}
		return
	}
	for i := range events {
		n.runs, n.numbered = append(n.runs, events[i].Run), append(n.numbered, events[i].Run)
	}
	for i := range logs {
		n.runs, n.numbered = append(n.runs, logs[i].Run), append(n.numbered, logs[i].Run)
	}
}
