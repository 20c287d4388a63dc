package rivers_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// laterDays are tenDays but for the first.
var laterDays = partition.Daily(partition.Date(2026, time.January, 2), partition.Until(partition.Date(2026, time.January, 11)))

var errBadData = errors.New("bad data")

// daily is an asset of days that fails, or skips, some of them, and reads the fields of In.
func daily[In any](name string, p partition.Definition, bad map[int]error, deps ...rivers.Dep) rivers.Asset {
	return rivers.NewAsset(rivers.AssetSpec{Name: name, Partitions: p, Deps: deps}, func(ctx *rivers.AssetContext, _ In) (string, error) {
		key := ctx.Partition().Key().String()
		day, err := time.Parse(time.DateOnly, key)
		if err != nil {
			return "", err
		}
		return key, bad[day.Day()]
	})
}

type (
	dailyRaw  struct{ Raw string }
	dailyBoth struct {
		Raw string
		Sum rivers.SelfDependency[string]
	}
	dailyTwo struct{ Today, Yesterday string }
	dailySum struct{ Sum string }
)

var (
	ownYesterday = rivers.Dep{On: "sum", Mapping: partition.TimeOffset(-1)}
	skipsDay     = map[int]error{5: rivers.Skip("a holiday")}
	failsDay     = map[int]error{5: errBadData}
)

// fifth is a check of each day that the 5th does not pass, or at which it crashes.
func fifth(asset string, days partition.Definition, blocking, crashes bool) *rivers.Check {
	return rivers.NewCheck(rivers.CheckSpec{Name: "fine", Asset: asset, Blocking: blocking, Partitions: days},
		func(ctx *rivers.CheckContext, _ rivers.NoInput) (rivers.CheckResult, error) {
			switch {
			case !strings.HasSuffix(ctx.Partition().Key().String(), "-05"):
				return rivers.CheckResult{Passed: true}, nil
			case crashes:
				return rivers.CheckResult{}, errBadData
			}
			return rivers.CheckResult{Severity: rivers.SeverityError}, nil
		})
}

