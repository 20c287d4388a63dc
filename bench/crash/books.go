package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/partition"
)

// The shape of the books: so many days of so many shops.
const (
	days  = 100
	shops = 10
)

// bookKeys is how the books are partitioned: by day and shop.
func bookKeys() partition.Definition {
	var names []string
	for i := range shops {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	return partition.Multi(map[string]partition.Definition{
		"day":  partition.Daily(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 1+days))),
		"shop": partition.Static(names...),
	})
}

// Partitions that fail whenever they are tried: of the sales those of one shop every ninth day, of
// the totals those of another, so that some fail because of what they read and some by themselves.
func salesFail(key partition.Key) bool  { return unlucky(key, "s7") }
func totalsFail(key partition.Key) bool { return unlucky(key, "s3") }

func unlucky(key partition.Key, shop string) bool {
	day, err := time.Parse(time.DateOnly, key.Values("day")[0])
	return err == nil && key.Values("shop")[0] == shop && day.YearDay()%9 == 0
}

func books() *rivers.CodeRepository {
	calls := callsFile()
	entry := func(ctx *rivers.AssetContext, above string, fails func(partition.Key) bool) (string, error) {
		key := ctx.Partition().Key()
		if _, err := calls.Write([]byte{'.'}); err != nil {
			return "", fmt.Errorf("telling of a call: %w", err)
		}
		if fails(key) {
			return "", errors.New("the books do not balance")
		}
		return digest(ctx.Asset()+" "+key.String(), map[string]string{"above": above}), nil
	}
	closing := func(fails func(partition.Key) bool) []rivers.Action {
		spec := rivers.ActionSpec{Name: "close", Effect: rivers.Observes, Order: iohandler.UpstreamFirst, Partitioning: iohandler.PartitionRequired}
		return []rivers.Action{rivers.NewAction(spec, func(ctx *rivers.ActionContext, _ rivers.NoInput) (rivers.ActionResult, error) {
			if _, err := calls.Write([]byte{'.'}); err != nil {
				return rivers.ActionResult{}, fmt.Errorf("telling of a call: %w", err)
			}
			if fails(ctx.Partition().Key()) {
				return rivers.ActionResult{}, errors.New("the books do not balance")
			}
			return rivers.ActionResult{Did: rivers.Observes}, nil
		})}
	}
	sales := rivers.NewAsset(rivers.AssetSpec{Name: "sales", Partitions: bookKeys(), Actions: closing(salesFail)},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (string, error) { return entry(ctx, "", salesFail) })
	totals := rivers.NewAsset(rivers.AssetSpec{Name: "totals", Partitions: bookKeys(), Pools: []rivers.Pool{{Name: pool}}, Actions: closing(totalsFail)},
		func(ctx *rivers.AssetContext, in struct{ Sales string }) (string, error) {
			return entry(ctx, in.Sales, totalsFail)
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "books", Assets: []rivers.Asset{sales, totals}, DefaultIOHandler: blob.New("file://./values", blob.Options{}),
		PoolLimits: map[string]int{pool: slots},
	})
}

// callsFile is the file that CRASH_CALLS has the number of: it gets a byte for each call of a
// function, so that anyone who reads them knows how far the program is.
func callsFile() io.Writer {
	text, ok := os.LookupEnv("CRASH_CALLS")
	if !ok {
		return io.Discard
	}
	fd, err := strconv.Atoi(text)
	if err != nil {
		fmt.Fprintln(os.Stderr, "CRASH_CALLS:", err)
		os.Exit(2)
	}
	return os.NewFile(uintptr(fd), "calls")
}
