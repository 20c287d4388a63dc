package sqlite

import (
	"context"
	"log/slog"
	"time"
)

// OldestReader is the oldest program that goes on with a store of this schema.
const OldestReader = oldestReader

// OpenUpgradedSoon is [OpenUpgraded] for who waits a moment and says nothing.
func OpenUpgradedSoon(ctx context.Context, path string) (*Store, error) {
	return openUpgraded(ctx, path, slog.New(slog.DiscardHandler), 100*time.Millisecond)
}
