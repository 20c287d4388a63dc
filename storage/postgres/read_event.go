package postgres

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// ListEvents returns the events of a run in order.
func (s *Store) ListEvents(ctx context.Context, q storage.EventQuery) ([]storage.Event, error) {
	rows, err := readBy(ctx, s, fmt.Sprintf("list events of run %d", q.Run), (*db.Queries).ListEvents,
		db.ListEventsParams{Run: int64(q.Run), After: q.After, Max: limit(q.Limit)})
	return events(rows), err
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
	return events(rows), err
}

func events(rows []db.Event) []storage.Event {
	if len(rows) == 0 {
		return nil
	}
	list := make([]storage.Event, len(rows))
	for i := range rows {
		row := &rows[i]
		list[i] = storage.Event{
			Run: storage.RunKey(row.Run), N: row.N,
			Fact: storage.Fact{
				At: storage.Micros(row.At), RetryAt: storage.Micros(row.RetryAt), Step: row.Step, Attempt: row.Attempt, Cause: row.Cause,
				Kind: storage.EventKind(row.Kind), Status: uint8(row.Status),
			},
			Asset: storage.AssetKey(row.Asset.Int64), Partition: row.Partition, Detail: row.Detail,
		}
	}
	return list
}

// ListLogs returns the log lines of a run in order.
func (s *Store) ListLogs(ctx context.Context, q storage.LogQuery) ([]storage.LogLine, error) {
	p := db.ListLogsParams{Run: int64(q.Run), After: q.After, AnyStep: q.Step == nil, Max: limit(q.Limit)}
	if q.Step != nil {
		p.Step = *q.Step
	}
	rows, err := readBy(ctx, s, fmt.Sprintf("list logs of run %d", q.Run), (*db.Queries).ListLogs, p)
	if err != nil {
		return nil, err
	}
	var list []storage.LogLine
	for i := range rows {
		row := &rows[i]
		list = append(list, storage.LogLine{
			Run: storage.RunKey(row.Run), N: row.N, Step: row.Step, Attempt: row.Attempt,
			At: storage.Micros(row.At).Time(), Level: slog.Level(row.Level), Stream: storage.LogStream(row.Stream),
			Message: row.Message, Attrs: row.Attrs,
		})
	}
	return list, nil
}
