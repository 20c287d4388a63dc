package sqlite

import (
	"context"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// ClaimRun makes an owner the owner of a run that has none, or whose lease has ended.
func (s *Store) ClaimRun(ctx context.Context, c storage.RunClaim) (storage.RunRecord, error) {
	return ledger.ClaimRun(ctx, s.queue, c, s.GetRun)
}

// ClaimBackfill makes an owner the owner of a backfill that has none, or whose lease has ended.
func (s *Store) ClaimBackfill(ctx context.Context, c storage.RunClaim) (storage.BackfillRecord, error) {
	return ledger.ClaimBackfill(ctx, s.queue, c, s.GetBackfill)
}

// RenewLeases extends what the fences hold.
func (s *Store) RenewLeases(ctx context.Context, r storage.Renewal) ([]storage.LeaseState, error) {
	return ledger.RenewLeases(ctx, s.queue, r)
}

// ClaimSlots grants all slots or none.
func (s *Store) ClaimSlots(ctx context.Context, c storage.SlotClaim) (storage.SlotAnswer, error) {
	return ledger.ClaimSlots(ctx, s.queue, c)
}
