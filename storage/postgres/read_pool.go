package postgres

import (
	"context"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// ListPools returns all pools by name.
func (s *Store) ListPools(ctx context.Context) ([]storage.PoolRecord, error) {
	rows, err := read(ctx, s, "list pools", (*db.Queries).ListPools)
	return record.Pools(rows), err
}

// ListSlots returns the holders of slots, then the waiting steps.
func (s *Store) ListSlots(ctx context.Context, q storage.SlotQuery) ([]storage.SlotRecord, error) {
	p := db.ListSlotsParams{Pool: q.Pool, AnyPool: q.Pool == "", Run: int64(q.Run), AnyRun: q.Run == 0}
	rows, err := readBy(ctx, s, "list slots", (*db.Queries).ListSlots, p)
	return record.Slots(rows), err
}
