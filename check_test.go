package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// shop is users, who are counted by mails, and a check of users that says what the test wants.
type shop struct {
	repo  *rivers.CodeRepository
	store storage.Storage
	says  func() (rivers.CheckResult, error)
}

func newShop(t *testing.T, spec rivers.CheckSpec) *shop {
	t.Helper()
	s := &shop{store: memory.New()}
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"},
		func(*rivers.AssetContext, rivers.NoInput) ([]int, error) { return []int{1, 2, 2}, nil })
	mails := rivers.NewAsset(rivers.AssetSpec{Name: "mails"},
		func(_ *rivers.AssetContext, in struct{ Users []int }) (int, error) { return len(in.Users), nil })
	other := rivers.NewAsset(rivers.AssetSpec{Name: "other"},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	spec.Name, spec.Asset = "unique", "users"
	check := rivers.NewCheck(spec, func(*rivers.CheckContext, struct{ Users []int }) (rivers.CheckResult, error) { return s.says() })
	s.repo = rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "shop", Assets: []rivers.Asset{users, mails, other}, Checks: []*rivers.Check{check},
	})
	if err := s.repo.Resolve(t.Context(), s.store); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.repo.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// steps are the outcomes of a run, by step.
func outcomes(res *rivers.RunResult) string {
	var all []string
	for _, s := range res.Steps {
		all = append(all, s.Step+" "+s.Outcome)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

func TestCheckGatesWhatIsDownstream(t *testing.T) {
	bad := rivers.CheckResult{Description: "2 is there twice", Metadata: metadata.Map{"duplicates": 1}}
	warning := bad
	warning.Severity = rivers.SeverityWarn
	for _, c := range []struct {
		name     string
		blocking bool
		says     rivers.CheckResult
		err      error
		want     string
		state    storage.CheckState
	}{
		{"passed", true, rivers.CheckResult{Passed: true}, nil, "mails succeeded, other succeeded, users succeeded, users:unique succeeded", storage.CheckSucceeded},
		{"failed", true, bad, nil, "mails skipped, other succeeded, users succeeded, users:unique failed", storage.CheckFailed},
		{"warned", true, warning, nil, "mails succeeded, other succeeded, users succeeded, users:unique succeeded", storage.CheckFailed},
		{"crashed", true, rivers.CheckResult{}, errors.New("no database"), "mails skipped, other succeeded, users succeeded, users:unique failed", storage.CheckExecutionFailed},
		{"failed, not blocking", false, bad, nil, "mails succeeded, other succeeded, users succeeded, users:unique succeeded", storage.CheckFailed},
		{"crashed, not blocking", false, rivers.CheckResult{}, errors.New("no database"), "mails succeeded, other succeeded, users succeeded, users:unique failed", storage.CheckExecutionFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newShop(t, rivers.CheckSpec{Blocking: c.blocking})
			s.says = func() (rivers.CheckResult, error) { return c.says, c.err }
			res, err := s.repo.Materialize(t.Context(), rivers.RunRequest{})
			if got := outcomes(res); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if want := strings.Contains(c.want, "failed"); (err != nil) != want {
				t.Errorf("the error is %v", err)
			}
			status, err := s.repo.CheckStatus(t.Context())
			if err != nil || len(status) != 1 {
				t.Fatal(status, err)
			}
			if got := status[0]; got.State != c.state || got.RunID != res.RunID || got.Outdated {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestChecksOnlyAndNone(t *testing.T) {
	s := newShop(t, rivers.CheckSpec{Blocking: true})
	s.says = func() (rivers.CheckResult, error) { return rivers.CheckResult{}, nil }
	res, err := s.repo.Materialize(t.Context(), rivers.RunRequest{Checks: storage.ChecksNone})
	if err != nil || outcomes(res) != "mails succeeded, other succeeded, users succeeded" {
		t.Fatal(outcomes(res), err)
	}
	res, err = s.repo.Materialize(t.Context(), rivers.RunRequest{Checks: storage.ChecksOnly})
	if err == nil || outcomes(res) != "users:unique failed" {
		t.Fatal(outcomes(res), err)
	}
	status, err := s.repo.CheckStatus(t.Context())
	if err != nil || status[0].State != storage.CheckFailed || status[0].Verdict == nil || status[0].Verdict.Run == "" {
		t.Fatalf("%+v %v", status, err)
	}
	if _, err := s.repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"users"}, Checks: storage.ChecksNone}); err != nil {
		t.Fatal(err)
	}
	if status, err = s.repo.CheckStatus(t.Context()); err != nil || !status[0].Outdated {
		t.Fatalf("the check judged what was replaced since, and says %+v %v", status, err)
	}
}

func TestRetryMakesAnewWhatDidNotPass(t *testing.T) {
	s := newShop(t, rivers.CheckSpec{Blocking: true})
	s.says = func() (rivers.CheckResult, error) { return rivers.CheckResult{}, nil }
	first, err := s.repo.Materialize(t.Context(), rivers.RunRequest{})
	if err == nil {
		t.Fatal("it should not have passed")
	}
	s.says = func() (rivers.CheckResult, error) { return rivers.CheckResult{Passed: true}, nil }
	res, err := s.repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: first.RunID})
	if want := "mails succeeded, other reused, users succeeded, users:unique succeeded"; err != nil || outcomes(res) != want {
		t.Fatalf("%s %v, want %s", outcomes(res), err, want)
	}
}

// judgedDays are days of users of which every other passes its check, and one has the check fail itself.
func judgedDays(iohandler.Handler) rivers.RepositoryConfig {
	days := partition.Daily(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 5)))
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users", Partitions: days},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) {
			return ctx.Partition().Key().String(), nil
		})
	mails := rivers.NewAsset(rivers.AssetSpec{Name: "mails", Partitions: days},
		func(_ *rivers.AssetContext, in struct{ Users string }) (string, error) { return in.Users, nil })
	check := rivers.NewCheck(rivers.CheckSpec{Name: "even", Asset: "users", Blocking: true, Partitions: days},
		func(ctx *rivers.CheckContext, in struct{ Users string }) (rivers.CheckResult, error) {
			if key := ctx.Partition().Key().String(); key != in.Users || ctx.Asset() != "users" || ctx.Check() != "even" {
				return rivers.CheckResult{}, fmt.Errorf("%s of %s is about %s and got %s", ctx.Check(), ctx.Asset(), key, in.Users)
			}
			if strings.HasSuffix(in.Users, "03") {
				return rivers.CheckResult{}, errors.New("no database")
			}
			ctx.AddMetadata("day", in.Users)
			return rivers.CheckResult{Passed: in.Users[len(in.Users)-1]%2 == 0, Description: "odd"}, nil
		})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{users, mails}, Checks: []*rivers.Check{check}}
}

