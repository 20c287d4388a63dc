package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/view"
)

// freshFlags are what freshness was asked.
type freshFlags struct {
	at       string
	exitCode bool
}

func (a *app) freshnessCommand() *cobra.Command {
	var f freshFlags
	c := &cobra.Command{
		Use: "freshness [SELECTION...]", Short: "Show which assets are late, since when, and when that changes", ValidArgsFunction: a.completeSelection,
		Long: `Show how fresh the assets are that have a freshness policy, all or those of a selection (see materialize --help): the state, since
when it is so, when it will change if nothing lands, and why. FAIL is late, WARN will be, UNKNOWN was never made.
--json prints a list of {"asset", "policy", "state", "since", "next_change", "reason"}.`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.freshness(cmd.Context(), args, f) },
	}
	c.Flags().StringVar(&f.at, "at", "", "judge at another instant than now, such as 2026-01-31T09:00:00Z: what will be late then if nothing lands")
	c.Flags().BoolVar(&f.exitCode, "exit-code", false, "exit with 1 if an asset is late (FAIL)")
	return c
}

// freshDoc is the freshness of an asset as freshness prints it.
type freshDoc struct {
	Asset  string           `json:"asset"`
	Policy freshness.Policy `json:"policy"`
	freshness.Result
}

var errLate = errors.New("an asset is late")

func (a *app) freshness(ctx context.Context, selection []string, f freshFlags) error {
	now := time.Now()
	if f.at != "" {
		var err error
		if now, err = time.Parse(time.RFC3339, f.at); err != nil {
			return usagef("--at %q: want an instant such as 2026-01-31T09:00:00Z", f.at)
		}
	}
	docs := []freshDoc{} // not null in JSON
	late := false
	err := a.withView(ctx, func(v *view.View) error {
		v.Now = now
		filter, err := v.Select(selection...)
		if err != nil {
			return err
		}
		list, err := v.Freshness(ctx, filter)
		for i := range list {
			n := &v.Nodes()[list[i].Node]
			docs = append(docs, freshDoc{n.Name, n.Freshness, list[i].Result})
			late = late || list[i].State.Late()
		}
		return err
	})
	if err != nil {
		return err
	}
	if a.json {
		err = a.PrintJSON(docs)
	} else {
		a.printFreshness(docs)
	}
	if err == nil && late && f.exitCode {
		return &failedError{errLate, exitFailed}
	}
	return err
}

func (a *app) printFreshness(docs []freshDoc) {
	if len(docs) == 0 {
		a.Println("there is no asset with a freshness policy among them")
		return
	}
	t := term.Table{Head: []string{"asset", "policy", "state", "since", "next change", "why"}}
	for i := range docs {
		d := &docs[i]
		t.Add(d.Asset, d.Policy, term.Cell{Text: d.State.String(), Paint: freshColour(d.State)}, term.Instant(d.Since), term.Instant(d.NextChange), d.Reason)
	}
	a.PrintTable(&t)
}

func freshColour(s freshness.State) term.Colour {
	return map[freshness.State]term.Colour{freshness.Pass: term.Green, freshness.Warn: term.Yellow, freshness.Fail: term.Red}[s]
}
