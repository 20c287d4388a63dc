package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// evaluationText is what a listener hears of a check, in a line.
func evaluationText(e rivers.CheckEvaluated) string {
	text := fmt.Sprintf("%s of %s (%s) attempt %d: %s", e.Check, e.Asset, e.Step, e.Attempt, e.State)
	if e.Partition != "" {
		text += fmt.Sprintf(" for %d, %s", e.Partitions, e.Partition)
	}
	if e.Verdict != nil {
		text += fmt.Sprintf(", %s %q", e.Verdict.Severity, e.Verdict.Description)
	}
	if n, ok := e.Metadata.Int("n"); ok {
		text += fmt.Sprintf(" n=%d", n)
	}
	if e.Error != "" {
		text += ", " + e.Error
	}
	return text
}

// What checks come to is heard in the order of the run: before the end of their steps, each partition by itself, and also where the
// run does not come to it.
func TestListenersHearOfChecks(t *testing.T) {
	letters := partition.Static("a", "b", "c")
	var heard []string
	say := func(s string) { heard = append(heard, s) }
	first := make(chan struct{})
	bad := rivers.NewAsset(rivers.AssetSpec{Name: "bad"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("no") })
	each := rivers.NewCheck(rivers.CheckSpec{Name: "each", Asset: "parts", Partitions: letters, Timeout: time.Minute},
		func(ctx *rivers.CheckContext, _ rivers.NoInput) (rivers.CheckResult, error) {
			switch ctx.Partition().Key().String() {
			case "a":
				return rivers.CheckResult{Passed: true}, nil
			case "b":
				select {
				case <-first: // it was heard while the step goes on
				case <-ctx.Done():
					return rivers.CheckResult{}, ctx.Err()
				}
				return rivers.CheckResult{Severity: rivers.SeverityWarn, Description: "odd", Metadata: metadata.Map{"n": 2}}, nil
			}
			return rivers.CheckResult{}, errors.New("no database")
		})
	all := rivers.NewCheck(rivers.CheckSpec{Name: "all", Asset: "parts"},
		func(*rivers.CheckContext, rivers.NoInput) (rivers.CheckResult, error) {
			return rivers.CheckResult{}, nil
		})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "repo", Logger: slog.New(slog.DiscardHandler), Assets: []rivers.Asset{bad, rivers.NewAsset(rivers.AssetSpec{Name: "parts", Partitions: letters}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })},
		Checks: []*rivers.Check{each, all, verdict("bad", "never", rivers.CheckResult{Passed: true}, nil, nil)},
		Listeners: []rivers.Listener{
			{CheckEvaluated: func(rivers.CheckEvaluated) { panic("oops") }},
			{
				CheckEvaluated: func(e rivers.CheckEvaluated) {
					if say(evaluationText(e)); e.Partition == "a" {
						close(first)
					}
				},
				StepFinished: func(f rivers.StepFinished) { say(f.Outcome + " " + f.Step) },
			},
		},
	})
	resolveInMemory(t, repo)
	for _, c := range []struct {
		req  rivers.RunRequest
		want []string
	}{
		{rivers.RunRequest{Selection: []string{"parts"}, Range: partition.Range("a", "c"), CheckNames: []string{"parts:each"}}, []string{
			"succeeded parts", `each of parts (parts:each) attempt 1: succeeded for 1, a,  ""`, `each of parts (parts:each) attempt 1: failed for 1, b, warn "odd" n=2`,
			"each of parts (parts:each) attempt 1: execution_failed for 1, c, no database", "failed parts:each",
		}},
		{rivers.RunRequest{Selection: []string{"parts"}, Range: partition.Range("a", "c"), CheckNames: []string{"parts:all"}}, []string{
			"succeeded parts", `all of parts (parts:all) attempt 1: failed, error ""`, "succeeded parts:all",
		}},
		{rivers.RunRequest{Selection: []string{"bad"}}, []string{
			"failed bad", `never of bad (bad:never) attempt 0: skipped, upstream "bad" failed`, "skipped bad:never",
		}},
	} {
		heard = nil
		if res, err := repo.Materialize(t.Context(), c.req); res == nil {
			t.Fatal(err)
		}
		if !slices.Equal(heard, c.want) {
			t.Errorf("heard\n%q\nwant\n%q", heard, c.want)
		}
	}
}

// What actions did is heard, and is no materialization.
func TestListenersHearOfActions(t *testing.T) {
	letters := partition.Static("a", "b")
	var heard []string
	does := func(name string, effect rivers.ActionEffect, said rivers.ActionResult) rivers.Action {
		return rivers.NewAction(rivers.ActionSpec{Name: name, Effect: effect},
			func(*rivers.ActionContext, rivers.NoInput) (rivers.ActionResult, error) { return said, nil })
	}
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users", Partitions: letters, Actions: []rivers.Action{
		does("compact", rivers.MayMaterialize, rivers.ActionResult{Did: rivers.MayMaterialize, DataVersion: "v2", Metadata: metadata.Map{"n": 3}}),
		does("look", rivers.MayMaterialize, rivers.ActionResult{}),
		does("drop", rivers.Forgets, rivers.ActionResult{Did: rivers.Forgets}),
	}}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "repo", Assets: []rivers.Asset{users}, Listeners: []rivers.Listener{{
		ActionPerformed: func(a rivers.ActionPerformed) {
			n, _ := a.Metadata.Int("n")
			heard = append(heard, fmt.Sprintf("%s of %s (%s) attempt %d: %s for %d, %s, version %q n=%d", a.Action, a.Asset, a.Step, a.Attempt, a.Did, a.Partitions, a.Partition, a.DataVersion, n))
		},
		Materialized: func(m rivers.Materialized) { heard = append(heard, "made "+m.Partition) },
	}}})
	resolveInMemory(t, repo)
	ctx := context.WithoutCancel(t.Context())
	if _, err := repo.Materialize(ctx, rivers.RunRequest{Range: partition.Range("a", "b")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"compact", "look", "drop"} {
		if _, err := repo.RunAction(ctx, rivers.RunActionRequest{Action: name, Selection: []string{"users"}, Range: partition.Range("a", "b")}); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"made a", "made b",
		`compact of users (users!compact) attempt 1: may_materialize for 1, a, version "v2" n=3`, `compact of users (users!compact) attempt 1: may_materialize for 1, b, version "v2" n=3`,
		`look of users (users!look) attempt 1: changes_nothing for 1, a, version "" n=0`, `look of users (users!look) attempt 1: changes_nothing for 1, b, version "" n=0`,
		`drop of users (users!drop) attempt 1: forgets for 1, a, version "" n=0`, `drop of users (users!drop) attempt 1: forgets for 1, b, version "" n=0`,
	}
	if !slices.Equal(heard, want) {
		t.Errorf("heard\n%q\nwant\n%q", heard, want)
	}
}
