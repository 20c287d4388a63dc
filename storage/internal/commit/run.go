package commit

import (
	"encoding/json"
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// NewRequest returns the request of a batch, its documents made. It fails on what is not data.
func NewRequest(b *storage.Batch) (Request, error) {
	r := Request{Fence: b.Fence, Batch: b, Progress: encodeProgress(b.BackfillUpdates)}
	var err error
	if r.Runs, err = encodeRuns(b.Runs); err == nil {
		r.Backfills, err = encodeBackfills(b.Backfills)
	}
	return r, err
}

// GiveKeys gives the records of an accepted batch the keys that the writer found for them.
func (r *Request) GiveKeys() {
	for i := range r.Runs {
		r.Batch.Runs[i].Key = r.Runs[i].Key
	}
	for i := range r.Backfills {
		r.Batch.Backfills[i].Key = r.Backfills[i].Key
	}
}

// Run is a new run as a writer takes it, its documents made by the caller's goroutine.
type Run struct {
	Record *storage.RunRecord
	// Request, Tags and Plan are JSON; nil for none.
	Request, Tags, Plan []byte
	// Key is the writer's answer; it reaches the record when the batch is durable.
	Key storage.RunKey
}

func encodeRuns(runs []storage.RunRecord) ([]Run, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	encoded := make([]Run, len(runs))
	for i := range runs {
		rec := &runs[i]
		e := Run{Record: rec, Plan: storage.AppendPlan(nil, rec.Plan)}
		var err error
		if e.Request, err = json.Marshal(rec.Request); err != nil {
			return nil, fmt.Errorf("run %q: its request as JSON: %w", rec.ID, err)
		}
		if len(rec.Tags) > 0 {
			if e.Tags, err = json.Marshal(rec.Tags); err != nil {
				return nil, fmt.Errorf("run %q: its tags as JSON: %w", rec.ID, err)
			}
		}
		encoded[i] = e
	}
	return encoded, nil
}