// Only what reads a partition that was not made is given up, by asset and partition, and each strategy
// has the same answer.
func TestBackfillGivesUpWhatReadsALossAlone(t *testing.T) {
	t.Parallel()
	type none = rivers.NoInput
	for name, c := range map[string]struct {
		assets []rivers.Asset
		checks []*rivers.Check
		want   string
	}{
		"a leaf fails":                  {[]rivers.Asset{daily[none]("raw", tenDays, nil), daily[dailyBoth]("sum", tenDays, nil, ownYesterday), daily[dailyRaw]("other", tenDays, failsDay)}, nil, "failed: 9 completed, 1 failed, 0 skipped, 0 canceled; other 9, raw 10, sum 10"},
		"a chain breaks":                {[]rivers.Asset{daily[none]("raw", tenDays, nil), daily[dailyBoth]("sum", tenDays, failsDay, ownYesterday), daily[dailyRaw]("other", tenDays, nil)}, nil, "failed: 4 completed, 1 failed, 0 skipped, 5 canceled; other 10, raw 10, sum 4"},
		"a chain skips":                 {[]rivers.Asset{daily[none]("raw", tenDays, nil), daily[dailyBoth]("sum", tenDays, skipsDay, ownYesterday), daily[dailyRaw]("other", tenDays, nil)}, nil, "completed: 4 completed, 0 failed, 6 skipped, 0 canceled; other 10, raw 10, sum 4"},
		"a leaf skips":                  {[]rivers.Asset{daily[none]("raw", tenDays, nil), daily[dailyRaw]("other", tenDays, skipsDay)}, nil, "completed: 9 completed, 0 failed, 1 skipped, 0 canceled; other 9, raw 10"},
		"a root skips":                  {[]rivers.Asset{daily[none]("raw", tenDays, skipsDay), daily[dailyRaw]("other", tenDays, nil)}, nil, "completed: 9 completed, 0 failed, 1 skipped, 0 canceled; other 9, raw 9"},
		"a root skips, another fails":   {[]rivers.Asset{daily[none]("raw", tenDays, skipsDay), daily[dailyRaw]("other", tenDays, nil), daily[none]("sum", tenDays, failsDay), daily[dailySum]("last", tenDays, nil)}, nil, "failed: 9 completed, 1 failed, 0 skipped, 0 canceled; last 9, other 9, raw 9, sum 9"},
		"the first day has no day":      {[]rivers.Asset{daily[none]("raw", laterDays, nil), daily[dailyTwo]("delta", laterDays, nil, rivers.Dep{On: "raw", Field: "Today"}, rivers.Dep{On: "raw", Field: "Yesterday", Mapping: partition.TimeOffset(-1)})}, nil, "failed: 8 completed, 1 failed, 0 skipped, 0 canceled; delta 8, raw 9"},
		"a check crashes, not blocking": {[]rivers.Asset{daily[none]("raw", tenDays, nil), daily[dailyBoth]("sum", tenDays, nil, ownYesterday)}, []*rivers.Check{fifth("raw", tenDays, false, true)}, "failed: 9 completed, 1 failed, 0 skipped, 0 canceled; raw 10, sum 10"},
		"a blocking check of a leaf":    {[]rivers.Asset{daily[none]("raw", tenDays, nil), daily[dailyBoth]("sum", tenDays, nil, ownYesterday)}, []*rivers.Check{fifth("sum", tenDays, true, false)}, "failed: 9 completed, 1 failed, 0 skipped, 0 canceled; raw 10, sum 10"},
		"a blocking check of a root":    {[]rivers.Asset{daily[none]("raw", tenDays, nil), daily[dailyRaw]("other", tenDays, nil), daily[dailyBoth]("sum", tenDays, nil, ownYesterday)}, []*rivers.Check{fifth("raw", tenDays, true, false)}, "failed: 4 completed, 1 failed, 0 skipped, 5 canceled; other 9, raw 10, sum 4"},
	} {
		for _, strategy := range []rivers.BackfillStrategy{rivers.MultiRun(), rivers.SingleRun()} {
			for kind, open := range map[string]func(*testing.T) storage.Storage{
				"memory": func(*testing.T) storage.Storage { return memory.New() },
				"sqlite": func(t *testing.T) storage.Storage { return onFile(t, filepath.Join(t.TempDir(), "storage")) },
			} {
				t.Run(name+" "+strategy.String()+" "+kind, func(t *testing.T) {
					t.Parallel()
					repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "days", Assets: c.assets, Checks: c.checks})
					resolvedOn(t, repo, open(t))
					defer closeRepository(t, repo)
					res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Strategy: strategy})
					if res == nil {
						t.Fatal(err)
					}
					if got := outcomesOf(t, repo, res); got != c.want {
						t.Errorf("%s\nwant %s\n%v", got, c.want, err)
					}
					again, err := repo.BackfillStatus(t.Context(), res.ID)
					if err != nil || again.Progress.SkippedCount != res.Skipped || again.Progress.FailedCount != res.Failed || again.Progress.CanceledCount != res.Canceled {
						t.Errorf("recorded are %+v, %v", again.Progress, err)
					}
				})
			}
		}
	}
}

// outcomesOf is a backfill in words, with how many partitions of each asset were made.
func outcomesOf(t *testing.T, repo *rivers.CodeRepository, res *rivers.BackfillResult) string {
	t.Helper()
	status, err := repo.Status(t.Context(), rivers.StatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	var assets []string
	for _, s := range status {
		assets = append(assets, fmt.Sprintf("%s %d", s.Asset, s.Materialized.Count))
	}
	slices.Sort(assets)
	return fmt.Sprintf("%s: %d completed, %d failed, %d skipped, %d canceled; %s", res.State, res.Completed, res.Failed, res.Skipped, res.Canceled, strings.Join(assets, ", "))
}
