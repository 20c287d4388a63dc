package storage

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/partition"
)

// PartitionStates returns the present states of a kind of some partitions, by the texts of their
// keys, in that order. A partition has a state of its own or that of a group. Partitions without
// such a state are left out.
func PartitionStates(ctx context.Context, s Partitions, asset AssetKey, kind StateKind, space partition.Space, texts []string) ([]AssetState, error) {
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
		if state := own[text]; state != nil {
			states = append(states, *state)
			continue
		}
		state, err := groupState(groups, space, text)
		if err != nil {
			return nil, err
		}
		if state != nil {
			states = append(states, *state)
		}
	}
	return states, nil
}

// groupState finds the state of a partition among those of groups, which have no partition in
// common.
func groupState(groups []PartitionGroup, space partition.Space, text string) (*AssetState, error) {
	if len(groups) == 0 {
		return nil, nil //nolint:nilnil // no state is no error
	}
	key, err := partition.ParseKey(text)
	if err != nil {
		return nil, fmt.Errorf("partition %q: %w", text, err)
	}
	set, err := space.Set(key)
	if err != nil {
		return nil, err
	}
	for i := range groups {
		if groups[i].Partitions.Contains(set) {
			state := groups[i].AssetState
			state.Partition = text
			return &state, nil
		}
	}
	return nil, nil //nolint:nilnil // no state is no error
}
