package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
)

// plan returns what a request would run.
func (a *app) plan(req rivers.RunRequest, jobName string) (*rivers.RunPlan, error) {
	if jobName != "" {
		job, err := a.repo.Job(jobName)
		if err != nil {
			return nil, err
		}
		return job.Plan(), nil
	}
	plan, err := a.repo.Plan(req)
	if err == nil || exitCode(err) == exitDefinition {
		return plan, err
	}
	for _, word := range req.Selection {
		if word == "and" || word == "or" || word == "not" {
			return nil, usagef("%w; quote a sentence of several words: %q", err, strings.Join(req.Selection, " "))
		}
	}
	if errors.Is(err, rivers.ErrPartitionValidation) && req.Partition.IsZero() && req.Range.IsZero() {
		return nil, usagef("%w (--partition, or backfill for many)", err)
	}
	return nil, BadRequest(err)
}

func (a *app) execute(ctx context.Context, req rivers.RunRequest, jobName string) (*rivers.RunResult, error) {
	if jobName == "" {
		return a.repo.Materialize(ctx, req)
	}
	job, err := a.repo.Job(jobName)
	if err != nil {
		return nil, err
	}
	return job.Execute(ctx, rivers.ExecuteRequest{Config: req.Config, Tags: req.Tags, RunID: req.RunID, Partition: req.Partition, Range: req.Range, Checks: req.Checks})
}

// watch shows the progress of runs that start from now on.
func (a *app) watch(verbose bool) (stop func()) {
	switch {
	case a.json:
		return func() {}
	case a.Interactive:
		return a.WatchLive(a.repo.Listen, verbose)
	default:
		return a.WatchPlain(a.repo.Listen, verbose)
	}
}

// runDoc is the document of materialize --json.
type runDoc struct {
	RunID   string               `json:"run_id"`
	Status  storage.RunState     `json:"status"`
	Seconds float64              `json:"duration_seconds"`
	Assets  []string             `json:"materialized_assets"`
	Steps   []stepDoc            `json:"steps"`
	Failed  []rivers.FailedAsset `json:"failed"`
	// Actions are the first results of an action.
	Actions  []actionResult `json:"actions,omitempty"`
	Problems string         `json:"error,omitempty"`
}

type stepDoc struct {
	Step     string  `json:"step"`
	Asset    string  `json:"asset"`
	Outcome  string  `json:"outcome"`
	Attempts int     `json:"attempts"`
	Seconds  float64 `json:"duration_seconds"`
	Cause    string  `json:"cause,omitempty"`
	// Check is the result of a check.
	Check *rivers.CheckOutcome `json:"check,omitempty"`
}

// performed is a finished run with its action results. It has no result if the run did not start.
type performed struct {
	res     *rivers.RunResult
	took    time.Duration
	actions actionResults
}

// watched runs do and shows its progress.
func (a *app) watched(verbose bool, do func() (*rivers.RunResult, error)) (p *performed, err error) {
	p = &performed{}
	stop, unlisten := a.watch(verbose), a.repo.Listen(p.actions.listener())
	began := time.Now()
	p.res, err = do()
	p.took = time.Since(began)
	unlisten()
	stop()
	return p, err
}

// finish prints the end of a run and its action results, and returns the error for the exit code.
func (a *app) finish(p *performed, err error) error {
	res := p.res
	if a.json {
		doc := runDoc{
			RunID: res.RunID, Status: res.Status, Seconds: p.took.Seconds(), Assets: res.MaterializedAssets,
			Steps: []stepDoc{}, Failed: res.FailedAssets, Actions: p.actions.first,
		}
		for _, s := range res.Steps {
			d := stepDoc{Step: s.Step, Asset: s.Asset, Outcome: s.Outcome, Attempts: s.Attempts, Seconds: s.Duration.Seconds(), Check: s.Check}
			if s.Cause != nil {
				d.Cause = s.Cause.Error()
			}
			doc.Steps = append(doc.Steps, d)
		}
		if err != nil {
			doc.Problems = err.Error()
		}
		if printErr := a.PrintJSON(doc); printErr != nil {
			return printErr
		}
	} else {
		a.summary(res, p.took)
		a.printActionResults(&p.actions)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rivers.ErrNotRecorded): // the outcome of the steps is shown already
		return &storageError{notRecorded(err)}
	case res.Status == storage.Canceled:
		return &failedError{err, exitCanceled}
	}
	return &failedError{err, exitFailed}
}

// notRecorded returns the part of a run's error that belongs to no step.
func notRecorded(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if errors.Is(e, rivers.ErrNotRecorded) {
				return e
			}
		}
	}
	return err
}

// maxCauses is the number of failures that the summary of a run prints.
const maxCauses = 20

