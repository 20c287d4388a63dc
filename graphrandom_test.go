package rivers_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage/memory"
)

// Whatever is composed, the asset's value is what the same calls give one after the other, and
// every call runs once, also those that nobody reads.
func TestRandomCompositions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ran := make(chan int, 1000)
		add := func(i int) *rivers.Task[struct{ A, B int }, int] {
			return rivers.NewTask(rivers.TaskSpec{Name: fmt.Sprintf("add%d", i)},
				func(_ *rivers.TaskContext, in struct{ A, B int }) (int, error) {
					ran <- i
					return in.A + 2*in.B + 1, nil
				})
		}
		n := rapid.IntRange(1, 8).Draw(t, "calls")
		want := make([]int, n)
		type operand struct{ call, constant int } // an earlier call, or -1 and a number
		operands := make([][2]operand, n)
		waits := make([]int, n)
		for i := range operands {
			for k := range operands[i] {
				operands[i][k] = operand{rapid.IntRange(-1, i-1).Draw(t, "operand"), rapid.IntRange(0, 9).Draw(t, "constant")}
			}
			waits[i] = rapid.IntRange(-1, i-1).Draw(t, "after")
			value := func(o operand) int {
				if o.call >= 0 {
					return want[o.call]
				}
				return o.constant
			}
			want[i] = value(operands[i][0]) + 2*value(operands[i][1]) + 1
		}
		nested := rapid.Bool().Draw(t, "nested")
		asset := rivers.NewGraphAsset(rivers.GraphAssetSpec{Name: "g"}, func(g *rivers.Graph) rivers.Ref[int] {
			refs := make([]rivers.Ref[int], n)
			arg := func(o operand) any {
				if o.call >= 0 {
					return refs[o.call]
				}
				return o.constant
			}
			for i := range refs {
				call := func(g *rivers.Graph) rivers.Ref[int] {
					var options rivers.CallOptions
					if waits[i] >= 0 {
						options.After = []rivers.Waitable{refs[waits[i]]}
					}
					return rivers.Call(g, add(i), rivers.Args{"a": arg(operands[i][0]), "b": arg(operands[i][1])}, options)
				}
				if nested {
					refs[i] = rivers.Sub(g, "inner", call)
				} else {
					refs[i] = call(g)
				}
			}
			return refs[n-1]
		})
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Assets: []rivers.Asset{asset}})
		if err := repo.Resolve(t.Context(), memory.New()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = repo.Close() }()
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{}); err != nil {
			t.Fatal(err)
		}
		got, err := asset.Load(t.Context(), repo, rivers.LoadOptions{})
		if err != nil || got != want[n-1] {
			t.Errorf("%d, %v, want %d", got, err, want[n-1])
		}
		close(ran)
		times := make([]int, n)
		for i := range ran {
			times[i]++
		}
		for i, k := range times {
			if k != 1 {
				t.Errorf("call %d ran %d times", i, k)
			}
		}
	})
}
