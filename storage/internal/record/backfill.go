package record

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// BackfillRow is a row of backfill.
type BackfillRow = struct {
	Key        int64
	Token      int64
	LeaseUntil int64
	CreatedAt  int64
	StartedAt  int64
	EndedAt    int64
	Total      int64
	Runs       int64
	Completed  int64
	Failed     int64
	Canceled   int64
	State      int64
	ID         string
	Location   string
	Owner      string
	RerunOf    string
	Error      string
	Cancel     []byte
	Assets     []byte
	Request    []byte
}

// Backfill returns the record of a row, without its sets.
func Backfill[R ~BackfillRow](found R) (storage.BackfillRecord, error) {
	row := BackfillRow(found)
	rec := storage.BackfillRecord{
		Key: storage.BackfillKey(row.Key), ID: row.ID, Location: row.Location, State: storage.BackfillState(row.State), RerunOf: row.RerunOf,
		Total: row.Total, Token: row.Token, Owner: row.Owner, Error: row.Error,
		CreatedAt: storage.Micros(row.CreatedAt).Time(), StartedAt: storage.Micros(row.StartedAt).Time(), EndedAt: storage.Micros(row.EndedAt).Time(),
		LeaseUntil: storage.Micros(row.LeaseUntil).Time(),
		Progress: storage.BackfillProgress{
			Runs: row.Runs, CompletedCount: row.Completed, FailedCount: row.Failed, CanceledCount: row.Canceled,
		},
	}
	rec.FillSkipped()
	var err error
	rec.Cancel, err = Cancel(storage.CancelRequest{Backfill: rec.Key}, row.Cancel)
	err = errors.Join(err, decode(row.Request, &rec.Request), decode(row.Assets, &rec.Assets))
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	return rec, nil
}

// Backfills returns the records of rows, nil for none.
func Backfills[R ~BackfillRow](rows []R) ([]storage.BackfillRecord, error) {
	return each(rows, Backfill[R], func(row R) string { return fmt.Sprintf("backfill %q", BackfillRow(row).ID) })
}
