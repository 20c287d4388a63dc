package held_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/held"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

type lasting string

func (l lasting) ValuesDir() string { return string(l) }

// onDisk is a handler of which nobody may ask what it holds.
type onDisk struct{ iohandler.Handler }

func world(t *testing.T, memory iohandler.Handler) (*graph.Graph, partition.Space) {
	t.Helper()
	letters, number := partition.Static("a", "b", "c"), reflect.TypeFor[int]()
	node := func(name string, out graph.Output, inputs ...graph.Input) graph.Node {
		out.Name, out.Asset = name, true
		return graph.Node{Name: name, Definition: name, Outputs: []graph.Output{out}, Inputs: inputs}
	}
	g, faults := graph.Build([]graph.Node{
		node("one", graph.Output{Type: number, Handler: memory}),
		node("parts", graph.Output{Type: number, Handler: memory, Partitions: letters}),
		node("own", graph.Output{Handler: memory}), // its body writes by itself
		node("files", graph.Output{Type: number, Handler: onDisk{memory}}),
		node("reads", graph.Output{Type: number, Handler: memory}, graph.Input{Field: "One", From: "one", Type: number}),
	})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	space, err := partition.NewSpace(letters, time.Now(), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	return g, space
}

func store(t *testing.T, h iohandler.Handler, name string, space partition.Space, text string) {
	t.Helper()
	out := iohandler.OutputContext{Name: name}
	if text != "" {
		set, err := space.Set(partition.SingleKey(text))
		if err == nil {
			out.Partition, err = partition.NewSlice(space, set)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := h.HandleOutput(t.Context(), &out, 1); err != nil {
		t.Fatal(err)
	}
}

func TestLost(t *testing.T) {
	t.Parallel()
	memory := iohandler.Memory()
	g, space := world(t, memory)
	values := held.Of(g, lasting("values"))
	check := func(when, one, parts string) {
		t.Helper()
		now := values.Now()
		if got := now.Lost("one", partition.Space{}, partition.Whole()); got.IsEmpty() != (one == "") {
			t.Errorf("%s: one has lost %v, want %q", when, got, one)
		}
		var texts []string
		for text, err := range space.Texts(now.Lost("parts", space, space.All())) {
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		if got := strings.Join(texts, " "); got != parts {
			t.Errorf("%s: parts has lost %q, want %q", when, got, parts)
		}
		for _, name := range []string{"own", "files", "unknown"} {
			if now.Gone(name) || !now.Lost(name, partition.Space{}, partition.Whole()).IsEmpty() {
				t.Errorf("%s: %s has lost something", when, name)
			}
		}
	}
	check("a new process", "all", "a..c")
	store(t, memory, "one", space, "")
	store(t, memory, "parts", space, "b")
	check("one partition was made", "", "a,c")
	store(t, memory, "parts", space, "a")
	store(t, memory, "parts", space, "c")
	check("all was made", "", "")
}

func TestCheckRefusesWhatNobodyHas(t *testing.T) {
	t.Parallel()
	memory := iohandler.Memory()
	g, space := world(t, memory)
	only := func(names ...string) *plan.Plan {
		selected := make([]bool, g.Items().Len())
		for _, name := range names {
			i, _ := g.Items().Lookup(name)
			selected[i] = true
		}
		return plan.New(g, plan.Options{Selected: selected, Workers: 1})
	}
	values := held.Of(g, nil)
	if err := values.Check(only("reads")); !errors.Is(err, iohandler.ErrNoValue) || !strings.Contains(err.Error(), `step "reads": it reads "one"`) {
		t.Errorf("nothing was made: %v", err)
	}
	if err := values.Check(only("reads", "one")); err != nil {
		t.Errorf("both are made: %v", err)
	}
	if err := held.Of(g, lasting("")).Check(only("reads")); err != nil {
		t.Errorf("a store in memory: %v", err)
	}
	store(t, memory, "one", space, "")
	if err := values.Check(only("reads")); err != nil {
		t.Errorf("one was made: %v", err)
	}
}
