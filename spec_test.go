package rivers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
)

func one(*AssetContext, NoInput) (int, error) { return 1, nil }

func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	w := new(world).build(
		NewAsset(AssetSpec{
			Name: "a", Timeout: -1, Retry: retry.Policy{Max: -1, Jitter: 2}, Kinds: []string{""}, Owners: []string{""}, Tags: map[string]string{"": "x"},
			Metadata: metadata.Map{"rivers/executor": "parralel", "rivers/node/executor": "in_process", "c": make(chan int), "f": func() {}},
		}, one),
		NewAsset(AssetSpec{Name: "b"}, func(*AssetContext, NoInput) (Observation, error) { return Observation{}, nil }),
		NewTask(TaskSpec{Name: "c"}, func(*TaskContext, NoInput) (Materialization, error) { return Materialization{}, nil }),
		NewAsset[NoInput, int](AssetSpec{Name: "d"}, nil),
		NewExternalAsset(ExternalAssetSpec{Name: "e f", Kinds: []string{""}}),
	)
	want := []string{
		`a: kinds: one is empty: remove it`,
		`a: owners: one is empty: remove it`,
		`a: tags: one has an empty key: name it, or remove it`,
		`a: metadata "c": a value of Go type chan int has no JSON form (json: unsupported type: chan int): give a number, a text, a time, or something that encodes`,
		`a: metadata "f": a value of Go type func() has no JSON form (json: unsupported type: func()): give a number, a text, a time, or something that encodes`,
		`a: retry: Max is -1: give the number of retries after the first attempt, or use retry.Never() for none`,
		`a: retry: Jitter is 2: give a share between 0 and 1`,
		`a: timeout: it is -1ns: give a positive duration, or 0 for no limit`,
		`a: metadata "rivers/executor": executor "parralel": no executor of that name (did you mean "parallel"?): one of default, in_process, parallel, subprocess, parallel(8) or subprocess(2)`,
		`a: metadata "rivers/node/executor": it is for the tasks of a graph asset: use "rivers/executor"`,
		`b: result: an Observation is what an external asset returns: return the value, or a rivers.Materialization`,
		`c: result: a task makes no asset, so it has nothing to record: return the value`,
		`d: the function is nil: give one`,
		`e f: the name "e f" has a ' ': use letters, digits, _, - and . only`,
		`e f: kinds: one is empty: remove it`,
	}
	if !slices.Equal(w.faults, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(w.faults, "\n"), strings.Join(want, "\n"))
	}
}

func TestExecutorOfANode(t *testing.T) {
	t.Parallel()
	inner := NewTask(TaskSpec{Name: "own", Metadata: metadata.Map{"rivers/executor": "parallel"}}, func(*TaskContext, NoInput) (string, error) { return "", nil })
	composed := func(name string, m metadata.Map) Node {
		return NewGraphAsset(GraphAssetSpec{Name: name, Metadata: m}, func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": Call(g, letters, Args{"word": Call(g, inner, nil)})})
		})
	}
	w := new(world).build(
		NewAsset(AssetSpec{Name: "plain"}, one),
		NewAsset(AssetSpec{Name: "alone", Timeout: time.Minute, Metadata: metadata.Map{"rivers/executor": "in_process"}}, one),
		NewAsset(AssetSpec{Name: "typed", Metadata: metadata.Map{"rivers/executor": metadata.Text("parallel(3)")}}, one),
		composed("g", metadata.Map{"rivers/executor": "in_process"}),
		composed("h", metadata.Map{"rivers/node/executor": "in_process", "rivers/executor": "parallel"}),
	)
	if len(w.faults) > 0 {
		t.Fatalf("%q", w.faults)
	}
	for name, want := range map[string]executor.Kind{
		"plain": executor.KindDefault, "alone": executor.KindInProcess, "typed": executor.KindParallel,
		"g/own": executor.KindParallel, "g/letters": executor.KindInProcess, "g/joined": executor.KindInProcess,
		"h/own": executor.KindParallel, "h/letters": executor.KindInProcess, "h/joined": executor.KindInProcess,
	} {
		n := w.node(t, name)
		if n.Executor.Kind() != want || n.HasExecutor != (want != executor.KindDefault) {
			t.Errorf("%s: %s, %v, want %s", name, n.Executor, n.HasExecutor, want)
		}
	}
}

