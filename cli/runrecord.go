package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
	"github.com/spf13/cobra"
)

func took(r *storage.RunRecord) string {
	if r.StartedAt.IsZero() || r.EndedAt.IsZero() {
		return "-"
	}
	return term.Duration(r.EndedAt.Sub(r.StartedAt))
}

// findRun finds a run by its id, the beginning of an id, or latest.
func findRun(ctx context.Context, s storage.Runs, name string) (storage.RunRecord, error) {
	run, err := s.GetRun(ctx, name)
	if !errors.Is(err, storage.ErrNotFound) {
		return run, err
	}
	recent, listErr := s.ListRuns(ctx, storage.RunQuery{Limit: 1000})
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
		return run, usagef("run %q: unknown id: see runs list (old runs may have been pruned)", name)
	case 1:
		return s.GetRun(ctx, found[0])
	}
	return run, usagef("run %q: %d ids start with this, such as %s and %s: give more of it", name, len(found), found[0], found[1])
}

// stepState is the state of a step, folded from its events.
type stepState struct {
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

// foldSteps folds the events of a run into the states of its steps. Instances of mapped steps are
// last.
func foldSteps(run *storage.RunRecord, events []storage.Event) ([]stepState, error) {
	steps := make([]stepState, 0, len(run.Plan))
	for _, p := range run.Plan {
		steps = append(steps, stepState{Step: p.Key, Assets: p.Assets, State: unheard(run)})
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
				steps = append(steps, stepState{Step: key, State: "waiting"})
			}
		}
		steps[e.Step].apply(e, &detail, steps)
	}
	return steps, nil
}

// unheard returns the state of a step without events.
func unheard(run *storage.RunRecord) string {
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

func (s *stepState) apply(e *storage.Event, d *storage.Detail, all []stepState) {
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
			s.Cause = fmt.Sprintf("upstream %q did not succeed", all[e.DueTo()].Step)
		}
	case storage.StepCanceled:
		end("canceled")
	case storage.StepReopened:
		s.State = "waiting"
	case storage.StepReused:
		s.State = "reused"
	}
}

// recorded is a run with all its records.
type recorded struct {
	run    storage.RunRecord
	events []storage.Event
	steps  []stepState
}

// withRun calls f with the run of an id, the beginning of an id, or latest.
func (a *app) withRun(ctx context.Context, name string, f func(s storage.Reader, r *recorded) error) error {
	return a.withStore(ctx, func(s storage.Reader) error {
		run, err := findRun(ctx, s, name)
		if err != nil {
			return err
		}
		events, err := s.ListEvents(ctx, storage.EventQuery{Run: run.Key})
		if err != nil {
			return err
		}
		steps, err := foldSteps(&run, events)
		if err != nil {
			return err
		}
		return f(s, &recorded{run, events, steps})
	})
}

// addSlots adds to the steps of a running run what they wait for, and which steps hold it.
func addSlots(ctx context.Context, s storage.Pools, r *recorded) error {
	if r.run.State.Terminal() {
		return nil
	}
	slots, err := s.ListSlots(ctx, storage.SlotQuery{})
	if err != nil {
		return err
	}
	for i := range slots {
		w := &slots[i]
		if w.Holding || w.Run != r.run.Key || int(w.Step) >= len(r.steps) {
			continue
		}
		step := &r.steps[w.Step]
		step.State, step.Cause = "waiting", fmt.Sprintf("for %s of pool %q", term.Count(w.PoolSlots.Slots, "slot", "slots"), w.Pool)
		if at := slices.IndexFunc(slots, func(h storage.SlotRecord) bool { return h.Holding && h.Pool == w.Pool }); at >= 0 {
			step.Cause += fmt.Sprintf(", held by step %q of run %s", slots[at].Key, slots[at].RunID)
		}
	}
	return nil
}

func tagLine(tags map[string]string) string {
	var parts []string
	for k, v := range tags {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// counts formats the outcomes that occurred.
func counts(c storage.StepCounts) string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{c.Succeeded, "succeeded"}, {c.Failed, "failed"}, {c.Skipped, "skipped"}, {c.Canceled, "canceled"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

// completeRunFlag completes the value of a flag that names a run.
func (a *app) completeRunFlag(cmd *cobra.Command, _ []string, prefix string) ([]string, cobra.ShellCompDirective) {
	return a.completeRuns(cmd, nil, prefix)
}

// completeRuns completes the ids of recent runs.
func (a *app) completeRuns(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	var ids []string
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	err := a.withStore(cmd.Context(), func(s storage.Reader) error {
		runs, err := s.ListRuns(cmd.Context(), storage.RunQuery{Limit: 50})
		for i := range runs {
			if strings.HasPrefix(runs[i].ID, prefix) {
				ids = append(ids, runs[i].ID+"\t"+runs[i].State.String()+" "+term.Instant(runs[i].CreatedAt))
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

// lookEvery is the interval at which a waiting command reads a run.
const lookEvery = 100 * time.Millisecond

// whoami names the user for records: ann@laptop.
func whoami() string {
	name := "somebody"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}
