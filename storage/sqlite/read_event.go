package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/record"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// ListEvents returns the events of a run in order.
func (s *Store) ListEvents(ctx context.Context, q storage.EventQuery) ([]storage.Event, error) {
	rows, err := s.reads.ListEvents(ctx, db.ListEventsParams{Run: int64(q.Run), After: q.After, Max: limit(q.Limit)})
	if err != nil {
		return nil, s.readError(fmt.Sprintf("list events of run %d", q.Run), err)
	}
	return record.Events(rows), nil
}

// ListAssetEvents returns the materializations and observations of an asset, newest first.
func (s *Store) ListAssetEvents(ctx context.Context, q storage.AssetEventQuery) ([]storage.Event, error) {
	p := db.ListAssetEventsParams{
		Asset:     int64(q.Asset),
		BeforeRun: int64(q.BeforeRun), BeforeN: q.BeforeN, Partition: q.Partition, AnyPartition: q.Partition == "", Max: int64(cmp.Or(q.Limit, defaultLimit)),
	}
	if p.BeforeRun == 0 {
		p.BeforeRun = math.MaxInt64
	}
	list, err := s.assetEvents(ctx, p)
	if err != nil {
		return nil, s.readError(fmt.Sprintf("list events of asset %d", q.Asset), err)
	}
	return list, nil
}

// assetEvents walks back through the index generations, which are in the order of runs. One query
// skips generations without an event of the asset.
func (s *Store) assetEvents(ctx context.Context, p db.ListAssetEventsParams) (list []storage.Event, err error) {
	p.Era, err = s.reads.GetEraBefore(ctx, p.BeforeRun)
	for ; err == nil && p.Max > 0; p.Era-- {
		p.Era, err = s.reads.GetEraWith(ctx, db.GetEraWithParams{Era: p.Era, Asset: p.Asset})
		if errors.Is(err, sql.ErrNoRows) {
			return list, nil
		}
		if err == nil {
			var rows []db.ListAssetEventsRow
			rows, err = s.reads.ListAssetEvents(ctx, p)
			list = append(list, record.Events(rows)...)
			p.Max -= int64(len(rows))
		}
	}
	return list, err
}

// ListLogs returns the log lines of a run in order.
func (s *Store) ListLogs(ctx context.Context, q storage.LogQuery) ([]storage.LogLine, error) {
	p := db.ListLogsParams{Run: int64(q.Run), After: q.After, AnyStep: q.Step == nil, Max: limit(q.Limit)}
	if q.Step != nil {
		p.Step = int64(*q.Step)
	}
	rows, err := s.reads.ListLogs(ctx, p)
	if err != nil {
		return nil, s.readError(fmt.Sprintf("list logs of run %d", q.Run), err)
	}
	return record.Logs(rows), nil
}
