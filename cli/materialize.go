package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
)

// materializeFlags are what materialize was asked.
type materializeFlags struct {
	upstream, dryRun, verbose bool
	noChecks, stale           bool
	checks                    []string
	config, job, runID        string
	resume, partition         string
	tags                      []string
}

func (a *app) materializeCommand() *cobra.Command {
	var f materializeFlags
	c := &cobra.Command{
		Use:   "materialize [SELECTION...]",
		Short: "Materialize assets: all of them, a selection, or a job",
		Long: `Materialize assets: all of them, a selection, or a job.

A selection is a name (of a multi-asset: all that it makes), or a sentence such as
  +report              report and everything it depends on
  raw_orders+          raw_orders and everything that depends on it
  2+report             two layers upstream
  raw_*                a glob
  group:marts and not tag:slow
  kind:parquet or (owner:ann and +report)
Several are a union.

Where an asset with partitions is selected, --partition names one (2026-01-31, day=2026-01-31|shop=north), several (a,b) or a
range (a..b, a.., ..b). Without a selection and a partition, all assets that have no partitions are made; backfill makes
those that have.

--stale makes of all that only what is stale or missing, and what reads something that is made: a report is made again with the
orders that it reads. Where there is nothing of that, nothing is run.

On a terminal a live view is shown, in a pipe one line an event. --json prints one document when
the run has ended: {"run_id", "status", "duration_seconds", "steps": [...], "failed": [...]}.

` + ExitCodes,
		ValidArgsFunction: a.completeSelection,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.materialize(cmd.Context(), args, f) },
	}
	flags := c.Flags()
	flags.BoolVar(&f.upstream, "include-upstream", false, "add everything the selection depends on")
	flags.BoolVar(&f.stale, "stale", false, "make only what is stale or missing, and what reads it")
	flags.BoolVar(&f.dryRun, "dry-run", false, "print the plan and why each step is in it; run nothing")
	flags.StringVar(&f.partition, "partition", "", "the partition to make: a key, several a,b, or a range a..b")
	flags.BoolVar(&f.noChecks, "no-checks", false, "run no asset checks, and do not heed those that failed before")
	flags.StringVar(&f.job, "job", "", "run a job in place of a selection")
	flags.StringVar(&f.resume, "resume", "", "go on with this run, whose process died, in place of a selection: an id, the beginning of one, or latest")
	f.runFlags(flags)
	mustComplete(c, "job", a.completeJobs)
	mustComplete(c, "resume", a.completeRunFlag)
	return c
}

// runFlags are the flags of every command that begins a run.
func (f *materializeFlags) runFlags(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show what steps log, not only warnings and errors")
	flags.StringVar(&f.config, "config", "", `config overrides by asset: a JSON file, or JSON text ({"users": {"limit": 5}})`)
	flags.StringVar(&f.runID, "run-id", "", "a name for the run in place of a new UUID")
	flags.StringArrayVar(&f.tags, "tag", nil, "a tag key=value to record with the run; may be repeated")
}

// request reads the flags.
func (f *materializeFlags) request(selection []string) (rivers.RunRequest, error) {
	req := rivers.RunRequest{Selection: selection, IncludeUpstream: f.upstream, RunID: f.runID, Stale: f.stale}
	if f.noChecks {
		req.Checks = storage.ChecksNone
	}
	if keys, r, err := parsePartition(f.partition); err != nil {
		return req, err
	} else if req.Range = r; len(keys) > 0 {
		req.Partition = keys[0]
	}
	for _, tag := range f.tags {
		k, v, ok := strings.Cut(tag, "=")
		if !ok || k == "" {
			return req, usagef("--tag %q: want key=value", tag)
		}
		if old, twice := req.Tags[k]; twice {
			return req, usagef("--tag %s: given twice, as %q and %q: leave one out", k, old, v)
		}
		if req.Tags == nil {
			req.Tags = map[string]string{}
		}
		req.Tags[k] = v
	}
	if f.config == "" {
		return req, nil
	}
	doc := []byte(f.config)
	if !strings.HasPrefix(strings.TrimSpace(f.config), "{") {
		var err error
		if doc, err = os.ReadFile(f.config); err != nil {
			return req, usagef("--config: %w: give a JSON file, or JSON text that begins with {", err)
		}
	}
	// Numbers stay as they were written: a float64 would round large ones.
	decoder := json.NewDecoder(bytes.NewReader(doc))
	decoder.UseNumber()
	if err := decoder.Decode(&req.Config); err != nil {
		return req, usagef(`--config: %s: want an object of objects by asset, such as {"users": {"limit": 5}}`, jsonFault(doc, err))
	}
	if decoder.More() {
		return req, usagef("--config: something follows the object, at byte %d: give one object", decoder.InputOffset())
	}
	return req, nil
}

