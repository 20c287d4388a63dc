package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) cancelCommand() *cobra.Command {
	var reason string
	var noWait bool
	c := &cobra.Command{
		Use: "cancel RUN", Short: "Ask a run to stop, in whatever process it runs", Args: oneArg, ValidArgsFunction: a.completeRuns,
		Long: `Ask a run to stop, in whatever process it runs, and wait until it has. Its steps have 20 seconds to end. If its process
died, this command ends the run. RUN is an id, its beginning, or latest. --json prints {"run_id", "was", "state"}.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.cancelRun(cmd.Context(), args[0], reason, noWait)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, recorded with the run")
	c.Flags().BoolVar(&noWait, "no-wait", false, "return at once")
	return c
}

func (a *app) cancelRun(ctx context.Context, name, reason string, noWait bool) error {
	return a.withWriter(ctx, func(s storage.Storage) error {
		run, err := view.FindRun(ctx, s, name)
		if err != nil {
			return err
		}
		was, err := engine.RequestCancel(ctx, s, run.ID, storage.CancelRequest{At: time.Now(), By: whoami(), Reason: reason})
		if err != nil {
			return err
		}
		if !was.State.Terminal() && was.Owner != "" && !a.json {
			a.Printf("asked %s to stop run %s\n", proc.Describe(was.Owner), run.ID)
		}
		if run, err = s.GetRun(ctx, run.ID); err != nil {
			return err
		}
		if !noWait {
			if run, err = waitForEnd(ctx, s, run); err != nil {
				return err
			}
		}
		if a.json {
			return a.PrintJSON(map[string]any{"run_id": run.ID, "was": was.State, "state": run.State})
		}
		switch state := run.State.String(); {
		case was.State.Terminal():
			a.Printf("run %s had ended: %s\n", run.ID, a.Paint(term.StateColour(state), state))
		default:
			a.Printf("run %s %s\n", run.ID, a.Paint(term.StateColour(state), state))
		}
		return nil
	})
}

// waitForEnd waits for the end of a run. If the process of the run dies, it ends the run.
func waitForEnd(ctx context.Context, s storage.Storage, run storage.RunRecord) (storage.RunRecord, error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for !run.State.Terminal() {
		select {
		case <-ctx.Done():
			return run, context.Cause(ctx)
		case <-ticker.C:
		}
		var err error
		if run, err = s.GetRun(ctx, run.ID); err != nil {
			return run, err
		}
		if !run.State.Terminal() && (proc.Gone(run.Owner) || run.LeaseUntil.Before(time.Now())) {
			if _, err := engine.SettleAbandoned(ctx, s, run.ID); err != nil {
				return run, err
			}
		}
	}
	return run, nil
}

// retryFlags are the flags of runs retry.
type retryFlags struct {
	materializeFlags

	failed, fromFailure, all bool
}

func (a *app) retryCommand() *cobra.Command {
	var f retryFlags
	c := &cobra.Command{
		Use: "retry RUN", Short: "Repeat what did not succeed in a finished run", Args: oneArg, ValidArgsFunction: a.completeRuns,
		Long: `Repeat what did not succeed in a finished run, as a new run of the same selection or job. Steps that succeeded are loaded,
not repeated. RUN is an id, its beginning, or latest.

  --from-failure  failed, skipped and canceled steps (the default)
  --failed        only failed steps, nothing downstream
  --all           everything

The output is that of materialize.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.retryRun(cmd.Context(), args[0], &f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.fromFailure, "from-failure", false, "repeat failed, skipped and canceled steps (the default)")
	flags.BoolVar(&f.failed, "failed", false, "repeat only failed steps")
	flags.BoolVar(&f.all, "all", false, "repeat everything")
	f.runFlags(flags)
	return c
}

func (f *retryFlags) mode() (storage.RetryMode, error) {
	switch {
	case f.failed && f.all || f.fromFailure && (f.failed || f.all):
		return "", usagef("runs retry takes one of --failed, --from-failure and --all")
	case f.failed:
		return storage.RetryFailed, nil
	case f.all:
		return storage.RetryAll, nil
	default:
		return storage.RetryFromFailure, nil
	}
}

func (a *app) retryRun(ctx context.Context, name string, f *retryFlags) error {
	req, err := f.request(nil)
	if err != nil {
		return err
	}
	if req.Retry, err = f.mode(); err != nil {
		return err
	}
	if req.RetryOf, err = a.runID(ctx, name); err != nil {
		return err
	}
	return a.perform(ctx, req, "", f.verbose)
}

// resumeRun resumes a run of another process.
func (a *app) resumeRun(ctx context.Context, f *materializeFlags) error {
	id, err := a.runID(ctx, f.resume)
	if err != nil {
		return err
	}
	return a.perform(ctx, rivers.RunRequest{RunID: id, Resume: true}, "", f.verbose)
}

// runID returns the id of a run, from the beginning of an id or latest.
func (a *app) runID(ctx context.Context, name string) (id string, err error) {
	err = a.withStore(ctx, func(s storage.Reader) error {
		run, err := view.FindRun(ctx, s, name)
		id = run.ID
		return err
	})
	return id, err
}
