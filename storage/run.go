package storage

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/partition"
)

// RunKey identifies a run inside one store. It comes from the run's insert; zero is no run.
type RunKey int64

// RunState is the stage of a run. The zero value is [Queued].
//
//	queued ──▶ not_started ──▶ running ──▶ success | failure | canceled
//
// A terminal state never changes again.
type RunState uint8

// The states of a run.
const (
	Queued RunState = iota
	NotStarted
	Running
	Success
	Failure
	Canceled
)

var runStateWords = [...]string{"queued", "not_started", "running", "success", "failure", "canceled"}

// String returns the stored word of the state, such as "not_started".
func (s RunState) String() string {
	if int(s) < len(runStateWords) {
		return runStateWords[s]
	}
	return fmt.Sprintf("run_state(%d)", uint8(s))
}

// Terminal reports whether a run in this state has ended.
func (s RunState) Terminal() bool { return s >= Success }

// MarshalText writes the stored word of the state.
func (s RunState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the stored word of a state; any other text is an error that lists the words.
func (s *RunState) UnmarshalText(text []byte) error {
	for i, w := range runStateWords {
		if w == string(text) {
			*s = RunState(i)
			return nil
		}
	}
	return fmt.Errorf("run state %q: want one of %v", text, runStateWords)
}

// RunRecord is what storage knows about one run.
type RunRecord struct {
	// Key is filled in by the commit that inserts the run.
	Key RunKey `json:"-"`
	// ID is the run's public name, a UUID of version 7 unless the request gave one.
	ID string `json:"id"`
	// Location is the name of the repository that owns the definitions.
	Location string `json:"location"`
	// Job is the job's name; empty for an ad-hoc run.
	Job string `json:"job,omitempty"`
	// Backfill is the ID of the backfill that the run belongs to; empty for none.
	Backfill string `json:"backfill,omitempty"`
	// Partition names the partitions of the run for people, such as "2026-01-31" or "31
	// partitions".
	Partition string `json:"partition,omitempty"`
	// State is where the run is in its life.
	State RunState `json:"state"`
	// Request is the request as it was made, without secrets.
	Request RunRequest `json:"request"`
	// Tags are the request's and the job's, the request's winning.
	Tags map[string]string `json:"tags,omitempty"`
	// CreatedAt, StartedAt and EndedAt are zero until the run reaches that point.
	CreatedAt time.Time `json:"created_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	// Token is the fencing token of the run's present owner, 1 at its creation.
	Token int64 `json:"-"`
	// Owner is the last process that ran it; empty for none. LeaseUntil is the end of its lease,
	// zero for a run without an owner and for an ended run.
	Owner      string    `json:"owner,omitempty"`
	LeaseUntil time.Time `json:"lease_until,omitzero"`
	// Cancel is the request to stop; nil for none.
	Cancel *CancelRequest `json:"cancel,omitempty"`
	// Error is the reason for a failure, in one line; empty otherwise.
	Error string `json:"error,omitempty"`
	// Counts has the outcomes of the steps of an ended run.
	Counts StepCounts `json:"counts"`
	// Plan names the run's steps by index. Lists of runs leave it out; [Runs.GetRun] has it.
	Plan []PlanStep `json:"plan,omitempty"`
	// Lost are the kinds of its records that were pruned.
	Lost Lost `json:"lost,omitempty"`
	// Targets are the partitions that the run makes, in flight until then. They are written with
	// the run and not read back.
	Targets []Target `json:"-"`
}

// PlanStep is one step of a recorded plan, at the index that its events carry.
type PlanStep struct {
	// Key is the step's key, such as "users" or "totals/sorted".
	Key string `json:"key"`
	// Assets are the assets the step makes: none for a task, several for a multi-asset.
	Assets []string `json:"assets,omitempty"`
	// After are the indices of the steps it waits for.
	After []int32 `json:"after,omitempty"`
	// Mapped is true for a step that expands into instances, whose indices follow those of the
	// plan.
	Mapped bool `json:"mapped,omitempty"`
	// Check is true for a check: Assets is then its [CheckName].
	Check bool `json:"check,omitempty"`
	// Partitions are the step's partitions; empty for an unpartitioned step.
	Partitions partition.Set `json:"partitions,omitzero"`
}

// StepCounts counts the steps of a run by outcome.
type StepCounts struct {
	Succeeded int `json:"succeeded"`
	Failed    int `json:"failed"`
	Skipped   int `json:"skipped"`
	Canceled  int `json:"canceled"`
}

// RunUpdate changes the state of a run. It is applied only under a [Fence] for the same run.
type RunUpdate struct {
	Run   RunKey
	State RunState
	// At is when: it becomes StartedAt for [Running] and EndedAt for a terminal state.
	At     time.Time
	Error  string
	Counts StepCounts
	// Plan are the steps of a run that was recorded before it was planned. Targets replace its
	// partitions in flight. Nil leaves the recorded values.
	Plan    []PlanStep
	Targets []Target
}

// RunQuery selects runs, newest first. The zero value selects all.
type RunQuery struct {
	// Location keeps the runs of one repository, Job those of one job; empty keeps all.
	Location, Job string
	// Backfill keeps the runs of one backfill, by its ID; empty keeps all.
	Backfill string
	// States keeps runs in any of these states; empty keeps all.
	States []RunState
	// Owned keeps runs that have an owner and no end, Abandoned those of them whose lease has
	// ended.
	Owned, Abandoned bool
	// Before continues a listing: only runs with a smaller key. Zero begins at the newest.
	Before RunKey
	// Limit bounds the answer; zero means 100.
	Limit int
}
