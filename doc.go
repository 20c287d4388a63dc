// Package rivers is an asset orchestrator. People declare the data they want (assets) as ordinary
// typed Go functions; rivers works out the graph, checks it, materializes assets in parallel, and
// records everything that happens.
//
//	var users = rivers.NewAsset(rivers.AssetSpec{Name: "users"},
//		func(ctx *rivers.AssetContext, _ rivers.NoInput) ([]User, error) { return fetch(ctx) })
//
//	var active = rivers.NewAsset(rivers.AssetSpec{Name: "active"},
//		func(ctx *rivers.AssetContext, in struct{ Users []User }) (int, error) {
//			return count(in.Users), nil
//		})
//
// The fields of a function's argument struct are its inputs: the field Users is the value of asset
// users, and makes the edge between the two. The struct is looked at once, when the function is
// defined; everything about it that can be wrong is reported by [CodeRepository.Validate], all
// mistakes at once, before anything runs.
//
// # Generic at the door, plain behind it
//
// This package turns typed definitions into plain nodes of a graph; nothing below it is generic
// over user types. Definitions never panic and never return an error: they note what is wrong.
// They are immutable, and several repositories may share them.
//
// # Configs
//
// A field tagged `rivers:",config"` is a struct of settings. Each of its fields takes its value
// from the nearest of: the run's request, the environment variable of its env tag, its default tag.
// Its name there is that of its json tag, else in snake case.
//
//	type Limits struct {
//		MaxRows int           `json:"max_rows" default:"1000" validate:"gte=1" doc:"more are refused"`
//		Wait    time.Duration `default:"10m"`
//		APIKey  rivers.Secret `json:"api_key" env:"ORDERS_API_KEY" validate:"required"`
//	}
//
// The rules of a validate tag, joined by commas: required, omitempty, gt, gte (or min), lt, lte (or
// max), eq, ne, len, oneof=a b c, url. They measure numbers and durations, the letters of texts and
// the entries of lists and maps. A [Secret] comes from the environment: a request, which is
// recorded, names the variable instead, {"env": "NAME"}. Mistakes in a request are reported before
// the run starts.
//
// # What happens in a run
//
// A [RunRequest] is data. It is checked as a whole before anything is written; then the run is
// recorded, and each step starts the moment its own inputs are there. A step loads its inputs
// through IO handlers, calls the function, stores the result, and is recorded. What failed is
// skipped downstream with its cause, independent branches go on, and the end of the run is durable
// before [CodeRepository.Materialize] returns.
//
// Importing this package links the embedded store and nothing heavier: Parquet, object stores and
// the command line are packages of their own.
package rivers
