package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
)

func (a *app) checksCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list [SELECTION...]", Short: "List the checks of assets with their last results", ValidArgsFunction: a.completeSelection,
		Long: "List the checks of all assets or of a selection (see materialize --help), each with its latest result. A result is marked\n" +
			"as outdated once the asset is materialized again. A check of partitions shows counts: 3 of 400 failed, 390 passed,\n" +
			"2 outdated. --json prints a list of them, with the ranges.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.listChecks(cmd.Context(), args) },
	}
	var f materializeFlags
	run := &cobra.Command{
		Use: "run [SELECTION...]", Short: "Run the checks of assets on their stored values", ValidArgsFunction: a.completeSelection,
		Long: "Run the checks of all assets or of a selection (see materialize --help) on their stored values. Nothing is materialized.\n" +
			"--check chooses some of the checks. The exit code is 1 if a check of severity error does not pass, or if a check\n" +
			"itself fails; a warning is shown and does not count.\n\n" + ExitCodes,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runChecks(cmd.Context(), args, f) },
	}
	flags := run.Flags()
	flags.StringVar(&f.partition, "partition", "", "the partition to check: a key, several a,b, or a range a..b")
	flags.StringArrayVar(&f.checks, "check", nil, "run only this check, as asset:check; may be repeated")
	f.runFlags(flags)
	mustComplete(run, "check", a.completeChecks)
	limit := 20
	history := &cobra.Command{
		Use: "history CHECK", Short: "Show the results of a check, newest first", Args: oneArg, ValidArgsFunction: a.completeChecks,
		Long: "Show the results of a check, named asset:check, newest first.\n--json prints a list.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.checkHistory(cmd.Context(), args[0], limit) },
	}
	history.Flags().IntVar(&limit, "limit", limit, "number of results to show")
	return group("checks", "List and run the checks of assets", list, run, history)
}

// completeChecks completes the names of checks.
func (a *app) completeChecks(_ *cobra.Command, _ []string, text string) ([]string, cobra.ShellCompDirective) {
	var found []string
	if doc, err := a.repo.Topology(); err == nil {
		for _, c := range doc.Checks {
			if name := storage.CheckName(c.Asset, c.Name); strings.HasPrefix(name, text) {
				found = append(found, name+"\t"+c.Description)
			}
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) listChecks(ctx context.Context, selection []string) error {
	if err := a.resolve(ctx); err != nil {
		return err
	}
	status, err := a.repo.CheckStatus(ctx, selection...)
	if err != nil {
		return readError(err)
	}
	if a.json {
		docs, err := checkDocs(status)
		if err != nil {
			return readError(err)
		}
		return a.PrintJSON(docs)
	}
	if len(status) == 0 {
		a.Println("no checks")
		return nil
	}
	t := term.Table{Head: []string{"check", "state", "checked", "description"}}
	for i := range status {
		s := &status[i]
		word, paint := statusWord(s)
		if s.Blocking {
			word += ", blocking"
		}
		t.Add(s.Name, term.Cell{Text: word, Paint: paint}, judgedWhen(s), checkSays(s))
	}
	a.PrintTable(&t)
	return nil
}

// checkWord returns the state of a check result as a word.
func checkWord(state storage.CheckState, v *storage.Verdict) (string, term.Colour) {
	switch {
	case state == storage.CheckSucceeded:
		return "passed", term.Green
	case state == storage.CheckFailed && v != nil && v.Severity == storage.SeverityWarn:
		return "warned", term.Yellow
	case state == storage.CheckFailed:
		return "failed", term.Red
	case state == storage.CheckExecutionFailed:
		return "crashed", term.Red
	case state == storage.CheckInProgress:
		return "in progress", term.Yellow
	case state == storage.CheckSkipped:
		return "skipped", term.Grey
	}
	return "never ran", term.Grey
}

// statusWord returns the state of a check as a word, for partitions that of the worst.
func statusWord(s *rivers.CheckStatus) (string, term.Colour) {
	said := s.Verdict
	if p := s.Partitions; p != nil && s.State == storage.CheckFailed {
		if said = nil; p.Failed.Count == 0 {
			said = &storage.Verdict{Severity: storage.SeverityWarn}
		}
	}
	return checkWord(s.State, said)
}

// judgedWhen returns the time of the latest result, and whether it is outdated.
func judgedWhen(s *rivers.CheckStatus) string {
	if s.At.IsZero() {
		return "-"
	}
	text := term.Instant(s.At)
	if s.Outdated && s.Partitions == nil {
		text += ", outdated: the asset was made anew since"
	}
	return text
}

// checkSays returns the description of the latest result on one line.
func checkSays(s *rivers.CheckStatus) string {
	var parts []string
	if text := judgedText(s.Partitions); text != "" {
		parts = append(parts, text)
	}
	if text := said(s.Verdict, s.Error); text != "" {
		parts = append(parts, text)
	}
	if len(s.Metadata) > 0 {
		parts = append(parts, metadataLine(s.Metadata))
	}
	if len(parts) == 0 {
		return "-"
	}
	return term.OneLine(strings.Join(parts, "; "), 100)
}

// said returns the description of a check result, or why there is none.
func said(v *storage.Verdict, failure string) string {
	if v != nil && v.Description != "" {
		return v.Description
	}
	return failure
}

func (a *app) runChecks(ctx context.Context, selection []string, f materializeFlags) error {
	req, err := f.request(selection)
	if err != nil {
		return err
	}
	req.Checks, req.CheckNames = storage.ChecksOnly, f.checks
	if _, err := a.plan(req, ""); err != nil {
		return err
	}
	if err := a.resolve(ctx); err != nil {
		return err
	}
	done, err := a.watched(f.verbose, func() (*rivers.RunResult, error) { return a.repo.Materialize(ctx, req) })
	if done.res == nil {
		return readError(err)
	}
	if err := a.finish(done, err); err != nil {
		return err
	}
	for _, s := range done.res.Steps {
		if c := s.Check; c != nil && c.State == storage.CheckFailed && (c.Verdict == nil || c.Verdict.Bad()) {
			return &failedError{fmt.Errorf("%s: %s", s.Step, c), exitFailed}
		}
	}
	return nil
}

func (a *app) checkHistory(ctx context.Context, name string, limit int) error {
	if limit < 1 {
		return usagef("--limit %d: want 1 or more", limit)
	}
	if err := a.resolve(ctx); err != nil {
		return err
	}
	history, err := a.repo.CheckHistory(ctx, name, limit)
	if err != nil {
		return readError(err)
	}
	if a.json {
		return a.PrintJSON(history)
	}
	if len(history) == 0 {
		a.Println("never run")
		return nil
	}
	t := term.Table{Head: []string{"at", "state", "partition", "run", "description"}}
	for i := range history {
		e := &history[i]
		word, paint := checkWord(e.State, e.Verdict)
		partition := e.Partition
		if partition == "" && !e.Partitions.IsEmpty() {
			partition = e.Partitions.String()
		}
		says := said(e.Verdict, e.Error)
		if len(e.Metadata) > 0 {
			says = strings.TrimPrefix(says+"; "+metadataLine(e.Metadata), "; ")
		}
		t.Add(term.Instant(e.At), term.Cell{Text: word, Paint: paint}, term.Dash(partition), term.Dash(e.RunID), term.Dash(term.OneLine(says, 80)))
	}
	a.PrintTable(&t)
	return nil
}
