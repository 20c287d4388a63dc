package postgres

import (
	"cmp"
	"context"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// ListPools returns all pools by name.
func (s *Store) ListPools(ctx context.Context) ([]storage.PoolRecord, error) {
	rows, err := read(ctx, s, "list pools", (*db.Queries).ListPools)
	if err != nil {
		return nil, err
	}
	var list []storage.PoolRecord
	for _, r := range rows {
		list = append(list, storage.PoolRecord{
			Name: r.Name, Limit: int(cmp.Or(r.ByHand, r.Declared)), Declared: int(r.Declared), Set: int(r.ByHand),
			InUse: int(r.InUse), Waiting: int(r.Waiting),
		})
	}
	return list, nil
}

// ListSlots returns who holds slots, then who waits for them.
func (s *Store) ListSlots(ctx context.Context, q storage.SlotQuery) ([]storage.SlotRecord, error) {
	p := db.ListSlotsParams{Pool: q.Pool, AnyPool: q.Pool == "", Run: int64(q.Run), AnyRun: q.Run == 0}
	rows, err := readBy(ctx, s, "list slots", (*db.Queries).ListSlots, p)
	if err != nil {
		return nil, err
	}
	var list []storage.SlotRecord
	for i := range rows {
		r := &rows[i]
		list = append(list, storage.SlotRecord{
			PoolSlots: storage.PoolSlots{Pool: r.Pool, Slots: int(r.Slots)},
			Run:       storage.RunKey(r.Run), RunID: r.RunID, Step: r.Step, Key: r.StepKey, Attempt: r.Attempt,
			Holding: r.Holding, Since: storage.Micros(r.Since).Time(), Until: storage.Micros(r.Until).Time(),
		})
	}
	return list, nil
}
