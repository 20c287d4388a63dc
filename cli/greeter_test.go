package cli_test

import "github.com/rivers-go/rivers"

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
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "greeter", Assets: []rivers.Asset{users, greeting, pipe}})
}
