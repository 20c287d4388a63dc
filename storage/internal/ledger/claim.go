package ledger

import (
	"context"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// call leaves a call in the queue and waits for the writer's answer.
func call(ctx context.Context, q *commit.Queue, fence storage.Fence, c Call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return q.Commit(ctx, commit.Request{Fence: fence, Call: c})
}

// ClaimRun claims a run by the queue of a store and reads its record with get.
func ClaimRun(ctx context.Context, q *commit.Queue, c storage.RunClaim, get func(context.Context, string) (storage.RunRecord, error)) (storage.RunRecord, error) {
	if err := c.Validate(); err != nil {
		return storage.RunRecord{}, err
	}
	claim := RunClaim{RunClaim: c}
	if err := call(ctx, q, storage.Fence{}, &claim); err != nil {
		return storage.RunRecord{}, err
	}
	rec, err := get(ctx, c.ID)
	if err != nil {
		return storage.RunRecord{}, err
	}
	rec.Token, rec.Owner, rec.LeaseUntil = claim.Token, c.Owner, claim.Until.Time() // whatever happened since
	return rec, nil
}

// ClaimBackfill is [ClaimRun] for a backfill.
func ClaimBackfill(ctx context.Context, q *commit.Queue, c storage.RunClaim, get func(context.Context, string) (storage.BackfillRecord, error)) (storage.BackfillRecord, error) {
	if err := c.Validate(); err != nil {
		return storage.BackfillRecord{}, err
	}
	claim := BackfillClaim{RunClaim: c}
	if err := call(ctx, q, storage.Fence{}, &claim); err != nil {
		return storage.BackfillRecord{}, err
	}
	rec, err := get(ctx, c.ID)
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	rec.Token, rec.Owner, rec.LeaseUntil = claim.Token, c.Owner, claim.Until.Time() // whatever happened since
	return rec, nil
}

// RenewLeases extends what the fences hold, by the queue of a store.
func RenewLeases(ctx context.Context, q *commit.Queue, r storage.Renewal) ([]storage.LeaseState, error) {
	renewal := Renewal{Renewal: r}
	if err := call(ctx, q, storage.Fence{}, &renewal); err != nil {
		return nil, err
	}
	return renewal.States, nil
}

// ClaimSlots claims slots by the queue of a store.
func ClaimSlots(ctx context.Context, q *commit.Queue, c storage.SlotClaim) (storage.SlotAnswer, error) {
	if err := c.Validate(); err != nil {
		return storage.SlotAnswer{}, err
	}
	claim := SlotClaim{SlotClaim: c}
	if err := call(ctx, q, c.Fence, &claim); err != nil {
		return storage.SlotAnswer{}, err
	}
	return claim.Answer, nil
}
