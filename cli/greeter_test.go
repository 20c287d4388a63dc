package cli_test

import (
	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/partition"
)

// greeter is the program at the top of the README, and an asset that no file holds.
func greeter() *rivers.CodeRepository {
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"}, func(*rivers.AssetContext, rivers.NoInput) ([]string, error) {
		return []string{"ann", "bob"}, nil
	})
	greeting := rivers.NewAsset(rivers.AssetSpec{Name: "greeting"}, func(_ *rivers.AssetContext, in struct{ Users []string }) (string, error) {
		return "hello " + in.Users[0], nil
	})
	pipe := rivers.NewAsset(rivers.AssetSpec{Name: "pipe"}, func(*rivers.AssetContext, rivers.NoInput) (chan int, error) {
		return make(chan int), nil
	})
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: partition.Static("mon", "tue", "wed", "thu")},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if ctx.Partition().Key() == partition.SingleKey("tue") {
				return 0, rivers.Skip("a holiday")
			}
			return 1, nil
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "greeter", Assets: []rivers.Asset{users, greeting, pipe, days}})
}
