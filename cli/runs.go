package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) runsCommand() *cobra.Command {
	var q storage.RunQuery
	var states []string
	list := &cobra.Command{
		Use: "list", Short: "List runs, newest first", Args: noArgs,
		Long: "List runs, newest first. --json prints a list of them.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listRuns(cmd.Context(), q, states) },
	}
	list.Flags().StringSliceVar(&states, "state", nil, "only runs in these states: queued, not_started, running, success, failure, canceled")
	mustComplete(list, "state", completeWords("queued", "not_started", "running", "success", "failure", "canceled"))
	list.Flags().StringVar(&q.Job, "job", "", "only runs of this job")
	list.Flags().IntVar(&q.Limit, "limit", 20, "at most so many")
	mustComplete(list, "job", a.completeJobs)
	show := &cobra.Command{
		Use: "show RUN", Short: "Show one run: what each step came to, and why", Args: oneArg, ValidArgsFunction: a.completeRuns,
		Long: "Show one run: what each step came to, and why. RUN is an id, the beginning of one, or latest.\n--json prints {\"run\", \"steps\"}.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.showRun(cmd.Context(), args[0]) },
	}
	commands := []*cobra.Command{list, show, a.logsCommand(), a.cancelCommand()}
	if a.repo != nil {
		commands = append(commands, a.retryCommand())
	}
	return group("runs", "Look at runs, cancel and retry them", commands...)
}

func (a *app) listRuns(ctx context.Context, q storage.RunQuery, states []string) error {
	if q.Limit < 1 {
		return usagef("--limit %d: want 1 or more", q.Limit)
	}
	for _, word := range states {
		var s storage.RunState
		if err := s.UnmarshalText([]byte(word)); err != nil {
			return usagef("--state: %w", err)
		}
		q.States = append(q.States, s)
	}
	return a.withStore(ctx, func(s storage.Reader) error {
		runs, err := s.ListRuns(ctx, q)
		if err != nil {
			return err
		}
		if a.json {
			return a.printJSON(slices.Concat([]storage.RunRecord{}, runs))
		}
		t := table{head: []string{"run", "state", "job", "partition", "created", "took", "steps", "error"}}
		for i := range runs {
			r := &runs[i]
			t.add(r.ID, cell{r.State.String(), stateColour(r.State.String())}, dash(r.Job), dash(oneLine(r.Partition, 40)), instant(r.CreatedAt), took(r), counts(r.Counts), oneLine(r.Error, 60))
		}
		a.printTable(&t)
		return nil
	})
}

func took(r *storage.RunRecord) string {
	if r.StartedAt.IsZero() || r.EndedAt.IsZero() {
		return "-"
	}
	return duration(r.EndedAt.Sub(r.StartedAt))
}

// findRun finds a run by id, by the beginning of one, or the latest.
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
		return run, usagef("run %q: there is none whose id begins like that: see runs list (what ended long ago may have been pruned)", name)
	case 1:
		return s.GetRun(ctx, found[0])
	}
	return run, usagef("run %q: %d runs begin like that, such as %s and %s: give more of the id", name, len(found), found[0], found[1])
}

// stepState is what the events say about a step.
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

// foldSteps reads the events of a run into the states of its steps, instances of mapped steps last.
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

// unheard is the state of a step of which no event says anything.
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

// recorded is a run with all that is recorded of it.
type recorded struct {
	run    storage.RunRecord
	events []storage.Event
	steps  []stepState
}

// withRun calls f with a run that is named by its id, the beginning of one, or latest.
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

func (a *app) showRun(ctx context.Context, name string) error {
	return a.withRun(ctx, name, func(s storage.Reader, r *recorded) error {
		if err := addSlots(ctx, s, r); err != nil {
			return err
		}
		if a.json {
			return a.printJSON(map[string]any{"run": r.run, "steps": r.steps})
		}
		a.printRun(&r.run, r.steps)
		return nil
	})
}

