package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) materializeCommand() *cobra.Command {
	var f materializeFlags
	c := &cobra.Command{
		Use:   "materialize [SELECTION...]",
		Short: "Materialize assets: all of them, a selection, or a job",
		Long: `Materialize assets: all of them, a selection, or a job.

A selection is a name (of a multi-asset: all that it makes), or a sentence such as
  +report              report and everything it depends on
  raw_orders+          raw_orders and everything that depends on it
  2+report             two layers upstream
  raw_*                a glob
  group:marts and not tag:slow
  kind:parquet or (owner:ann and +report)
Several are a union.

Where an asset with partitions is selected, --partition names one (2026-01-31, day=2026-01-31|shop=north), several (a,b) or a
range (a..b, a.., ..b). Without a selection and a partition, all assets that have no partitions are made; backfill makes
those that have.

--stale makes of all that only what is stale or missing, and what reads something that is made: a report is made again with the
orders that it reads. Where there is nothing of that, nothing is run.

On a terminal a live view is shown, in a pipe one line an event. --json prints one document when
the run has ended: {"run_id", "status", "duration_seconds", "steps": [...], "failed": [...]}.

` + ExitCodes,
		ValidArgsFunction: a.completeSelection,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.materialize(cmd.Context(), args, f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.upstream, "include-upstream", false, "add everything the selection depends on")
	flags.BoolVar(&f.stale, "stale", false, "make only what is stale or missing, and what reads it")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the plan and why each step is in it; run nothing")
	flags.StringVar(&f.partition, "partition", "", "the partition to make: a key, several a,b, or a range a..b")
	flags.BoolVar(&f.noChecks, "no-checks", false, "run no asset checks, and do not heed those that failed before")
	flags.StringVar(&f.job, "job", "", "run a job in place of a selection")
	flags.StringVar(&f.resume, "resume", "", "go on with this run, whose process died, in place of a selection: an id, the beginning of one, or latest")
	f.runFlags(flags)
	mustComplete(c, "job", a.completeJobs)
	mustComplete(c, "resume", a.completeRunFlag)
	return c
}

func (a *app) materialize(ctx context.Context, selection []string, f materializeFlags) error {
	req, err := f.request(selection)
	if err != nil {
		return err
	}
	if f.resume != "" {
		if len(selection) > 0 || f.upstream || f.stale || f.dryRun || f.noChecks || f.config != "" || f.partition != "" || f.job != "" || f.runID != "" || len(f.tags) > 0 {
			return usagef("--resume goes on with a run as it was asked for: leave everything else but -v out")
		}
		return a.resumeRun(ctx, &f)
	}
	if f.job != "" && (len(selection) > 0 || f.upstream) {
		return usagef("--job runs all of a job: leave the selection and --include-upstream out, or leave --job out")
	}
	if f.job == "" {
		a.undivided(&req)
	}
	if f.stale {
		if f.job != "" {
			return usagef("--stale is for a selection: name assets in place of --job %s", f.job)
		}
		if err := a.resolve(ctx); err != nil { // the store knows what is stale
			return err
		}
	}
	// The request is checked before a store is made or a resource set up.
	plan, err := a.plan(req, f.job)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.printPlan(plan)
	}
	if f.stale && len(plan.Steps) == 0 && !a.json {
		a.Println("nothing that is selected is stale or missing; nothing was run")
		return nil
	}
	return a.perform(ctx, req, f.job, f.verbose)
}
