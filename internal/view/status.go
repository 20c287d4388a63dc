package view

import (
	"context"

	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Status is how an asset is: its staleness, and what runs left. The sets of an unpartitioned asset
// hold [partition.Whole].
type Status struct {
	staleness.Status

	// FailedPartitions failed at the last attempt. InFlight are those that runs in progress have yet
	// to make; it is empty for an unpartitioned asset.
	FailedPartitions, InFlight partition.Set
}

// Statuses adds to the staleness of assets which of their partitions failed or are in flight.
func Statuses(ctx context.Context, s storage.Reader, stale []staleness.Status) ([]Status, error) {
	all := make([]Status, len(stale))
	var at []int
	var names []string
	for i := range stale {
		all[i].Status = stale[i]
		switch {
		case stale[i].Space.Definition() != nil:
			at, names = append(at, i), append(names, stale[i].Asset)
		case stale[i].Failed:
			all[i].FailedPartitions = partition.Whole()
		}
	}
	if len(at) == 0 {
		return all, nil
	}
	keys, err := s.AssetKeys(ctx, names)
	if err != nil {
		return nil, err
	}
	sets, err := s.PartitionSets(ctx, keys)
	if err != nil {
		return nil, err
	}
	for k, i := range at {
		of := &all[i]
		of.FailedPartitions, of.InFlight = of.Space.Within(sets[k].Failed), of.Space.Within(sets[k].InFlight)
	}
	return all, nil
}
