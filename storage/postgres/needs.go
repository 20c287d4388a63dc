package postgres

import (
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
}

// slots says whether anything about slots is to be decided.
func (n *needs) slots() bool {
	return len(n.holders) > 0 || len(n.claimed) > 0 || len(n.pools) > 0
}

func (n *needs) reset() {
	*n = needs{
		runs: n.runs[:0], claimed: n.claimed[:0], ids: n.ids[:0], numbered: n.numbered[:0],
		pools: n.pools[:0], renewed: n.renewed[:0], holders: n.holders[:0],
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
		if r.Call != nil {
			r.Call.(call).needs(n)
			continue
		}
		n.batch(r.Batch)
		events, _, logs, releases := g.Records(r)
		n.records(r.Fence.Run, events, logs)
		for i := range releases {
			n.runs = append(n.runs, releases[i].Run)
			n.holders = append(n.holders, releases[i].Run)
		}
	}
	for _, list := range []*[]storage.RunKey{&n.runs, &n.numbered, &n.renewed, &n.holders} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
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
	}
	for i := range b.Cancels {
		n.runs = append(n.runs, b.Cancels[i].Run)
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
