package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

func (a *app) materializeCommand() *cobra.Command {
	var f materializeFlags
	c := &cobra.Command{
		Use:   "materialize [SELECTION...]",
		Short: "Materialize assets: all of them, a selection, or a job",
		Long: `Materialize assets: all of them, a selection, or a job.

A selection is a name (for a multi-asset: all its outputs) or an expression such as
  +report              report and everything it depends on
  raw_orders+          raw_orders and everything that depends on it
  2+report             two layers upstream
  raw_*                a glob
  group:marts and not tag:slow
  kind:parquet or (owner:ann and +report)
Several selections are united.

If a partitioned asset is selected, --partition names one key (2026-01-31, day=2026-01-31|shop=north), several (a,b) or a
range (a..b, a.., ..b). Without a selection and a partition, all unpartitioned assets are materialized; use backfill for
partitioned ones.

--stale keeps only what is stale or missing, and everything that reads a materialized asset: a report runs again with the
orders that it reads. If nothing is stale, nothing runs.

A terminal shows a live view, a pipe gets one line per event. --json prints one document at the end of the run: {"run_id", "status", "duration_seconds", "steps": [...], "failed": [...]}.

` + ExitCodes,
		ValidArgsFunction: a.completeSelection,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.materialize(cmd.Context(), args, f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.upstream, "include-upstream", false, "add everything the selection depends on")
	flags.BoolVar(&f.stale, "stale", false, "only stale or missing assets, and what reads them")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the plan with the reason of each step; run nothing")
	flags.StringVar(&f.partition, "partition", "", "the partition to materialize: a key, several a,b, or a range a..b")
	flags.BoolVar(&f.noChecks, "no-checks", false, "run no asset checks, and ignore earlier failures of blocking ones")
	flags.StringVar(&f.job, "job", "", "run a job instead of a selection")
	flags.StringVar(&f.resume, "resume", "", "resume this run, whose process died: an id, its beginning, or latest")
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
			return usagef("--resume takes the original request of the run: leave out all other flags but -v")
		}
		return a.resumeRun(ctx, &f)
	}
	if f.job != "" && (len(selection) > 0 || f.upstream) {
		return usagef("--job runs a whole job: leave out the selection and --include-upstream, or --job")
	}
	req.Unpartitioned = f.job == "" && len(selection) == 0 && f.partition == "" // nobody starts a million partitions unasked
	if f.stale {
		if f.job != "" {
			return usagef("--stale needs a selection: name assets instead of --job %s", f.job)
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
	if len(plan.LeftOut) > 0 && !a.json {
		a.Warnln("left out, for backfill to make their partitions: " + strings.Join(plan.LeftOut, ", "))
	}
	if f.dryRun {
		return a.printPlan(plan)
	}
	if f.stale && len(plan.Steps) == 0 && !a.json {
		a.Println("no selected asset is stale or missing; nothing was run")
		return nil
	}
	return a.perform(ctx, req, f.job, f.verbose)
}
