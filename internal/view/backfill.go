package view

import (
	"context"
	"strings"

	"github.com/rivers-go/rivers/storage"
)

// FindBackfill finds a backfill by its id, the beginning of an id, or the word latest. An unknown
// or ambiguous one is a [RequestError].
func FindBackfill(ctx context.Context, s storage.Reader, name string) (storage.BackfillRecord, error) {
	all, err := s.ListBackfills(ctx, storage.BackfillQuery{Limit: newest})
	if err != nil {
		return storage.BackfillRecord{}, err
	}
	var found []string
	for i := range all {
		switch {
		case all[i].ID == name, name == "latest":
			return s.GetBackfill(ctx, all[i].ID)
		case strings.HasPrefix(all[i].ID, name):
			found = append(found, all[i].ID)
		}
	}
	switch len(found) {
	case 0:
		return storage.BackfillRecord{}, requestf("backfill %q: unknown id: see backfill list", name)
	case 1:
		return s.GetBackfill(ctx, found[0])
	}
	return storage.BackfillRecord{}, requestf("backfill %q: %d ids start with this: give more of it", name, len(found))
}

// Abandoned reports whether a backfill is in progress and its process is gone.
func Abandoned(b *storage.BackfillRecord) bool {
	return !b.State.Terminal() && ownerless(b.Owner, b.LeaseUntil)
}

// FailedRanges names the failed partitions of a backfill. Partitions of another definition than the
// present one are left out.
func (v *View) FailedRanges(ctx context.Context, b *storage.BackfillRecord) (Ranges, error) {
	if b.Progress.FailedCount == 0 || len(b.Assets) == 0 {
		return Ranges{Ranges: []string{}}, nil
	}
	p, err := v.Partitions(ctx, b.Assets[0])
	if err != nil {
		return Ranges{}, err
	}
	return RangesOf(p.Space, b.Progress.Failed)
}
