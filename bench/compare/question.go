package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// page is how many runs are listed at once.
const page = 50

// failing is which of the runs of a past failed: one in so many.
const failing = 1000

// asked is how many answers the median is of: the first has nothing to build on.
const asked = 11

// answer asks so often that the median means something.
func answer(ask func() error) (time.Duration, error) {
	took := make([]time.Duration, asked)
	for i := range took {
		start := time.Now()
		if err := ask(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start)
	}
	slices.SortFunc(took, cmp.Compare)
	return took[len(took)/2], nil
}

// writeRuns makes a store with n runs that have ended.
func writeRuns(ctx context.Context, kind, place string, n int) (err error) {
	store, err := open(ctx, kind, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var b storage.Batch
	for i := range n {
		at := time.Unix(1_700_000_000+int64(i), 0).UTC()
		run := storage.RunRecord{
			ID: "0198f3c2-7c7e-7d30-8000-" + strconv.Itoa(i), Location: location, State: storage.Success, Tags: map[string]string{"by": "past"},
			CreatedAt: at, StartedAt: at, EndedAt: at.Add(time.Second), Token: 1, Counts: storage.StepCounts{Succeeded: 1},
		}
		if i%failing == 0 {
			run.State, run.Error, run.Counts = storage.Failure, "a0: no more disk", storage.StepCounts{Failed: 1}
		}
		if b.Runs = append(b.Runs, run); len(b.Runs) < 1000 && i+1 < n {
			continue
		}
		if err := store.Commit(ctx, &b); err != nil {
			return err
		}
		b.Runs = b.Runs[:0]
	}
	return nil
}

func failures() storage.RunQuery {
	return storage.RunQuery{Location: location, States: []storage.RunState{storage.Failure}, Limit: page}
}

// list lists the newest of n runs.
func list(q storage.RunQuery) worker {
	return func(ctx context.Context, n int, store storage.Storage) (time.Duration, error) {
		step := 1
		if len(q.States) > 0 {
			step = failing
		}
		newest := (n - 1) / step * step
		return answer(func() error {
			runs, err := store.ListRuns(ctx, q)
			if err != nil {
				return err
			}
			if want := min(page, newest/step+1); len(runs) != want {
				return fmt.Errorf("%d runs are listed, want %d", len(runs), want)
			}
			for i := range runs {
				if want := "0198f3c2-7c7e-7d30-8000-" + strconv.Itoa(newest-i*step); runs[i].ID != want {
					return fmt.Errorf("run %d of the list is %s, want %s", i, runs[i].ID, want)
				}
			}
			return nil
		})
	}
}
