package storage

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/partition"
)

// PartitionLists reads the present states of partitions.
type PartitionLists interface {
	ListPartitions(ctx context.Context, q PartitionQuery) ([]PartitionState, error)
	ListPartitionGroups(ctx context.Context, asset AssetKey, kind StateKind) ([]PartitionGroup, error)
}

// PartitionStates returns the present states of a kind of some partitions, by the texts of their
// keys, in that order. A partition has a state of its own or that of a group. Partitions without
// such a state are left out. So are those whose text another definition has given a state: the week
// 2026-01-11 is not the day of that name.
func PartitionStates(ctx context.Context, s PartitionLists, asset AssetKey, kind StateKind, space partition.Space, texts []string) ([]AssetState, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	rows, err := s.ListPartitions(ctx, PartitionQuery{Asset: asset, Kind: kind, Partitions: texts})
	if err != nil {
		return nil, err
	}
	own := make(map[string]*AssetState, len(rows))
	for i := range rows {
		own[rows[i].Partition] = &rows[i].AssetState
	}
	groups, err := s.ListPartitionGroups(ctx, asset, kind)
	if err != nil {
		return nil, err
	}
	states := make([]AssetState, 0, len(texts))
	for _, text := range texts {
		if own[text] == nil && len(groups) == 0 {
			continue
		}
		key, err := partition.ParseKey(text)
		if err != nil {
			return nil, fmt.Errorf("partition %q: %w", text, err)
		}
		set, err := space.Set(key)
		if err != nil {
			return nil, err
		}
		if state := own[text]; state != nil && state.IsOf(set) {
			states = append(states, *state)
		} else if state := groupState(groups, set, text); state != nil {
			states = append(states, *state)
		}
	}
	return states, nil
}

// groupState finds the state of a partition among those of groups, which have no partition in
// common; nil for none.
func groupState(groups []PartitionGroup, set partition.Set, text string) *AssetState {
	for i := range groups {
		if groups[i].Partitions.Contains(set) {
			state := groups[i].AssetState
			state.Partition = text
			return &state
		}
	}
	return nil
}
