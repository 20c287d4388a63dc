package cli_test

import (
	"errors"
	"os"
	"time"

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
	slow := rivers.NewAsset(rivers.AssetSpec{Name: "slow", Partitions: partition.Static("a", "b", "c", "d")},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			f, err := os.OpenFile("calls", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				return 0, err
			}
			if _, err := f.WriteString("call\n"); err != nil {
				return 0, err
			}
			if err := errors.Join(f.Close(), os.WriteFile("arrived", nil, 0o600)); err != nil {
				return 0, err
			}
			for {
				if _, err := os.Stat("open"); err == nil {
					return 1, nil
				}
				select {
				case <-ctx.Done():
					return 0, ctx.Err()
				case <-time.After(5 * time.Millisecond):
				}
			}
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "greeter", Assets: []rivers.Asset{users, greeting, pipe, days, slow}})
}
