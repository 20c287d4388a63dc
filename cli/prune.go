package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
)

// pruneFlags are the flags of db prune.
type pruneFlags struct {
	keep           storage.Retention
	olderThan      time.Duration
	newest         int
	newestChecks   int
	limit          int64
	dryRun, vacuum bool
}

func (a *app) pruneCommand() *cobra.Command {
	var f pruneFlags
	c := &cobra.Command{
		Use: "prune", Short: "Delete old history", Args: noArgs,
		Long: `Delete old history by age: log lines, events, check results, runs, backfills and the change feed. The current state stays:
no status, partition set or record of an asset or check depends on deleted rows. Unfinished runs, runs being retried and
runs of unfinished backfills stay too. It may run beside anything and be interrupted; the next run continues. Programs do
the same in the background, a slice per hour, unless Retention.ByHand is set.

An AGE is a number of days (90d), any other duration (36h), or forever. It counts from the end of the run. Without a flag,
the repository's setting applies, otherwise the default. --json prints {"dry_run", "kinds", "more"}, with --vacuum "freed_bytes".`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.prune(cmd.Context(), &f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "print what would be deleted; delete nothing")
	age := func(to *time.Duration, name, what string, zero time.Duration) {
		if zero > 0 {
			what += " (default " + ageText(zero) + ")"
		}
		flags.Var((*ageValue)(to), name, what)
	}
	age(&f.olderThan, "older-than", "the AGE of all kinds without a flag of their own", 0)
	age(&f.keep.Logs, "logs", "the AGE of log lines of steps", storage.DefaultKeepLogs)
	age(&f.keep.Steps, "steps", "… of events of runs and steps", storage.DefaultKeepSteps)
	age(&f.keep.AssetEvents, "asset-events", "… of materializations, observations, failures and wipes", storage.DefaultKeepAssetEvents)
	flags.IntVar(&f.newest, "newest-asset-events", 0, fmt.Sprintf("number kept per asset at any age, -1 for none (default %d)", storage.DefaultNewestAssetEvents))
	age(&f.keep.Evaluations, "evaluations", "… of check results", storage.DefaultKeepEvaluations)
	flags.IntVar(&f.newestChecks, "newest-evaluations", 0, fmt.Sprintf("number kept per check at any age, -1 for none (default %d)", storage.DefaultNewestEvaluations))
	age(&f.keep.Runs, "runs", "… of runs with all their records", storage.DefaultKeepRuns)
	age(&f.keep.Backfills, "backfills", "… of backfills", storage.DefaultKeepBackfills)
	age(&f.keep.Changes, "changes", "… of changes that a consumer of the feed has not read", storage.DefaultKeepChanges)
	flags.Int64Var(&f.limit, "limit", 0, "delete at most N rows")
	flags.BoolVar(&f.vacuum, "vacuum", false, "shrink the SQLite file afterwards; writers wait meanwhile")
	return c
}

// retention returns the retention of the flags, on top of the repository's.
func (a *app) retention(f *pruneFlags) storage.Retention {
	keep := f.keep
	keep.NewestAssetEvents, keep.NewestEvaluations = f.newest, f.newestChecks
	keep = keep.Over(storage.All(f.olderThan))
	if a.repo != nil {
		keep = keep.Over(a.repo.Retention())
	}
	return keep
}

// vacuumer is a store that can shrink its file.
type vacuumer interface {
	Vacuum(ctx context.Context) (freed int64, err error)
}

func (a *app) prune(ctx context.Context, f *pruneFlags) error {
	req := storage.PruneRequest{Retention: a.retention(f), DryRun: f.dryRun, Limit: f.limit}
	if _, err := req.Cutoffs(); err != nil {
		return usagef("%w", err)
	}
	if f.vacuum && f.dryRun {
		return usagef("--vacuum has no dry run: leave out --vacuum or --dry-run")
	}
	return a.withWriter(ctx, func(s storage.Storage) error {
		v, can := s.(vacuumer)
		if f.vacuum && !can {
			return usagef("--vacuum is for SQLite only (PostgreSQL's autovacuum reuses the space): leave it out")
		}
		report, err := a.pruneShown(ctx, s, req)
		if err != nil {
			return err
		}
		doc := prunedDoc{DryRun: f.dryRun, PruneReport: report}
		if f.vacuum {
			if doc.Freed, err = v.Vacuum(ctx); err != nil {
				return err
			}
		}
		if a.json {
			return a.PrintJSON(doc)
		}
		a.printPruned(&doc)
		return nil
	})
}

// pruneShown prunes and shows the progress. If it is interrupted, it prints the rows deleted so
// far.
func (a *app) pruneShown(ctx context.Context, s storage.Pruner, req storage.PruneRequest) (storage.PruneReport, error) {
	restore := a.AtInterrupt("stopping after the rows that are being deleted now; press Ctrl-C again to stop at once")
	defer restore()
	m := a.NewMeter()
	req.Progress = func(done storage.PruneReport) {
		if !a.json && ctx.Err() == nil && m.Due() {
			m.Show(fmt.Sprintf("deleted %s, about %s", term.Counted(done.Rows(), "row", "rows"), byteText(done.Bytes())), done.Rows())
		}
	}
	report, err := s.Prune(ctx, req)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		if !a.json && report.Rows() > 0 {
			a.printPruned(&prunedDoc{PruneReport: report})
		}
		return report, fmt.Errorf("%w: deleted rows stay deleted; run db prune again for the rest", cause)
	}
	m.Clear()
	return report, err
}

