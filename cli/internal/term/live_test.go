package term

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/termtest"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

var acceptAnswers = flag.Bool("update", false, "accept what the tests find as the right answers")

// TestLiveView runs a pipeline in a bubble and photographs the terminal.
func TestLiveView(t *testing.T) {
	var got strings.Builder
	synctest.Test(t, func(t *testing.T) {
		screen := &termtest.Screen{Width: 60}
		a, repo := &Terminal{Out: screen, Interactive: true, Width: func() int { return screen.Width }}, paced()
		if err := repo.Resolve(t.Context(), memory.New()); err != nil {
			t.Fatal(err)
		}
		stop := a.WatchLive(repo.Listen, false)
		var res *rivers.RunResult
		var wg sync.WaitGroup
		began := time.Now()
		wg.Go(func() { res, _ = repo.Materialize(t.Context(), rivers.RunRequest{}) })
		photograph := func(title string) { fmt.Fprintf(&got, "-- %s --\n%s", title, screen) }
		for _, at := range []int{150, 450, 850, 1450, 1950} {
			time.Sleep(time.Duration(at)*time.Millisecond - time.Since(began))
			synctest.Wait()
			photograph(fmt.Sprintf("%d ms", at))
			if at == 1450 {
				a.Say("somebody pressed a key")
				a.view.Load().cancel()
			}
		}
		wg.Wait()
		stop()
		photograph("the end")
		if a.view.Load() != nil {
			t.Error("the view is still there")
		}
		if limit := int(time.Since(began)/liveEvery) + 2; screen.Writes() > limit {
			t.Errorf("%d writes in %s, want at most %d", screen.Writes(), time.Since(began), limit)
		}
		if len(res.FailedAssets) != 1 {
			t.Errorf("failed: %v", res.FailedAssets)
		}
		if err := repo.Close(); err != nil {
			t.Fatal(err)
		}
	})
	termtest.Golden(t, *acceptAnswers, "live.golden", got.String())
}

// paced is a pipeline in which nothing happens at the same time.
func paced() *rivers.CodeRepository {
	wait := func(ctx context.Context, d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	numbers := rivers.NewAsset(rivers.AssetSpec{Name: "numbers"},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) ([]int, error) {
			return []int{1, 2, 3}, wait(ctx, 310*time.Millisecond)
		})
	flaky := rivers.NewAsset(rivers.AssetSpec{Name: "flaky", Retry: retry.Policy{Max: 1, Backoff: retry.Constant(600 * time.Millisecond)}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			if err := wait(ctx, 220*time.Millisecond); err != nil || ctx.Attempt() == 2 {
				return 1, err
			}
			return 0, errors.New("connection refused")
		})
	bad := rivers.NewAsset(rivers.AssetSpec{Name: "a_rather_long_name_that_is_cut_where_the_window_ends"},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			return 0, errors.Join(wait(ctx, 530*time.Millisecond), errors.New("the warehouse is closed"))
		})
	after := rivers.NewAsset(rivers.AssetSpec{Name: "after", Deps: []rivers.Dep{{On: bad.Name(), OrderOnly: true}}},
		func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 0, nil })
	double := rivers.NewTask(rivers.TaskSpec{Name: "double"},
		func(ctx *rivers.TaskContext, in struct{ N int }) (int, error) {
			return 2 * in.N, wait(ctx, time.Duration(in.N)*500*time.Millisecond)
		})
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"},
		func(_ *rivers.TaskContext, in struct{ All []int }) (int, error) { return len(in.All), nil })
	doubles := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "doubles"}, func(g *rivers.Graph) rivers.Ref[int] {
		each := rivers.Map(g, rivers.Upstream[[]int](g, "numbers"), double, rivers.MapOptions{})
		return rivers.Call(g, sum, rivers.Args{"all": each.Collect()})
	})
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "paced", Assets: []rivers.Asset{numbers, flaky, bad, after, doubles}, DefaultExecutor: executor.Parallel(8),
	})
}

// TestPlainSaysWhatStillRuns: a log that is silent for long says why.
func TestPlainSaysWhatStillRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		slow := rivers.NewAsset(rivers.AssetSpec{Name: "slow"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
			time.Sleep(70 * time.Second)
			return 0, nil
		})
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{slow}})
		a := &Terminal{Out: &out, QuietFor: 30 * time.Second}
		if err := repo.Resolve(t.Context(), memory.New()); err != nil {
			t.Fatal(err)
		}
		stop := a.WatchPlain(repo.Listen, false)
		_, err := repo.Materialize(t.Context(), rivers.RunRequest{RunID: "r"})
		stop()
		if err := errors.Join(err, repo.Close()); err != nil {
			t.Fatal(err)
		}
		want := "run r: 1 step\nrunning    slow for 30.0s\nrunning    slow for 1m0s\nsucceeded  slow 1m10s\n"
		if out.String() != want {
			t.Errorf("got:\n%s\nwant:\n%s", &out, want)
		}
	})
}

func TestScreenInANarrowerWindow(t *testing.T) {
	t.Parallel()
	s := screen{drawn: []int{50, 0, 20, 21}}
	for width, want := range map[int]int{80: 4, 50: 4, 49: 5, 20: 3 + 1 + 1 + 2} {
		if got := s.height(width); got != want {
			t.Errorf("in %d columns %d rows, want %d", width, got, want)
		}
	}
}

func TestCutNeverTakesMoreThanItsWidth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.StringOf(rapid.RuneFrom([]rune("aö世界\u0301😀-"))).Draw(t, "text")
		width := rapid.IntRange(1, 30).Draw(t, "width")
		text := string(Red) + plain + reset
		if Cells(text) != Cells(plain) {
			t.Fatalf("colours take columns: %d, want %d", Cells(text), Cells(plain))
		}
		short := cut(text, width)
		if Cells(short) > width {
			t.Fatalf("%q takes %d columns, want at most %d", short, Cells(short), width)
		}
		if Cells(text) <= width && short != text {
			t.Fatalf("%q was cut to %q, though it fits %d columns", text, short, width)
		}
		if !strings.HasSuffix(short, reset) {
			t.Fatalf("%q leaves its colour on", short)
		}
	})
}

// TestRedirect: what an asset prints goes above the live view.
func TestRedirect(t *testing.T) {
	var got []string
	before := os.Stdout
	release := redirect(true, func(line string) { got = append(got, line) })
	_, outErr := fmt.Fprintln(os.Stdout, "one\ntwo\r")
	_, errErr := fmt.Fprint(os.Stderr, "three, unfinished")
	release()
	if err := errors.Join(outErr, errErr); err != nil {
		t.Fatal(err)
	}
	if want := []string{"one", "two", "three, unfinished"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if os.Stdout != before {
		t.Error("os.Stdout was not given back")
	}
}