// What a definition was given may be changed afterwards: it has its own copy.
func TestDefinitionsKeepCopies(t *testing.T) {
	t.Parallel()
	kinds, tags, args := []string{"table"}, map[string]string{"k": "v"}, Args{"letters": []string{"a"}}
	a := NewAsset(AssetSpec{Name: "a", Kinds: kinds, Tags: tags}, one)
	g := NewGraphAsset(GraphAssetSpec{Name: "g"}, func(g *Graph) Ref[string] { return Call(g, joined, args) })
	kinds[0], tags["k"] = "view", "w"
	clear(args)
	w := new(world).build(a, g)
	attrs := w.node(t, "a").Outputs[0].Attrs
	if len(w.faults) > 0 || attrs.Kinds[0] != "table" || attrs.Tags["k"] != "v" {
		t.Errorf("%q, %+v", w.faults, attrs)
	}
}

func TestHooksTakeResources(t *testing.T) {
	t.Parallel()
	var said []string
	type in struct{ Pager *[]string }
	hook := func(ctx *HookContext, in in) error {
		*in.Pager = append(*in.Pager, fmt.Sprint(ctx.Asset(), " ", ctx.RunID(), " ", ctx.Failure()))
		return ctx.Failure()
	}
	w := &world{resources: map[string]any{"pager": &said}}
	w.build(NewAsset(AssetSpec{Name: "a", Hooks: []Hook{OnFailure("fail", hook), OnSuccess("ok", hook)}}, one))
	n := w.node(t, "a")
	if len(w.faults) > 0 || len(n.Hooks) != 2 || !n.Hooks[0].OnFailure || n.Hooks[1].OnFailure {
		t.Fatalf("%q, %+v", w.faults, n.Hooks)
	}
	failure := errors.New("no disk")
	if err := n.Hooks[0].Call(invoke(t, n), failure); !errors.Is(err, failure) {
		t.Error(err)
	}
	if err := n.Hooks[1].Call(invoke(t, n), nil); err != nil {
		t.Error(err)
	}
	if got := strings.Join(said, "; "); got != "a run no disk; a run <nil>" {
		t.Error(got)
	}
}

func TestHookFaults(t *testing.T) {
	t.Parallel()
	w := &world{resources: map[string]any{"pager": 1}}
	w.build(NewAsset(AssetSpec{Name: "a", Hooks: []Hook{
		{},
		OnFailure[NoInput]("", nil),
		OnSuccess("page", func(*HookContext, struct {
			Pagr  int
			Pager string
			A     int
			Cfg   rules `rivers:",config"`
			Prev  SelfDependency[int]
		},
		) error {
			return nil
		}),
	}}, one))
	want := []string{
		`a: hook "": the name is empty: give one of letters, digits, _, - and ., beginning with a letter or _`,
		`a: hook "": the function is nil: give one`,
		`a: hook "page": input Cfg: a hook takes resources only`,
		`a: hook "page": input Prev: a hook takes resources only`,
		`a: hook: the hook is the zero value: make it with rivers.OnSuccess or rivers.OnFailure`,
		`a: hook "page" input Pagr: no resource is named "pagr" (did you mean "pager"?)`,
		`a: hook "page" input Pager: resource "pager" has the type int, the field string: give the field the type of the resource`,
		`a: hook "page" input A: no resource is named "a", and a hook does not read assets: load it with ctx.Load`,
	}
	if !slices.Equal(w.faults, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(w.faults, "\n"), strings.Join(want, "\n"))
	}
}

func TestMultiAssetFaults(t *testing.T) {
	t.Parallel()
	type inner struct{ X int }
	multi := func(name string, outputs ...OutputSpec) MultiAssetSpec {
		return MultiAssetSpec{Name: name, Outputs: outputs}
	}
	w := new(world).build(
		NewMultiAsset(multi("a"), func(*AssetContext, NoInput) (Output[inner], error) { return Output[inner]{}, nil }),
		NewMultiAsset(multi("b"), func(*AssetContext, NoInput) (Materialization, error) { return Materialization{}, nil }),
		NewMultiAsset(multi("c", OutputSpec{Name: "ok"}, OutputSpec{Name: "ok"}, OutputOf[string](OutputSpec{Name: "same"})), func(*AssetContext, NoInput) (struct {
			inner
			hidden int
			Ok     int
			Same   int
			Again  int `rivers:"same"`
			Seen   Observation
			Odd    int `rivers:"a b"`
		}, error,
		) {
			panic("never called")
		}),
		NewMultiAsset(multi("d", OutputSpec{Name: "x"}, OutputOf[Materialization](OutputSpec{Name: "y"}), OutputOf[int](OutputSpec{Name: "z"}), OutputOf[int](OutputSpec{Name: "z"})),
			func(*AssetContext, NoInput) (Emitted, error) { return Emitted{}, nil }),
		NewMultiAsset(multi("e"), func(*AssetContext, NoInput) (Emitted, error) { return Emitted{}, nil }),
	)
	want := []string{
		`a: result: it is a rivers.Output[rivers.inner], which is one output: make it a struct with a field for each, or rivers.Emitted`,
		`b: result: it is a rivers.Materialization, which is one output: make it a struct with a field for each, or rivers.Emitted`,
		`c: result inner: the field is embedded: give it a name of its own`,
		`c: result hidden: the field is not exported, so it is no output: begin it with a capital, or remove it`,
		`c: result Seen: an Observation is what an external asset returns: use the value, or a rivers.Materialization`,
		`c: output "same": OutputOf declares string, and the field is a int: leave OutputOf out, the field is enough`,
		`c: output "same": two outputs have this name: rename one of them`,
		`c: output "same": OutputOf declares string, and the field is a int: leave OutputOf out, the field is enough`,
		`c: output "a b": the name "a b" has a ' ': use letters, digits, _, - and . only`,
		`c: output "ok": Outputs describes it twice: once is enough`,
		`d: output "x": its type is not known: make it with rivers.OutputOf[T](rivers.OutputSpec{…})`,
		`d: output "y": rivers.Materialization has no value to hand over: name the value's type`,
		`d: output "z": two outputs have this name: rename one of them`,
		`e: it has no outputs: give its result a field for each, or Outputs to one that returns rivers.Emitted`,
	}
	if !slices.Equal(w.faults, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(w.faults, "\n"), strings.Join(want, "\n"))
	}
}

