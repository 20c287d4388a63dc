package cli_test

import (
	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// memo is a program that keeps its values in memory by its own choice.
func memo() *rivers.CodeRepository {
	base := rivers.NewAsset(rivers.AssetSpec{Name: "base"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	sum := rivers.NewAsset(rivers.AssetSpec{Name: "sum"}, func(_ *rivers.AssetContext, in struct{ Base int }) (int, error) { return in.Base, nil })
	letters := rivers.NewAsset(rivers.AssetSpec{Name: "letters", Partitions: partition.Static("a", "b", "c")},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil })
	reads := rivers.NewAsset(rivers.AssetSpec{Name: "reads", Partitions: partition.Static("a", "b", "c")},
		func(_ *rivers.AssetContext, in struct{ Letters int }) (int, error) { return in.Letters, nil })
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "memo", Assets: []rivers.Asset{base, sum, letters, reads}, DefaultIOHandler: iohandler.Memory(),
	})
}
