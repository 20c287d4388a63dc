package record

import (
	"log/slog"

	"github.com/rivers-go/rivers/storage"
)

// EventRow is a row of event, with zero for no asset.
type EventRow = struct {
	Run       int64
	N         int64
	At        int64
	RetryAt   int64
	Step      int64
	Attempt   int64
	Cause     int64
	Kind      int64
	Status    int64
	Asset     int64
	Partition string
	Detail    []byte
}

// Events returns the events of rows, nil for none.
func Events[R ~EventRow](rows []R) []storage.Event {
	if len(rows) == 0 {
		return nil
	}
	list := make([]storage.Event, len(rows))
	for i := range rows {
		row := EventRow(rows[i])
		list[i] = storage.Event{
			Run: storage.RunKey(row.Run), N: row.N,
			Fact: storage.Fact{
				At: storage.Micros(row.At), RetryAt: storage.Micros(row.RetryAt), Step: int32(row.Step), Attempt: int32(row.Attempt), Cause: int32(row.Cause),
				Kind: storage.EventKind(row.Kind), Status: uint8(row.Status),
			},
			Asset: storage.AssetKey(row.Asset), Partition: row.Partition, Detail: row.Detail,
		}
	}
	return list
}

// LogRow is a row of log.
type LogRow = struct {
	Run     int64
	N       int64
	Step    int64
	Attempt int64
	At      int64
	Level   int64
	Stream  int64
	Message string
	Attrs   string
}

// Logs returns the log lines of rows, nil for none.
func Logs[R ~LogRow](rows []R) []storage.LogLine {
	if len(rows) == 0 {
		return nil
	}
	list := make([]storage.LogLine, len(rows))
	for i := range rows {
		row := LogRow(rows[i])
		list[i] = storage.LogLine{
			Run: storage.RunKey(row.Run), N: row.N, Step: int32(row.Step), Attempt: int32(row.Attempt),
			At: storage.Micros(row.At).Time(), Level: slog.Level(row.Level), Stream: storage.LogStream(row.Stream),
			Message: row.Message, Attrs: row.Attrs,
		}
	}
	return list
}
