// Hello is the contract's own example: two assets, one job, nothing configured.
//
//	go run ./examples/hello materialize            runs raw_data, then summary
//	go run ./examples/hello materialize summary    loads raw_data from .rivers/values
//	go run ./examples/hello graph                  raw_data -> summary
//	go run ./examples/hello materialize +summary   the same selection, spelled out
package main

import (
	"fmt"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli"
)

// Counts is an ordinary Go type; nothing about it is registered anywhere.
type Counts struct{ Users, Events int }

var rawData = rivers.NewAsset(rivers.AssetSpec{Name: "raw_data"},
	func(ctx *rivers.AssetContext, _ rivers.NoInput) (Counts, error) {
		return Counts{Users: 100, Events: 5000}, nil
	})

// The field RawData is the edge raw_data -> summary. Were its type not Counts, Validate would say
// which asset, which field, which type it has and which it would need.
var summary = rivers.NewAsset(rivers.AssetSpec{Name: "summary"},
	func(ctx *rivers.AssetContext, in struct{ RawData Counts }) (string, error) {
		ctx.Log().Info("summarising", "users", in.RawData.Users)
		return fmt.Sprintf("%d users, %d events", in.RawData.Users, in.RawData.Events), nil
	})

var repo = rivers.NewCodeRepository(rivers.RepositoryConfig{
	Assets: []rivers.Asset{rawData, summary},
	Jobs:   []rivers.Job{{Name: "pipeline", Assets: []rivers.Node{rawData, summary}}},
})

func main() { cli.Main(repo) }
