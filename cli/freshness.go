package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/storage"
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
	nodes, err := a.looked(ctx)
	if err != nil {
		return err
	}
	keep, err := selected(nodes, selection)
	if err != nil {
		return err
	}
	at, results, err := a.readFreshness(ctx, nodes, keep, now)
	if err != nil {
		return err
	}
	docs := make([]freshDoc, len(results))
	late := false
	for i, r := range results {
		docs[i] = freshDoc{nodes[at[i]].Name, nodes[at[i]].Freshness, r}
		late = late || r.State.Late()
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

// looked are the definitions that commands look at: the program's own, which need no store, or
// those in the store.
func (a *app) looked(ctx context.Context) (nodes []storage.TopologyNode, err error) {
	if a.repo != nil {
		return a.definitions(ctx, nil)
	}
	err = a.withStore(ctx, func(s storage.Reader) error {
		nodes, err = a.definitions(ctx, s)
		return err
	})
	return nodes, err
}

// readFreshness judges the nodes that have a policy and are kept; at are their places among the
// nodes.
func (a *app) readFreshness(ctx context.Context, nodes []storage.TopologyNode, keep func(int) bool, now time.Time) (at []int, results []freshness.Result, err error) {
	at, subs, err := subjects(nodes, func(i int) bool { return keep(i) && !nodes[i].Freshness.IsZero() })
	if err != nil {
		return nil, nil, err
	}
	err = a.withStore(ctx, func(s storage.Reader) error {
		results, err = assethealth.Freshness(ctx, s, subs, now)
		return err
	})
	if a.repo != nil && as[*noStoreError](err) { // nothing was materialized yet
		err = nil
		for _, sub := range subs {
			results = append(results, sub.Policy.Evaluate(freshness.Facts{Observed: sub.External}, now))
		}
	}
	return at, results, err
}

// onlyLate keeps the nodes that are late now.
func (a *app) onlyLate(ctx context.Context, nodes []storage.TopologyNode, keep func(int) bool) (func(int) bool, error) {
	at, results, err := a.readFreshness(ctx, nodes, keep, time.Now())
	late := make([]bool, len(nodes))
	for i, r := range results {
		late[at[i]] = r.State.Late()
	}
	return func(i int) bool { return late[i] }, err
}

// freshnessOf judges one asset now; it is nil for one without a policy.
func (a *app) freshnessOf(ctx context.Context, n *storage.TopologyNode) (*freshness.Result, error) {
	_, results, err := a.readFreshness(ctx, []storage.TopologyNode{*n}, func(int) bool { return true }, time.Now())
	if err != nil || len(results) == 0 {
		return nil, err
	}
	return &results[0], nil
}
