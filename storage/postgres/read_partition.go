package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
	"github.com/rivers-go/rivers/storage/postgres/internal/pgtext"
)

// The contents of a row of ListPartitionSets, besides the kinds that have sets.
const (
	rowInFlight = 10
	rowState    = 20 // and the kind of the state
	rowWhole    = 30 // and its kind, for a state of no partition
)

// PartitionSets returns the materialized, failed and in-flight partitions of each asset.
func (s *Store) PartitionSets(ctx context.Context, assets []storage.AssetKey) ([]storage.PartitionSets, error) {
	const what = "read sets of partitions"
	keys := make([]int64, len(assets))
	for i, asset := range assets {
		keys[i] = int64(asset)
	}
	rows, err := readBy(ctx, s, what, (*db.Queries).ListPartitionSets, keys)
	if err != nil {
		return nil, err
	}
	sets := make(map[int64]*readSet, len(assets))
	for i := range rows {
		r := &rows[i]
		if sets[r.Asset] == nil {
			sets[r.Asset] = &readSet{}
		}
		if err := sets[r.Asset].add(r); err != nil {
			return nil, s.target.explain(what, err)
		}
	}
	list := make([]storage.PartitionSets, len(assets))
	for i, asset := range assets {
		if one := sets[int64(asset)]; one != nil {
			list[i] = one.answer()
		}
		list[i].Asset = asset
	}
	return list, nil
}

// readSet collects the rows of an asset.
type readSet struct {
	storage.PartitionSets

	made, failed           int64 // the numbers of the latest states of the asset as a whole
	wholeMade, wholeFailed bool  // which are of no partition
}

func (r *readSet) add(row *db.ListPartitionSetsRow) error {
	switch what := row.What; {
	case what == rowWhole+int64(storage.Failed):
		r.failed, r.wholeFailed = row.Seq, true
	case what == rowWhole+int64(storage.Materialized):
		r.made, r.wholeMade = row.Seq, true
	case what == rowState+int64(storage.Materialized):
		r.made = row.Seq
	case what >= rowState:
	default:
		set, err := partition.ParseSet(row.Labels)
		if err != nil {
			return err
		}
		switch what {
		case rowInFlight:
			r.InFlight = r.InFlight.Union(set)
		case int64(storage.Failed):
			r.Failed = set
		default:
			r.Materialized = set
		}
	}
	return nil
}

// answer adds the one partition of an unpartitioned asset: materialized, and failed if the failure
// is newer.
func (r *readSet) answer() storage.PartitionSets {
	if r.wholeMade {
		r.Materialized = r.Materialized.Union(partition.Whole())
	}
	if r.wholeFailed && r.failed > r.made {
		r.Failed = r.Failed.Union(partition.Whole())
	}
	return r.PartitionSets
}

// ListPartitions returns the states of individual partitions, sorted by key text.
func (s *Store) ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error) {
	what := fmt.Sprintf("list partitions of asset %d", q.Asset)
	p := db.ListPartitionStatesParams{
		Asset: int64(q.Asset), Kind: int64(q.Kind), After: q.After, AnyPartition: q.Partitions == nil, Partitions: q.Partitions, Max: limit(q.Limit),
	}
	var list []storage.PartitionState
	for {
		rows, err := readBy(ctx, s, what, (*db.Queries).ListPartitionStates, p)
		if err != nil {
			return nil, err
		}
		covers, states := split(rows)
		for i := range states {
			row := &states[i]
			holds, err := holds(covers, row)
			if err == nil && holds {
				var st storage.AssetState
				st, err = record.State(record.StateRow{
					Seq: row.Seq, Run: row.Run, N: row.N, At: row.At, Partition: row.Partition,
					DataVersion: row.DataVersion, CodeVersion: row.CodeVersion, Detail: row.Detail, RunID: row.RunID,
				})
				list = append(list, storage.PartitionState{Asset: q.Asset, Kind: q.Kind, AssetState: st})
			}
			if err != nil {
				return nil, s.target.explain(what, err)
			}
			if q.Limit > 0 && len(list) == q.Limit {
				return list, nil
			}
		}
		if q.Limit <= 0 || len(states) < q.Limit {
			return list, nil
		}
		p.After = states[len(states)-1].Partition // some were skipped
	}
}

// split separates the states from the groups that may be newer.
func split(rows []db.ListPartitionStatesRow) (covers, states []db.ListPartitionStatesRow) {
	for i := range rows {
		if rows[i].Covers {
			covers = append(covers, rows[i])
		} else {
			states = append(states, rows[i])
		}
	}
	slices.SortFunc(states, func(a, b db.ListPartitionStatesRow) int { return pgtext.Compare(a.Partition, b.Partition) })
	return covers, states
}

// holds reports whether no newer group has the partition of a state.
func holds(covers []db.ListPartitionStatesRow, state *db.ListPartitionStatesRow) (bool, error) {
	var one partition.Set
	for i := range covers {
		if covers[i].Seq < state.Seq {
			continue
		}
		set, err := partition.ParseSet(covers[i].Labels)
		if err == nil && one.IsEmpty() {
			one, err = partition.ParseSet(state.Labels)
		}
		if err != nil || set.Contains(one) {
			return false, err
		}
	}
	return true, nil
}

// ListPartitionGroups returns the states recorded for whole groups of partitions, newest first.
func (s *Store) ListPartitionGroups(ctx context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error) {
	what := fmt.Sprintf("list groups of partitions of asset %d", asset)
	rows, err := readBy(ctx, s, what, (*db.Queries).ListPartitionGroups, db.ListPartitionGroupsParams{Asset: int64(asset), Kind: int64(kind)})
	if err != nil {
		return nil, err
	}
	list, err := record.Groups(asset, kind, rows)
	return list, s.target.explain(what, err)
}
