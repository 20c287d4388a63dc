package prune

import (
	"context"
	"errors"
	"slices"

	"github.com/rivers-go/rivers/storage"
)

// ErrRetried is the refusal of a deletion that touches a run which a run without an end retries by
// now.
var ErrRetried = errors.New("a run that has not ended retries one of the runs")

// Backend lists deletable records and deletes them. Each list is of one moment.
type Backend interface {
	storage.Events
	storage.KV
	// EndedRuns lists runs that have ended, in the order of their keys: without the newest, those
	// of a backfill without an end, those that a run without an end retries, and those with a place
	// in a pool, which a crash may have left.
	EndedRuns(ctx context.Context, q RunQuery) ([]Run, error)
	// Rows lists lines or events of runs in the order of their keys.
	Rows(ctx context.Context, q RowQuery) ([]Row, error)
	// EndedBackfills lists ended backfills without recorded runs, in the order of their keys,
	// without the newest.
	EndedBackfills(ctx context.Context, q BackfillQuery) ([]Backfill, error)
	// OldChanges lists the beginning of the feed behind a seq, without the newest entry. Entries of
	// the last seq may be missing, unless there are fewer than the limit.
	OldChanges(ctx context.Context, after int64, limit int) ([]Change, error)
	// Referred lists the runs that present states refer to, in any order and some more than once.
	Referred(ctx context.Context) ([]storage.RunKey, error)
	// Names lists the deleted runs whose names remain, in the order of their keys.
	Names(ctx context.Context, after storage.RunKey, limit int) ([]storage.RunKey, error)
	// Delete applies a deletion in one transaction.
	Delete(ctx context.Context, d *Deletion) error
	// Swap puts a value in the place of another, nil for none, and reports whether that was still
	// there.
	Swap(ctx context.Context, key string, before, after []byte) (bool, error)
}

// RunQuery selects runs.
type RunQuery struct {
	// After is the key that the list continues behind, Before the instant before which runs ended.
	After  storage.RunKey
	Before storage.Micros
	Limit  int
}

// Run is a run that has ended.
type Run struct {
	Key   storage.RunKey
	Ended storage.Micros
	// Marks are the kinds of records that it has lost, see [LostMark].
	Marks int64
	Bytes int64
}

// Class is a class of rows that hang on runs: lines, or a set of classes of events, which go
// together where they may, and leave whole pages free. Backends have the numbers of these in their
// SQL.
type Class uint8

// The classes. An asset event names an asset, an evaluation names a check and its result; all
// others are step events.
const (
	StepEvents Class = 1 << iota
	AssetEvents
	Evaluations
	Lines

	Events = StepEvents | AssetEvents | Evaluations
)

// ClassOf is the class of an event.
func ClassOf(e *storage.Event) Class {
	switch {
	case e.Asset == 0:
		return StepEvents
	case e.Kind == storage.CheckEvaluated:
		return Evaluations
	}
	return AssetEvents
}

// RowQuery selects rows of the runs from First to Last, behind the row (Run, N).
type RowQuery struct {
	Class Class
	Run   storage.RunKey
	N     int64
	Last  storage.RunKey
	Limit int
}

// Row is a line or an event, of one class.
type Row struct {
	Run   storage.RunKey
	N     int64
	Class Class
	Asset storage.AssetKey
	Bytes int64
}

// BackfillQuery selects backfills as [RunQuery] does runs.
type BackfillQuery struct {
	After  storage.BackfillKey
	Before storage.Micros
	Limit  int
}

// Backfill is a backfill that has ended.
type Backfill struct {
	Key   storage.BackfillKey
	Bytes int64
}

// Change is an entry of the feed of changes.
type Change struct {
	Seq   int64
	At    storage.Micros
	Bytes int64
}

// kind is the kind of record that the row is.
func (r *Row) kind() storage.PruneKind {
	switch r.Class {
	case Lines:
		return storage.PruneLogs
	case AssetEvents:
		return storage.PruneAssetEvents
	case Evaluations:
		return storage.PruneEvaluations
	}
	return storage.PruneSteps
}

// Span is the rows of one class between two of them, inclusive.
type Span struct {
	FromRun storage.RunKey
	FromN   int64
	ToRun   storage.RunKey
	ToN     int64
}

// Mark is the mark of a run that loses rows.
type Mark struct {
	Run  storage.RunKey
	Bits int64
}

// Deletion is one transaction.
type Deletion struct {
	// Spans of rows of the class go, and the runs that lose them get marks.
	Class Class
	Spans []Span
	Marks []Mark
	// Runs are deleted unless they have lines or events. The names of those in Kept stay.
	Runs, Kept []storage.RunKey
	Backfills  []storage.BackfillKey
	// Names go.
	Names []storage.RunKey
	// Feed is the seq up to which changes go; it is noted under [storage.FeedPruned].
	Feed int64

	// Gone is the backend's answer: the number of deleted rows of the field above that is not
	// empty.
	Gone int64
}

// Touched are the runs that may not be retried by a run without an end.
func (d *Deletion) Touched() []storage.RunKey {
	touched := slices.Clone(d.Runs)
	for i := range d.Marks {
		touched = append(touched, d.Marks[i].Run)
	}
	return touched
}

// doneShift is the distance in bits from a mark of begun deletion to that of a completed one.
const doneShift = 8

// LostMark is the mark of a run that has lost rows of a kind, DoneMark that of one that has lost
// all.
func LostMark(k storage.PruneKind) int64 { return int64(storage.LostOf(k)) }

// DoneMark see [LostMark].
func DoneMark(k storage.PruneKind) int64 { return LostMark(k) << doneShift }

// LostOf reads the marks.
func LostOf(marks int64) storage.Lost { return storage.Lost(marks & (1<<doneShift - 1)) }
