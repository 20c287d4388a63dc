// Crash is a program that is made to be killed. Its tests kill it at random moments, go on where
// its records end, and count what was lost or done twice. It has two repositories: a pipeline of
// 200 assets whose values are written to files, every fifth asset holds a slot of a pool of two,
//
//	CRASH_EXECUTOR=parallel(4) go run ./bench/crash materialize --run-id r1
//
// and a shop's books, two assets of 1,000 partitions, some of them failing at each attempt, to be
// made or to be closed:
//
//	CRASH_PROGRAM=books go run ./bench/crash backfill --strategy 'per_dimension(shop;day)'
//	CRASH_PROGRAM=books go run ./bench/crash backfill sales totals \
//		--action close --strategy single_run
//	CRASH_PROGRAM=books go run ./bench/crash actions run close sales totals \
//		--partition 'day=2026-01-01..|shop=s0..'
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/retry"
)

// The shape of the pipeline: each asset reads three of the layer before it.
const (
	layers = 10
	width  = 20
	pool   = "narrow"
	slots  = 2
	// work is how long a step takes at least.
	work = 2 * time.Millisecond
)

func main() {
	if os.Getenv("CRASH_PROGRAM") == "books" {
		cli.Main(books())
	}
	cli.Main(pipeline())
}

func assetName(layer, i int) string { return fmt.Sprintf("layer%d_%d", layer, i) }

func pipeline() *rivers.CodeRepository {
	var assets []rivers.Asset
	for layer := range layers {
		for i := range width {
			assets = append(assets, step(layer, i))
		}
	}
	config := rivers.RepositoryConfig{
		Name: "crash", Assets: assets, DefaultIOHandler: blob.New("file://./values", blob.Options{}),
		PoolLimits: map[string]int{pool: slots},
	}
	if text, ok := os.LookupEnv("CRASH_EXECUTOR"); ok {
		var err error
		if config.DefaultExecutor, err = executor.Parse(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	return rivers.NewCodeRepository(config)
}

func step(layer, i int) rivers.Asset {
	spec := rivers.AssetSpec{Name: assetName(layer, i), Retry: retry.Policy{Max: 1, On: []error{retry.Transient}}}
	if i%5 == 0 {
		spec.Pools = []rivers.Pool{{Name: pool}}
	}
	if layer == 0 {
		return rivers.NewAsset(spec, func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) {
			return result(ctx, nil)
		})
	}
	for k := range 3 {
		spec.Deps = append(spec.Deps, rivers.Dep{On: assetName(layer-1, (i+k)%width), Field: "Above"})
	}
	return rivers.NewAsset(spec, func(ctx *rivers.AssetContext, in struct{ Above map[string]string }) (string, error) {
		return result(ctx, in.Above)
	})
}

// result is a step's value: a hash of its name and of what it read, so that a value that is lost or
// mixed up shows in the last layer.
func result(ctx *rivers.AssetContext, above map[string]string) (string, error) {
	ctx.Log().Info("at work")
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-time.After(work):
	}
	return digest(ctx.Asset(), above), nil
}

func digest(name string, above map[string]string) string {
	h := sha256.New()
	fmt.Fprintln(h, name, above) // maps are printed in the order of their keys
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}