// jsonFault says where in a document a mistake is.
func jsonFault(doc []byte, err error) string {
	at := int64(-1)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		at = syntax.Offset
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		at = wrong.Offset
	}
	if at < 0 || at > int64(len(doc)) {
		return err.Error()
	}
	before := doc[:at]
	return fmt.Sprintf("line %d, column %d: %v", bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')-1, err)
}

func (a *app) materialize(ctx context.Context, selection []string, f materializeFlags) error {
	req, err := f.request(selection)
	if err != nil {
		return err
	}
	if f.resume != "" {
		if len(selection) > 0 || f.upstream || f.stale || f.dryRun || f.noChecks || f.config != "" || f.partition != "" || f.job != "" || f.runID != "" || len(f.tags) > 0 {
			return usagef("--resume goes on with a run as it was asked for: leave everything else but -v out")
		}
		return a.resumeRun(ctx, &f)
	}
	if f.job != "" && (len(selection) > 0 || f.upstream) {
		return usagef("--job runs all of a job: leave the selection and --include-upstream out, or leave --job out")
	}
	if f.job == "" {
		a.undivided(&req)
	}
	if f.stale {
		if f.job != "" {
			return usagef("--stale is for a selection: name assets in place of --job %s", f.job)
		}
		if err := a.resolve(ctx); err != nil { // the store knows what is stale
			return err
		}
	}
	// The request is checked before a store is made or a resource set up.
	plan, err := a.plan(req, f.job)
	if err != nil {
		return err
	}
	if f.dryRun {
		return a.printPlan(plan)
	}
	if f.stale && len(plan.Steps) == 0 && !a.json {
		fmt.Fprintln(a.out, "nothing that is selected is stale or missing; nothing was run")
		return nil
	}
	return a.perform(ctx, req, f.job, f.verbose)
}

// plan says what would run.
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

// watch shows the progress of the runs that begin from now on.
func (a *app) watch(verbose bool) (stop func()) {
	switch {
	case a.json:
		return func() {}
	case a.terminal:
		return a.watchLive(verbose)
	default:
		return a.watchPlain(verbose)
	}
}

// runDoc is what materialize --json prints.
type runDoc struct {
	RunID   string               `json:"run_id"`
	Status  storage.RunState     `json:"status"`
	Seconds float64              `json:"duration_seconds"`
	Assets  []string             `json:"materialized_assets"`
	Steps   []stepDoc            `json:"steps"`
	Failed  []rivers.FailedAsset `json:"failed"`
	// Actions are what an action did, the first of it.
	Actions  []deed `json:"actions,omitempty"`
	Problems string `json:"error,omitempty"`
}

type stepDoc struct {
	Step     string  `json:"step"`
	Asset    string  `json:"asset"`
	Outcome  string  `json:"outcome"`
	Attempts int     `json:"attempts"`
	Seconds  float64 `json:"duration_seconds"`
	Cause    string  `json:"cause,omitempty"`
	// Check is what a check came to.
	Check *rivers.CheckOutcome `json:"check,omitempty"`
}

// performed is a run that was watched to its end; it has no result where there was none.
type performed struct {
	res  *rivers.RunResult
	took time.Duration
	did  deeds
}

