package rivers_test

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// What was recorded of an asset, over time.
func Example_metadataHistory() {
	day := 0
	users := rivers.NewAsset(rivers.AssetSpec{Name: "users"}, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
		day++
		ctx.AddMetadata(metadata.KeyRows, 10*day)
		ctx.AddMetadata(metadata.KeySize, metadata.Size(int64(day)<<10))
		return day, nil
	})
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{users}})
	defer repo.Close()
	ctx := context.Background()
	if err := repo.Resolve(ctx, memory.New()); err != nil { // else in .rivers/storage
		fmt.Println(err)
		return
	}
	for range 3 {
		if _, err := repo.Materialize(ctx, rivers.RunRequest{}); err != nil {
			fmt.Println(err)
			return
		}
	}
	keys, err := repo.Storage().AssetKeys(ctx, []string{"users"})
	if err != nil {
		fmt.Println(err)
		return
	}
	history, err := storage.MetadataHistory(ctx, repo.Storage(), storage.MetadataQuery{Asset: keys[0], Limit: 2})
	for _, past := range history {
		rows, _ := past.Values.Int(metadata.KeyRows)
		size, _ := past.Values.Get(metadata.KeySize)
		fmt.Println(rows, size)
	}
	fmt.Println(err)
	// Output:
	// 30 3.0 KiB
	// 20 2.0 KiB
	// <nil>
}
