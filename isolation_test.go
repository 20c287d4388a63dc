package rivers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// noting is a resource that notes what becomes of it, and where.
type noting struct{ name string }

func (r *noting) Setup(context.Context) error    { note(where() + ":setup-" + r.name); return nil }
func (r *noting) Teardown(context.Context) error { note(where() + ":teardown-" + r.name); return nil }

// notingHandler is an IO handler that is such a resource.
type notingHandler struct {
	noting
	iohandler.Handler
}

// parentVariable has the number of the test's process, so that others can tell themselves from it.
const parentVariable = "RIVERS_TEST_PARENT"

func where() string {
	if os.Getenv(parentVariable) == fmt.Sprint(os.Getpid()) {
		return "parent"
	}
	return "step"
}

var errFlaky = errors.New("flaky")

// isolationProgram has what only a process of its own can tell from a goroutine.
func isolationProgram(iohandler.Handler) rivers.RepositoryConfig {
	plain := func(s rivers.AssetSpec, f func(ctx *rivers.AssetContext) (int, error)) rivers.Asset {
		return rivers.NewAsset(s, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) { return f(ctx) })
	}
	kept := func(prefix string) iohandler.Handler {
		return blob.New("file://"+os.Getenv(dirVariable), blob.Options{Prefix: prefix})
	}
	lake := &notingHandler{noting{"lake"}, kept("lake")}
	pond := &notingHandler{noting{"pond"}, kept("pond")}
	pager := rivers.OnFailure("page", func(ctx *rivers.HookContext, in struct{ Pager *noting }) error {
		note(where() + ":page-" + in.Pager.name)
		return nil
	})
	c := rivers.RepositoryConfig{
		Tasks: []rivers.Node{rivers.NewBashTask(rivers.BashTaskSpec{
			Name: "sleeps", Command: `sleep 1000 & echo pid $!; echo pid $$; echo pid $PPID; wait`,
		})},
		Resources: rivers.Resources{
			"taken": &noting{"taken"}, "pager": &noting{"pager"}, "other": &noting{"other"}, "lake": lake, "pond": pond,
		},
		Assets: []rivers.Asset{
			rivers.NewAsset(rivers.AssetSpec{Name: "in_pond", IOHandler: pond}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 3, nil }),
			rivers.NewAsset(rivers.AssetSpec{Name: "takes", IOHandler: iohandler.Named("lake"), Hooks: []rivers.Hook{pager}},
				func(ctx *rivers.AssetContext, in struct{ Taken *noting }) (int, error) {
					note(where() + ":body-" + in.Taken.name)
					var n int
					err := ctx.Load("in_pond", &n)
					return n, err
				}),
			plain(rivers.AssetSpec{Name: "fails", Hooks: []rivers.Hook{pager}}, func(*rivers.AssetContext) (int, error) { return 0, errors.New("no") }),
			plain(rivers.AssetSpec{Name: "panics"}, func(*rivers.AssetContext) (int, error) {
				go panic("elsewhere")
				select {}
			}),
			plain(rivers.AssetSpec{Name: "exits"}, func(*rivers.AssetContext) (int, error) {
				fmt.Fprintln(os.Stderr, "bye")
				os.Exit(3)
				return 0, nil
			}),
			plain(rivers.AssetSpec{Name: "eats", Compute: executor.Compute{Memory: "128Mi"}, Retry: retry.Policy{Max: 1, On: []error{retry.OutOfMemory}}},
				func(*rivers.AssetContext) (int, error) {
					var held [][]byte
					for range 100 {
						held = append(held, bytes.Repeat([]byte{1}, 8<<20))
					}
					runtime.KeepAlive(held)
					return 0, errors.New("it was let to eat")
				}),
			plain(rivers.AssetSpec{Name: "prints", Retry: retry.Policy{Max: 1}}, func(ctx *rivers.AssetContext) (int, error) {
				fmt.Println("out", ctx.Attempt())
				fmt.Fprintln(os.Stderr, "err", ctx.Attempt())
				ctx.Log().Warn("log", "attempt", ctx.Attempt())
				if ctx.Attempt() == 1 {
					return 0, errFlaky
				}
				return 1, nil
			}),
			plain(rivers.AssetSpec{Name: "retried", Retry: retry.Policy{Max: 3, On: []error{errFlaky}}}, func(ctx *rivers.AssetContext) (int, error) {
				if ctx.Attempt() < 3 {
					return 0, fmt.Errorf("attempt %d: %w", ctx.Attempt(), errFlaky)
				}
				return 0, errors.New("another error")
			}),
			plain(rivers.AssetSpec{Name: "skips"}, func(*rivers.AssetContext) (int, error) { return 0, rivers.Skip("nothing new") }),
			plain(rivers.AssetSpec{Name: "slow", Timeout: time.Second}, func(ctx *rivers.AssetContext) (int, error) {
				<-ctx.Done()
				return 0, fmt.Errorf("gave up: %w", ctx.Err())
			}),
			plain(rivers.AssetSpec{Name: "waits"}, func(ctx *rivers.AssetContext) (int, error) {
				ctx.Log().Info("waiting")
				<-ctx.Done()
				note(where() + ":" + strings.ReplaceAll(context.Cause(ctx).Error(), " ", "_"))
				return 0, ctx.Err()
			}),
			plain(rivers.AssetSpec{Name: "nests"}, func(ctx *rivers.AssetContext) (int, error) {
				repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "isolation", Assets: []rivers.Asset{number("n", 1)}})
				_, materialized := repo.Materialize(ctx, rivers.RunRequest{})
				_, observed := repo.Observe(ctx)
				return 0, errors.Join(materialized, observed, repo.Resolve(ctx, memory.New()))
			}),
			rivers.NewMultiAsset(rivers.MultiAssetSpec{
				Name: "halves", Outputs: []rivers.OutputSpec{rivers.OutputOf[int](rivers.OutputSpec{Name: "first"}), rivers.OutputOf[int](rivers.OutputSpec{Name: "second"})},
			}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (rivers.Emitted, error) {
				if err := rivers.Emit(ctx, "first", rivers.Output[int]{Value: 1, Metadata: metadata.Map{"good": 1}}); err != nil {
					return rivers.Emitted{}, err
				}
				os.Exit(5)
				return rivers.Emitted{}, nil
			}),
		},
	}
	return c
}

