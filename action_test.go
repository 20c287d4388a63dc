package rivers_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// actingProgram is a chain of raw, hourly users, and a report, with an action for each effect.
func actingProgram(iohandler.Handler) rivers.RepositoryConfig {
	hours := partition.Hourly(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 1).Clock(4, 0, 0)))
	does := func(name string, effect rivers.ActionEffect, order iohandler.ActionOrder) rivers.Action {
		return rivers.NewAction(rivers.ActionSpec{Name: name, Effect: effect, Order: order},
			func(ctx *rivers.ActionContext, _ rivers.NoInput) (rivers.ActionResult, error) {
				note(ctx.Asset() + "!" + ctx.Action() + "@" + ctx.Partition().Key().String())
				ctx.AddMetadata("touched", 1)
				return rivers.ActionResult{Did: effect, Metadata: metadata.Map{"by": ctx.Action()}}, nil
			})
	}
	raw := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "raw", Actions: []rivers.Action{
		does("look", rivers.Observes, iohandler.AnyOrder), does("sweep", rivers.ChangesNothing, iohandler.UpstreamFirst),
	}})
	users := rivers.NewAsset(rivers.AssetSpec{
		Name: "users", Partitions: hours, CodeVersion: "3", Deps: []rivers.Dep{{On: "raw", OrderOnly: true}},
		Actions: []rivers.Action{
			does("compact", rivers.MayMaterialize, iohandler.AnyOrder), does("drop", rivers.Forgets, iohandler.DownstreamFirst),
		},
	}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) {
		return ctx.Partition().Key().String(), nil
	})
	report := rivers.NewAsset(rivers.AssetSpec{
		Name: "report", CodeVersion: "7",
		Actions: []rivers.Action{
			does("drop", rivers.Forgets, iohandler.DownstreamFirst), does("sweep", rivers.ChangesNothing, iohandler.UpstreamFirst),
			rivers.NewAction(rivers.ActionSpec{Name: "lie", Effect: rivers.Observes},
				func(*rivers.ActionContext, rivers.NoInput) (rivers.ActionResult, error) {
					return rivers.ActionResult{Did: rivers.Forgets}, nil
				}),
			rivers.NewAction(rivers.ActionSpec{Name: "double", Effect: rivers.MayMaterialize, Exclusive: true},
				func(_ *rivers.ActionContext, in struct {
					Report string
					Cfg    struct {
						Times int `default:"2"`
					} `rivers:",config"`
				},
				) (rivers.ActionResult, error) {
					note(strings.Repeat(in.Report, in.Cfg.Times))
					return rivers.ActionResult{Did: rivers.MayMaterialize, DataVersion: "doubled"}, nil
				}),
		},
	}, func(_ *rivers.AssetContext, in struct{ Users rivers.Partitions[string] }) (string, error) {
		n := 0
		for range in.Users.All() {
			n++
		}
		return fmt.Sprint(n), nil
	})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{raw, users, report}}
}

func TestActions(t *testing.T) { everyExecutor(t, "acting", testActions) }

func testActions(t *testing.T, repo *rivers.CodeRepository) {
	ctx := t.Context()
	all := partition.Range("2026-01-01-00:00", "2026-01-01-03:00")
	if _, err := repo.Materialize(ctx, rivers.RunRequest{Range: all}); err != nil {
		t.Fatal(err)
	}
	act := func(name string, req rivers.RunActionRequest) *rivers.RunResult {
		t.Helper()
		req.Action = name
		res, err := repo.RunAction(ctx, req)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return res
	}
	record := func(name string) storage.AssetRecord {
		t.Helper()
		rec, err := repo.Storage().GetAsset(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		return rec
	}

	act("look", rivers.RunActionRequest{Selection: []string{"raw"}})
	if rec := record("raw"); rec.Observation == nil || rec.Observation.Action != "look" {
		t.Errorf("raw: %+v", rec.Observation)
	}

	before := record("report").Materialization
	res := act("double", rivers.RunActionRequest{Selection: []string{"report"}, Config: map[string]map[string]any{"report!double": {"times": 3}}})
	after := record("report").Materialization
	if after.DataVersion != "doubled" || after.CodeVersion != "7" || after.RunID != res.RunID || after.Inputs["users"] != before.Inputs["users"] {
		t.Errorf("report is %+v, and was %+v", after, before)
	}

	act("compact", rivers.RunActionRequest{Selection: []string{"users"}, Range: partition.Range("2026-01-01-01:00", "2026-01-01-02:00")})
	act("drop", rivers.RunActionRequest{Selection: []string{"users"}, Partition: partition.SingleKey("2026-01-01-03:00")})
	if got, _ := made(t, repo, "users"); got != "01-00:00..01-02:00" {
		t.Errorf("users has %s", got)
	}
	run, err := repo.Storage().GetRun(ctx, res.RunID)
	if err != nil || run.Request.Action != "double" || run.Plan[0].Key != "report!double" {
		t.Errorf("%+v %v", run, err)
	}
	act("sweep", rivers.RunActionRequest{Selection: []string{"report", "raw"}})
	act("drop", rivers.RunActionRequest{Selection: []string{"report", "users"}, Range: all})
	if got, _ := made(t, repo, "users"); got != "" || record("report").Materialization != nil {
		t.Errorf("users has %s, report %+v", got, record("report").Materialization)
	}
	want := []string{
		"raw!look@", "444", "users!compact@2026-01-01-01:00", "users!compact@2026-01-01-02:00", "users!drop@2026-01-01-03:00",
		"raw!sweep@", "report!sweep@", "report!drop@",
		"users!drop@2026-01-01-00:00", "users!drop@2026-01-01-01:00", "users!drop@2026-01-01-02:00", "users!drop@2026-01-01-03:00",
	}
	if got := strings.Join(notes(t), " "); got != strings.Join(want, " ") {
		t.Errorf("got  %s\nwant %s", got, strings.Join(want, " "))
	}
	if _, err := repo.RunAction(ctx, rivers.RunActionRequest{Action: "lie", Selection: []string{"report"}}); err == nil ||
		!strings.Contains(err.Error(), `action "lie" returned effect forgets, but declares observes`) {
		t.Errorf("the error is %v", err)
	}
	pools, err := repo.Storage().ListPools(ctx)
	if err != nil || len(pools) != 1 || pools[0].InUse != 0 || pools[0].Waiting != 0 {
		t.Errorf("%+v %v", pools, err)
	}
}

// An exclusive action waits for what else is done to the asset, and nothing else is done meanwhile.
func TestExclusiveActionIsAlone(t *testing.T) {
	begun, goOn := make(chan struct{}), make(chan struct{})
	inside := 0
	users := rivers.NewAsset(rivers.AssetSpec{
		Name: "users",
		Actions: []rivers.Action{rivers.NewAction(rivers.ActionSpec{Name: "vacuum", Exclusive: true},
			func(*rivers.ActionContext, rivers.NoInput) (rivers.ActionResult, error) {
				if inside != 0 {
					return rivers.ActionResult{}, errors.New("it is not alone")
				}
				return rivers.ActionResult{}, nil
			})},
	}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
		inside++
		close(begun)
		<-goOn
		inside--
		return 1, nil
	})
	waiting := make(chan string, 1)
	repo := resolved(t, rivers.RepositoryConfig{Name: "alone", Assets: []rivers.Asset{users}, Listeners: []rivers.Listener{{
		StepWaiting: func(w rivers.StepWaiting) { waiting <- w.Step },
	}}})
	done := make(chan error, 1)
	go func() {
		_, err := repo.Materialize(t.Context(), rivers.RunRequest{})
		done <- err
	}()
	<-begun
	acted := make(chan error, 1)
	go func() {
		_, err := repo.RunAction(t.Context(), rivers.RunActionRequest{Action: "vacuum", Selection: []string{"users"}})
		acted <- err
	}()
	if step := <-waiting; step != "users!vacuum" {
		t.Errorf("%s waits", step)
	}
	close(goOn)
	if err := errors.Join(<-done, <-acted); err != nil {
		t.Error(err)
	}
}

