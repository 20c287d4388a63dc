package sqlite

import (
	"context"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// ListPools returns all pools by name.
func (s *Store) ListPools(ctx context.Context) ([]storage.PoolRecord, error) {
	rows, err := s.reads.ListPools(ctx, int64(storage.MicrosOf(time.Now())))
	if err != nil {
		return nil, s.readError("list pools", err)
	}
	return record.Pools(rows), nil
}

// ListSlots returns the holders of slots, then the waiting steps.
func (s *Store) ListSlots(ctx context.Context, q storage.SlotQuery) ([]storage.SlotRecord, error) {
	rows, err := s.reads.ListSlots(ctx, db.ListSlotsParams{
		Now: int64(storage.MicrosOf(time.Now())), Pool: q.Pool, AnyPool: q.Pool == "", Run: int64(q.Run), AnyRun: q.Run == 0,
	})
	if err != nil {
		return nil, s.readError("list slots", err)
	}
	return record.Slots(rows), nil
}
