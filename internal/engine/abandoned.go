package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

// Records is what settling and canceling the runs of other processes asks of storage.
type Records interface {
	Store
	GetRun(ctx context.Context, id string) (storage.RunRecord, error)
	ListRuns(ctx context.Context, q storage.RunQuery) ([]storage.RunRecord, error)
	ListEvents(ctx context.Context, q storage.EventQuery) ([]storage.Event, error)
	AssetKeys(ctx context.Context, names []string) ([]storage.AssetKey, error)
	ClaimRun(ctx context.Context, c storage.RunClaim) (storage.RunRecord, error)
}

// Abandoned returns the runs of a location, or of all where it is empty, whose owner is gone: its
// lease has ended, or its process is known to have.
func Abandoned(ctx context.Context, s Records, location string) ([]storage.RunRecord, error) {
	var abandoned []storage.RunRecord
	q := storage.RunQuery{Location: location, Owned: true}
	for {
		owned, err := s.ListRuns(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("looking for runs whose process is gone: %w", err)
		}
		for i := range owned {
			if isAbandoned(&owned[i]) {
				abandoned = append(abandoned, owned[i])
			}
		}
		if len(owned) == 0 {
			return abandoned, nil
		}
		q.Before = owned[len(owned)-1].Key
	}
}

func isAbandoned(rec *storage.RunRecord) bool {
	return rec.LeaseUntil.Before(time.Now()) || proc.Gone(rec.Owner)
}

// ClaimAbandoned claims for this process a run whose owner is gone. A run whose owner is there is
// [storage.ErrOwned], one that has ended [storage.ErrRunEnded].
func ClaimAbandoned(ctx context.Context, s Records, id string) (storage.RunRecord, []storage.Event, error) {
	rec, err := s.GetRun(ctx, id)
	if err != nil {
		return rec, nil, err
	}
	c := storage.RunClaim{ID: id, Owner: proc.Self().String(), Lease: Lease}
	if proc.Gone(rec.Owner) {
		c.Gone = rec.Owner
	}
	claimed, err := s.ClaimRun(ctx, c)
	if err != nil {
		return rec, nil, err
	}
	past, err := s.ListEvents(ctx, storage.EventQuery{Run: claimed.Key})
	return claimed, past, err
}

// SettleAbandoned ends a run whose owner is gone, from its record alone. It reports false for a run
// that has ended meanwhile, or has an owner again.
func SettleAbandoned(ctx context.Context, s Records, id string) (bool, error) {
	was, err := s.GetRun(ctx, id)
	if err != nil {
		return false, err
	}
	rec, history, err := ClaimAbandoned(ctx, s, id)
	switch {
	case errors.Is(err, storage.ErrOwned), errors.Is(err, storage.ErrRunEnded):
		return false, nil
	case err != nil:
		return false, err
	}
	p, err := plan.Recorded(rec.Plan)
	if err != nil {
		return false, fmt.Errorf("run %s: settling it: %w", id, err)
	}
	keys, err := recordedKeys(ctx, s, p)
	if err != nil {
		return false, fmt.Errorf("run %s: settling it: %w", id, err)
	}
	reason := "it was never started"
	if was.Owner != "" {
		reason = fmt.Sprintf("its process ended without it: %s", proc.Describe(was.Owner))
	}
	if _, err := Settle(ctx, Config{Plan: p, Record: rec, History: history, Store: s, AssetKeys: keys}, reason); err != nil {
		return false, fmt.Errorf("run %s: settling it: %w", id, err)
	}
	return true, nil
}

// ReadResult reads what is recorded of a run, which need not have ended, for who has its record
// alone.
func ReadResult(ctx context.Context, s Records, id string) (*Result, error) {
	rec, err := s.GetRun(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := plan.Recorded(rec.Plan)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", id, err)
	}
	past, err := s.ListEvents(ctx, storage.EventQuery{Run: rec.Key})
	if err != nil {
		return nil, fmt.Errorf("run %s: reading its events: %w", id, err)
	}
	keys, err := recordedKeys(ctx, s, p) // by which events of single partitions name their assets
	if err != nil {
		return nil, fmt.Errorf("run %s: reading its assets: %w", id, err)
	}
	r := newRun(Config{Plan: p, Record: rec, AssetKeys: keys})
	r.key = rec.Key
	if err := r.restore(past); err != nil {
		return nil, err
	}
	if !rec.State.Terminal() {
		r.end = rec.State
	}
	return r.result(), nil
}

// recordedKeys finds the assets that a recorded plan makes.
func recordedKeys(ctx context.Context, s Records, p *plan.Plan) ([]storage.AssetKey, error) {
	keys := make([]storage.AssetKey, p.Graph.Outputs())
	var names []string
	var at []int
	for v := range keys {
		if out, _ := p.Graph.Output(int32(v)); out.Asset {
			names, at = append(names, out.Name), append(at, v)
		}
	}
	found, err := s.AssetKeys(ctx, names)
	if err != nil {
		return nil, err
	}
	for i, key := range found {
		keys[at[i]] = key
	}
	return keys, nil
}

// RequestCancel asks a run to stop and returns its record as it was. A run that nobody runs is
// settled at once; one that has ended is left as it is.
func RequestCancel(ctx context.Context, s Records, id string, c storage.CancelRequest) (storage.RunRecord, error) {
	rec, err := s.GetRun(ctx, id)
	if err != nil || rec.State.Terminal() {
		return rec, err
	}
	c.Run = rec.Key
	if err := s.Commit(ctx, &storage.Batch{Cancels: []storage.CancelRequest{c}}); err != nil {
		return rec, fmt.Errorf("run %s: asking it to stop: %w", id, err)
	}
	if rec.Owner == "" || isAbandoned(&rec) {
		_, err = SettleAbandoned(ctx, s, id)
	}
	return rec, err
}
