package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// longPlanAt is the length in bytes from which a plan has a row of its own: a run's row is
// rewritten with each of its states, and beyond a quarter of a page that shows.
const longPlanAt = 1024

// encodedRun is a new run as the writer takes it, its documents made by the caller's goroutine.
type encodedRun struct {
	rec                 *storage.RunRecord
	request, tags, plan []byte
	// key is the writer's answer; it reaches the record when all is on disk.
	key storage.RunKey
}

func encodeRuns(runs []storage.RunRecord) ([]encodedRun, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	encoded := make([]encodedRun, len(runs))
	for i := range runs {
		rec := &runs[i]
		e := encodedRun{rec: rec, plan: storage.AppendPlan(nil, rec.Plan)}
		var err error
		if e.request, err = json.Marshal(rec.Request); err != nil {
			return nil, fmt.Errorf("run %q: its request as JSON: %w", rec.ID, err)
		}
		if len(rec.Tags) > 0 {
			if e.tags, err = json.Marshal(rec.Tags); err != nil {
				return nil, fmt.Errorf("run %q: its tags as JSON: %w", rec.ID, err)
			}
		}
		encoded[i] = e
	}
	return encoded, nil
}

// decode reads a document into target; none leaves it as it is.
func decode(doc []byte, target any) error {
	if len(doc) == 0 {
		return nil
	}
	return json.Unmarshal(doc, target)
}
