package feed

import (
	"context"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// States reads the present states of individual partitions: by key where few are wanted, page by
// page where many are.
type States struct {
	Store interface {
		ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error)
	}
	// Keys is how many keys one query asks for, Page how many states one page holds.
	Keys, Page int
}

// All reads every state that a query finds, a page at a time.
func (s States) All(ctx context.Context, q storage.PartitionQuery, yield func([]storage.PartitionState) error) error {
	q.Limit = s.Page
	for {
		rows, err := s.Store.ListPartitions(ctx, q)
		if err != nil || len(rows) == 0 {
			return err
		}
		q.After = rows[len(rows)-1].Partition
		if err := yield(rows); err != nil {
			return err
		}
	}
}

// Some reads the states of a set of partitions by their keys.
func (s States) Some(ctx context.Context, q storage.PartitionQuery, space partition.Space, of partition.Set, yield func([]storage.PartitionState) error) error {
	q.Partitions = make([]string, 0, min(int64(s.Keys), space.Count(of)))
	ask := func() error {
		if len(q.Partitions) == 0 {
			return nil
		}
		rows, err := s.Store.ListPartitions(ctx, q)
		if err != nil {
			return err
		}
		q.Partitions = q.Partitions[:0]
		return yield(rows)
	}
	for key, err := range space.Keys(of) {
		if err != nil {
			return err
		}
		if q.Partitions = append(q.Partitions, key.String()); len(q.Partitions) == s.Keys {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return ask()
}
