package otel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/otel"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

// isolated has a step that reports the trace in its context and in its environment.
func isolated(provider trace.TracerProvider) *rivers.CodeRepository {
	a := rivers.NewAsset(rivers.AssetSpec{Name: "a"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		s := trace.SpanContextFromContext(ctx)
		ctx.AddMetadata("seen", fmt.Sprintf("00-%s-%s-01", s.TraceID(), s.SpanID()))
		ctx.AddMetadata("environ", os.Getenv("TRACEPARENT"))
		return 1, nil
	})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "isolated", Assets: []rivers.Asset{a}, Listeners: []rivers.Listener{otel.Listener(provider)},
		DefaultExecutor: executor.Subprocess(1), DefaultIOHandler: blob.New("file://"+os.Getenv("RIVERS_TEST_DIR"), blob.Options{}),
	})
}

func TestMain(m *testing.M) {
	isolated(sdk.NewTracerProvider()).ServeStep()
	os.Exit(m.Run())
}

// span finds the only span of a name for which is holds.
func span(t *testing.T, all tracetest.SpanStubs, name string, attrs ...string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, s := range all {
		if s.Name == name && !slices.ContainsFunc(attrs, func(want string) bool { return !slices.Contains(words(s), want) }) {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q with %q, want one of %d", len(found), name, attrs, len(all))
	}
	return found[0]
}

func words(s tracetest.SpanStub) []string {
	var all []string
	for _, a := range s.Attributes {
		all = append(all, string(a.Key)+"="+a.Value.String())
	}
	return all
}

func events(s tracetest.SpanStub) []string {
	var all []string
	for _, e := range s.Events {
		all = append(all, e.Name)
	}
	return all
}

func open(t *testing.T, repo *rivers.CodeRepository) {
	t.Helper()
	store := memory.New()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(repo.Shutdown(context.Background()), store.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestSpansOfARun(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter))
	tracer := provider.Tracer("test")
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users", Retry: retry.Policy{Max: 1}}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		_, own := tracer.Start(ctx, "own")
		own.End()
		if ctx.Attempt() == 1 {
			return 0, errors.New("not yet")
		}
		ctx.AddMetadata("rows", 3)
		return 3, nil
	})
	bad := rivers.NewAsset(rivers.AssetSpec{Name: "bad"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
		return 0, errors.New("it is bad")
	})
	after := rivers.NewAsset(rivers.AssetSpec{Name: "after"}, func(_ *rivers.AssetContext, in struct{ Bad int }) (int, error) {
		return in.Bad, nil
	})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{users, bad, after}, Listeners: []rivers.Listener{otel.Listener(provider)},
	})
	open(t, repo)
	ctx, caller := tracer.Start(t.Context(), "caller")
	res, err := repo.Materialize(ctx, rivers.RunRequest{})
	if err == nil {
		t.Fatal("the run succeeded, and one of its assets does not")
	}
	again, err := repo.Materialize(ctx, rivers.RunRequest{RetryOf: res.RunID})
	if err == nil {
		t.Fatal("the retry succeeded, and one of its assets does not")
	}
	caller.End()

	all := exporter.GetSpans()
	run := span(t, all, "run", "rivers.run.id="+res.RunID, "rivers.outcome=failure")
	if run.Parent.SpanID() != caller.SpanContext().SpanID() || run.Status.Code != codes.Error {
		t.Errorf("the run's span has parent %s and status %v, want %s and an error", run.Parent.SpanID(), run.Status, caller.SpanContext().SpanID())
	}
	if got := events(run); !slices.Contains(got, "retry scheduled") || !slices.Contains(got, "step skipped") {
		t.Errorf("events of the run: %q, want a scheduled retry and a skipped step", got)
	}
	first := span(t, all, "step", "rivers.run.id="+res.RunID, "rivers.asset=users", "rivers.attempt=1", "rivers.outcome=failed", "rivers.reason=error")
	second := span(t, all, "step", "rivers.run.id="+res.RunID, "rivers.asset=users", "rivers.attempt=2", "rivers.outcome=succeeded")
	if first.Status.Code != codes.Error || first.Status.Description != "not yet" || second.Status.Code != codes.Unset {
		t.Errorf("statuses of the attempts: %v and %v", first.Status, second.Status)
	}
	if got := events(second); !slices.Equal(got, []string{"materialized"}) {
		t.Errorf("events of the second attempt: %q, want that it materialized", got)
	}
	var parents []string
	for _, s := range all {
		if s.Name == "own" {
			parents = append(parents, s.Parent.SpanID().String())
		}
	}
	if want := []string{first.SpanContext.SpanID().String(), second.SpanContext.SpanID().String()}; !slices.Equal(parents, want) {
		t.Errorf("the spans of the function's own have parents %q, want the attempts %q", parents, want)
	}
	for _, s := range []tracetest.SpanStub{first, second} {
		if s.Parent.SpanID() != run.SpanContext.SpanID() {
			t.Errorf("an attempt has parent %s, want the run %s", s.Parent.SpanID(), run.SpanContext.SpanID())
		}
	}
	retried := span(t, all, "run", "rivers.run.id="+again.RunID, "rivers.run.retry_of="+res.RunID)
	if len(retried.Links) != 1 || retried.Links[0].SpanContext.SpanID() != run.SpanContext.SpanID() {
		t.Errorf("links of the retry: %v, want one to the run that it retries", retried.Links)
	}
}