// summary prints the outcome of a run, failures with their causes last.
func (a *app) summary(res *rivers.RunResult, took time.Duration) {
	var c storage.StepCounts
	reused := 0
	for _, s := range res.Steps {
		switch s.Outcome {
		case "succeeded":
			c.Succeeded++
		case "failed":
			c.Failed++
		case "skipped":
			c.Skipped++
		case "reused":
			reused++
		default:
			c.Canceled++
		}
	}
	status := res.Status.String()
	text := counts(c)
	if reused > 0 {
		text = strings.TrimPrefix(text+fmt.Sprintf(", %d reused", reused), "-, ")
	}
	a.Printf("run %s %s in %s: %s\n", res.RunID, a.Paint(term.StateColour(status), status), term.Duration(took), text)
	a.printChecks(res)
	if res.Cause != nil {
		a.Printf("\n%v\n", res.Cause)
	}
	shown := 0
	for _, s := range res.Steps {
		if s.Outcome != "failed" {
			continue
		}
		if shown++; shown > maxCauses {
			a.Printf("\n… and %d more\n", c.Failed-maxCauses)
			break
		}
		a.Printf("\n%s\n", a.Paint(term.Red, fmt.Sprint(s.Cause)))
		var step *rivers.StepError
		if errors.As(s.Cause, &step) && step.Hint != "" {
			a.Printf("  hint: %s\n", step.Hint)
		}
	}
	if !res.Success() {
		a.printMore(res.RunID)
	}
}

// printMore prints the commands that show more of a run. A store in memory has none: it ends with
// the process.
func (a *app) printMore(run string) {
	if b, _, err := a.backend(); err != nil || b.scheme == "memory" {
		return
	}
	program, store := filepath.Base(os.Args[0]), a.storageFlag()
	for i, command := range []string{"show", "logs", "retry"} {
		lead := "      "
		if i == 0 {
			lead = "\nmore: "
		}
		a.Printf("%s%s runs %s %s%s\n", lead, program, command, run, store)
	}
}

// storageFlag returns the flag that names the store, empty for the default.
func (a *app) storageFlag() string {
	if a.storage == os.Getenv("RIVERS_STORAGE") {
		return ""
	}
	shown := a.storage
	if s, ok := a.repo.Storage().(fmt.Stringer); ok { // a URL, which may have a password
		shown = s.String()
	}
	if strings.ContainsAny(shown, "?& ") { // a shell makes something of them
		shown = "'" + shown + "'"
	}
	return " --storage " + shown
}

// printPlan prints what would run.
func (a *app) printPlan(p *rivers.RunPlan) error {
	if a.json {
		return a.PrintJSON(p)
	}
	a.Printf("%s would run, executor %s; nothing was run\n\n", term.Count(len(p.Steps), "step", "steps"), p.Executor)
	if slices.ContainsFunc(p.Steps, func(s rivers.PlannedStep) bool { return s.Partitions != "" }) {
		a.printDividedPlan(p)
		return nil
	}
	t := term.Table{Head: []string{"step", "after", "loads", "why"}}
	for _, s := range p.Steps {
		name := s.Step
		if s.Mapped {
			name += "[…]"
		}
		t.Add(name, term.Dash(strings.Join(s.After, ", ")), term.Dash(strings.Join(s.Loads, ", ")), s.Why)
	}
	a.PrintTable(&t)
	return nil
}

// printDividedPlan prints what would run, with partitions.
func (a *app) printDividedPlan(p *rivers.RunPlan) {
	t := term.Table{Head: []string{"step", "partitions", "after", "loads", "why"}}
	for _, s := range p.Steps {
		t.Add(s.Step, term.Dash(s.Partitions), term.Dash(strings.Join(s.After, ", ")), term.Dash(strings.Join(s.Loads, ", ")), s.Why)
	}
	a.PrintTable(&t)
	for _, s := range p.Steps {
		if s.Lacking != "" {
			a.Printf("\n%s: %s\n", s.Step, a.Paint(term.Yellow, s.Lacking))
		}
	}
}

// perform runs a checked request and shows it.
func (a *app) perform(ctx context.Context, req rivers.RunRequest, job string, verbose bool) error {
	if err := a.resolve(ctx); err != nil {
		return err
	}
	done, err := a.watched(verbose, func() (*rivers.RunResult, error) { return a.execute(ctx, req, job) })
	if done.res == nil {
		if req.Resume || req.RetryOf != "" {
			return requestError(err)
		}
		return readError(err)
	}
	return a.finish(done, err)
}

// printChecks prints the check results of a run: the number that passed, and each that did not.
func (a *app) printChecks(res *rivers.RunResult) {
	words := map[string]int{}
	for _, s := range res.Steps {
		if s.Check == nil {
			continue
		}
		word, paint := checkWord(s.Check.State, s.Check.Verdict)
		if words[word]++; word == "passed" || word == "skipped" || s.Outcome == "failed" {
			continue // the failures of steps are printed as such
		}
		a.Printf("%s %s\n", a.Paint(paint, word+":"), term.OneLine(s.Step+": "+s.Check.String(), 160))
	}
	var parts []string
	for _, word := range []string{"passed", "warned", "failed", "crashed", "skipped"} {
		if n := words[word]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, word))
		}
	}
	if len(parts) > 0 {
		a.Printf("checks: %s\n", strings.Join(parts, ", "))
	}
}
