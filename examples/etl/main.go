// Etl shows the kinds of assets, resources, config, retries and hooks together.
package main

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/iohandler/parquet"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
)

type Row struct{ Customer, Text string }

type Order struct {
	Customer string
	Amount   float64
	At       time.Time
}

type Report struct {
	Customer string
	Total    float64
}

// Warehouse is a resource: any value. Setup and Teardown are called because it has them.
type Warehouse struct {
	DSN rivers.Secret
	*sql.DB
}

func (w *Warehouse) Setup(context.Context) (err error) {
	w.DB, err = sql.Open("sqlite", w.DSN.Reveal())
	return err
}
func (w *Warehouse) Teardown(context.Context) error { return w.Close() }

var (
	lake    = parquet.New("file://./lake", parquet.Options{Prefix: "etl"})
	scratch = blob.New("file://./scratch", blob.Options{}) // any Go value, and it crosses processes
)

// An external asset is made elsewhere; we only look at it.
var ordersFile = rivers.NewExternalAsset(rivers.ExternalAssetSpec{
	Name: "orders_file",
	Observe: func(ctx *rivers.AssetContext) (rivers.Observation, error) {
		return rivers.Observation{DataVersion: "etag-1", Metadata: metadata.Map{"rows": 12}}, nil
	},
})

// Limits is this asset's config: defaults, environment, then RunRequest.Config["raw_orders"].
type Limits struct {
	MaxRows int           `json:"max_rows" default:"1000" validate:"gte=1"`
	APIKey  rivers.Secret `json:"api_key" env:"ORDERS_API_KEY"`
}

var rawOrders = rivers.NewAsset(
	rivers.AssetSpec{
		Name:  "raw_orders",
		Kinds: []string{"parquet"},
		Deps:  []rivers.Dep{{On: "orders_file", OrderOnly: true}},
		Retry: retry.Policy{Max: 3, Backoff: retry.Exponential(time.Second, 2), On: []error{retry.OutOfMemory, sql.ErrConnDone}},
		Hooks: []rivers.Hook{rivers.OnFailure("page", func(ctx *rivers.HookContext, in struct{ Warehouse *Warehouse }) error {
			ctx.Log().Error("paging", "asset", ctx.Asset(), "cause", ctx.Failure()) // Err() is the context's own
			return in.Warehouse.PingContext(ctx)
		})},
		IOHandler: lake,
		Timeout:   10 * time.Minute,
	},
	func(ctx *rivers.AssetContext, in struct {
		Warehouse *Warehouse // a resource, for no asset has this name
		Cfg       Limits     `rivers:",config"`
	},
	) (rivers.Output[[]Row], error) {
		rows := make([]Row, 0, in.Cfg.MaxRows)
		return rivers.Output[[]Row]{Value: rows, Metadata: metadata.Map{"rows": len(rows)}}, nil
	})

// A multi-asset returns several at once: assets orders and rejects.
var split = rivers.NewMultiAsset(rivers.MultiAssetSpec{Name: "split", IOHandler: scratch},
	func(ctx *rivers.AssetContext, in struct{ RawOrders []Row }) (struct {
		Orders  []Order
		Rejects []Row
	}, error,
	) {
		var out struct {
			Orders  []Order
			Rejects []Row
		}
		return out, nil
	})

// A graph asset is composed of tasks; each mapped instance is a step of its own: totals/total[0].
var byCustomer = rivers.NewTask(rivers.TaskSpec{Name: "by_customer"},
	func(ctx *rivers.TaskContext, in struct{ Orders []Order }) ([][]Order, error) { return nil, nil })

var total = rivers.NewTask(rivers.TaskSpec{Name: "total", Retry: retry.Policy{Max: 1}},
	func(ctx *rivers.TaskContext, in struct{ Group []Order }) (Report, error) {
		var r Report
		for _, o := range in.Group {
			r.Customer, r.Total = o.Customer, r.Total+o.Amount
		}
		return r, nil
	})

var sorted = rivers.NewTask(rivers.TaskSpec{Name: "sorted"},
	func(ctx *rivers.TaskContext, in struct{ Reports []Report }) ([]Report, error) {
		byTotal := func(a, b Report) int { return cmp.Compare(b.Total, a.Total) }
		return slices.SortedFunc(slices.Values(in.Reports), byTotal), nil // inputs are shared: never sort them in place
	})

var totals = rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "totals", IOHandler: lake, NodeIOHandler: scratch},
	func(g *rivers.Graph) rivers.Ref[[]Report] {
		orders := rivers.Upstream[[]Order](g, "orders")
		groups := rivers.Call(g, byCustomer, rivers.Args{"orders": orders})
		each := rivers.Map(g, groups, total, rivers.MapOptions{MaxConcurrency: 4})
		return rivers.Call(g, sorted, rivers.Args{"reports": each.Collect()})
	})

var vacuum = rivers.NewBashTask(rivers.BashTaskSpec{Name: "vacuum", Command: "rm -rf ./lake/tmp"})

var repo = rivers.NewCodeRepository(rivers.RepositoryConfig{
	Assets:          []rivers.Asset{ordersFile, rawOrders, split, totals},
	Tasks:           []rivers.Node{vacuum},
	Jobs:            []rivers.Job{{Name: "nightly", Select: "+totals", Executor: executor.Subprocess(2)}},
	Resources:       rivers.Resources{"warehouse": &Warehouse{DSN: rivers.NewSecret(":memory:")}},
	DefaultExecutor: executor.Parallel(8),
})

func main() { cli.Main(repo) }
