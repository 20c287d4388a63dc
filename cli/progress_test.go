package cli

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/cli/internal/termtest"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage/memory"
)

var update = flag.Bool("update", false, "accept what the tests find as the right answers")

// slowDays has forty days of a second each, of which the fifth fails.
func slowDays() *rivers.CodeRepository {
	start := partition.Date(1999, time.November, 1)
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: partition.Daily(start, partition.Until(partition.Date(1999, time.December, 11)))},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			time.Sleep(time.Second)
			if ctx.Partition().Key() == partition.SingleKey("1999-11-05") {
				return 0, errors.New("the source has no such day")
			}
			return 0, nil
		})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "slow", Assets: []rivers.Asset{days}})
}

var anID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)

// TestProgress runs a backfill in a bubble, photographs the terminal, and reads what a pipe is told.
func TestProgress(t *testing.T) {
	var got strings.Builder
	watch := func(t *testing.T, a *app, times ...time.Duration) {
		a.repo = slowDays()
		if err := a.repo.Resolve(t.Context(), memory.New()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			err := a.watchBackfill(false, false, func() (*rivers.BackfillResult, error) {
				return a.repo.Backfill(t.Context(), rivers.BackfillRequest{MaxConcurrency: 2})
			})
			if exitCode(err) != exitFailed {
				t.Errorf("the backfill: %v", err)
			}
		})
		for _, at := range times {
			time.Sleep(at - time.Since(began))
			synctest.Wait()
			fmt.Fprintf(&got, "-- %s --\n%s", at, anID.ReplaceAllString(fmt.Sprint(a.Out), "ID"))
		}
		wg.Wait()
		fmt.Fprintf(&got, "-- the end --\n%s", anID.ReplaceAllString(fmt.Sprint(a.Out), "ID"))
		if err := a.repo.Close(); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		watch(t, &app{Terminal: &term.Terminal{Out: &termtest.Screen{Width: 80}, Interactive: true, Width: func() int { return 80 }}}, 250*time.Millisecond, 1550*time.Millisecond, 7750*time.Millisecond)
	})
	got.WriteString("== a pipe ==\n")
	synctest.Test(t, func(t *testing.T) {
		watch(t, &app{Terminal: &term.Terminal{Out: &strings.Builder{}, Width: func() int { return 80 }}})
	})
	termtest.Golden(t, *update, "progress.golden", strings.ReplaceAll(got.String(), "cli.test", "slow"))
}