// prunedDoc is the output of db prune.
type prunedDoc struct {
	DryRun bool `json:"dry_run"`
	storage.PruneReport

	Freed int64 `json:"freed_bytes,omitempty"`
}

func (a *app) printPruned(doc *prunedDoc) {
	if doc.Rows() == 0 {
		a.Println("nothing to delete")
	} else {
		t := term.Table{Head: []string{"kind", "rows", "of runs", "about"}}
		for _, k := range doc.Kinds {
			if k.Rows > 0 {
				t.Add(term.Words(k.Kind.String()), strconv.FormatInt(k.Rows, 10), term.Dash(nonzero(k.Runs)), byteText(k.Bytes))
			}
		}
		a.PrintTable(&t)
		word := "deleted"
		if doc.DryRun {
			word = "would delete"
		}
		a.Printf("%s %s, about %s\n", word, term.Counted(doc.Rows(), "row", "rows"), byteText(doc.Bytes()))
	}
	if doc.More {
		a.Println("more remains: the limit is reached")
	}
	if doc.Freed > 0 {
		a.Printf("the file is %s smaller\n", byteText(doc.Freed))
	}
}

// sayPruned marks the states whose runs were pruned.
func (a *app) sayPruned(ctx context.Context, states ...*storage.AssetState) error {
	for _, st := range states {
		if st == nil || st.RunID == "" {
			continue
		}
		err := a.withStore(ctx, func(s storage.Reader) error {
			_, err := s.GetRun(ctx, st.RunID)
			return err
		})
		switch {
		case errors.Is(err, storage.ErrNotFound):
			st.RunID += ", which was pruned"
		case err != nil:
			return err
		}
	}
	return nil
}

func nonzero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// byteText formats a number of bytes.
func byteText(n int64) string {
	units := [...]string{"KiB", "MiB", "GiB", "TiB"}
	if n < 1024 {
		return term.Counted(n, "byte", "bytes")
	}
	size, at := float64(n)/1024, 0
	for size >= 1024 && at < len(units)-1 {
		size, at = size/1024, at+1
	}
	return fmt.Sprintf("%.1f %s", size, units[at])
}

// ageValue is a flag for an age: a duration, days, or forever.
type ageValue time.Duration

// String returns the age as it is written on the command line.
func (v *ageValue) String() string {
	if *v == 0 {
		return ""
	}
	return ageText(time.Duration(*v))
}

// Type returns the placeholder of the flag.
func (*ageValue) Type() string { return "AGE" }

// Set parses an age.
func (v *ageValue) Set(text string) error {
	if text == "forever" {
		*v = ageValue(storage.Forever)
		return nil
	}
	if number, ok := strings.CutSuffix(text, "d"); ok {
		if days, err := strconv.ParseFloat(number, 64); err == nil && days > 0 && days < 100_000 {
			*v = ageValue(days * float64(24*time.Hour))
			return nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		*v = ageValue(d)
		return nil
	}
	return fmt.Errorf("%q is not an age: want days (90d), another positive duration (36h30m), or forever", text)
}

func ageText(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == storage.Forever:
		return "forever"
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}
