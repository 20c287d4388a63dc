package rivers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
)

// weeklyWorld has days, a week of them, and a month of its own with keys that look like days.
func weeklyWorld() (config rivers.RepositoryConfig, days, week, month rivers.Asset) {
	until := partition.Until(partition.Date(2026, 3, 1))
	days = divided[none]("days", partition.Daily(january, until))
	week = rivers.NewAsset(rivers.AssetSpec{Name: "week", Partitions: partition.Weekly(january, until)},
		func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (int, error) {
			return in.Days.Len(), nil
		})
	month = divided[none]("month", partition.Monthly(january, until))
	return assets(days, week, month), days, week, month
}

// A key names partitions of what reads the others; those that are read follow from it, however they
// came into the run.
func TestKeyHasOneMeaning(t *testing.T) {
	config, days, week, _ := weeklyWorld()
	config.Jobs = []rivers.Job{{Name: "both", Assets: []rivers.Node{days, week}}}
	for name, req := range map[string]rivers.RunRequest{
		"selected upstream": {Selection: []string{"+week"}},
		"both selected":     {Selection: []string{"days", "week"}},
		"included upstream": {Selection: []string{"week"}, IncludeUpstream: true},
		"job":               {},
	} {
		t.Run(name, func(t *testing.T) {
			repo := resolved(t, config)
			req.Partition = partition.SingleKey("2026-02-01")
			run := func() (*rivers.RunResult, error) { return repo.Materialize(t.Context(), req) }
			if name == "job" {
				job, err := repo.Job("both")
				if err != nil {
					t.Fatal(err)
				}
				run = func() (*rivers.RunResult, error) {
					return job.Execute(t.Context(), rivers.ExecuteRequest{Partition: req.Partition})
				}
			}
			if _, err := run(); err != nil {
				t.Fatal(err)
			}
			status, err := repo.Status(t.Context(), rivers.StatusRequest{})
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]int64{}
			for _, s := range status {
				got[s.Asset] = s.Materialized.Count
			}
			if got["days"] != 7 || got["week"] != 1 || got["month"] != 0 {
				t.Errorf("%v, want 7 days and their week", got)
			}
		})
	}
}

func configOf(config rivers.RepositoryConfig, _, _, _ rivers.Asset) rivers.RepositoryConfig {
	return config
}

// A key that two assets read differently, and that no edge ties, is refused.
func TestKeyOfTwoMeaningsIsRefused(t *testing.T) {
	config := configOf(weeklyWorld())
	repo := resolved(t, config)
	for _, partly := range []rivers.RunRequest{
		{Selection: []string{"days", "month"}, Partition: partition.SingleKey("2026-02-01")},
		{Selection: []string{"days", "month"}, Range: partition.Range("2026-02-01", "2026-02-01")},
	} {
		_, err := repo.Materialize(t.Context(), partly)
		const want = ` is not the same for "days" (time(daily from 2026-01-01 until 2026-03-01)) and "month" (time(cron 0 0 1 * * from 2026-01-01 until 2026-03-01)): run one after the other`
		if !errors.Is(err, rivers.ErrPartitionValidation) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%v\nwant …%s", err, want)
		}
	}
}

// A job whose members have partitions of two kinds, which no edge ties, can never run.
func TestJobOfTwoKindsOfPartitions(t *testing.T) {
	config, days, week, month := weeklyWorld()
	config.Jobs = []rivers.Job{
		{Name: "tied", Assets: []rivers.Node{days, week}},
		{Name: "two", Assets: []rivers.Node{days, month}},
	}
	err := rivers.NewCodeRepository(config).Validate()
	const want = `no request can name partitions of both "days" (time(daily from 2026-01-01 until 2026-03-01)) and "month" (time(cron 0 0 1 * * from 2026-01-01 until 2026-03-01)): make a job of each, or one of what reads both`
	if !errors.Is(err, rivers.ErrDefinition) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("%v\nwant …%s", err, want)
	}
}