// isolatedRun runs assets of the isolation program, each in a process of its own.
func isolatedRun(t *testing.T, selection ...string) (*rivers.CodeRepository, *rivers.RunResult, error) {
	t.Helper()
	repo := isolatedRepo(t)
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: selection})
	return repo, res, err
}

func isolatedRepo(t *testing.T) *rivers.CodeRepository {
	t.Helper()
	t.Setenv(dirVariable, t.TempDir())
	t.Setenv(parentVariable, fmt.Sprint(os.Getpid()))
	c := programConfig("isolation", true)
	c.DefaultExecutor = executor.Subprocess(2)
	return resolved(t, c)
}

// A step's process sets up what the step takes, its handlers among it and what it loads by name, and
// nothing else; hooks are the parent's.
func TestAStepSetsUpWhatItTakes(t *testing.T) {
	repo, _, err := isolatedRun(t, "in_pond")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"takes", "fails"}}); err == nil {
		t.Fatal("nothing failed")
	}
	var steps, parents []string
	for _, n := range notes(t) {
		if word, ok := strings.CutPrefix(n, "step:"); ok {
			steps = append(steps, word)
		} else {
			parents = append(parents, n)
		}
	}
	want := []string{"setup-pond", "teardown-pond", "setup-lake", "setup-taken", "body-taken", "setup-pond", "teardown-pond", "teardown-taken", "teardown-lake"}
	if !slices.Equal(steps, want) {
		t.Errorf("steps %q\nwant  %q", steps, want)
	}
	want = []string{"parent:setup-lake", "parent:setup-other", "parent:setup-pager", "parent:setup-pond", "parent:setup-taken", "parent:page-pager"}
	if !slices.Equal(parents, want) {
		t.Errorf("parent %q\nwant   %q", parents, want)
	}
	if got := valueOf[int](t, repo, "takes"); got != 3 {
		t.Errorf("takes = %d", got)
	}
}

