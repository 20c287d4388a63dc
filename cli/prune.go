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

// pruneFlags are what db prune was asked.
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
		Use: "prune", Short: "Delete history that nobody needs any more", Args: noArgs,
		Long: `Delete history that nobody needs any more: lines of logs, events, evaluations of checks, runs, backfills and the feed of changes, each by its age. What is true
now stays: no status, no set of partitions and no record of an asset or a check depends on what goes. Nor does it touch a run that has not ended,
one that is being retried, or those of a backfill that goes on. It may run beside anything, be interrupted, and be run again: what is
deleted stays so, and the next one goes on. Programs do the same by themselves, a slice an hour, unless Retention.ByHand says otherwise.

An AGE is a number of days (90d), any other duration (36h), or forever; it counts from the end of the run. What no flag says is as the
program's repository has it, else by default. --json prints {"dry_run", "kinds", "more"}, with --vacuum "freed_bytes".`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.prune(cmd.Context(), &f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.dryRun, "dry-run", false, "say what would go and delete nothing")
	age := func(to *time.Duration, name, what string, zero time.Duration) {
		if zero > 0 {
			what += " (by default " + ageText(zero) + ")"
		}
		flags.Var((*ageValue)(to), name, what)
	}
	age(&f.olderThan, "older-than", "the AGE for all kinds that have no flag of their own", 0)
	age(&f.keep.Logs, "logs", "the AGE from which lines that steps wrote go", storage.DefaultKeepLogs)
	age(&f.keep.Steps, "steps", "… events that say how runs and steps went", storage.DefaultKeepSteps)
	age(&f.keep.AssetEvents, "asset-events", "… materializations, observations, failures and wipes", storage.DefaultKeepAssetEvents)
	flags.IntVar(&f.newest, "newest-asset-events", 0, fmt.Sprintf("how many of each asset stay whatever their age, -1 for none (by default %d)", storage.DefaultNewestAssetEvents))
	age(&f.keep.Evaluations, "evaluations", "… what checks came to", storage.DefaultKeepEvaluations)
	flags.IntVar(&f.newestChecks, "newest-evaluations", 0, fmt.Sprintf("how many of each check stay whatever their age, -1 for none (by default %d)", storage.DefaultNewestEvaluations))
	age(&f.keep.Runs, "runs", "… runs, with all that hangs on them", storage.DefaultKeepRuns)
	age(&f.keep.Backfills, "backfills", "… backfills", storage.DefaultKeepBackfills)
	age(&f.keep.Changes, "changes", "… changes that some consumer of the feed has not passed", storage.DefaultKeepChanges)
	flags.Int64Var(&f.limit, "limit", 0, "delete at most so many rows")
	flags.BoolVar(&f.vacuum, "vacuum", false, "make the file of SQLite smaller afterwards; nobody can write meanwhile")
	return c
}

// retention is what the flags say, over what the repository says.
func (a *app) retention(f *pruneFlags) storage.Retention {
	keep := f.keep
	keep.NewestAssetEvents, keep.NewestEvaluations = f.newest, f.newestChecks
	keep = keep.Over(storage.All(f.olderThan))
	if a.repo != nil {
		keep = keep.Over(a.repo.Retention())
	}
	return keep
}

// vacuumer is a store that can make itself smaller.
type vacuumer interface {
	Vacuum(ctx context.Context) (freed int64, err error)
}

func (a *app) prune(ctx context.Context, f *pruneFlags) error {
	req := storage.PruneRequest{Retention: a.retention(f), DryRun: f.dryRun, Limit: f.limit}
	if _, err := req.Cutoffs(); err != nil {
		return usagef("%w", err)
	}
	if f.vacuum && f.dryRun {
		return usagef("--vacuum with --dry-run: what would get free is only known when it is: leave one of them out")
	}
	return a.withWriter(ctx, func(s storage.Storage) error {
		v, can := s.(vacuumer)
		if f.vacuum && !can {
			return usagef("--vacuum: only SQLite has a file to make smaller; PostgreSQL's autovacuum gives the room to new rows: leave it out")
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

// pruneShown prunes, and shows how far that has come. Of one that is interrupted it prints what was
// done, for that stays.
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
		return report, fmt.Errorf("%w: what was deleted stays so; db prune goes on with the rest", cause)
	}
	m.Clear()
	return report, err
}

// prunedDoc is what db prune prints.
type prunedDoc struct {
	DryRun bool `json:"dry_run"`
	storage.PruneReport

	Freed int64 `json:"freed_bytes,omitempty"`
}

func (a *app) printPruned(doc *prunedDoc) {
	if doc.Rows() == 0 {
		a.Println("nothing is old enough")
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
		a.Println("there is more: the limit is reached")
	}
	if doc.Freed > 0 {
		a.Printf("the file is %s smaller\n", byteText(doc.Freed))
	}
}

// sayPruned has the states say of their runs which are gone.
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

// byteText is a number of bytes for people.
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

// ageValue is a flag that takes an age: a duration, days too, or forever.
type ageValue time.Duration

// String returns the age as it is given.
func (v *ageValue) String() string {
	if *v == 0 {
		return ""
	}
	return ageText(time.Duration(*v))
}

// Type names what the flag takes.
func (*ageValue) Type() string { return "AGE" }

// Set reads an age.
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
	return fmt.Errorf("%q is no age: want days (90d), another positive duration (36h30m), or forever", text)
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
