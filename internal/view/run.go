package view

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// newest is how many of the newest runs or backfills are searched for the beginning of an id.
const newest = 1000

// FindRun finds a run by its id, the beginning of an id, or the word latest. An unknown or
// ambiguous one is a [RequestError].
func FindRun(ctx context.Context, s storage.Runs, name string) (storage.RunRecord, error) {
	run, err := s.GetRun(ctx, name)
	if !errors.Is(err, storage.ErrNotFound) {
		return run, err
	}
	recent, listErr := s.ListRuns(ctx, storage.RunQuery{Limit: newest})
	if listErr != nil {
		return run, listErr
	}
	var found []string
	for i := range recent {
		if name == "latest" || strings.HasPrefix(recent[i].ID, name) {
			found = append(found, recent[i].ID)
			if name == "latest" {
				break
			}
		}
	}
	switch len(found) {
	case 0:
		return run, requestf("run %q: unknown id: see runs list (old runs may have been pruned)", name)
	case 1:
		return s.GetRun(ctx, found[0])
	}
	return run, requestf("run %q: %d ids start with this, such as %s and %s: give more of it", name, len(found), found[0], found[1])
}

// Run is a run with its events and the states of its steps.
type Run struct {
	storage.RunRecord

	Events []storage.Event
	Steps  []StepState
}

// OpenRun reads a run that [FindRun] finds.
func OpenRun(ctx context.Context, s storage.Reader, name string) (*Run, error) {
	record, err := FindRun(ctx, s, name)
	if err != nil {
		return nil, err
	}
	events, err := s.ListEvents(ctx, storage.EventQuery{Run: record.Key})
	if err != nil {
		return nil, err
	}
	steps, err := StepStates(&record, events)
	if err != nil {
		return nil, err
	}
	return &Run{record, events, steps}, nil
}

// StepState is the state of a step, folded from its events.
type StepState struct {
	Step     string   `json:"step"`
	Assets   []string `json:"assets,omitempty"`
	State    string   `json:"state"`
	Attempts int32    `json:"attempts"`
	Seconds  float64  `json:"duration_seconds"`
	Cause    string   `json:"cause,omitempty"`
	Hint     string   `json:"hint,omitempty"`
	Stack    string   `json:"stack,omitempty"`

	started storage.Micros
}

// StepStates folds the events of a run into the states of its steps. Instances of mapped steps are
// last.
func StepStates(run *storage.RunRecord, events []storage.Event) ([]StepState, error) {
	steps := make([]StepState, 0, len(run.Plan))
	for _, p := range run.Plan {
		steps = append(steps, StepState{Step: p.Key, Assets: p.Assets, State: withoutEvents(run)})
	}
	for i := range events {
		e := &events[i]
		if e.Step < 0 || int(e.Step) >= len(steps) {
			continue
		}
		detail, err := storage.ParseDetail(e.Detail)
		if err != nil {
			return nil, fmt.Errorf("run %s: event %d: %w", run.ID, e.N, err)
		}
		if e.Kind == storage.StepExpanded || e.Kind == storage.StepReused {
			for _, key := range instanceKeys(steps[e.Step].Step, e.Instances(), detail.Instances) {
				steps = append(steps, StepState{Step: key, State: "waiting"})
			}
		}
		steps[e.Step].apply(e, &detail, steps)
	}
	return steps, nil
}

// withoutEvents returns the state of a step without events.
func withoutEvents(run *storage.RunRecord) string {
	if run.Lost.Events() {
		return "pruned"
	}
	return "waiting"
}

func instanceKeys(step string, n int, names []string) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s[%d]", step, i)
		if i < len(names) {
			keys[i] = step + "[" + names[i] + "]"
		}
	}
	return keys
}

func (s *StepState) apply(e *storage.Event, d *storage.Detail, all []StepState) {
	end := func(word string) {
		s.State = word
		if s.started > 0 {
			s.Seconds = time.Duration((e.At - s.started) * 1000).Seconds()
		}
		s.Cause, s.Hint, s.Stack = d.Error, d.Hint, d.Stack
	}
	switch e.Kind {
	case storage.StepStarted:
		s.State, s.Attempts, s.started, s.Cause = "running", e.Attempt, e.At, ""
	case storage.StepSucceeded, storage.StepExpanded:
		end("succeeded")
	case storage.StepFailed:
		end("failed")
		if e.RetryAt > 0 {
			s.State = "retrying"
		}
	case storage.StepSkipped:
		end("skipped")
		if s.Cause == "" && int(e.DueTo()) < len(all) {
			up := &all[e.DueTo()]
			s.Cause = graph.NotMade(up.Step, up.State)
		}
	case storage.StepCanceled:
		end("canceled")
	case storage.StepReopened:
		s.State = "waiting"
	case storage.StepReused:
		s.State = "reused"
	}
}

// AddSlots adds to the steps of a run in progress which slots they wait for, and which steps hold
// those.
func (r *Run) AddSlots(ctx context.Context, s storage.Pools) error {
	if r.State.Terminal() {
		return nil
	}
	slots, err := s.ListSlots(ctx, storage.SlotQuery{})
	if err != nil {
		return err
	}
	for i := range slots {
		w := &slots[i]
		if w.Holding || w.Run != r.Key || int(w.Step) >= len(r.Steps) {
			continue
		}
		step := &r.Steps[w.Step]
		slot := "1 slot"
		if n := w.PoolSlots.Slots; n != 1 {
			slot = fmt.Sprintf("%d slots", n)
		}
		step.State, step.Cause = "waiting", fmt.Sprintf("for %s of pool %q", slot, w.Pool)
		if at := slices.IndexFunc(slots, func(h storage.SlotRecord) bool { return h.Holding && h.Pool == w.Pool }); at >= 0 {
			step.Cause += fmt.Sprintf(", held by step %q of run %s", slots[at].Key, slots[at].RunID)
		}
	}
	return nil
}
