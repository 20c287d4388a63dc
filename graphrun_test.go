package rivers_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// Everything a composition can say, run: a map over what a map made, a call that waits for what
// it does not read, and one whose value nobody reads.
func TestGraphRuns(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var order []string
	note := func(word string) { mu.Lock(); defer mu.Unlock(); order = append(order, word) }

	upto := rivers.NewTask(rivers.TaskSpec{Name: "upto"}, func(ctx *rivers.TaskContext, in struct{ N int }) ([]int, error) {
		note("upto")
		return slices.Collect(func(yield func(int) bool) {
			for i := range in.N {
				if !yield(i) {
					return
				}
			}
		}), nil
	})
	double := rivers.NewTask(rivers.TaskSpec{Name: "double"}, func(_ *rivers.TaskContext, in struct{ N int }) (rivers.Output[int], error) {
		return rivers.Output[int]{Value: 2 * in.N, Metadata: metadata.Map{"n": in.N}}, nil
	})
	sum := rivers.NewTask(rivers.TaskSpec{Name: "sum"}, func(ctx *rivers.TaskContext, in struct{ All []int }) (rivers.Output[int], error) {
		total := 0
		for _, n := range in.All {
			total += n
		}
		note("sum")
		c, ok := rivers.FromContext(ctx)
		return rivers.Output[int]{Value: total, Metadata: metadata.Map{"asset": c.Asset(), "step": c.Step(), "found": ok}}, nil
	})
	clean := rivers.NewTask(rivers.TaskSpec{Name: "clean"}, func(*rivers.TaskContext, rivers.NoInput) (bool, error) { note("clean"); return true, nil })
	own := iohandler.Memory()
	totals := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "totals", IOHandler: own}, func(g *rivers.Graph) rivers.Ref[rivers.Output[int]] {
		numbers := rivers.Call(g, upto, rivers.Args{"n": rivers.Upstream[int](g, "n")}, rivers.CallOptions{After: []rivers.Waitable{rivers.Call(g, clean, nil)}})
		once := rivers.Map(g, numbers, double, rivers.MapOptions{})
		again := rivers.Map(g, once.Collect(), double, rivers.MapOptions{Name: "again", MaxConcurrency: 1})
		rivers.Call(g, clean, nil, rivers.CallOptions{Name: "late", After: []rivers.Waitable{again}})
		return rivers.Call(g, sum, rivers.Args{"all": again.Collect()})
	})
	repo := resolved(t, rivers.RepositoryConfig{Assets: []rivers.Asset{number("n", 3), totals}})
	res := materialize(t, repo)
	for _, s := range []string{"totals/late:succeeded", "totals/double[2]:succeeded", "totals/again[0]:succeeded", "totals/again[2]:succeeded"} {
		if !strings.Contains(steps(res), s) {
			t.Errorf("no %s in %s", s, steps(res))
		}
	}
	if got := fmt.Sprint(order); got != "[clean upto clean sum]" {
		t.Errorf("order %s", got)
	}
	out, err := totals.Load(t.Context(), repo, rivers.LoadOptions{})
	if err != nil || out.Value != 12 || fmt.Sprint(out.Metadata["asset"], out.Metadata["step"], out.Metadata["found"]) != "totals totals/sum true" || out.DataVersion == "" {
		t.Errorf("%+v, %v", out, err)
	}
	if v, err := own.LoadInput(t.Context(), &iohandler.InputContext{Name: "totals/sum"}); err != nil || v != 12 {
		t.Errorf("the last task's own value: %v, %v", v, err)
	}
}

// A graph asset over nothing, and one of whose instances fails.
func TestGraphEdges(t *testing.T) {
	t.Parallel()
	list := rivers.NewTask(rivers.TaskSpec{Name: "list"}, func(_ *rivers.TaskContext, in struct{ Words []string }) ([]string, error) { return in.Words, nil })
	check := rivers.NewTask(rivers.TaskSpec{Name: "check"}, func(_ *rivers.TaskContext, in struct{ Word string }) (string, error) {
		if in.Word == "bad" {
			return "", fmt.Errorf("word %q: not allowed", in.Word)
		}
		return in.Word, nil
	})
	join := rivers.NewTask(rivers.TaskSpec{Name: "join"}, func(_ *rivers.TaskContext, in struct{ All []string }) (string, error) {
		return strings.Join(in.All, "+"), nil
	})
	for _, tt := range []struct {
		words  []string
		status storage.RunState
		failed string
	}{
		{nil, storage.Success, ""},
		{[]string{"a", "b"}, storage.Success, ""},
		{[]string{"a", "bad", "b"}, storage.Failure, `word "bad": not allowed`},
	} {
		asset := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "text"}, func(g *rivers.Graph) rivers.Ref[string] {
			return rivers.Call(g, join, rivers.Args{"all": rivers.Map(g, rivers.Call(g, list, nil), check, rivers.MapOptions{}).Collect()})
		})
		repo := resolved(t, rivers.RepositoryConfig{Assets: []rivers.Asset{asset}, Resources: rivers.Resources{"words": tt.words}})
		res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
		if res == nil || res.Status != tt.status {
			t.Fatalf("%v: %+v, %v", tt.words, res, err)
		}
		if tt.failed != "" {
			if len(res.FailedAssets) != 1 || res.FailedAssets[0].Asset != "text" || !strings.Contains(res.FailedAssets[0].Message, tt.failed) {
				t.Errorf("%v: failed %+v", tt.words, res.FailedAssets)
			}
			continue
		}
		if got := valueOf[string](t, repo, "text"); got != strings.Join(tt.words, "+") {
			t.Errorf("%v: %q", tt.words, got)
		}
	}
}
