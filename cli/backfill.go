package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// backfillFlags are the flags of backfill.
type backfillFlags struct {
	action          string
	from, to        string
	keys, ranges    []string
	missing, failed bool
	stale           bool
	latest          int
	strategy        string
	stopOnFailure   bool
	concurrency     int
	dryRun          bool
	config          materializeFlags
}

func (a *app) backfillCommand() *cobra.Command {
	var f backfillFlags
	c := &cobra.Command{
		Use:   "backfill [SELECTION...]",
		Short: "Materialize many partitions of assets, or run an action on them",
		Long: `Materialize all partitions of the selected assets, or those that flags choose, with several runs at once. Unpartitioned
assets of the selection are loaded, not materialized.

  backfill visits --from 2026-01-01 --to 2026-01-31
  backfill visits --partitions 2026-01-01,2026-01-05
  backfill per_shop --range day=2026-01-01.. --range shop=north
  backfill +report --missing --latest 30
  backfill visits --stale
  backfill visits --strategy single_run

With --action, an action runs on the partitions instead (see actions list). All selected assets must have the action and
partitions. Actions of related assets run in their declared order; a failure skips the later ones.

  backfill visits --action compact --latest 30

Ctrl-C cancels the backfill and its running runs. backfill resume continues a backfill whose process died.

--json prints {"id", "state", "total", "completed", "failed", "skipped", "canceled", "runs", ...} when it has ended.

` + ExitCodes,
		ValidArgsFunction: a.completeSelection,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.backfill(cmd.Context(), args, &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.action, "action", "", "run this action instead of materializing the partitions")
	flags.StringVar(&f.from, "from", "", "the first partition")
	flags.StringVar(&f.to, "to", "", "the last partition")
	flags.StringArrayVar(&f.keys, "partitions", nil, "these partitions: a,b or dim=a|other=b; may be repeated")
	flags.StringArrayVar(&f.ranges, "range", nil, "a range of a dimension, day=2026-01-01..2026-01-31; may be repeated for others")
	flags.BoolVar(&f.missing, "missing", false, "only partitions that were never materialized")
	flags.BoolVar(&f.failed, "failed", false, "only partitions whose latest attempt failed")
	flags.BoolVar(&f.stale, "stale", false, "only stale or missing partitions")
	flags.IntVar(&f.latest, "latest", 0, "only the latest N windows")
	flags.StringVar(&f.strategy, "strategy", "", "multi_run (a run for each partition), single_run, or per_dimension(day;shop)")
	flags.BoolVar(&f.stopOnFailure, "stop-on-failure", false, "start no more runs after a failure")
	flags.IntVar(&f.concurrency, "concurrency", 0, "number of runs at once (default 4; 1 for an exclusive action)")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the plan; run nothing")
	flags.BoolVarP(&f.config.verbose, "verbose", "v", false, "show the runs")
	flags.StringVar(&f.config.config, "config", "", "config overrides by asset, or by asset!action, as in materialize")
	flags.StringArrayVar(&f.config.tags, "tag", nil, "a tag key=value to record; may be repeated")
	mustComplete(c, "strategy", cobra.FixedCompletions([]string{"multi_run", "single_run"}, cobra.ShellCompDirectiveNoFileComp))
	mustComplete(c, "action", a.completeActionFlag)
	c.AddCommand(a.backfillsListCommand(), a.backfillShowCommand(), a.backfillCancelCommand(), a.backfillRerunCommand(), a.backfillResumeCommand())
	return c
}

// request turns the flags into a request.
func (f *backfillFlags) request(selection []string) (rivers.BackfillRequest, error) {
	run, err := f.config.request(selection)
	if err != nil {
		return rivers.BackfillRequest{}, err
	}
	req := rivers.BackfillRequest{
		Selection: selection, Action: f.action, Config: run.Config, Tags: run.Tags, Latest: f.latest, MaxConcurrency: f.concurrency, DryRun: f.dryRun,
	}
	switch {
	case f.missing && f.failed, f.stale && (f.missing || f.failed):
		return req, usagef("backfill takes one of --missing, --failed and --stale")
	case f.missing:
		req.Only = storage.OnlyMissing
	case f.failed:
		req.Only = storage.OnlyFailed
	case f.stale:
		req.Only = storage.OnlyStale
	}
	if f.stopOnFailure {
		req.FailurePolicy = storage.StopOnFailure
	}
	if f.strategy != "" {
		if req.Strategy, err = storage.ParseBackfillStrategy(f.strategy); err != nil {
			return req, usagef("--strategy: %w", err)
		}
	}
	err = f.partitions(&req)
	return req, err
}

// partitions reads the flags that choose partitions.
func (f *backfillFlags) partitions(req *rivers.BackfillRequest) error {
	span := f.from != "" || f.to != ""
	if span && len(f.ranges) > 0 {
		return usagef("backfill takes --from and --to, or --range")
	}
	for _, text := range f.keys {
		key, err := partition.ParseKey(text)
		if err != nil {
			return usagef("--partitions: %w", err)
		}
		req.Keys = append(req.Keys, key)
	}
	if span {
		req.Range = partition.Range(f.from, f.to)
	}
	if len(f.ranges) > 0 {
		r, err := partition.ParseKeyRange(strings.Join(f.ranges, "|"))
		if err != nil {
			return usagef("--range: %w", err)
		}
		req.Range = r
	}
	return nil
}

func (a *app) backfill(ctx context.Context, selection []string, f *backfillFlags) error {
	req, err := f.request(selection)
	if err != nil {
		return err
	}
	if a.repo == nil {
		return usagef("backfill needs the definitions: use the program of the repository")
	}
	if err := a.resolve(ctx); err != nil {
		return err
	}
	return a.watchBackfill(f.config.verbose, req.DryRun, func() (*rivers.BackfillResult, error) { return a.repo.Backfill(ctx, req) })
}