func TestActionMistakes(t *testing.T) {
	nothing := func(*rivers.ActionContext, rivers.NoInput) (rivers.ActionResult, error) {
		return rivers.ActionResult{}, nil
	}
	plain := rivers.NewAction(rivers.ActionSpec{Name: "vacuum"}, nothing)
	with := func(actions ...rivers.Action) rivers.RepositoryConfig {
		return spec(rivers.AssetSpec{Name: "a", Actions: actions})
	}
	got := map[string]string{}
	for name, c := range map[string]rivers.RepositoryConfig{
		"the zero action":           with(rivers.Action{}),
		"two of one name":           with(plain, plain),
		"no name":                   with(rivers.NewAction(rivers.ActionSpec{}, nothing)),
		"no function":               with(rivers.NewAction[rivers.NoInput](rivers.ActionSpec{Name: "vacuum"}, nil)),
		"an effect that is none":    with(rivers.NewAction(rivers.ActionSpec{Name: "vacuum", Effect: 9, Order: 9, Partitioning: 9}, nothing)),
		"partitions of none":        with(rivers.NewAction(rivers.ActionSpec{Name: "vacuum", Partitioning: iohandler.PartitionRequired}, nothing)),
		"it reads something else":   actsOn[struct{ Users int }](),
		"it takes no such resource": actsOn[struct{ Db int }](),
	} {
		err := rivers.NewCodeRepository(c).Validate()
		if err == nil {
			t.Errorf("%s: it is valid", name)
			continue
		}
		got[name] = leading.ReplaceAllString(err.Error(), "")
	}
	repo := resolved(t, actingProgram(nil))
	one := partition.SingleKey("2026-01-01-00:00")
	for name, req := range map[string]rivers.RunActionRequest{
		"request: no action":         {Selection: []string{"users"}},
		"request: no selection":      {Action: "drop"},
		"request: some lack it":      {Action: "compct", Selection: []string{"users", "raw"}},
		"request: no such asset":     {Action: "drop", Selection: []string{"user"}},
		"request: no partition":      {Action: "drop", Selection: []string{"users"}},
		"request: a wrong partition": {Action: "drop", Selection: []string{"users"}, Partition: partition.SingleKey("2027")},
		"request: partition of none": {Action: "sweep", Selection: []string{"report"}, Partition: one},
		"request: wrong config":      {Action: "double", Selection: []string{"report"}, Config: map[string]map[string]any{"report!double": {"tims": 3}}},
	} {
		_, err := repo.RunAction(t.Context(), req)
		if err == nil {
			t.Errorf("%s: it ran", name)
			continue
		}
		got[name] = err.Error()
	}
	actionBackfillMistakes(t, got)
	requireAnswers(t, "testdata/actions.txtar", got)
}

// actsOn is a repository of users, and of b with an action that takes In.
func actsOn[In any]() rivers.RepositoryConfig {
	act := rivers.NewAction(rivers.ActionSpec{Name: "vacuum"},
		func(*rivers.ActionContext, In) (rivers.ActionResult, error) { return rivers.ActionResult{}, nil })
	value := func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }
	return rivers.RepositoryConfig{Assets: []rivers.Asset{
		rivers.NewAsset(rivers.AssetSpec{Name: "users"}, value), rivers.NewAsset(rivers.AssetSpec{Name: "b", Actions: []rivers.Action{act}}, value),
	}}
}
