package record

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
)

// RunRow is a row of run. Lists leave the plan out.
type RunRow = struct {
	Key        int64
	ID         string
	Location   string
	Job        string
	Backfill   string
	Partition  string
	State      int64
	Token      int64
	CreatedAt  int64
	StartedAt  int64
	EndedAt    int64
	Succeeded  int64
	Failed     int64
	Skipped    int64
	Canceled   int64
	Error      string
	Request    []byte
	Tags       []byte
	Owner      string
	LeaseUntil int64
	Cancel     []byte
	Lost       int64
	Plan       []byte
}

// Run returns the record of a row.
func Run[R ~RunRow](found R) (storage.RunRecord, error) {
	row := RunRow(found)
	rec := storage.RunRecord{
		Key: storage.RunKey(row.Key), ID: row.ID, Location: row.Location, Job: row.Job, Backfill: row.Backfill, Partition: row.Partition,
		State: storage.RunState(row.State), Token: row.Token, Error: row.Error,
		CreatedAt: storage.Micros(row.CreatedAt).Time(), StartedAt: storage.Micros(row.StartedAt).Time(), EndedAt: storage.Micros(row.EndedAt).Time(),
		Counts: storage.StepCounts{
			Succeeded: int(row.Succeeded), Failed: int(row.Failed), Skipped: int(row.Skipped), Canceled: int(row.Canceled),
		},
		Owner: row.Owner, LeaseUntil: storage.Micros(row.LeaseUntil).Time(), Lost: prune.LostOf(row.Lost),
	}
	var err error
	rec.Cancel, err = Cancel(storage.CancelRequest{Run: rec.Key}, row.Cancel)
	err = errors.Join(err, decode(row.Request, &rec.Request), decode(row.Tags, &rec.Tags), decode(row.Plan, &rec.Plan))
	if err != nil {
		return storage.RunRecord{}, err
	}
	return rec, nil
}

// Runs returns the records of rows, nil for none.
func Runs[R ~RunRow](rows []R) ([]storage.RunRecord, error) {
	return each(rows, Run[R], func(row R) string { return fmt.Sprintf("run %q", RunRow(row).ID) })
}