// watched shows a run while it is done.
func (a *app) watched(verbose bool, do func() (*rivers.RunResult, error)) (p *performed, err error) {
	p = &performed{}
	stop, unlisten := a.watch(verbose), a.repo.Listen(p.did.listener())
	began := time.Now()
	p.res, err = do()
	p.took = time.Since(began)
	unlisten()
	stop()
	return p, err
}

// finish prints the end of a run, and what an action did in it, and turns it into an exit code.
func (a *app) finish(p *performed, err error) error {
	res := p.res
	if a.json {
		doc := runDoc{
			RunID: res.RunID, Status: res.Status, Seconds: p.took.Seconds(), Assets: res.MaterializedAssets,
			Steps: []stepDoc{}, Failed: res.FailedAssets, Actions: p.did.first,
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
		if printErr := a.printJSON(doc); printErr != nil {
			return printErr
		}
	} else {
		a.summary(res, p.took)
		a.printDeeds(&p.did)
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, rivers.ErrNotRecorded): // whatever the steps came to, which is shown
		return &storageError{notRecorded(err)}
	case res.Status == storage.Canceled:
		return &failedError{err, exitCanceled}
	}
	return &failedError{err, exitFailed}
}

// notRecorded is the part of a run's error that no step can show.
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

// maxCauses is how many failures the summary of a run prints; a run of thousands has more to show
// than a terminal keeps.
const maxCauses = 20

// summary prints how a run ended, the failures with their causes last.
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
	fmt.Fprintf(a.out, "run %s %s in %s: %s\n", res.RunID, a.paint(stateColour(status), status), duration(took), text)
	a.printChecks(res)
	if res.Cause != nil {
		fmt.Fprintf(a.out, "\n%v\n", res.Cause)
	}
	shown := 0
	for _, s := range res.Steps {
		if s.Outcome != "failed" {
			continue
		}
		if shown++; shown > maxCauses {
			fmt.Fprintf(a.out, "\n… and %d more\n", c.Failed-maxCauses)
			break
		}
		fmt.Fprintf(a.out, "\n%s\n", a.paint(red, fmt.Sprint(s.Cause)))
		var step *rivers.StepError
		if errors.As(s.Cause, &step) && step.Hint != "" {
			fmt.Fprintf(a.out, "  hint: %s\n", step.Hint)
		}
	}
	if !res.Success() {
		a.printMore(res.RunID)
	}
}

// printMore prints the commands that say more about a run. A store in memory ends with this process.
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
		fmt.Fprintf(a.out, "%s%s runs %s %s%s\n", lead, program, command, run, store)
	}
}

// storageFlag is the flag that names the store again, empty where nothing has to be said.
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
		return a.printJSON(p)
	}
	fmt.Fprintf(a.out, "%s would run, executor %s; nothing was run\n\n", count(len(p.Steps), "step", "steps"), p.Executor)
	if slices.ContainsFunc(p.Steps, func(s rivers.PlannedStep) bool { return s.Partitions != "" }) {
		a.printDividedPlan(p)
		return nil
	}
	t := table{head: []string{"step", "after", "loads", "why"}}
	for _, s := range p.Steps {
		name := s.Step
		if s.Mapped {
			name += "[…]"
		}
		t.add(name, dash(strings.Join(s.After, ", ")), dash(strings.Join(s.Loads, ", ")), s.Why)
	}
	a.printTable(&t)
	return nil
}

// printDividedPlan prints what would run, and which partitions of it.
func (a *app) printDividedPlan(p *rivers.RunPlan) {
	t := table{head: []string{"step", "partitions", "after", "loads", "why"}}
	for _, s := range p.Steps {
		t.add(s.Step, dash(s.Partitions), dash(strings.Join(s.After, ", ")), dash(strings.Join(s.Loads, ", ")), s.Why)
	}
	a.printTable(&t)
	for _, s := range p.Steps {
		if s.Lacking != "" {
			fmt.Fprintf(a.out, "\n%s: %s\n", s.Step, a.paint(yellow, s.Lacking))
		}
	}
}