// How a step's process ended is told as the failure of the step, with what to do, and is seen by retries.
func TestStepsWhoseProcessEnds(t *testing.T) {
	for _, tt := range []struct {
		asset, want, hint string
		reason            storage.FailureReason
		attempts          int
	}{
		{"panics", `panic: elsewhere`, "recover in that goroutine", storage.ReasonError, 1},
		{"exits", `the step's process ended with exit code 3 before the step was done: bye`, "in place of os.Exit", storage.ReasonError, 1},
		{"eats", `128 MiB`, "raise Compute.Memory", storage.ReasonOutOfMemory, 2},
		{"retried", `another error`, "", storage.ReasonError, 3},
		{"slow", `timeout after 1s`, "", storage.ReasonTimeout, 1},
	} {
		t.Run(tt.asset, func(t *testing.T) {
			repo, res, err := isolatedRun(t, tt.asset)
			var step *rivers.StepError
			if !errors.As(err, &step) || !strings.Contains(step.Error(), tt.want) || !strings.Contains(step.Hint, tt.hint) || step.Attempt != tt.attempts {
				t.Fatalf("%+v, %v", step, err)
			}
			run, err := repo.Storage().GetRun(t.Context(), res.RunID)
			if err != nil {
				t.Fatal(err)
			}
			events, err := repo.Storage().ListEvents(t.Context(), storage.EventQuery{Run: run.Key})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Kind != storage.StepFailed || e.RetryAt != 0 {
					continue
				}
				d, err := storage.ParseDetail(e.Detail)
				if err != nil || storage.FailureReason(e.Status) != tt.reason || tt.asset == "panics" && !strings.Contains(d.Stack, "isolation_test.go:") {
					t.Errorf("reason %s, %+v, %v", storage.FailureReason(e.Status), d, err)
				}
			}
		})
	}
	if _, res, err := isolatedRun(t, "skips"); err != nil || steps(res) != "skips:skipped" || res.Steps[0].Cause.Error() != "skipped: nothing new" {
		t.Errorf("%+v, %v", res, err)
	}
}

// What a body emitted before its process died stays.
func TestEmittedOutputsStayWhenTheProcessDies(t *testing.T) {
	repo, res, err := isolatedRun(t, "first", "second")
	if err == nil || steps(res) != "halves:failed" || !strings.Contains(err.Error(), "exit code 5") {
		t.Fatalf("%+v, %v", res, err)
	}
	rec, err := repo.Storage().GetAsset(t.Context(), "first")
	if err != nil || rec.Materialization == nil || fmt.Sprint(rec.Materialization.Metadata["good"]) != "1" {
		t.Errorf("%+v, %v", rec.Materialization, err)
	}
	if got := valueOf[int](t, repo, "first"); got != 1 {
		t.Errorf("first = %d", got)
	}
}