func TestEmit(t *testing.T) {
	t.Parallel()
	feed := NewMultiAsset(MultiAssetSpec{Name: "feed", Outputs: []OutputSpec{OutputOf[int](OutputSpec{Name: "n"}), OutputOf[error](OutputSpec{Name: "e"})}},
		func(ctx *AssetContext, _ NoInput) (Emitted, error) {
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					_ = Emit(ctx, "n", Output[int]{Value: i, Metadata: metadata.Map{fmt.Sprint(i): i}})
				})
			}
			wg.Wait()
			return Emitted{}, errors.Join(
				Emit(ctx, "e", error(nil)), Emit(ctx, "e", errors.New("x")), // fine
				Emit(ctx, "m", 1), Emit(ctx, "n", "text"), Emit(ctx, "n", error(nil)), Emit(ctx, "n", Output[string]{}), Emit(ctx, "n", Materialization{}),
			)
		})
	w := new(world).build(feed, NewAsset(AssetSpec{Name: "plain"}, func(ctx *AssetContext, _ NoInput) (int, error) { return 0, Emit(ctx, "plain", 1) }))
	n := w.node(t, "feed")
	inv := invoke(t, n)
	got := map[int]int{}
	inv.Emit = func(pos int, _ any) error { got[pos]++; return nil }
	_, err := n.Call(inv, nil)
	want := `output "m": "feed" has no output of that name
output "n": the value is a string, want int
output "n": the value is a error, want int
output "n": the value is a rivers.Output[string], want int
output "n": the value is a rivers.Materialization, want int`
	if errorText(err) != want || fmt.Sprint(got) != "map[0:4 1:2]" || len(inv.Facts[0].Metadata) != 4 {
		t.Errorf("%v\nwant\n%s\n%v %+v", err, want, got, inv.Facts)
	}
	if _, _, err = w.call(t, "plain"); errorText(err) != `output "plain": asset "plain" does not emit: only a multi-asset whose function returns rivers.Emitted does` {
		t.Error(err)
	}
}

func TestMultiAssetTakesItsResultApart(t *testing.T) {
	t.Parallel()
	w := new(world).build(NewMultiAsset(MultiAssetSpec{Name: "m", Group: "all", Outputs: []OutputSpec{{Name: "rows", Group: "own"}}},
		func(ctx *AssetContext, _ NoInput) (struct {
			Rows  Output[[]int]
			Count int
			File  Materialization `rivers:"the_file"`
		}, error,
		) {
			var out struct {
				Rows  Output[[]int]
				Count int
				File  Materialization `rivers:"the_file"`
			}
			out.Rows = Output[[]int]{Value: []int{1}, DataVersion: "v"}
			out.File.Metadata = metadata.Map{"selected": ctx.Selected("the_file"), "other": ctx.Selected("no")}
			return out, nil
		}))
	res, inv, err := w.call(t, "m")
	if err != nil || fmt.Sprint(res.Values...) != "[1] 0 {}" || inv.Facts[0].DataVersion != "v" || fmt.Sprint(inv.Facts[2].Metadata) != "map[other:false selected:true]" {
		t.Errorf("%+v %+v %v", res, inv.Facts, err)
	}
	if _, written := res.Values[2].(graph.Written); !written {
		t.Errorf("%T", res.Values[2])
	}
	if outs := w.node(t, "m").Outputs; outs[0].Attrs.Group != "own" || outs[1].Attrs.Group != "all" || outs[2].Name != "the_file" {
		t.Errorf("%+v", outs)
	}
}
