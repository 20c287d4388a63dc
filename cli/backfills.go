package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/internal/proc"
	"github.com/rivers-go/rivers/internal/view"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) backfillsListCommand() *cobra.Command {
	limit := 20
	c := &cobra.Command{
		Use: "list", Short: "List backfills, newest first", Args: noArgs,
		Long: "List backfills, newest first.\n--json prints a list of them.",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.listBackfills(cmd.Context(), limit) },
	}
	c.Flags().IntVar(&limit, "limit", limit, "number of partitions to list")
	return c
}

func (a *app) listBackfills(ctx context.Context, limit int) error {
	if limit < 1 {
		return usagef("--limit %d: want 1 or more", limit)
	}
	return a.withStore(ctx, func(s storage.Reader) error {
		all, err := s.ListBackfills(ctx, storage.BackfillQuery{Limit: limit})
		if err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(append([]storage.BackfillRecord{}, all...))
		}
		t := term.Table{Head: []string{"backfill", "state", "progress", "assets", "created", "error"}}
		for i := range all {
			b := &all[i]
			state := b.State.String()
			if view.Abandoned(b) {
				state = "abandoned"
			}
			p := &b.Progress
			t.Add(b.ID, term.Cell{Text: state, Paint: backfillColour(b.State)}, shareText(b.Total, p), term.OneLine(strings.Join(targetsOf(b), ", "), 40),
				term.Instant(b.CreatedAt), term.OneLine(b.Error, 60))
		}
		a.PrintTable(&t)
		return nil
	})
}

// targetsOf returns the assets of a backfill, or the actions on them.
func targetsOf(b *storage.BackfillRecord) []string {
	if b.Request.Action == "" {
		return b.Assets
	}
	targets := make([]string, len(b.Assets))
	for i, asset := range b.Assets {
		targets[i] = storage.ActionName(asset, b.Request.Action)
	}
	return targets
}

// shareText formats the progress of a backfill in a few columns.
func shareText(total int64, p *storage.BackfillProgress) string {
	text := fmt.Sprintf("%d/%d", p.CompletedCount, total)
	if p.FailedCount > 0 {
		text += fmt.Sprintf(", %d failed", p.FailedCount)
	}
	if p.SkippedCount > 0 {
		text += fmt.Sprintf(", %d skipped", p.SkippedCount)
	}
	if p.CanceledCount > 0 {
		text += fmt.Sprintf(", %d canceled", p.CanceledCount)
	}
	return text
}

func (a *app) backfillShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show BACKFILL", Short: "Show a backfill and its latest runs", Args: oneArg, ValidArgsFunction: a.completeBackfills,
		Long: "Show a backfill and its latest runs. BACKFILL is an id, its beginning, or latest.\n--json prints {\"backfill\", \"runs\"}.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.showBackfill(cmd.Context(), args[0]) },
	}
}

func (a *app) showBackfill(ctx context.Context, name string) error {
	return a.withStore(ctx, func(s storage.Reader) error {
		b, err := view.FindBackfill(ctx, s, name)
		if err != nil {
			return err
		}
		runs, err := s.ListRuns(ctx, storage.RunQuery{Backfill: b.ID, Limit: 20})
		if err != nil {
			return err
		}
		if a.json {
			return a.PrintJSON(map[string]any{"backfill": b, "runs": runs})
		}
		a.printBackfillRecord(ctx, s, &b)
		t := term.Table{Head: []string{"run", "state", "partition", "took", "error"}}
		for i := range runs {
			r := &runs[i]
			t.Add(r.ID, term.Cell{Text: r.State.String(), Paint: term.StateColour(r.State.String())}, term.Dash(r.Partition), took(r), term.OneLine(r.Error, 80))
		}
		a.Println()
		a.PrintTable(&t)
		return nil
	})
}

func (a *app) printBackfillRecord(ctx context.Context, s storage.Reader, b *storage.BackfillRecord) {
	p := &b.Progress
	owner := ""
	if !b.State.Terminal() {
		owner = proc.Describe(b.Owner)
		if view.Abandoned(b) {
			owner += ", which is gone: resume the backfill, or cancel it"
		}
	}
	took := ""
	if !b.EndedAt.IsZero() {
		took = term.Duration(b.EndedAt.Sub(b.CreatedAt))
	}
	a.Printf("backfill %s  %s\n", a.Paint(term.Bold, b.ID), a.Paint(backfillColour(b.State), b.State.String()))
	for _, f := range [][2]string{
		{"action", b.Request.Action},
		{"assets", strings.Join(b.Assets, ", ")},
		{"partitions", fmt.Sprintf("%d: %s", b.Total, progressText(p.CompletedCount, p.FailedCount, p.SkippedCount, p.CanceledCount))},
		{"runs", fmt.Sprint(p.Runs)},
		{"strategy", b.Request.Strategy.String()},
		{"created", term.Instant(b.CreatedAt)},
		{"took", took},
		{"rerun of", b.RerunOf},
		{"owner", owner},
		{"tags", tagLine(b.Request.Tags)},
		{"error", b.Error},
		{"failed", a.failedText(ctx, s, b)},
	} {
		if f[1] != "" {
			a.Printf("  %s %s\n", a.Paint(term.Grey, fmt.Sprintf("%-10s", f[0])), f[1])
		}
	}
}