// A canceled run stops its steps' processes, which hear why.
func TestCancelStopsProcesses(t *testing.T) {
	repo := isolatedRepo(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := repo.Listen(rivers.Listener{StepLogged: func(l rivers.StepLogged) {
		if l.Line.Message == "waiting" {
			cancel(errors.New("enough"))
		}
	}})
	defer stop()
	res, err := repo.Materialize(ctx, rivers.RunRequest{Selection: []string{"waits"}})
	if !errors.Is(err, rivers.ErrRunCanceled) || steps(res) != "waits:canceled" {
		t.Errorf("%+v, %v", res, err)
	}
	if all := notes(t); all[len(all)-1] != "step:the_run_was_canceled:_enough" {
		t.Errorf("%q", all)
	}
}

// What a step prints is in its log, by stream and attempt, beside what it logs.
func TestOutputIsInTheLog(t *testing.T) {
	repo, res, err := isolatedRun(t, "prints")
	if err != nil {
		t.Fatal(err)
	}
	run, err := repo.Storage().GetRun(t.Context(), res.RunID)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := repo.Storage().ListLogs(t.Context(), storage.LogQuery{Run: run.Key})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, fmt.Sprintf("%d %s %s %s%s", l.Attempt, l.Stream, l.Level, l.Message, l.Attrs))
	}
	slices.Sort(got)
	want := []string{
		`1 log WARN log{"attempt":1}`, "1 stderr INFO err 1", "1 stdout INFO out 1",
		`2 log WARN log{"attempt":2}`, "2 stderr INFO err 2", "2 stdout INFO out 2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// A command stays in the group of its step: it ends with it, whether the step is canceled or dies.
func TestCommandsEndWithTheirStep(t *testing.T) {
	for _, kill := range []bool{false, true} {
		repo := isolatedRepo(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		var pids []int
		stop := repo.Listen(rivers.Listener{StepLogged: func(l rivers.StepLogged) {
			var pid int
			if _, err := fmt.Sscanf(l.Line.Message, "pid %d", &pid); err != nil {
				return
			}
			if pids = append(pids, pid); len(pids) < 3 {
				return
			}
			if !kill {
				cancel(errors.New("enough"))
				return
			}
			for _, pid := range pids { // the step's own process leads the group
				if group, err := syscall.Getpgid(pid); err == nil && group == pid {
					_ = syscall.Kill(pid, syscall.SIGKILL)
				}
			}
		}})
		_, err := repo.Materialize(ctx, rivers.RunRequest{Selection: []string{"sleeps"}})
		stop()
		cancel(nil)
		if kill && (err == nil || !strings.Contains(err.Error(), "signal 9")) || !kill && !errors.Is(err, rivers.ErrRunCanceled) {
			t.Errorf("killed %t: %v", kill, err)
		}
		if len(pids) < 3 {
			t.Fatalf("killed %t: %d processes said who they are", kill, len(pids))
		}
		for _, pid := range pids {
			for state := ""; syscall.Kill(pid, 0) == nil && !strings.Contains(state, ") Z "); { // until it has ended
				text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
				if state = string(text); t.Context().Err() != nil {
					t.Fatalf("killed %t: process %d is still there", kill, pid)
				}
			}
		}
	}
}

const inStep = `repository "isolation": this process was started to do one step of a run, so it starts no run and opens no store: ` +
	`call ServeStep before anything else in main, as cli.Main does, and read with the step's context`

// A step starts no run, and a program that does not ask for its step cannot multiply.
func TestAStepStartsNoRun(t *testing.T) {
	_, res, err := isolatedRun(t, "nests")
	if err == nil || res.FailedAssets[0].Message != strings.Join([]string{inStep, inStep, inStep}, "\n") {
		t.Errorf("%v", err)
	}
	t.Setenv("RIVERS_TEST_FORGETFUL", "1")
	_, res, err = isolatedRun(t, "skips")
	want := "the process that was started for the step did not ask for it and ended (exit status 1): " + inStep
	var step *rivers.StepError
	if !errors.As(err, &step) || res.FailedAssets[0].Message != want || !strings.Contains(step.Hint, "call repo.ServeStep") {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// forgetful is the main of a program that does not ask for its step.
func forgetful() {
	if _, err := program("isolation", true).Materialize(context.Background(), rivers.RunRequest{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// What is recorded of a run is the same with goroutines and with processes, but for times and random names.
func TestBothExecutorsRecordTheSame(t *testing.T) {
	for _, name := range []string{"multi", "graph", "named graph", "as they come", "bash", "previous", "config", "compositions", "context"} {
		t.Setenv(wordsVariable, "go on")
		var stories []string
		everyExecutor(t, name, func(t *testing.T, repo *rivers.CodeRepository) {
			stories = append(stories, story(t, repo, materialize(t, repo)))
		})
		if len(stories) != 2 || stories[0] != stories[1] {
			t.Errorf("%s: with goroutines\n%s\nwith processes\n%s", name, stories[0], stories[1])
		}
	}
}

// story is what is recorded of each step of a run.
func story(t *testing.T, repo *rivers.CodeRepository, res *rivers.RunResult) string {
	t.Helper()
	run, err := repo.Storage().GetRun(t.Context(), res.RunID)
	if err != nil {
		t.Fatal(err)
	}
	events, err := repo.Storage().ListEvents(t.Context(), storage.EventQuery{Run: run.Key})
	if err != nil {
		t.Fatal(err)
	}
	logs, err := repo.Storage().ListLogs(t.Context(), storage.LogQuery{Run: run.Key})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range events {
		d, err := storage.ParseDetail(e.Detail)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"path", "size_bytes", "num_rows", "write_duration_s"} { // the one handler says them, the other does not
			delete(d.Metadata, key)
		}
		if len(d.Data) >= 32 { // made by chance, or by the handler
			d.Data = "new"
		}
		d.Write, d.Writes = "", nil // the handler of files keeps writes apart, the one in memory does not
		inputs := make([]string, 0, len(d.Inputs))
		for name := range d.Inputs {
			inputs = append(inputs, name)
		}
		slices.Sort(inputs)
		d.Inputs = nil
		lines = append(lines, fmt.Sprintf("%d %s %d %d %s %q", e.Step, e.Kind, e.Attempt, e.Status, d.AppendJSON(nil), inputs))
	}
	for _, l := range logs {
		lines = append(lines, fmt.Sprintf("%d %d %s %s %q %s", l.Step, l.Attempt, l.Level, l.Stream, l.Message, l.Attrs))
	}
	slices.Sort(lines) // steps that do not wait for each other end in any order
	return strings.Join(lines, "\n")
}