func TestCheckJudgesPartitions(t *testing.T) {
	everyExecutor(t, "judged days", func(t *testing.T, repo *rivers.CodeRepository) {
		res, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-01", "2026-01-04")})
		if err == nil || outcomes(res) != "mails succeeded, users succeeded, users:even failed" {
			t.Fatal(outcomes(res), err, res.Steps)
		}
		for asset, want := range map[string]string{"mails": "02,04", "users": "01..04"} {
			if got, _ := made(t, repo, asset); got != want {
				t.Errorf("%s: materialized %s, want %s", asset, got, want)
			}
		}
		status, err := repo.CheckStatus(t.Context())
		if err != nil || status[0].State != storage.CheckExecutionFailed || status[0].Partitions.Passed.Count != 2 || status[0].Partitions.Crashed.Count != 1 || status[0].Partitions.Failed.Count != 1 {
			t.Errorf("%+v %v", status, err)
		}
		history, err := repo.CheckHistory(t.Context(), "users:even", 0)
		if err != nil || len(history) != 4 {
			t.Fatal(history, err)
		}
		if day, _ := history[0].Metadata.Text("day"); history[0].Partition != "2026-01-04" || day != "2026-01-04" {
			t.Errorf("%+v", history[0])
		}
		one, err := repo.Materialize(t.Context(), rivers.RunRequest{Partition: partition.SingleKey("2026-01-01")})
		if err == nil || outcomes(one) != "mails skipped, users succeeded, users:even failed" {
			t.Fatal(outcomes(one), err)
		}
		again, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: res.RunID})
		if err == nil || outcomes(again) != "mails skipped, users succeeded, users:even failed" {
			t.Errorf("%s %v", outcomes(again), err)
		}
	})
}

