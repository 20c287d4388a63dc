package view

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// PartitionState is the state of a partition. A partition can be in several: a materialized one may
// have failed since.
type PartitionState string

// The states of partitions, in the order in which a picture shows the first one that occurs.
const (
	Materialized PartitionState = "materialized"
	Failed       PartitionState = "failed"
	InFlight     PartitionState = "in_flight"
	Missing      PartitionState = "missing"
)

// PartitionStates returns all states, in order.
func PartitionStates() []PartitionState {
	return []PartitionState{Materialized, Failed, InFlight, Missing}
}

// Partitions are the partitions of one asset with their states.
type Partitions struct {
	Asset string
	// Space is the existing partitions.
	Space partition.Space

	sets  storage.PartitionSets
	key   storage.AssetKey
	store storage.Reader
}

// Partitions returns the partitions of an asset. An unknown name or an asset without partitions is
// a [RequestError].
func (v *View) Partitions(ctx context.Context, name string) (*Partitions, error) {
	n, err := v.Find(name)
	switch {
	case err != nil:
		return nil, err
	case n.Partitions == nil:
		return nil, requestf("asset %q: it has no partitions: see assets show %s", name, name)
	case n.err != nil:
		return nil, n.err
	}
	return v.partitionsOf(ctx, n)
}

func (v *View) partitionsOf(ctx context.Context, n *Node) (*Partitions, error) {
	space, err := v.space(ctx, n.definition)
	if err != nil {
		return nil, fmt.Errorf("asset %q: %w", n.Name, err)
	}
	p := &Partitions{Asset: n.Name, Space: space, store: v.Store}
	keys, err := v.Store.AssetKeys(ctx, []string{n.Name})
	if err != nil {
		return nil, err
	}
	p.key = keys[0]
	sets, err := v.Store.PartitionSets(ctx, keys)
	if err != nil {
		return nil, err
	}
	p.sets = sets[0]
	return p, nil
}

// In returns the existing partitions that are in a state.
func (p *Partitions) In(state PartitionState) partition.Set {
	switch state {
	case Materialized:
		return p.Space.Within(p.sets.Materialized)
	case Failed:
		return p.Space.Within(p.sets.Failed)
	case InFlight:
		return p.Space.Within(p.sets.InFlight)
	default:
		return p.Space.Complement(p.sets.Materialized)
	}
}

// OthersRecorded reports whether partitions were materialized that do not exist now: another
// definition made them, or somebody deleted their key.
func (p *Partitions) OthersRecorded() bool {
	return !p.sets.Materialized.Minus(p.Space.Within(p.sets.Materialized)).IsEmpty()
}

// StateOf returns the state of one partition that describes it best: what is in progress, then what
// was tried last.
func (p *Partitions) StateOf(one partition.Set) PartitionState {
	switch {
	case p.sets.InFlight.Contains(one):
		return InFlight
	case p.sets.Failed.Contains(one):
		return Failed
	case p.sets.Materialized.Contains(one):
		return Materialized
	}
	return Missing
}

// PartitionCounts are how many partitions of an asset are in each state.
type PartitionCounts struct {
	Definition   string `json:"definition"`
	Total        int64  `json:"total"`
	Materialized int64  `json:"materialized"`
	Failed       int64  `json:"failed"`
	InFlight     int64  `json:"in_flight"`
	Missing      int64  `json:"missing"`
}

// Counts counts the partitions in each state.
func (p *Partitions) Counts() PartitionCounts {
	in := func(state PartitionState) int64 { return p.Space.Count(p.In(state)) }
	return PartitionCounts{
		Definition: p.Space.Definition().String(), Total: p.Space.Len(),
		Materialized: in(Materialized), Failed: in(Failed), InFlight: in(InFlight), Missing: in(Missing),
	}
}

// Partition is one partition of an asset.
type Partition struct {
	Partition string         `json:"partition"`
	State     PartitionState `json:"state"`
	// Latest is the latest materialization. Failure is the latest failure, for a failed partition.
	Latest  *storage.AssetState `json:"latest,omitempty"`
	Failure *storage.AssetState `json:"failure,omitempty"`
}

// List returns the first partitions of a set, at most limit, in the order of the definition. It
// begins at the key from; the zero key is the first one.
func (p *Partitions) List(ctx context.Context, set partition.Set, from partition.Key, limit int) ([]Partition, error) {
	keys := p.Space.Keys(set)
	if !from.IsZero() {
		keys = p.Space.KeysFrom(set, from)
	}
	list := []Partition{}
	for key, err := range keys {
		if err != nil {
			return nil, err
		}
		one, err := p.Space.Set(key)
		if err != nil {
			return nil, err
		}
		list = append(list, Partition{Partition: key.String(), State: p.StateOf(one)})
		if len(list) == limit {
			break
		}
	}
	return list, p.addLatest(ctx, list)
}

// addLatest reads the latest materialization and failure of partitions.
func (p *Partitions) addLatest(ctx context.Context, list []Partition) error {
	at := make(map[string]int, len(list))
	texts := make([]string, len(list))
	for i := range list {
		texts[i], at[list[i].Partition] = list[i].Partition, i
	}
	for _, kind := range []storage.StateKind{storage.Materialized, storage.Failed} {
		states, err := storage.PartitionStates(ctx, p.store, p.key, kind, p.Space, texts)
		if err != nil {
			return err
		}
		for i := range states {
			one := &list[at[states[i].Partition]]
			if kind == storage.Materialized {
				one.Latest = &states[i]
			} else if one.State == Failed {
				one.Failure = &states[i]
			}
		}
	}
	return nil
}

// Ranges are partitions as a count and as texts that select exactly them.
type Ranges struct {
	Count  int64    `json:"count"`
	Ranges []string `json:"ranges"`
	// More is set if further ranges were left out.
	More bool `json:"more,omitempty"`
}

// maxRanges is how many ranges are named.
const maxRanges = 8

// RangesOf counts the partitions of a set and names the first ranges of them.
func RangesOf(space partition.Space, set partition.Set) (Ranges, error) {
	r := Ranges{Count: space.Count(set), Ranges: []string{}}
	for stretch, err := range space.Ranges(set) {
		if err != nil {
			return r, err
		}
		if len(r.Ranges) == maxRanges {
			r.More = true
			break
		}
		r.Ranges = append(r.Ranges, stretch.Range.String())
	}
	return r, nil
}
