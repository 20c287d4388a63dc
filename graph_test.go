package rivers

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
)

func task[In, Out any](name string, fn func(in In) (Out, error)) *Task[In, Out] {
	return NewTask(TaskSpec{Name: name}, func(_ *TaskContext, in In) (Out, error) { return fn(in) })
}

var (
	letters = task("letters", func(in struct{ Word string }) ([]string, error) { return strings.Split(in.Word, ""), nil })
	upper   = task("upper", func(in struct{ Letter string }) (string, error) { return strings.ToUpper(in.Letter), nil })
	joined  = task("joined", func(in struct{ Letters []string }) (string, error) { return strings.Join(in.Letters, ""), nil })
	quiet   = task("quiet", func(NoInput) (int, error) { return 0, nil })
)

func word() Node {
	return NewAsset(AssetSpec{Name: "word"}, func(*AssetContext, NoInput) (string, error) { return "abc", nil })
}

// shape of a node: name, then what it reads in the order of its inputs.
func reads(n *graph.Node) string {
	words := []string{n.Name}
	modes := [...]string{"", " after ", "", " collect ", " stream ", " is "}
	for _, in := range n.Inputs {
		words = append(words, strings.TrimSpace(in.Field+modes[in.Mode]+" "+in.From))
	}
	return strings.Join(words, "; ")
}

func TestGraphComposition(t *testing.T) {
	t.Parallel()
	first, other := iohandler.Memory(), iohandler.Memory()
	held := NewTask(TaskSpec{Name: "held", IOHandler: first, Metadata: metadata.Map{"k": "task"}},
		func(*TaskContext, NoInput) (string, error) { return "", nil })
	for _, tt := range []struct {
		name    string
		spec    GraphAssetSpec
		compose func(g *Graph) Ref[string]
		want    []string
	}{
		{
			name: "map and collect",
			compose: func(g *Graph) Ref[string] {
				each := Map(g, Call(g, letters, Args{"word": Upstream[string](g, "word")}), upper, MapOptions{})
				return Call(g, joined, Args{"letters": each.Collect()})
			},
			want: []string{"g/letters; Word word", "g/upper; Letter g/letters", "g/joined; Letters collect  g/upper"},
		}, {
			name: "names for calls, and nested",
			compose: func(g *Graph) Ref[string] {
				a := Sub(g, "in", func(g *Graph) Ref[[]string] { return Call(g, letters, Args{"word": "x"}) })
				b := Sub(g, "in", func(g *Graph) Ref[[]string] { return Call(g, letters, Args{"word": "y"}, CallOptions{Name: "again"}) })
				return Call(g, joined, Args{"letters": a}, CallOptions{Name: "end", After: []Waitable{b}})
			},
			want: []string{"g/in/letters; Word is", "g/in/again; Word is", "g/end; Letters g/in/letters; after  g/in/again"},
		}, {
			name: "what nobody reads is waited for",
			compose: func(g *Graph) Ref[string] {
				one := Call(g, quiet, nil)
				Call(g, quiet, nil, CallOptions{Name: "two", After: []Waitable{one}})
				Map(g, Call(g, letters, Args{"word": "x"}), upper, MapOptions{})
				return Call(g, joined, Args{"letters": []string{"z"}})
			},
			want: []string{"g/quiet", "g/two; after  g/quiet", "g/letters; Word is", "g/upper; Letter g/letters", "g/joined; Letters is; after  g/two; after  g/upper"},
		}, {
			name: "the first tasks wait for the asset's dependencies",
			spec: GraphAssetSpec{Deps: []Dep{{On: "word", OrderOnly: true}}},
			compose: func(g *Graph) Ref[string] {
				return Call(g, joined, Args{"letters": Call(g, letters, Args{"word": "x"})})
			},
			want: []string{"g/letters; Word is; after  word", "g/joined; Letters g/letters"},
		}, {
			name: "mapped over what was collected",
			compose: func(g *Graph) Ref[string] {
				once := Map(g, Call(g, letters, Args{"word": "x"}), upper, MapOptions{})
				twice := Map(g, once.Collect(), upper, MapOptions{Name: "again", After: []Waitable{Upstream[string](g, "word")}})
				return Call(g, joined, Args{"letters": twice.Collect()})
			},
			want: []string{"g/letters; Word is", "g/upper; Letter g/letters", "g/again; Letter collect  g/upper; after  word", "g/joined; Letters collect  g/again"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.spec.Name = "g"
			w := new(world).build(NewGraphAsset(tt.spec, tt.compose), word())
			var got []string
			for i := range w.nodes {
				if n := &w.nodes[i]; n.Definition == "g" {
					got = append(got, reads(n))
				}
			}
			if len(w.faults) > 0 || !slices.Equal(got, tt.want) {
				t.Errorf("faults %q\n%q\nwant\n%q", w.faults, got, tt.want)
			}
		})
	}
	w := new(world).build(NewGraphAsset(GraphAssetSpec{Name: "g", IOHandler: other, Metadata: metadata.Map{"k": "graph"}},
		func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": Call(g, letters, Args{"word": Call(g, held, nil)})})
		}))
	for name, want := range map[string]struct {
		handler iohandler.Handler
		word    string
	}{"g/held": {first, "task"}, "g/letters": {other, "graph"}, "g/joined": {other, "graph"}} {
		out := w.node(t, name).Outputs[0]
		if got := fmt.Sprint(out.Attrs.Metadata["k"]); out.Handler != want.handler || got != want.word || !out.Inner {
			t.Errorf("%s: %+v, metadata of the %s", name, out, got)
		}
	}
	if outs := w.node(t, "g/joined").Outputs; len(outs) != 2 || !outs[1].Asset || outs[1].Name != "g" {
		t.Errorf("outputs of the last task: %+v", outs)
	}
}

