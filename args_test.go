package rivers

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
)

type rules struct {
	Max int `json:"max" default:"3"`
}

// every is a function that takes one of each.
type every struct {
	A    []int
	Any  any `rivers:"b"`
	By   map[string]int
	Prev SelfDependency[int]
	Clk  fmt.Stringer
	Nil  error
	Cfg  rules `rivers:",config"`
}

func TestFilling(t *testing.T) {
	t.Parallel()
	var got every
	ints := func(name string) Node {
		return NewAsset(AssetSpec{Name: name}, func(*AssetContext, NoInput) (int, error) { return 0, nil })
	}
	all := NewAsset(AssetSpec{Name: "all", Deps: []Dep{{On: "x", Field: "By"}, {On: "y", Field: "By"}, {On: "z", OrderOnly: true}}},
		func(_ *AssetContext, in every) (int, error) { got = in; return 1, nil })
	w := &world{resources: map[string]any{"clk": time.Second, "nil": nil, "a": "shadowed"}}
	w.build(all, ints("x"), ints("y"), ints("z"),
		NewAsset(AssetSpec{Name: "a"}, func(*AssetContext, NoInput) ([]int, error) { return nil, nil }),
		NewAsset(AssetSpec{Name: "b"}, func(*AssetContext, NoInput) (map[string]bool, error) { return nil, nil }))
	n := w.node(t, "all")
	var inputs []string
	for _, in := range n.Inputs {
		inputs = append(inputs, fmt.Sprint(in.Field, "<", in.From, ":", in.Type))
	}
	want := "[A<a:[]int Any<b:map[string]bool By<x:int By<y:int Prev<all:int <z:<nil>]"
	if fmt.Sprint(inputs) != want || n.Inputs[4].Mode != graph.Self || n.Inputs[5].Mode != graph.OrderOnly {
		t.Errorf("inputs %v\nwant   %s", inputs, want)
	}
	if _, _, err := w.call(t, "all", []int{1}, nil, 2, 3, 4, nil); err != nil {
		t.Fatal(err)
	}
	prev, ok := got.Prev.Get()
	if fmt.Sprint(got.A, got.Any, got.By, prev, ok, got.Clk, got.Nil, got.Cfg) != "[1] <nil> map[x:2 y:3] 4 true 1s <nil> {3}" {
		t.Errorf("%+v", got)
	}
	if _, _, err := w.call(t, "all", nil, "b", nil, 3, graph.NoValue{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, ok = got.Prev.Get(); ok || got.A != nil || got.Any != "b" || fmt.Sprint(got.By) != "map[x:0 y:3]" {
		t.Errorf("%+v", got)
	}
	for _, tt := range []struct {
		args []any
		want string
	}{
		{[]any{"text", nil, 1, 1, nil, nil}, "input A: the value that was loaded is a string, want []int"},
		{[]any{nil, nil, 1, int8(1), nil, nil}, "input By: the value that was loaded is a int8, want int"},
		{[]any{nil, nil, 1, 1, "x", nil}, "input Prev: the previous value is a string, want int"},
	} {
		if _, _, err := w.call(t, "all", tt.args...); errorText(err) != tt.want {
			t.Errorf("%v\nwant %s", err, tt.want)
		}
	}
}

// columns is a handler that loads rows as a stream of them.
type columns struct{ iohandler.Handler }

func (columns) CanLoad(stored, wanted reflect.Type) bool {
	return stored == reflect.TypeFor[[]int]() && wanted == reflect.TypeFor[chan int]()
}

func TestTypesOfInputs(t *testing.T) {
	t.Parallel()
	type named []int
	rows := func(h iohandler.Handler) Node {
		return NewAsset(AssetSpec{Name: "rows", IOHandler: h}, func(*AssetContext, NoInput) (Output[[]int], error) { return Output[[]int]{}, nil })
	}
	mem := iohandler.Memory()
	for name, tt := range map[string]struct {
		rows  iohandler.Handler
		asset Node
		want  string
	}{
		"same": {nil, consumer[[]int](Dep{}), ""}, "assignable": {nil, consumer[named](Dep{}), ""}, "any": {nil, consumer[any](Dep{}), ""},
		"other":                           {nil, consumer[[]string](Dep{}), `c: input Rows: asset "rows" has the type []int, the field []string: give the field the type []int, or the dependency an IOHandler that loads it as []string`},
		"converted by its own handler":    {columns{mem}, consumer[chan int](Dep{}), ""},
		"converted by a named one":        {iohandler.Named("cols"), consumer[chan int](Dep{}), ""},
		"converted by the edge's handler": {nil, consumer[chan int](Dep{On: "rows", IOHandler: columns{mem}}), ""},
		"the edge's handler does not": {columns{mem}, consumer[chan int](Dep{On: "rows", IOHandler: mem}), `c: input Rows: asset "rows" has the type []int, the field chan int: ` +
			`give the field the type []int, or the dependency an IOHandler that loads it as chan int`},
		"by another name": {nil, consumer[map[string][]int](Dep{On: "rows", Field: "Rows"}), ""},
		"map of another type": {nil, consumer[map[string]int](Dep{On: "rows", Field: "Rows"}), `c: input Rows: asset "rows" has the type []int, the field int: ` +
			`give the field the type []int, or the dependency an IOHandler that loads it as int`},
	} {
		w := &world{resources: map[string]any{"cols": columns{mem}}}
		if got := strings.Join(w.build(rows(tt.rows), tt.asset).faults, "\n"); got != tt.want {
			t.Errorf("%s: %s\nwant %s", name, got, tt.want)
		}
	}
	w := &world{resources: map[string]any{"rows": 7}}
	if got := strings.Join(w.build(consumer[string](Dep{})).faults, "\n"); got != `c: input Rows: resource "rows" has the type int, the field string: give the field the type of the resource` {
		t.Error(got)
	}
}

func consumer[T any](d Dep) Node {
	var deps []Dep
	if d.On != "" {
		deps = []Dep{d}
	}
	return NewAsset(AssetSpec{Name: "c", Deps: deps}, func(*AssetContext, struct{ Rows T }) (int, error) { return 0, nil })
}

func TestSelfDependencyFaults(t *testing.T) {
	t.Parallel()
	type self struct{ Before SelfDependency[string] }
	mem := iohandler.Memory()
	w := new(world).build(
		NewAsset(AssetSpec{Name: "a"}, func(*AssetContext, self) (int, error) { return 0, nil }),
		NewAsset(AssetSpec{Name: "b", Deps: []Dep{{On: "b", IOHandler: mem, Metadata: metadata.Map{"k": 1}}}}, func(*AssetContext, self) (string, error) { return "", nil }),
		NewAsset(AssetSpec{Name: "c", Deps: []Dep{{On: "c"}}}, func(*AssetContext, NoInput) (int, error) { return 0, nil }),
		NewAsset(AssetSpec{Name: "d"}, func(*AssetContext, struct{ D int }) (int, error) { return 0, nil }),
		NewMultiAsset(MultiAssetSpec{Name: "e"}, func(*AssetContext, self) (struct{ X, Y string }, error) { return struct{ X, Y string }{}, nil }),
	)
	want := []string{
		`a: input Before: asset "a" has the type int, its SelfDependency string: make it rivers.SelfDependency[int]`,
		`c: dep "c": it depends on itself: use a field of type rivers.SelfDependency[T] for the previous value`,
		`d: input D: it reads "d", which this definition makes itself: use rivers.SelfDependency[int] for the previous value`,
		`e: input Before: a multi-asset has 2 values, so no one is its own previous value: read one with ctx.Load`,
	}
	if !slices.Equal(w.faults, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(w.faults, "\n"), strings.Join(want, "\n"))
	}
	if in := w.node(t, "b").Inputs[0]; in.Handler != mem || in.Metadata["k"] != 1 {
		t.Errorf("%+v", in)
	}
}

func TestPrevious(t *testing.T) {
	t.Parallel()
	if v, ok := Previous(7).Get(); v != 7 || !ok {
		t.Error(v, ok)
	}
}

func TestFromContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	found := func(ctx context.Context) string {
		derived, cancel := context.WithTimeout(context.WithValue(ctx, key{}, "v"), time.Hour)
		defer cancel()
		c, ok := FromContext(derived)
		if !ok {
			return "none"
		}
		return fmt.Sprint(c.Asset(), " ", c.Step(), " ", c.RunID(), " ", c.Job(), " ", c.Attempt(), " ", derived.Value(key{}))
	}
	w := new(world).build(
		NewAsset(AssetSpec{Name: "a"}, func(ctx *AssetContext, _ NoInput) (string, error) { return found(ctx), nil }),
		NewTask(TaskSpec{Name: "t"}, func(ctx *TaskContext, _ NoInput) (string, error) { return found(ctx), nil }))
	for _, name := range []string{"a", "t"} {
		res, _, err := w.call(t, name)
		if want := fmt.Sprintf("%[1]s %[1]s run job 1 v", name); err != nil || res.Value != want {
			t.Errorf("%v, %v, want %s", res.Value, err, want)
		}
	}
	if got := found(t.Context()); got != "none" {
		t.Error(got)
	}
}

// A body may say things from goroutines of its own.
func TestContextIsSafeForGoroutines(t *testing.T) {
	t.Parallel()
	w := new(world).build(NewAsset(AssetSpec{Name: "a"}, func(ctx *AssetContext, _ NoInput) (int, error) {
		done := make(chan error)
		for i := range 8 {
			go func() {
				ctx.Log().Info("hello")
				ctx.AddMetadata(fmt.Sprint(i), i)
				ctx.SetDataVersion("v")
				done <- ctx.AddOutputMetadata("a", "b", i)
			}()
		}
		for range 8 {
			if err := <-done; err != nil {
				return 0, err
			}
		}
		return 0, ctx.AddOutputMetadata("aa", "x", 1)
	}))
	_, inv, err := w.call(t, "a")
	if want := `output "aa": "a" has no output of that name (did you mean "a"?)`; errorText(err) != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if f := inv.Facts[0]; len(f.Metadata) != 9 || f.DataVersion != "v" {
		t.Errorf("%+v", f)
	}
}