// What an evaluation leaves in the history, with what a run that did not come to it says.
func TestCheckHistory(t *testing.T) {
	s := newShop(t, rivers.CheckSpec{})
	s.says = func() (rivers.CheckResult, error) {
		return rivers.CheckResult{Passed: true, Metadata: metadata.Map{"rows": 3}}, nil
	}
	run := func(req rivers.RunRequest) *rivers.RunResult {
		res, _ := s.repo.Materialize(t.Context(), req)
		return res
	}
	first := run(rivers.RunRequest{})
	s.says = func() (rivers.CheckResult, error) {
		return rivers.CheckResult{}, fmt.Errorf("%w: there is nothing to judge", rivers.ErrSkip)
	}
	second := run(rivers.RunRequest{Checks: storage.ChecksOnly})
	history, err := s.repo.CheckHistory(t.Context(), "users:unique", 0)
	if err != nil || len(history) != 2 {
		t.Fatal(history, err)
	}
	if e := history[0]; e.State != storage.CheckSkipped || e.RunID != second.RunID || e.Error == "" {
		t.Errorf("the newest is %+v", e)
	}
	e := history[1]
	if rows, _ := e.Metadata.Int("rows"); e.State != storage.CheckSucceeded || e.RunID != first.RunID || rows != 3 || e.Version == "" || e.Verdict.Run != first.RunID {
		t.Errorf("the oldest is %+v", e)
	}
	status, err := s.repo.CheckStatus(t.Context(), "users")
	if err != nil || status[0].State != storage.CheckSkipped {
		t.Errorf("%+v %v", status, err)
	}
	if _, err := s.repo.CheckHistory(t.Context(), "users:uniqe", 0); err == nil || !strings.Contains(err.Error(), `did you mean "users:unique"`) {
		t.Errorf("the error is %v", err)
	}
}

func TestCheckStopsLaterRuns(t *testing.T) {
	s := newShop(t, rivers.CheckSpec{Blocking: true, BlockLater: true})
	s.says = func() (rivers.CheckResult, error) { return rivers.CheckResult{Description: "2 is there twice"}, nil }
	if _, err := s.repo.Materialize(t.Context(), rivers.RunRequest{}); err == nil {
		t.Fatal("it should not have passed")
	}
	later := rivers.RunRequest{Selection: []string{"mails"}}
	res, err := s.repo.Materialize(t.Context(), later)
	want := `step "mails" loads "users": a blocking check did not pass: check "users:unique": 2 is there twice: materialize it again, or run without checks`
	if res != nil || !errors.Is(err, rivers.ErrCheckBlocked) || err.Error() != want {
		t.Fatalf("%v %v\nwant %s", res, err, want)
	}
	later.Checks = storage.ChecksNone
	if res, err = s.repo.Materialize(t.Context(), later); err != nil {
		t.Fatal(outcomes(res), err)
	}
	s.says = func() (rivers.CheckResult, error) { return rivers.CheckResult{Passed: true}, nil }
	if res, err = s.repo.Materialize(t.Context(), rivers.RunRequest{Checks: storage.ChecksOnly}); err != nil {
		t.Fatal(outcomes(res), err)
	}
	later.Checks = storage.ChecksOfMade
	if res, err = s.repo.Materialize(t.Context(), later); err != nil {
		t.Fatal(outcomes(res), err)
	}
}

// A backfill judges what it makes: a day that does not pass a blocking check has failed, and is not read.
func TestBackfillRunsChecks(t *testing.T) {
	repo := resolved(t, judgedDays(nil))
	for _, strategy := range []rivers.BackfillStrategy{rivers.MultiRun(), rivers.SingleRun()} {
		res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Strategy: strategy})
		if err == nil || res.Completed != 2 || res.Failed != 2 {
			t.Errorf("%s: %+v %v", strategy, res, err)
		}
		if got, _ := made(t, repo, "mails"); got != "02,04" {
			t.Errorf("%s: mails has %s", strategy, got)
		}
	}
}
