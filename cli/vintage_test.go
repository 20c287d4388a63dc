package cli_test

import (
	"errors"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/partition"
)

// vintage is a program whose assets may be so old and no older. Its windows are those of five days in the past, so that what
// is due does not depend on the day of the test.
func vintage() *rivers.CodeRepository {
	begin := partition.Date(2026, time.January, 1)
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users", Freshness: freshness.TimeWindow(24 * time.Hour).WarnAfter(12 * time.Hour)},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	days := rivers.NewAsset(
		rivers.AssetSpec{Name: "days", Group: "daily", Freshness: freshness.LatestPartition(time.Hour), Partitions: partition.Daily(begin, partition.Until(partition.Date(2026, time.January, 6)))},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if ctx.Partition().Key().String() == "2026-01-02" {
				return 0, errors.New("the source has no such day")
			}
			return 1, nil
		})
	feed := rivers.NewExternalAsset(rivers.ExternalAssetSpec{
		Name: "feed", Freshness: freshness.Cron("0 9 * * *", 2*time.Hour).In("Europe/Berlin"),
		Observe: func(*rivers.AssetContext) (rivers.Observation, error) {
			return rivers.Observation{DataVersion: "v1"}, nil
		},
	})
	plain := rivers.NewAsset(rivers.AssetSpec{Name: "plain"},
		func(_ *rivers.AssetContext, in struct{ Users int }) (int, error) {
			return 0, errors.New("it never works")
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "vintage", DefaultIOHandler: blob.New("file://./values", blob.Options{}), Assets: []rivers.Asset{users, days, feed, plain},
	})
}
