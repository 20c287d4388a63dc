package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// state is a present state, which an update left, and its place among all updates.
type state struct {
	storage.AssetUpdate

	seq int64
}

// parts is the recorded state of an asset's partitions.
type parts struct {
	materialized, failed partition.Set
	inFlight             map[storage.RunKey]partition.Set
	// singles are by the text of the key, and may be older than a group with the same partition.
	singles [storage.StateKinds]map[string]*state
	// texts are those keys in their order, as they were when somebody asked; there are only ever more
	// of them.
	texts [storage.StateKinds]atomic.Pointer[[]string]
	// groups are disjoint, those of a kind among themselves, oldest first.
	groups [storage.StateKinds][]*state
}

// sorted returns the keys of the partitions that have a state of a kind of their own.
func (p *parts) sorted(kind storage.StateKind) []string {
	if known := p.texts[kind].Load(); known != nil && len(*known) == len(p.singles[kind]) {
		return *known
	}
	texts := slices.Sorted(maps.Keys(p.singles[kind]))
	p.texts[kind].Store(&texts)
	return texts
}

// partsOf returns what is kept of an asset's partitions, to be changed.
func (a *asset) partsOf() *parts {
	if a.parts == nil {
		a.parts = &parts{inFlight: map[storage.RunKey]partition.Set{}}
	}
	return a.parts
}

func (s *Store) updateAsset(u *storage.AssetUpdate) {
	a := s.asset(u.Asset)
	if a == nil {
		return
	}
	c := changes{at: u.At, kind: u.Kind.Change(), run: u.Run, partitions: partition.Whole()}
	if u.Partitioned() {
		c.partitions = u.Partitions
	}
	s.change(c, u.Asset)
	seq := s.seq
	if u.Partitioned() {
		if gone := a.partsOf().update(u, seq); !gone.IsEmpty() {
			s.change(changes{at: u.At, kind: storage.Wiped.Change(), run: u.Run, partitions: gone}, u.Asset)
		}
	}
	if u.Kind == storage.Wiped {
		a.forgetStates(u)
	}
	if a.states[u.Kind] == nil {
		a.states[u.Kind] = &state{}
	}
	*a.states[u.Kind] = state{*u, seq}
}

// forgetStates drops the states of the asset as a whole that a wipe leaves nothing of.
func (a *asset) forgetStates(u *storage.AssetUpdate) {
	gone := [storage.StateKinds]bool{storage.Materialized: true, storage.Observed: true, storage.Failed: true}
	if u.Partitioned() {
		gone[storage.Materialized], gone[storage.Failed] = a.parts.materialized.IsEmpty(), a.parts.failed.IsEmpty()
		gone[storage.Observed] = gone[storage.Materialized] && gone[storage.Failed]
	}
	for kind := range a.states {
		if gone[kind] {
			a.states[kind] = nil
		}
	}
}

// update folds an update of partitions. It returns the partitions that are no longer materialized
// since their state was replaced, see displace.
func (p *parts) update(u *storage.AssetUpdate, seq int64) (gone partition.Set) {
	switch u.Kind {
	case storage.Materialized:
		p.materialized, p.failed = p.materialized.Union(u.Partitions), p.failed.Minus(u.Partitions)
		p.settleInFlight(u.Run, u.Partitions)
	case storage.Failed:
		p.failed = p.failed.Union(u.Partitions)
		p.settleInFlight(u.Run, u.Partitions)
	case storage.Wiped:
		p.materialized, p.failed = p.materialized.Minus(u.Partitions), p.failed.Minus(u.Partitions)
		for kind := range p.groups {
			p.ungroup(storage.StateKind(kind), u.Partitions)
		}
	}
	st := &state{*u, seq}
	if u.Partition != "" && u.Kind != storage.Wiped {
		if p.singles[u.Kind] == nil {
			p.singles[u.Kind] = map[string]*state{}
		}
		gone = p.displace(u)
		p.singles[u.Kind][u.Partition] = st
		return gone
	}
	st.Partition = "" // it is in the set
	p.ungroup(u.Kind, u.Partitions)
	p.groups[u.Kind] = append(p.groups[u.Kind], st)
	return gone
}

// displace takes the partitions out of the set of a kind whose state is replaced by that of another
// definition with the same text, and returns those that are no longer materialized.
func (p *parts) displace(u *storage.AssetUpdate) partition.Set {
	set := &p.materialized
	if u.Kind == storage.Failed {
		set = &p.failed
	}
	old := p.singles[u.Kind][u.Partition]
	if u.Kind == storage.Observed || old == nil || set.Shapes() < 2 {
		return partition.Set{}
	}
	gone := old.Partitions.Minus(u.Partitions)
	for _, g := range p.groups[u.Kind] { // these have a state besides
		gone = gone.Minus(g.Partitions)
	}
	gone = gone.Intersect(*set)
	*set = set.Minus(gone)
	if u.Kind != storage.Materialized {
		return partition.Set{}
	}
	return gone
}

