package commit

import (
	"encoding/json"
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// Run is a new run as a writer takes it, its documents made by the caller's goroutine.
type Run struct {
	Record *storage.RunRecord
	// Request, Tags and Plan are JSON; nil for none.
	Request, Tags, Plan []byte
	// Key is the writer's answer; it reaches the record when the batch is durable.
	Key storage.RunKey
}

// Encode makes the documents of new runs, nil where there are no runs. It fails on a request that is
// not data.
func Encode(runs []storage.RunRecord) ([]Run, error) {
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