func TestTheTraceGoesIntoAStepsProcess(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter))
	t.Setenv("RIVERS_TEST_DIR", t.TempDir())
	repo := isolated(provider)
	open(t, repo)
	var got, environ string
	stop := repo.Listen(rivers.Listener{Materialized: func(m rivers.Materialized) {
		got, _ = m.Metadata.Text("seen")
		environ, _ = m.Metadata.Text("environ")
	}})
	defer stop()
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
		t.Fatal(err)
	}
	s := span(t, exporter.GetSpans(), "step", "rivers.asset=a").SpanContext
	if want := fmt.Sprintf("00-%s-%s-01", s.TraceID(), s.SpanID()); got != want || environ != want {
		t.Errorf("in its process the step saw %q, with %q in its environment, want %q", got, environ, want)
	}
}

func TestABashTaskGetsTheTrace(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter))
	say := rivers.NewBashTask(rivers.BashTaskSpec{Name: "say", Command: `echo "$TRACEPARENT"`})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Tasks: []rivers.Node{say}, Jobs: []rivers.Job{{Name: "j", Assets: []rivers.Node{say}}},
		Listeners: []rivers.Listener{otel.Listener(provider)},
	})
	open(t, repo)
	var line string
	stop := repo.Listen(rivers.Listener{StepLogged: func(l rivers.StepLogged) { line = l.Line.Message }})
	defer stop()
	job, err := repo.Job("j")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := job.Execute(t.Context(), rivers.ExecuteRequest{}); err != nil {
		t.Fatal(err)
	}
	s := span(t, exporter.GetSpans(), "step", "rivers.asset=say").SpanContext
	if want := fmt.Sprintf("00-%s-%s-01", s.TraceID(), s.SpanID()); line != want {
		t.Errorf("the command printed %q, want %q", line, want)
	}
}

// eventWords are the events of a span, with their attributes but for the run's.
func eventWords(s tracetest.SpanStub) []string {
	var all []string
	for _, e := range s.Events {
		text := e.Name
		for _, a := range e.Attributes {
			text += " " + strings.TrimPrefix(string(a.Key), "rivers.") + "=" + a.Value.String()
		}
		all = append(all, text)
	}
	return all
}