// ungroup takes partitions out of the groups of a kind.
func (p *parts) ungroup(kind storage.StateKind, set partition.Set) {
	p.groups[kind] = slices.DeleteFunc(p.groups[kind], func(g *state) bool {
		g.Partitions = g.Partitions.Minus(set)
		return g.Partitions.IsEmpty()
	})
}

// holds reports whether the state of a single partition is the present one.
func (p *parts) holds(st *state) bool {
	newer := func(g *state) bool { return g.seq > st.seq && g.Partitions.Contains(st.Partitions) }
	return !slices.ContainsFunc(p.groups[st.Kind], newer) && !slices.ContainsFunc(p.groups[storage.Wiped], newer)
}

// settleInFlight takes partitions that a run made, or failed to make, out of flight.
func (p *parts) settleInFlight(run storage.RunKey, set partition.Set) {
	left := p.inFlight[run].Minus(set)
	if p.inFlight[run] = left; left.IsEmpty() {
		delete(p.inFlight, run)
	}
}

// target puts the partitions of a run in flight.
func (s *Store) target(r *run, targets []storage.Target, at time.Time) {
	for i := range targets {
		t := &targets[i]
		a := s.asset(t.Asset)
		if a == nil || !t.Partitioned() {
			continue
		}
		flies := a.partsOf().inFlight
		flies[r.record.Key] = flies[r.record.Key].Union(t.Partitions)
		r.targets = append(r.targets, t.Asset)
		s.change(changes{at: storage.MicrosOf(at), kind: storage.ChangeTargeted, run: r.record.Key, partitions: t.Partitions}, t.Asset)
	}
}

// clearInFlight drops what a run still has in flight.
func (s *Store) clearInFlight(r *run, at time.Time) {
	key := r.record.Key
	for _, asset := range r.targets {
		flies := s.asset(asset).parts.inFlight
		left := flies[key]
		if left.IsEmpty() {
			continue
		}
		delete(flies, key)
		s.change(changes{at: storage.MicrosOf(at), kind: storage.ChangeRunEnded, run: key, partitions: left}, asset)
	}
	r.targets = nil
}

// PartitionSets returns which partitions of each asset are what.
func (s *Store) PartitionSets(ctx context.Context, assets []storage.AssetKey) ([]storage.PartitionSets, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	list := make([]storage.PartitionSets, len(assets))
	for i, key := range assets {
		list[i].Asset = key
		if a := s.asset(key); a != nil {
			list[i] = a.sets(key)
		}
	}
	return list, nil
}

func (a *asset) sets(key storage.AssetKey) storage.PartitionSets {
	sets := storage.PartitionSets{Asset: key}
	if p := a.parts; p != nil {
		sets.Materialized, sets.Failed = p.materialized, p.failed
		for _, set := range p.inFlight {
			sets.InFlight = sets.InFlight.Union(set)
		}
	}
	made, failed := a.states[storage.Materialized], a.states[storage.Failed]
	if made != nil && !made.Partitioned() {
		sets.Materialized = sets.Materialized.Union(partition.Whole())
	}
	if failed != nil && !failed.Partitioned() && (made == nil || made.seq < failed.seq) {
		sets.Failed = sets.Failed.Union(partition.Whole())
	}
	return sets
}

// ListPartitions returns states of single partitions in the order of their texts.
func (s *Store) ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	a := s.asset(q.Asset)
	if a == nil || a.parts == nil || q.Kind >= storage.StateKinds {
		return nil, nil
	}
	singles := a.parts.singles[q.Kind]
	var texts []string
	if q.Partitions != nil {
		texts = slices.Compact(slices.Sorted(slices.Values(q.Partitions)))
	} else {
		texts = a.parts.sorted(q.Kind)
	}
	if from, found := slices.BinarySearch(texts, q.After); found {
		texts = texts[from+1:]
	} else {
		texts = texts[from:]
	}
	var list []storage.PartitionState
	for _, text := range texts {
		st := singles[text]
		if st == nil || !a.parts.holds(st) {
			continue
		}
		as, err := s.assetState(st)
		if err != nil {
			return nil, fmt.Errorf("asset %q: partition %q: %w", a.name, text, err)
		}
		list = append(list, storage.PartitionState{Asset: q.Asset, Kind: q.Kind, AssetState: as})
		if len(list) == q.Limit {
			break
		}
	}
	return list, nil
}

// ListPartitionGroups returns the states that an asset's partitions got many at once, newest first.
func (s *Store) ListPartitionGroups(ctx context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	a := s.asset(asset)
	if a == nil || a.parts == nil || kind >= storage.StateKinds {
		return nil, nil
	}
	var list []storage.PartitionGroup
	for _, g := range slices.Backward(a.parts.groups[kind]) {
		as, err := s.assetState(g)
		if err != nil {
			return nil, fmt.Errorf("asset %q: %w", a.name, err)
		}
		list = append(list, storage.PartitionGroup{Asset: asset, Kind: kind, Partitions: g.Partitions, AssetState: as})
	}
	return list, nil
}
