package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage/memory"
)

var update = flag.Bool("update", false, "accept what the tests find as the right answers")

// fakeTerminal understands the escapes that a screen writes, and shows what a person would see.
type fakeTerminal struct {
	mu       sync.Mutex
	width    int
	rows     [][]rune
	row, col int
	writes   int
}

func (f *fakeTerminal) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writes++
	text := string(p)
	for len(text) > 0 {
		if n := escape(text); n > 0 {
			f.control(text[2:n-1], text[n-1])
			text = text[n:]
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		f.put(r)
	}
	return len(p), nil
}

func (f *fakeTerminal) put(r rune) {
	switch r {
	case '\n':
		f.row, f.col = f.row+1, 0
		return
	case '\r':
		f.col = 0
		return
	}
	if f.col == f.width {
		f.row, f.col = f.row+1, 0
	}
	for len(f.rows) <= f.row {
		f.rows = append(f.rows, nil)
	}
	for len(f.rows[f.row]) <= f.col {
		f.rows[f.row] = append(f.rows[f.row], ' ')
	}
	f.rows[f.row][f.col] = r
	f.col++
}

func (f *fakeTerminal) control(argument string, what byte) {
	switch what {
	case 'A':
		n, err := strconv.Atoi(argument)
		if err != nil || n > f.row {
			panic(fmt.Sprintf("up by %q from row %d", argument, f.row))
		}
		f.row -= n
	case 'K':
		if f.row < len(f.rows) && f.col < len(f.rows[f.row]) {
			f.rows[f.row] = f.rows[f.row][:f.col]
		}
	case 'J':
		f.control("", 'K')
		f.rows = f.rows[:min(len(f.rows), f.row+1)]
	case 'm', 'h', 'l': // colours, and frames shown at once
	default:
		panic(fmt.Sprintf("an escape %q%c that no screen writes", argument, what))
	}
}

func (f *fakeTerminal) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var b strings.Builder
	for _, row := range f.rows {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// TestLiveView runs a pipeline in a bubble and photographs the terminal.
func TestLiveView(t *testing.T) {
	var got strings.Builder
	synctest.Test(t, func(t *testing.T) {
		term := &fakeTerminal{width: 60}
		a := &app{repo: paced(), out: term, terminal: true, width: func() int { return term.width }}
		if err := a.repo.Resolve(t.Context(), memory.New()); err != nil {
			t.Fatal(err)
		}
		stop := a.watchLive(false)
		var res *rivers.RunResult
		var wg sync.WaitGroup
		began := time.Now()
		wg.Go(func() { res, _ = a.repo.Materialize(t.Context(), rivers.RunRequest{}) })
		photograph := func(title string) { fmt.Fprintf(&got, "-- %s --\n%s", title, term) }
		for _, at := range []int{150, 450, 850, 1450, 1950} {
			time.Sleep(time.Duration(at)*time.Millisecond - time.Since(began))
			synctest.Wait()
			photograph(fmt.Sprintf("%d ms", at))
			if at == 1450 {
				a.say("somebody pressed a key")
				a.view.Load().cancel()
			}
		}
		wg.Wait()
		stop()
		photograph("the end")
		if a.view.Load() != nil {
			t.Error("the view is still there")
		}
		if limit := int(time.Since(began)/liveEvery) + 2; term.writes > limit {
			t.Errorf("%d writes in %s, want at most %d", term.writes, time.Since(began), limit)
		}
		if len(res.FailedAssets) != 1 {
			t.Errorf("failed: %v", res.FailedAssets)
		}
		if err := a.repo.Close(); err != nil {
			t.Fatal(err)
		}
	})
	golden(t, "live.golden", got.String())
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

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

// TestPlainSaysWhatStillRuns: a log that is silent for long says why.
func TestPlainSaysWhatStillRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		slow := rivers.NewAsset(rivers.AssetSpec{Name: "slow"}, func(*rivers.AssetContext, rivers.NoInput) (int, error) {
			time.Sleep(70 * time.Second)
			return 0, nil
		})
		a := &app{repo: rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{slow}}), out: &out, quietFor: 30 * time.Second}
		if err := a.repo.Resolve(t.Context(), memory.New()); err != nil {
			t.Fatal(err)
		}
		stop := a.watchPlain(false)
		_, err := a.repo.Materialize(t.Context(), rivers.RunRequest{RunID: "r"})
		stop()
		if err := errors.Join(err, a.repo.Close()); err != nil {
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
		text := string(red) + plain + reset
		if cells(text) != cells(plain) {
			t.Fatalf("colours take columns: %d, want %d", cells(text), cells(plain))
		}
		short := cut(text, width)
		if cells(short) > width {
			t.Fatalf("%q takes %d columns, want at most %d", short, cells(short), width)
		}
		if cells(text) <= width && short != text {
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