// failedText names the failed partitions of a backfill, if their definition is available.
func (a *app) failedText(ctx context.Context, s storage.Reader, b *storage.BackfillRecord) string {
	if b.Progress.FailedCount == 0 {
		return ""
	}
	d, err := a.definitions(ctx, s)
	if err != nil {
		return ""
	}
	v := &view.View{Definitions: d, Store: s, Now: time.Now()}
	failed, err := v.FailedRanges(ctx, b)
	if err != nil {
		return ""
	}
	return strings.Join(failed.Ranges, "  ")
}

func (a *app) backfillCancelCommand() *cobra.Command {
	var noWait bool
	c := &cobra.Command{
		Use: "cancel BACKFILL", Short: "Ask a backfill to stop, in whatever process it runs", Args: oneArg, ValidArgsFunction: a.completeBackfills,
		Long: `Ask a backfill to stop, in whatever process it runs, and wait until it has. Its running runs are canceled. If its process
died, this command ends it. --json prints {"id", "was", "state"}.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.cancelBackfill(cmd.Context(), args[0], noWait) },
	}
	c.Flags().BoolVar(&noWait, "no-wait", false, "return at once")
	return c
}

func (a *app) cancelBackfill(ctx context.Context, name string, noWait bool) error {
	if err := a.needDefinitions(ctx, "backfill cancel"); err != nil {
		return err
	}
	s := a.repo.Storage()
	was, err := view.FindBackfill(ctx, s, name)
	if err != nil {
		return err
	}
	if _, err := a.repo.CancelBackfill(ctx, was.ID); err != nil {
		return err
	}
	var now storage.BackfillRecord
	for ticker := time.NewTicker(lookEvery); ; {
		if now, err = s.GetBackfill(ctx, was.ID); err != nil {
			ticker.Stop()
			return err
		}
		if noWait || now.State.Terminal() {
			ticker.Stop()
			break
		}
		select {
		case <-ctx.Done():
			ticker.Stop()
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
	if a.json {
		return a.PrintJSON(map[string]any{"id": was.ID, "was": was.State, "state": now.State})
	}
	word := ""
	if was.State.Terminal() {
		word = "had ended: "
	}
	a.Printf("backfill %s %s%s\n", was.ID, word, a.Paint(backfillColour(now.State), now.State.String()))
	return nil
}

// needDefinitions resolves the repository, or returns an error if the program has none.
func (a *app) needDefinitions(ctx context.Context, command string) error {
	if a.repo == nil {
		return usagef("%s needs the definitions: use the program of the repository", command)
	}
	return a.resolve(ctx)
}

func (a *app) backfillRerunCommand() *cobra.Command {
	var dryRun bool
	c := &cobra.Command{
		Use: "rerun BACKFILL", Short: "Repeat the failed and canceled partitions of a finished backfill", Args: oneArg, ValidArgsFunction: a.completeBackfills,
		Long: "Repeat the failed and canceled partitions of a finished backfill, as a new backfill. This includes actions.\nThe output is that of backfill.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.againBackfill(cmd.Context(), "backfill rerun", args[0], dryRun, func(ctx context.Context, id string) (*rivers.BackfillResult, error) {
				return a.repo.RerunBackfill(ctx, id, rivers.RerunOptions{DryRun: dryRun})
			})
		},
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "print the plan; run nothing")
	return c
}

func (a *app) backfillResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "resume BACKFILL", Short: "Resume a backfill whose process died", Args: oneArg, ValidArgsFunction: a.completeBackfills,
		Long: "Resume a backfill whose process died. Finished partitions are not repeated. The output is that of backfill.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.againBackfill(cmd.Context(), "backfill resume", args[0], false, func(ctx context.Context, id string) (*rivers.BackfillResult, error) {
				return a.repo.ResumeBackfill(ctx, id)
			})
		},
	}
}

func (a *app) againBackfill(ctx context.Context, command, name string, dry bool, do func(context.Context, string) (*rivers.BackfillResult, error)) error {
	if err := a.needDefinitions(ctx, command); err != nil {
		return err
	}
	b, err := view.FindBackfill(ctx, a.repo.Storage(), name)
	if err != nil {
		return err
	}
	return a.watchBackfill(false, dry, func() (*rivers.BackfillResult, error) { return do(ctx, b.ID) })
}

// completeBackfills completes the id of a backfill.
func (a *app) completeBackfills(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var ids []string
	err := a.withStore(cmd.Context(), func(s storage.Reader) error {
		all, err := s.ListBackfills(cmd.Context(), storage.BackfillQuery{Limit: 50})
		for i := range all {
			if strings.HasPrefix(all[i].ID, prefix) {
				ids = append(ids, all[i].ID+"\t"+all[i].State.String())
			}
		}
		return err
	})
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}
