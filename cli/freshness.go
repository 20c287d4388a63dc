package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/internal/health"
	"github.com/rivers-go/rivers/partition"
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
		err = a.printJSON(docs)
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
		fmt.Fprintln(a.out, "there is no asset with a freshness policy among them")
		return
	}
	t := table{head: []string{"asset", "policy", "state", "since", "next change", "why"}}
	for i := range docs {
		d := &docs[i]
		t.add(d.Asset, d.Policy, cell{d.State.String(), freshColour(d.State)}, instant(d.Since), instant(d.NextChange), d.Reason)
	}
	a.printTable(&t)
}

func freshColour(s freshness.State) colour {
	return map[freshness.State]colour{freshness.Pass: green, freshness.Warn: yellow, freshness.Fail: red}[s]
}

func healthColour(s health.State) colour {
	return map[health.State]colour{health.Healthy: green, health.Warning: yellow, health.Degraded: red}[s]
}

// looked are the definitions that commands look at: the program's own, which need no store, or those in the store.
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

// subjects are those of the nodes that have a policy and are kept, with their places among the nodes. Definitions of
// partitions that say the same are made once.
func subjects(nodes []storage.TopologyNode, keep func(int) bool) (at []int, subs []health.Subject, err error) {
	known := map[string]partition.Definition{}
	for i := range nodes {
		if !keep(i) {
			continue
		}
		sub, err := subjectOf(&nodes[i])
		if err != nil {
			return nil, nil, err
		}
		if sub.Partitions != nil {
			text := sub.Partitions.String()
			if known[text] == nil || !partition.Equal(known[text], sub.Partitions) {
				known[text] = sub.Partitions
			}
			sub.Partitions = known[text]
		}
		at, subs = append(at, i), append(subs, sub)
	}
	return at, subs, nil
}

func subjectOf(n *storage.TopologyNode) (health.Subject, error) {
	sub := health.Subject{Asset: n.Name, Policy: n.Freshness, External: n.Kind == "external_asset"}
	if n.Partitions == nil {
		return sub, nil
	}
	var err error
	if sub.Partitions, err = n.Partitions.Definition(); err != nil {
		return sub, fmt.Errorf("asset %q: %w", n.Name, err)
	}
	return sub, nil
}

// readFreshness judges the nodes that have a policy and are kept; at are their places among the nodes.
func (a *app) readFreshness(ctx context.Context, nodes []storage.TopologyNode, keep func(int) bool, now time.Time) (at []int, results []freshness.Result, err error) {
	at, subs, err := subjects(nodes, func(i int) bool { return keep(i) && !nodes[i].Freshness.IsZero() })
	if err != nil {
		return nil, nil, err
	}
	err = a.withStore(ctx, func(s storage.Reader) error {
		results, err = health.Freshness(ctx, s, subs, now)
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

// vitals are what the records of an asset come to, as assets show prints it.
type vitals struct {
	Fresh  *freshness.Result `json:"freshness_state,omitempty"`
	Health *health.Result    `json:"health,omitempty"`
}

// readVitals judges one asset now; it is nil for what is none.
func (a *app) readVitals(ctx context.Context, n *storage.TopologyNode) (*vitals, error) {
	if !strings.HasSuffix(n.Kind, "asset") {
		return nil, nil //nolint:nilnil // a task has no health
	}
	sub, err := subjectOf(n)
	if err != nil {
		return nil, err
	}
	subs, now := []health.Subject{sub}, time.Now()
	facts := health.Facts{Presence: health.Presence{External: sub.External}, Freshness: sub.Policy.Evaluate(freshness.Facts{Observed: sub.External}, now)}
	err = a.withStore(ctx, func(s storage.Reader) error {
		presences, err := health.Presences(ctx, s, subs, now)
		if err != nil {
			return err
		}
		results, err := health.Freshness(ctx, s, subs, now)
		if err != nil {
			return err
		}
		facts.Presence, facts.Freshness = presences[0], results[0]
		facts.Checks, err = a.readChecks(ctx, s, n.Name)
		return err
	})
	if err != nil && (a.repo == nil || !as[*noStoreError](err)) {
		return nil, err
	}
	judged := health.Judge(facts)
	v := &vitals{Health: &judged}
	if !n.Freshness.IsZero() {
		v.Fresh = &facts.Freshness
	}
	return v, nil
}

// readChecks counts what the checks of an asset said last.
func (a *app) readChecks(ctx context.Context, s storage.Reader, asset string) (health.Checks, error) {
	var names []string
	take := func(_ string, doc storage.TopologyDoc) {
		for i := range doc.Checks {
			if doc.Checks[i].Asset == asset {
				names = append(names, doc.Checks[i].Name)
			}
		}
	}
	var err error
	if a.repo == nil {
		err = storedTopologies(ctx, s, take)
	} else {
		var doc storage.TopologyDoc
		doc, err = a.repo.Topology()
		take("", doc)
	}
	if err != nil {
		return health.Checks{}, err
	}
	return health.ReadChecks(ctx, s, asset, names)
}

func (a *app) printVitals(v *assetView) {
	if v.vitals == nil {
		return
	}
	line := func(label, text string) {
		fmt.Fprintf(a.out, "  %s %s\n", a.paint(grey, fmt.Sprintf("%-12s", label)), text)
	}
	if r := v.Fresh; r != nil {
		text := a.paint(freshColour(r.State), r.State.String())
		if !r.Since.IsZero() {
			text += " since " + instant(r.Since)
		}
		if !r.NextChange.IsZero() {
			text += ", until " + instant(r.NextChange) + " if nothing lands"
		}
		line("freshness", v.Freshness.String())
		line("", text)
		line("", r.Reason)
	}
	line("health", a.paint(healthColour(v.Health.State), v.Health.State.String())+": "+v.Health.Reason)
}