func TestGraphFaults(t *testing.T) {
	t.Parallel()
	var stolen Ref[string]
	NewGraphAsset(GraphAssetSpec{Name: "thief"}, func(g *Graph) Ref[string] {
		stolen = Upstream[string](g, "word")
		return Call(g, joined, Args{"letters": []string{}})
	})
	end := func(g *Graph) Ref[string] { return Call(g, joined, Args{"letters": []string{}}) }
	two := task("two", func(in struct{ A, B string }) (string, error) { return in.A + in.B, nil })
	self := task("self", func(in struct{ S SelfDependency[int] }) (string, error) { return "", nil })
	for _, tt := range []struct {
		name    string
		spec    GraphAssetSpec
		compose func(g *Graph) Ref[string]
		want    []string
	}{
		{"nil", GraphAssetSpec{}, nil, []string{`the composition is nil: give a function that calls tasks`}},
		{"no task", GraphAssetSpec{}, func(g *Graph) Ref[string] { return Upstream[string](g, "word") }, []string{
			`it calls no task: call at least one, or define it with NewAsset`,
		}},
		{"zero Ref", GraphAssetSpec{}, func(g *Graph) Ref[string] { end(g); return Ref[string]{} }, []string{
			`its composition returns the zero Ref: return what a Call returned`,
		}},
		{"upstream itself", GraphAssetSpec{}, func(g *Graph) Ref[string] { end(g); return Upstream[string](g, "word") }, []string{
			`its composition returns the upstream "word" itself: return what a Call returned`,
		}},
		{"nil task", GraphAssetSpec{}, func(g *Graph) Ref[string] { return Call[NoInput, string](g, nil, nil) }, []string{
			`it calls a nil task: define the task before the graph asset`,
			`it calls no task: call at least one, or define it with NewAsset`,
		}},
		{"a nil mapped task", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			m := Map[[]string, string, NoInput, string](g, Ref[[]string]{}, nil, MapOptions{})
			return Call(g, joined, Args{"letters": m.Collect()})
		}, []string{
			`it calls a nil task: define the task before the graph asset`,
			`input Letters of task "joined": the call gives a Ref of another graph, or the zero Ref: give one that this graph's Upstream, Call or Map returned`,
		}},
		{"another graph's", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": Call(g, letters, Args{"word": stolen}, CallOptions{After: []Waitable{stolen, nil}})})
		}, []string{
			`task "letters": After holds a nil: remove it`,
			`input Word of task "letters": the call gives a Ref of another graph, or the zero Ref: give one that this graph's Upstream, Call or Map returned`,
			`task "letters": After holds a Ref of another graph, or the zero Ref: give one that this graph's Upstream, Call or Map returned`,
		}},
		{"another graph's result", GraphAssetSpec{}, func(g *Graph) Ref[string] { end(g); return stolen }, []string{
			`its composition returns a Ref of another graph asset: return what a Call on its own Graph returned`,
		}},
		{"not collected", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": Map(g, Call(g, letters, Args{"word": "x"}), upper, MapOptions{})})
		}, []string{
			`input Letters of task "joined": the call gives a rivers.Mapped[string]: give what its Collect or CollectStream returns`,
		}},
		{"element of another type", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			n := task("numbers", func(NoInput) ([]int, error) { return nil, nil })
			return Call(g, joined, Args{"letters": Map(g, Call(g, n, nil), upper, MapOptions{}).Collect()})
		}, []string{
			`input Letter of task "upper": each element is a int, and the field is a string: give the field the type int`,
		}},
		{"two fields for the element", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": Map(g, Call(g, letters, Args{"word": "x"}), two, MapOptions{}).Collect()})
		}, []string{
			`task "two": it is mapped, and must have one field for the element that MapOptions.Args does not give and that is no resource; left are: a, b`,
		}},
		{"after the result", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			r := end(g)
			Call(g, quiet, nil, CallOptions{After: []Waitable{r}})
			return r
		}, []string{
			`task "quiet": it comes after the result, which is the last step: return what this call returns, or make it an asset of its own`,
		}},
		{"previous value", GraphAssetSpec{}, func(g *Graph) Ref[string] { return Call(g, self, nil) }, []string{
			`input S of task "self": a task inside a graph asset has no previous value: use ctx.Load`,
		}},
		{"reads itself", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": Upstream[[]string](g, "g")})
		}, []string{`input Letters of task "joined": the graph asset reads itself: use ctx.Load for its previous value`}},
		{"two options", GraphAssetSpec{}, func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": nil}, CallOptions{}, CallOptions{})
		}, []string{`a call has 2 CallOptions: give it one`}},
		{"deps", GraphAssetSpec{Deps: []Dep{
			{On: ""}, {On: "g"}, {On: "word", OrderOnly: true}, {On: "word"}, {On: "a", Field: "A"}, {On: "b", OrderOnly: true, Metadata: metadata.Map{}}, {On: "wrd"},
		}}, func(g *Graph) Ref[string] {
			return Call(g, joined, Args{"letters": Call(g, letters, Args{"word": Upstream[string](g, "word")})})
		}, []string{
			`Deps[0]: On is empty: name the asset that is depended on`,
			`dep "g": it depends on itself: use ctx.Load for its previous value`,
			`dep "word": it is OrderOnly, and rivers.Upstream reads its value: remove one of the two`,
			`dep "word": it is listed twice: list it once`,
			`dep "a": a graph asset has no fields: remove Field, and give rivers.Upstream to a call`,
			`dep "b": an OrderOnly dependency loads nothing, so IOHandler and Metadata have no effect: remove them, or OrderOnly`,
			`dep "wrd": no rivers.Upstream reads its value (did you mean "word"?): add one, or set OrderOnly`,
			`dep "b": no asset or task of that name`,
		}},
		{
			"a hook's mistake is said once",
			GraphAssetSpec{Hooks: []Hook{OnFailure("page", func(*HookContext, struct{ Pager int }) error { return nil })}},
			func(g *Graph) Ref[string] {
				return Call(g, joined, Args{"letters": Call(g, letters, Args{"word": "x"})})
			},
			[]string{`hook "page" input Pager: no resource is named "pager"`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.spec.Name = "g"
			w := new(world).build(NewGraphAsset(tt.spec, tt.compose), word())
			for i := range w.faults {
				w.faults[i] = strings.TrimPrefix(w.faults[i], "g: ")
			}
			if !slices.Equal(w.faults, tt.want) {
				t.Errorf("\n%s\nwant\n%s", strings.Join(w.faults, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestGraphPanicIsAFault(t *testing.T) {
	t.Parallel()
	w := new(world).build(NewGraphAsset(GraphAssetSpec{Name: "g"}, func(*Graph) Ref[int] { panic("oh") }))
	if len(w.faults) != 1 || !strings.HasPrefix(w.faults[0], "g: its composition panicked: oh\n") {
		t.Errorf("%q", w.faults)
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	elements, names, err := elementsOf[[]DynamicOutput[int]]([]DynamicOutput[int]{{"a", 1}, {"b", 2}}, true)
	if err != nil || fmt.Sprint(elements, names) != "[1 2] [a b]" {
		t.Errorf("%v %v %v", elements, names, err)
	}
	elements, names, err = elementsOf[[]Output[int]]([]int{3, 4}, false) // as collected
	if err != nil || fmt.Sprint(elements) != "[3 4]" || names != nil {
		t.Errorf("%v %v %v", elements, names, err)
	}
	if elements, _, err = elementsOf[[]int](nil, false); err != nil || len(elements) != 0 {
		t.Errorf("%v %v", elements, err)
	}
	if _, _, err = elementsOf[[]int]("x", false); errorText(err) != "the value is a string, want []int" {
		t.Error(err)
	}
}

// A stream loads a value when the loop asks for it, and goes on behind one that fails.
func TestStreamIsLazy(t *testing.T) {
	t.Parallel()
	collect := task("collect", func(in struct{ All iter.Seq2[string, error] }) (string, error) { return "", nil })
	w := new(world).build(NewGraphAsset(GraphAssetSpec{Name: "g"}, func(g *Graph) Ref[string] {
		each := Map(g, Call(g, letters, Args{"word": "x"}), upper, MapOptions{})
		return Call(g, collect, Args{"all": each.CollectStream(CollectOptions{Unordered: true})})
	}))
	in := w.node(t, "g/collect").Inputs[0]
	if in.Mode != graph.Stream || !in.Unordered {
		t.Fatalf("%+v", in)
	}
	var loaded []int
	values := []any{"a", nil, 7, "d"}
	stream := in.Lazy(len(values), func(i int) (any, error) { loaded = append(loaded, i); return values[i], nil }).(iter.Seq2[string, error])
	var got []string
	for v, err := range stream {
		got = append(got, v+":"+errorText(err))
	}
	if want := "[a: : :value 2 is a int, want string d:]"; fmt.Sprint(got) != want || fmt.Sprint(loaded) != "[0 1 2 3]" {
		t.Errorf("%q after loading %v, want %s", got, loaded, want)
	}
	for _, err := range in.Lazy(2, func(int) (any, error) { return nil, errors.New("gone") }).(iter.Seq2[string, error]) {
		if errorText(err) != "gone" {
			t.Error(err)
		}
	}
}
