package commit

import (
	"encoding/json"
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// The sets of a backfill, in the order in which [Sets] has them. Values are stored.
const (
	AllSet = iota
	SubmittedSet
	CompletedSet
	FailedSet
	CanceledSet
	setCount
)

// Sets are the sets of a backfill in their binary form, nil for an empty one.
type Sets [setCount][]byte

// Backfill is a new backfill as a writer takes it, its documents made by the caller's goroutine.
type Backfill struct {
	Record *storage.BackfillRecord
	// Request and Assets are JSON.
	Request, Assets []byte
	Sets            Sets
	// Key is the writer's answer; it reaches the record when the batch is durable.
	Key storage.BackfillKey
}

// Progress is an update of a backfill, with all its sets but the first.
type Progress struct {
	Update *storage.BackfillUpdate
	Sets   Sets
}

func encodeBackfills(backfills []storage.BackfillRecord) ([]Backfill, error) {
	var encoded []Backfill
	for i := range backfills {
		rec := &backfills[i]
		e := Backfill{Record: rec, Sets: progressSets(&rec.Progress)}
		e.Sets[AllSet] = binary(rec.Partitions)
		var err error
		if e.Request, err = json.Marshal(rec.Request); err != nil {
			return nil, fmt.Errorf("backfill %q: its request as JSON: %w", rec.ID, err)
		}
		if e.Assets, err = json.Marshal(rec.Assets); err != nil {
			return nil, fmt.Errorf("backfill %q: its assets as JSON: %w", rec.ID, err)
		}
		encoded = append(encoded, e)
	}
	return encoded, nil
}

func encodeProgress(updates []storage.BackfillUpdate) []Progress {
	var encoded []Progress
	for i := range updates {
		encoded = append(encoded, Progress{&updates[i], progressSets(&updates[i].Progress)})
	}
	return encoded
}

func progressSets(p *storage.BackfillProgress) Sets {
	return Sets{
		SubmittedSet: binary(p.Submitted), CompletedSet: binary(p.Completed), FailedSet: binary(p.Failed), CanceledSet: binary(p.Canceled),
	}
}

func binary(set partition.Set) []byte {
	if set.IsEmpty() {
		return nil
	}
	data, _ := set.AppendBinary(nil) // never fails
	return data
}

// Fill reads the sets of a backfill into its record.
func (s *Sets) Fill(rec *storage.BackfillRecord) error {
	p := &rec.Progress
	for which, to := range [setCount]*partition.Set{&rec.Partitions, &p.Submitted, &p.Completed, &p.Failed, &p.Canceled} {
		if s[which] == nil {
			continue
		}
		var err error
		if *to, err = partition.ParseSet(s[which]); err != nil {
			return err
		}
	}
	rec.FillSkipped()
	return nil
}
