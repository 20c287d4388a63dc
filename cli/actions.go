package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
)

func (a *app) actionsCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list [SELECTION...]", Short: "List the actions of assets", ValidArgsFunction: a.completeSelection,
		Long: "List the actions of all assets or of a selection (see materialize --help), including those of IO handlers.\n--json prints a list of them.",
		RunE: func(_ *cobra.Command, args []string) error { return a.listActions(args) },
	}
	var f materializeFlags
	run := &cobra.Command{
		Use: "run ACTION SELECTION...", Short: "Run an action on assets", ValidArgsFunction: a.completeAction,
		Long: "Run an action on the assets of a selection (see materialize --help). All of them must have it. Nothing upstream is run or\n" +
			"loaded. The run records what each step did. materialize --resume continues a run whose process died.\n" +
			"Use backfill --action for many partitions.\n\n" + ExitCodes,
		RunE: func(cmd *cobra.Command, args []string) error { return a.runAction(cmd.Context(), args, f) },
	}
	flags := run.Flags()
	flags.StringVar(&f.partition, "partition", "", "the partition to act on: a key, several a,b, or a range a..b")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the plan; run nothing")
	f.runFlags(flags)
	return group("actions", "List and run the actions of assets", list, run)
}

// completeAction completes the name of an action, then the assets that have it.
func (a *app) completeAction(_ *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	var found []string
	seen := map[string]bool{}
	all, _ := a.repo.Actions()
	for i := range all {
		word, about := all[i].Action, all[i].Description
		if len(args) > 0 {
			if word != args[0] {
				continue
			}
			word, about = all[i].Asset, ""
		}
		if strings.HasPrefix(word, text) && !seen[word] {
			seen[word] = true
			found = append(found, word+"\t"+about)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeActionFlag completes an action that the selected assets have, or any asset.
func (a *app) completeActionFlag(_ *cobra.Command, selection []string, text string) ([]string, cobra.ShellCompDirective) {
	all, _ := a.repo.Actions(selection...)
	var found []string
	for i := range all {
		if one := all[i].Action + "\t" + all[i].Description; strings.HasPrefix(one, text) && !slices.Contains(found, one) {
			found = append(found, one)
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) listActions(selection []string) error {
	all, err := a.repo.Actions(selection...)
	if err != nil {
		return err
	}
	if a.json {
		if all == nil {
			all = []rivers.AssetAction{} // not null in JSON
		}
		return a.PrintJSON(all)
	}
	if len(all) == 0 {
		a.Println("no actions")
		return nil
	}
	t := term.Table{Head: []string{"asset", "action", "effect", "partitions", "from", "description"}}
	for i := range all {
		one := &all[i]
		effect, from := term.Words(one.Effect), "asset"
		if one.Exclusive {
			effect += ", alone"
		}
		if one.Handler {
			from = "io handler"
		}
		t.Add(one.Asset, one.Action, effect, term.Dash(one.Partitions), from, term.Dash(term.OneLine(one.Description, 60)))
	}
	a.PrintTable(&t)
	return nil
}

func (a *app) runAction(ctx context.Context, args []string, f materializeFlags) error {
	if len(args) < 2 {
		return usagef("actions run takes an action and a selection of assets (got %s): see actions list", term.Count(len(args), "argument", "arguments"))
	}
	req, err := f.request(args[1:])
	if err != nil {
		return err
	}
	req.Action = args[0]
	plan, err := a.plan(req, "")
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.printPlan(plan)
	}
	if err := a.resolve(ctx); err != nil {
		return err
	}
	done, err := a.watched(f.verbose, func() (*rivers.RunResult, error) {
		return a.repo.RunAction(ctx, rivers.RunActionRequest{
			Action: req.Action, Selection: req.Selection, Partition: req.Partition, Range: req.Range, Config: req.Config, Tags: req.Tags, RunID: req.RunID,
		})
	})
	if done.res == nil {
		return readError(err)
	}
	return a.finish(done, err)
}
