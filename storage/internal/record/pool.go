package record

import (
	"cmp"

	"github.com/rivers-go/rivers/storage"
)

// PoolRow is a row of pool with its counts.
type PoolRow = struct {
	Name     string
	Declared int64
	ByHand   int64
	InUse    int64
	Waiting  int64
}

// Pools returns the records of rows, nil for none.
func Pools[R ~PoolRow](rows []R) []storage.PoolRecord {
	var list []storage.PoolRecord
	for i := range rows {
		row := PoolRow(rows[i])
		list = append(list, storage.PoolRecord{
			Name: row.Name, Limit: int(cmp.Or(row.ByHand, row.Declared)), Declared: int(row.Declared), Set: int(row.ByHand),
			InUse: int(row.InUse), Waiting: int(row.Waiting),
		})
	}
	return list
}

// SlotRow is a row of slot with the ID of its run.
type SlotRow = struct {
	Ticket  int64
	Run     int64
	Since   int64
	Until   int64
	Step    int64
	Attempt int64
	Slots   int64
	Holding bool
	Pool    string
	StepKey string
	RunID   string
}

// Slots returns the records of rows, nil for none.
func Slots[R ~SlotRow](rows []R) []storage.SlotRecord {
	var list []storage.SlotRecord
	for i := range rows {
		row := SlotRow(rows[i])
		list = append(list, storage.SlotRecord{
			PoolSlots: storage.PoolSlots{Pool: row.Pool, Slots: int(row.Slots)},
			Run:       storage.RunKey(row.Run), RunID: row.RunID, Step: int32(row.Step), Key: row.StepKey, Attempt: int32(row.Attempt),
			Holding: row.Holding, Since: storage.Micros(row.Since).Time(), Until: storage.Micros(row.Until).Time(),
		})
	}
	return list
}
