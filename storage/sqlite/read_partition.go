package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// snapshot reads several queries' answers as of one moment.
func (s *Store) snapshot(ctx context.Context, what string, read func(q *db.Queries) error) error {
	tx, err := s.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return s.readError(what, err)
	}
	if err := errors.Join(read(s.reads.WithTx(tx)), tx.Rollback()); err != nil {
		return s.readError(what, err)
	}
	return nil
}

// PartitionSets returns the materialized, failed and in-flight partitions of each asset.
func (s *Store) PartitionSets(ctx context.Context, assets []storage.AssetKey) ([]storage.PartitionSets, error) {
	sets := make(map[storage.AssetKey]*storage.PartitionSets, len(assets))
	keys := make([]int64, 0, len(assets))
	for _, asset := range assets {
		if sets[asset] == nil {
			sets[asset] = &storage.PartitionSets{Asset: asset}
			keys = append(keys, int64(asset))
		}
	}
	err := s.snapshot(ctx, "read sets of partitions", func(q *db.Queries) error {
		for chunk := range slices.Chunk(keys, many) {
			if err := fillSets(ctx, q, sets, chunk); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]storage.PartitionSets, len(assets))
	for i, asset := range assets {
		list[i] = *sets[asset]
	}
	return list, nil
}

func fillSets(ctx context.Context, q *db.Queries, sets map[storage.AssetKey]*storage.PartitionSets, assets []int64) error {
	stored, err := q.ListPartitionSets(ctx, assets)
	if err != nil {
		return err
	}
	for _, row := range stored {
		one := sets[storage.AssetKey(row.Asset)]
		to := &one.Materialized
		if storage.StateKind(row.Kind) == storage.Failed {
			to = &one.Failed
		}
		if *to, err = partition.ParseSet(row.Labels); err != nil {
			return err
		}
	}
	flights, err := q.ListInFlight(ctx, assets)
	if err != nil {
		return err
	}
	for _, row := range flights {
		set, err := partition.ParseSet(row.Labels)
		if err != nil {
			return err
		}
		one := sets[storage.AssetKey(row.Asset)]
		one.InFlight = one.InFlight.Union(set)
	}
	states, err := q.ListWholeStates(ctx, assets)
	addWhole(sets, states)
	return err
}

// addWhole adds the one partition of unpartitioned assets: materialized, and failed if the failure
// is newer.
func addWhole(sets map[storage.AssetKey]*storage.PartitionSets, states []db.ListWholeStatesRow) {
	made := map[int64]int64{}
	for _, row := range states {
		if storage.StateKind(row.Kind) != storage.Materialized {
			continue
		}
		made[row.Asset] = row.Seq
		if one := sets[storage.AssetKey(row.Asset)]; row.Whole {
			one.Materialized = one.Materialized.Union(partition.Whole())
		}
	}
	for _, row := range states {
		at, there := made[row.Asset]
		if one := sets[storage.AssetKey(row.Asset)]; row.Whole && storage.StateKind(row.Kind) == storage.Failed && (!there || at < row.Seq) {
			one.Failed = one.Failed.Union(partition.Whole())
		}
	}
}

// ListPartitions returns the states of individual partitions, sorted by key text.
func (s *Store) ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error) {
	var list []storage.PartitionState
	err := s.snapshot(ctx, fmt.Sprintf("list partitions of asset %d", q.Asset), func(r *db.Queries) error {
		covers, err := r.ListCovers(ctx, db.ListCoversParams{Asset: int64(q.Asset), Kind: int64(q.Kind)})
		if err != nil {
			return err
		}
		p := pager{PartitionQuery: q, reads: r}
		if err := p.cover(covers); err != nil {
			return err
		}
		if q.Partitions != nil {
			err = p.named(ctx)
		} else {
			err = p.all(ctx)
		}
		list = p.list
		return err
	})
	return list, err
}

// pager collects the states that still hold.
type pager struct {
	storage.PartitionQuery

	reads *db.Queries
	// covers are the groups that may be newer than a state, newest the greatest of their numbers.
	covers []cover
	newest int64
	list   []storage.PartitionState
}

type cover struct {
	seq int64
	set partition.Set
}

func (p *pager) cover(rows []db.ListCoversRow) error {
	for _, row := range rows {
		set, err := partition.ParseSet(row.Labels)
		if err != nil {
			return err
		}
		p.covers = append(p.covers, cover{row.Seq, set})
		p.newest = max(p.newest, row.Seq)
	}
	return nil
}

// full reports whether there are as many as were asked for.
func (p *pager) full() bool { return p.Limit > 0 && len(p.list) >= p.Limit }

// all reads all states, page by page while superseded ones leave room.
func (p *pager) all(ctx context.Context) error {
	for !p.full() {
		page := db.ListPartitionStatesParams{Asset: int64(p.Asset), Kind: int64(p.Kind), After: p.After, Max: limit(p.Limit)}
		rows, err := p.reads.ListPartitionStates(ctx, page)
		if err != nil {
			return err
		}
		for i := range rows {
			p.After = rows[i].Partition
			if err := p.add(record.StateRow(rows[i])); err != nil {
				return err
			}
		}
		if p.Limit <= 0 || len(rows) < p.Limit {
			return nil
		}
	}
	return nil
}

// named goes through the states of some partitions.
func (p *pager) named(ctx context.Context) error {
	texts := slices.Compact(slices.Sorted(slices.Values(p.Partitions)))
	texts = slices.DeleteFunc(texts, func(text string) bool { return text <= p.After })
	for chunk := range slices.Chunk(texts, many) {
		rows, err := p.reads.ListNamedPartitionStates(ctx, db.ListNamedPartitionStatesParams{Asset: int64(p.Asset), Kind: int64(p.Kind), Partitions: chunk})
		if err != nil {
			return err
		}
		slices.SortFunc(rows, func(a, b db.ListNamedPartitionStatesRow) int { return strings.Compare(a.Partition, b.Partition) })
		for i := range rows {
			if err := p.add(record.StateRow(rows[i])); err != nil {
				return err
			}
		}
		if p.full() {
			return nil
		}
	}
	return nil
}

// add adds a state if it still holds and the list has room.
func (p *pager) add(row record.StateRow) error {
	if p.full() {
		return nil
	}
	if row.Seq < p.newest {
		set, err := partition.ParseSet(row.Labels)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(p.covers, func(c cover) bool { return c.seq > row.Seq && c.set.Contains(set) }) {
			return nil
		}
	}
	st, err := record.State(row)
	if err == nil {
		p.list = append(p.list, storage.PartitionState{Asset: p.Asset, Kind: p.Kind, AssetState: st})
	}
	return err
}

// ListPartitionGroups returns the states recorded for whole groups of partitions, newest first.
func (s *Store) ListPartitionGroups(ctx context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error) {
	what := fmt.Sprintf("list groups of partitions of asset %d", asset)
	rows, err := s.reads.ListPartitionGroups(ctx, db.ListPartitionGroupsParams{Asset: int64(asset), Kind: int64(kind)})
	var list []storage.PartitionGroup
	if err == nil {
		list, err = record.Groups(asset, kind, rows)
	}
	if err != nil {
		return nil, s.readError(what, err)
	}
	return list, nil
}
