package riverstest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/riverstest"
	"github.com/rivers-go/rivers/storage"
)

func TestAssetContextIsThatOfARealStep(t *testing.T) {
	ctx := riverstest.AssetContext(t, riverstest.Options{
		Name: "users", Metadata: metadata.Map{"rows": 3}, Tags: map[string]string{"by": "test"}, Values: map[string]any{"limit": 7},
	})
	if ctx.Asset() != "users" || ctx.Attempt() != 1 || ctx.Tags()["by"] != "test" || ctx.RunID() == "" {
		t.Errorf("asset %q, attempt %d, tags %v, run %q", ctx.Asset(), ctx.Attempt(), ctx.Tags(), ctx.RunID())
	}
	if n, ok := ctx.Metadata().Int("rows"); !ok || n != 3 {
		t.Errorf("metadata %v", ctx.Metadata())
	}
	var limit int
	if err := ctx.Load("limit", &limit); err != nil || limit != 7 {
		t.Errorf("limit = %d, %v", limit, err)
	}
	if found, ok := rivers.FromContext(ctx); !ok || found != ctx {
		t.Error("FromContext does not find the context in itself")
	}
	run, err := ctx.Storage().GetRun(ctx, ctx.RunID())
	if err != nil || run.State != storage.Running {
		t.Errorf("the run of the context is %s, %v", run.State, err)
	}
	ctx.Log().Info("a line of a real step")
	ctx.AddMetadata("seen", true)
}

func TestTaskContext(t *testing.T) {
	ctx := riverstest.TaskContext(t, riverstest.Options{})
	if ctx.Asset() != "test" || ctx.Err() != nil {
		t.Errorf("task %q, %v", ctx.Asset(), ctx.Err())
	}
}

func TestResult(t *testing.T) {
	flaky := rivers.NewAsset(rivers.AssetSpec{Name: "flaky", Retry: retry.Policy{Max: 1, Backoff: retry.Constant(time.Microsecond)}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (rivers.Output[int], error) {
			if ctx.Attempt() == 1 {
				return rivers.Output[int]{}, errors.New("not yet")
			}
			return rivers.Output[int]{Value: 42, DataVersion: "v1", Metadata: metadata.Map{"rows": 1}}, nil
		})
	bad := rivers.NewAsset(rivers.AssetSpec{Name: "bad"},
		func(_ *rivers.AssetContext, in struct{ Flaky int }) (int, error) { return 0, errors.New("no disk") })
	res := riverstest.Materialize(t, rivers.RepositoryConfig{Assets: []rivers.Asset{flaky, bad}}, rivers.RunRequest{})
	if res.Err == nil || res.Status != storage.Failure {
		t.Errorf("run %s, %v", res.Status, res.Err)
	}
	a := res.Asset("flaky")
	var value int
	a.Value(&value)
	if value != 42 || a.Attempts != 2 || a.Outcome != "succeeded" || a.DataVersion != "v1" {
		t.Errorf("flaky: %+v, value %d", a, value)
	}
	if n, ok := a.Metadata.Int("rows"); !ok || n != 1 {
		t.Errorf("metadata %v", a.Metadata)
	}
	if b := res.Asset("bad"); b.Outcome != "failed" || b.Cause == nil {
		t.Errorf("bad: %+v", b)
	}
	events := res.Events()
	if len(events) == 0 || events[len(events)-1].Kind != storage.RunEnded {
		t.Errorf("events: %+v", events)
	}
}
