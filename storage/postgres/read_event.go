package postgres

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// ListEvents returns the events of a run in order.
func (s *Store) ListEvents(ctx context.Context, q storage.EventQuery) ([]storage.Event, error) {
	rows, err := readBy(ctx, s, fmt.Sprintf("list events of run %d", q.Run), (*db.Queries).ListEvents,
		db.ListEventsParams{Run: int64(q.Run), After: q.After, Max: limit(q.Limit)})
	return record.Events(rows), err
}

// ListAssetEvents returns the materializations and observations of an asset, newest first.
func (s *Store) ListAssetEvents(ctx context.Context, q storage.AssetEventQuery) ([]storage.Event, error) {
	p := db.ListAssetEventsParams{
		Asset: int64(q.Asset), BeforeRun: int64(q.BeforeRun), BeforeN: q.BeforeN,
		Partition: q.Partition, AnyPartition: q.Partition == "", Max: int64(cmp.Or(q.Limit, defaultLimit)),
	}
	if p.BeforeRun == 0 {
		p.BeforeRun = math.MaxInt64
	}
	rows, err := readBy(ctx, s, fmt.Sprintf("list events of asset %d", q.Asset), (*db.Queries).ListAssetEvents, p)
	return record.Events(rows), err
}

// ListLogs returns the log lines of a run in order.
func (s *Store) ListLogs(ctx context.Context, q storage.LogQuery) ([]storage.LogLine, error) {
	p := db.ListLogsParams{Run: int64(q.Run), After: q.After, AnyStep: q.Step == nil, Max: limit(q.Limit)}
	if q.Step != nil {
		p.Step = int64(*q.Step)
	}
	rows, err := readBy(ctx, s, fmt.Sprintf("list logs of run %d", q.Run), (*db.Queries).ListLogs, p)
	return record.Logs(rows), err
}