// addSlots says of the steps of a run in progress which wait for pool slots, and who is in the way.
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
		step.State, step.Cause = "waiting", fmt.Sprintf("for %s of pool %q", count(w.PoolSlots.Slots, "slot", "slots"), w.Pool)
		if at := slices.IndexFunc(slots, func(h storage.SlotRecord) bool { return h.Holding && h.Pool == w.Pool }); at >= 0 {
			step.Cause += fmt.Sprintf(", held by step %q of run %s", slots[at].Key, slots[at].RunID)
		}
	}
	return nil
}

func (a *app) printRun(run *storage.RunRecord, steps []stepState) {
	state := run.State.String()
	fmt.Fprintf(a.out, "run %s  %s\n", a.paint(bold, run.ID), a.paint(stateColour(state), state))
	for _, f := range [][2]string{
		{"job", run.Job},
		{"location", run.Location},
		{"created", instant(run.CreatedAt)},
		{"took", took(run)},
		{"selection", strings.Join(run.Request.Selection, " ")},
		{"action", run.Request.Action},
		{"partition", run.Partition},
		{"backfill", run.Backfill},
		{"retry of", run.Request.RetryOf},
		{"owner", ownerText(run)},
		{"canceling", cancelText(run)},
		{"tags", tagLine(run.Tags)},
		{"error", run.Error},
		{"pruned", run.Lost.String()},
	} {
		if f[1] != "" {
			fmt.Fprintf(a.out, "  %s %s\n", a.paint(grey, fmt.Sprintf("%-10s", f[0])), f[1])
		}
	}
	fmt.Fprintln(a.out)
	t := table{head: []string{"step", "state", "attempts", "took", "cause"}}
	for i := range steps {
		s := &steps[i]
		t.add(s.Step, cell{s.State, stateColour(s.State)}, s.Attempts, duration(time.Duration(s.Seconds*1e9)), oneLine(strings.TrimPrefix(s.Cause, s.State+": "), 80))
	}
	a.printTable(&t)
	for i := range steps {
		if s := &steps[i]; s.Stack != "" {
			fmt.Fprintf(a.out, "\n%s: %s\n%s\n", s.Step, s.Cause, s.Stack)
		}
	}
}

// ownerText says who runs a run in progress.
func ownerText(run *storage.RunRecord) string {
	switch {
	case run.Owner == "" || run.State.Terminal():
		return ""
	case proc.Gone(run.Owner):
		return proc.Describe(run.Owner) + ", which is gone: resume the run, or cancel it"
	case run.LeaseUntil.Before(time.Now()):
		return proc.Describe(run.Owner) + ", not heard of since " + instant(run.LeaseUntil) + ": resume the run, or cancel it"
	}
	return proc.Describe(run.Owner)
}

// cancelText says who asked a run in progress to stop.
func cancelText(run *storage.RunRecord) string {
	if run.Cancel == nil || run.State.Terminal() {
		return ""
	}
	text := "asked by " + dash(run.Cancel.By) + " at " + instant(run.Cancel.At)
	if run.Cancel.Reason != "" {
		text += ": " + run.Cancel.Reason
	}
	return text
}

func tagLine(tags map[string]string) string {
	var parts []string
	for k, v := range tags {
		parts = append(parts, k+"="+v)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// logLine is a line of a step's log as people read it.
func (a *app) logLine(step string, l *storage.LogLine) string {
	level := l.Level.String()
	if l.Stream != storage.StreamLog {
		level = l.Stream.String()
	}
	text := fmt.Sprintf("%s %-6s %s%s: %s", a.paint(grey, l.At.Local().Format("15:04:05.000")), level, step, attempt(int(l.Attempt)), l.Message)
	if l.Attrs != "" {
		text += " " + a.paint(grey, l.Attrs)
	}
	return text
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
				ids = append(ids, runs[i].ID+"\t"+runs[i].State.String()+" "+instant(runs[i].CreatedAt))
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
