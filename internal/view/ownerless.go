package view

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// Ownerless describes the runs and backfills in progress whose process is gone, with what to do.
// The store itself cannot end them, since it knows no processes.
func Ownerless(ctx context.Context, s storage.Reader) ([]string, error) {
	var found []string
	backfills, err := s.ListBackfills(ctx, storage.BackfillQuery{
		States: []storage.BackfillState{storage.BackfillRequested, storage.BackfillInProgress, storage.BackfillCanceling}, Limit: math.MaxInt32,
	})
	if err != nil {
		return nil, err
	}
	for i := range backfills {
		if b := &backfills[i]; Abandoned(b) {
			found = append(found, fmt.Sprintf("backfill %q is %s and its process is gone: backfill resume %[1]s, or backfill cancel %[1]s", b.ID, b.State))
		}
	}
	runs, err := s.ListRuns(ctx, storage.RunQuery{States: []storage.RunState{storage.NotStarted, storage.Running}, Limit: math.MaxInt32})
	if err != nil {
		return nil, err
	}
	for i := range runs {
		switch r := &runs[i]; {
		case !ownerless(r.Owner, r.LeaseUntil):
		case r.Backfill != "":
			found = append(found, fmt.Sprintf("run %q of backfill %q is %s and its process is gone", r.ID, r.Backfill, r.State))
		default:
			found = append(found, fmt.Sprintf("run %q is %s and its process is gone: materialize --resume %[1]s, or runs cancel %[1]s", r.ID, r.State))
		}
	}
	return found, nil
}

// ownerless reports whether nobody is at work on what an owner holds: its lease is over, or its
// process is gone.
func ownerless(owner string, lease time.Time) bool {
	return owner != "" && (lease.Before(time.Now()) || proc.Gone(owner))
}