// What a check came to and what an action did are events of the attempt, and of an asset as a whole its attributes.
func TestChecksAndActionsAreEvents(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	letters := partition.Static("a", "b")
	act := rivers.NewAction(rivers.ActionSpec{Name: "compact", Effect: rivers.MayMaterialize},
		func(*rivers.ActionContext, rivers.NoInput) (rivers.ActionResult, error) {
			return rivers.ActionResult{Did: rivers.MayMaterialize}, nil
		})
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users", Actions: []rivers.Action{act}}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 3, nil })
	parts := rivers.NewAsset(rivers.AssetSpec{Name: "parts", Partitions: letters}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 3, nil })
	bad := rivers.NewAsset(rivers.AssetSpec{Name: "bad"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, errors.New("it is bad") })
	check := func(asset string, d partition.Definition) *rivers.Check {
		return rivers.NewCheck(rivers.CheckSpec{Name: "odd", Asset: asset, Partitions: d},
			func(ctx *rivers.CheckContext, _ rivers.NoInput) (rivers.CheckResult, error) {
				return rivers.CheckResult{Passed: d != nil && ctx.Partition().Key().String() == "a", Severity: rivers.SeverityWarn}, nil
			})
	}
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{users, parts, bad}, Checks: []*rivers.Check{check("users", nil), check("parts", letters), check("bad", nil)},
		Listeners: []rivers.Listener{otel.Listener(sdk.NewTracerProvider(sdk.WithSyncer(exporter)))},
	})
	open(t, repo)
	for _, req := range []rivers.RunRequest{{Selection: []string{"users", "bad"}}, {Selection: []string{"parts"}, Range: partition.Range("a", "b")}} {
		if res, err := repo.Materialize(t.Context(), req); res == nil {
			t.Fatal(err)
		}
	}
	if _, err := repo.RunAction(t.Context(), rivers.RunActionRequest{Action: "compact", Selection: []string{"users"}}); err != nil {
		t.Fatal(err)
	}
	all := exporter.GetSpans()
	for _, c := range []struct {
		span  tracetest.SpanStub
		event string
	}{
		{span(t, all, "step", "rivers.step=users:odd", "rivers.check=odd", "rivers.check.state=failed", "rivers.check.severity=warn", "rivers.outcome=succeeded"), "check evaluated check=odd check.state=failed check.severity=warn asset=users"},
		{span(t, all, "step", "rivers.step=parts:odd"), "check evaluated check=odd check.state=succeeded asset=parts partition=a partitions=1"},
		{span(t, all, "step", "rivers.step=parts:odd"), "check evaluated check=odd check.state=failed check.severity=warn asset=parts partition=b partitions=1"},
		{span(t, all, "run", "rivers.outcome=failure"), "check evaluated check=odd check.state=skipped asset=bad step=bad:odd"},
		{span(t, all, "step", "rivers.step=users!compact", "rivers.action=compact", "rivers.action.effect=may_materialize"), "action performed action=compact action.effect=may_materialize asset=users"},
	} {
		if got := eventWords(c.span); !slices.Contains(got, c.event) {
			t.Errorf("events %q, want %q among them", got, c.event)
		}
	}
	if got := words(span(t, all, "step", "rivers.step=parts:odd")); slices.ContainsFunc(got, func(w string) bool { return strings.HasPrefix(w, "rivers.check") }) {
		t.Errorf("an attempt at several partitions has the attributes of one: %q", got)
	}
}

func ExampleListener() {
	provider := sdk.NewTracerProvider() // with an exporter: sdk.WithBatcher(exporter)
	answer := rivers.NewAsset(rivers.AssetSpec{Name: "answer"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		fmt.Println("in a span:", trace.SpanContextFromContext(ctx).IsValid())
		return 42, nil
	})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Assets: []rivers.Asset{answer}, Listeners: []rivers.Listener{otel.Listener(provider)},
	})
	ctx := context.Background()
	if err := repo.Resolve(ctx, memory.New()); err != nil {
		fmt.Println(err)
	}
	_, err := repo.Materialize(ctx, rivers.RunRequest{})
	fmt.Println(err, repo.Shutdown(ctx))
	// Output:
	// in a span: true
	// <nil> <nil>
}
