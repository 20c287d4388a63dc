package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/internal/view"
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
		Use: "show RUN", Short: "Show one run: the outcome of each step, and why", Args: oneArg, ValidArgsFunction: a.completeRuns,
		Long: "Show one run: the outcome of each step, and why. RUN is an id, its beginning, or latest.\n--json prints {\"run\", \"steps\"}.",
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
			return a.PrintJSON(slices.Concat([]storage.RunRecord{}, runs))
		}
		t := term.Table{Head: []string{"run", "state", "job", "partition", "created", "took", "steps", "error"}}
		for i := range runs {
			r := &runs[i]
			t.Add(r.ID, term.Cell{Text: r.State.String(), Paint: term.StateColour(r.State.String())}, term.Dash(r.Job), term.Dash(term.OneLine(r.Partition, 40)), term.Instant(r.CreatedAt), took(r), counts(r.Counts), term.OneLine(r.Error, 60))
		}
		a.PrintTable(&t)
		return nil
	})
}

func (a *app) showRun(ctx context.Context, name string) error {
	return a.withRun(ctx, name, func(s storage.Reader, r *view.Run) error {
		if err := r.AddSlots(ctx, s); err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(map[string]any{"run": r.RunRecord, "steps": r.Steps})
		}
		a.printRun(&r.RunRecord, r.Steps)
		return nil
	})
}

func (a *app) printRun(run *storage.RunRecord, steps []view.StepState) {
	state := run.State.String()
	a.Printf("run %s  %s\n", a.Paint(term.Bold, run.ID), a.Paint(term.StateColour(state), state))
	for _, f := range [][2]string{
		{"job", run.Job},
		{"location", run.Location},
		{"created", term.Instant(run.CreatedAt)},
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
			a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-10s", f[0])), f[1])
		}
	}
	a.Println()
	t := term.Table{Head: []string{"step", "state", "attempts", "took", "cause"}}
	for i := range steps {
		s := &steps[i]
		t.Add(s.Step, term.Cell{Text: s.State, Paint: term.StateColour(s.State)}, s.Attempts, term.Duration(time.Duration(s.Seconds*1e9)), term.OneLine(strings.TrimPrefix(s.Cause, s.State+": "), 80))
	}
	a.PrintTable(&t)
	for i := range steps {
		if s := &steps[i]; s.Stack != "" {
			a.Printf("\n%s: %s\n%s\n", s.Step, s.Cause, s.Stack)
		}
	}
}

// ownerText describes the process of a running run.
func ownerText(run *storage.RunRecord) string {
	switch {
	case run.Owner == "" || run.State.Terminal():
		return ""
	case proc.Gone(run.Owner):
		return proc.Describe(run.Owner) + ", which is gone: resume the run, or cancel it"
	case run.LeaseUntil.Before(time.Now()):
		return proc.Describe(run.Owner) + ", not heard of since " + term.Instant(run.LeaseUntil) + ": resume the run, or cancel it"
	}
	return proc.Describe(run.Owner)
}

// cancelText describes who asked a run to stop.
func cancelText(run *storage.RunRecord) string {
	if run.Cancel == nil || run.State.Terminal() {
		return ""
	}
	text := "asked by " + term.Dash(run.Cancel.By) + " at " + term.Instant(run.Cancel.At)
	if run.Cancel.Reason != "" {
		text += ": " + run.Cancel.Reason
	}
	return text
}
