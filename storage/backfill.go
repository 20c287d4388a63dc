package storage

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/partition"
)

// BackfillKey identifies a backfill inside one store. It comes from the backfill's insert; zero is
// none.
type BackfillKey int64

// BackfillState is the stage of a backfill. The zero value is [BackfillRequested].
//
//	requested ──▶ in_progress ──▶ completed | failed
//	     └──────────────┴──▶ canceling ──▶ canceled
//
// A terminal state never changes again.
type BackfillState uint8

// The states of a backfill.
const (
	BackfillRequested BackfillState = iota
	BackfillInProgress
	// BackfillCanceling starts no more runs and waits for those in progress.
	BackfillCanceling
	// BackfillCompleted: every partition was materialized.
	BackfillCompleted
	// BackfillFailed: some were not.
	BackfillFailed
	BackfillCanceled
)

var backfillStateWords = [...]string{"requested", "in_progress", "canceling", "completed", "failed", "canceled"}

// String returns the stored word of the state, such as "in_progress".
func (s BackfillState) String() string {
	if int(s) < len(backfillStateWords) {
		return backfillStateWords[s]
	}
	return fmt.Sprintf("backfill_state(%d)", uint8(s))
}

// Terminal reports whether a backfill in this state has ended.
func (s BackfillState) Terminal() bool { return s >= BackfillCompleted }

// MarshalText writes the stored word of the state.
func (s BackfillState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the stored word of a state; any other text is an error that lists the words.
func (s *BackfillState) UnmarshalText(text []byte) error {
	for i, w := range backfillStateWords {
		if w == string(text) {
			*s = BackfillState(i)
			return nil
		}
	}
	return fmt.Errorf("backfill state %q: want one of %v", text, backfillStateWords)
}

// BackfillRecord is what storage knows about one backfill.
type BackfillRecord struct {
	// Key is filled in by the commit that inserts the backfill.
	Key BackfillKey `json:"-"`
	// ID is the backfill's public name, a UUID of version 7.
	ID string `json:"id"`
	// Location is the name of the repository that owns the definitions.
	Location string `json:"location"`
	// State is where the backfill is in its life.
	State BackfillState `json:"state"`
	// Request is the request as it was made, without secrets.
	Request BackfillRequest `json:"request"`
	// RerunOf is the ID of the backfill whose failed and canceled partitions this one takes; empty
	// for none.
	RerunOf string `json:"rerun_of,omitempty"`
	// Assets are the names of the backfilled assets.
	Assets []string `json:"assets"`
	// Partitions are the requested partitions at its start, and Total is their number.
	Partitions partition.Set `json:"partitions,omitzero"`
	Total      int64         `json:"total"`
	// Progress holds their outcomes.
	Progress BackfillProgress `json:"progress"`
	// CreatedAt, StartedAt and EndedAt are zero until the backfill reaches that point.
	CreatedAt time.Time `json:"created_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Token, Owner and LeaseUntil are as those of a [RunRecord].
	Token      int64     `json:"-"`
	Owner      string    `json:"owner,omitempty"`
	LeaseUntil time.Time `json:"lease_until,omitzero"`
	// Cancel is the request to stop; nil for none.
	Cancel *CancelRequest `json:"cancel,omitempty"`
	// Error is the reason for a failure, in one line; empty otherwise.
	Error string `json:"error,omitempty"`
}

// FillSkipped sets the skipped partitions of the progress. Stores do not keep them: of a backfill
// that has ended they are those with no other outcome, and of any other there are none.
func (r *BackfillRecord) FillSkipped() {
	p := &r.Progress
	p.Skipped, p.SkippedCount = partition.Set{}, 0
	if r.State.Terminal() {
		p.Skipped = r.Partitions.Minus(p.Completed).Minus(p.Failed).Minus(p.Canceled)
		p.SkippedCount = max(r.Total-p.CompletedCount-p.FailedCount-p.CanceledCount, 0)
	}
}

// BackfillProgress holds the outcomes of a backfill's partitions. Completed, Failed, Skipped and
// Canceled are disjoint, and at the end they cover all partitions. A partition has the worst of the
// outcomes of its assets: it failed if one of them did, it is canceled if one of them was not made
// since something failed or the backfill was stopped, it is skipped if there was nothing to make.
type BackfillProgress struct {
	// Submitted have a run, which may have ended.
	Submitted partition.Set `json:"submitted,omitzero"`
	// Runs is the number of runs created.
	Runs int64 `json:"runs"`

	Completed partition.Set `json:"completed,omitzero"`
	Failed    partition.Set `json:"failed,omitzero"`
	Skipped   partition.Set `json:"skipped,omitzero"`
	Canceled  partition.Set `json:"canceled,omitzero"`
	// The counts of the four.
	CompletedCount int64 `json:"completed_count"`
	FailedCount    int64 `json:"failed_count"`
	SkippedCount   int64 `json:"skipped_count"`
	CanceledCount  int64 `json:"canceled_count"`
}

// BackfillUpdate changes a backfill. It is applied only under a [Fence] for the same backfill.
type BackfillUpdate struct {
	Backfill BackfillKey
	State    BackfillState
	// At is when: it becomes StartedAt for the first [BackfillInProgress] and EndedAt for a
	// terminal state.
	At       time.Time
	Error    string
	Progress BackfillProgress
}

// BackfillQuery selects backfills, newest first. The zero value selects all.
type BackfillQuery struct {
	// Location keeps the backfills of one repository; empty keeps all.
	Location string
	// States keeps backfills in any of these states; empty keeps all.
	States []BackfillState
	// Abandoned keeps those without an end that have no owner, or one whose lease has ended.
	Abandoned bool
	// Before continues a listing: only backfills with a smaller key. Zero begins at the newest.
	Before BackfillKey
	// Limit bounds the answer; zero means 100.
	Limit int
}
