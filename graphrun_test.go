package rivers_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// Everything a composition can say, run: a map over what a map made, a call that waits for what
// it does not read, and one whose value nobody reads.
func compositionsProgram(own iohandler.Handler) rivers.RepositoryConfig {
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
	totals := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "totals", IOHandler: own}, func(g *rivers.Graph) rivers.Ref[rivers.Output[int]] {
		numbers := rivers.Call(g, upto, rivers.Args{"n": rivers.Upstream[int](g, "n")}, rivers.CallOptions{After: []rivers.Waitable{rivers.Call(g, clean, nil)}})
		once := rivers.Map(g, numbers, double, rivers.MapOptions{})
		again := rivers.Map(g, once.Collect(), double, rivers.MapOptions{Name: "again", MaxConcurrency: 1})
		rivers.Call(g, clean, nil, rivers.CallOptions{Name: "late", After: []rivers.Waitable{again}})
		return rivers.Call(g, sum, rivers.Args{"all": again.Collect()})
	})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{number("n", 3), totals}}
}

func TestGraphRuns(t *testing.T) { everyExecutor(t, "compositions", testGraphRuns) }

func testGraphRuns(t *testing.T, repo *rivers.CodeRepository) {
	res := materialize(t, repo)
	for _, s := range []string{"totals/late:succeeded", "totals/double[2]:succeeded", "totals/again[0]:succeeded", "totals/again[2]:succeeded"} {
		if !strings.Contains(steps(res), s) {
			t.Errorf("no %s in %s", s, steps(res))
		}
	}
	if got := fmt.Sprint(notes(t)); got != "[clean upto clean sum]" {
		t.Errorf("order %s", got)
	}
	totals := repo.Assets()["totals"].(*rivers.GraphAsset[rivers.Output[int]])
	out, err := totals.Load(t.Context(), repo, rivers.LoadOptions{})
	if err != nil || out.Value != 12 || fmt.Sprint(out.Metadata["asset"], out.Metadata["step"], out.Metadata["found"]) != "totals totals/sum true" || out.DataVersion == "" {
		t.Errorf("%+v, %v", out, err)
	}
	if v := valueOf[int](t, repo, "totals/sum"); v != 12 {
		t.Errorf("the last task's own value: %v", v)
	}
}

// A graph asset over nothing, and one of whose instances fails.
func wordsProgram(iohandler.Handler) rivers.RepositoryConfig {
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
	asset := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "text"}, func(g *rivers.Graph) rivers.Ref[string] {
		return rivers.Call(g, join, rivers.Args{"all": rivers.Map(g, rivers.Call(g, list, nil), check, rivers.MapOptions{}).Collect()})
	})
	return rivers.RepositoryConfig{Assets: []rivers.Asset{asset}, Resources: rivers.Resources{"words": strings.Fields(os.Getenv(wordsVariable))}}
}

func TestGraphEdges(t *testing.T) {
	for _, tt := range []struct {
		words  string
		status storage.RunState
		failed string
	}{
		{"", storage.Success, ""},
		{"a b", storage.Success, ""},
		{"a bad b", storage.Failure, `word "bad": not allowed`},
	} {
		t.Run(strings.ReplaceAll(tt.words+" text", " ", "_"), func(t *testing.T) {
			t.Setenv(wordsVariable, tt.words)
			everyExecutor(t, "words", func(t *testing.T, repo *rivers.CodeRepository) {
				res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
				if res == nil || res.Status != tt.status {
					t.Fatalf("%v: %+v, %v", tt.words, res, err)
				}
				if tt.failed != "" {
					if len(res.FailedAssets) != 1 || res.FailedAssets[0].Asset != "text" || !strings.Contains(res.FailedAssets[0].Message, tt.failed) {
						t.Errorf("%v: failed %+v", tt.words, res.FailedAssets)
					}
					return
				}
				if got := valueOf[string](t, repo, "text"); got != strings.ReplaceAll(tt.words, " ", "+") {
					t.Errorf("%v: %q", tt.words, got)
				}
			})
		})
	}
}
