package writes_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/plan/plantest"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// keeper keeps writes apart; nothing is written in these tests.
type keeper struct{ iohandler.MemoryHandler }

func (*keeper) KeepsWrites() bool { return true }

func (*keeper) CrossesProcesses() bool { return true }

// world is the table of a run of a graph, and what the store answers about partitions.
type world struct {
	*writes.Table

	graph  *graph.Graph
	plan   *plan.Plan
	stored []storage.AssetState
	asked  int
}

func newWorld(t *testing.T, text string) *world {
	t.Helper()
	nodes, err := plantest.Nodes(text)
	if err != nil {
		t.Fatal(err)
	}
	for n := range nodes {
		for o := range nodes[n].Outputs {
			nodes[n].Outputs[o].Handler = &keeper{}
		}
	}
	g, faults := graph.Build(nodes)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	w := &world{graph: g, plan: plan.New(g, plan.Options{Workers: 1})}
	w.Table = writes.NewTable(w.plan, func(_ context.Context, _ int32, _ partition.Space, texts []string) (found []storage.AssetState, err error) {
		w.asked++
		for i := range w.stored {
			for _, text := range texts {
				if w.stored[i].Partition == text {
					found = append(found, w.stored[i])
				}
			}
		}
		return found, nil
	})
	return w
}

func (w *world) output(t *testing.T, name string) (int32, *graph.Output, *graph.Node) {
	t.Helper()
	v, ok := w.graph.Find(name)
	if !ok {
		t.Fatalf("no output %q", name)
	}
	out, n := w.graph.Output(v)
	return v, out, w.graph.Node(n)
}

func (w *world) locator(t *testing.T, name string) *writes.Locator {
	t.Helper()
	_, _, node := w.output(t, name)
	return &writes.Locator{Source: w.Table, Graph: w.graph, Node: node}
}

func TestNewNamesDiffer(t *testing.T) {
	t.Parallel()
	form, seen := regexp.MustCompile(`^[a-z][a-z2-7]{9}$`), map[string]bool{}
	for range 1000 {
		name := writes.New()
		if !form.MatchString(name) || seen[name] {
			t.Fatalf("%q is no new name", name)
		}
		seen[name] = true
	}
}

// TestNamesOfAttempts has an asset written under another name by each attempt, and the tasks inside a graph asset under
// one name of the run.
func TestNamesOfAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "raw -> totals/sort -> totals/sum(totals)")
	_, raw, _ := w.output(t, "raw")
	first, second := w.locator(t, "raw"), w.locator(t, "raw")
	if a, b := first.For(raw), second.For(raw); a == "" || a == b || a != first.For(raw) {
		t.Errorf("attempts of an asset write %q and %q, want a name for each", a, b)
	}
	_, inner, _ := w.output(t, "totals/sort")
	if a, b := w.locator(t, "totals/sort").For(inner), w.locator(t, "totals/sort").For(inner); a == "" || a != b || a != w.Inner() {
		t.Errorf("attempts of a task write %q and %q, want the name of the run", a, b)
	}
	var none *writes.Locator
	if none.For(raw) != "" || none.Of(raw, 0) != "" {
		t.Error("a run in memory has names")
	}
}

func TestTableRemembersWhatTheRunMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "raw -> totals/sort -> totals/sum(totals)")
	v, raw, _ := w.output(t, "raw")
	if got := w.locator(t, "totals/sort").Of(raw, v); got != "" {
		t.Errorf("raw lies at %q before it was made", got)
	}
	w.Set(v, "abc")
	if got := w.locator(t, "totals/sort").Of(raw, v); got != "abc" {
		t.Errorf("raw lies at %q, want abc", got)
	}
	inner, _, node := w.output(t, "totals/sort")
	if got := w.Output(inner); got != w.Inner() {
		t.Errorf("the task's value lies at %q, want %q", got, w.Inner())
	}
	n, _ := w.graph.FindNode(node.Name)
	step, _ := w.plan.StepOf(n)
	w.SetStep(step, "former")
	if got := w.Output(inner); got != "former" {
		t.Errorf("the value that another owner wrote lies at %q, want former", got)
	}
	w.SetStep(step, "")
	if got := w.Output(inner); got != "" {
		t.Errorf("the value of an older version lies at %q, want no name", got)
	}
}

// TestPartitionsAreFoundByTheirRecords reads partitions that the run made, that are recorded, and that nobody made.
func TestPartitionsAreFoundByTheirRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "users by days -> week by days")
	v, users, node := w.output(t, "users")
	space, err := partition.NewSpace(node.Partitions, time.Now(), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	part := func(text string) partition.Slice {
		t.Helper()
		key := partition.SingleKey(text)
		set, err := space.Set(key)
		if err != nil {
			t.Fatal(err)
		}
		return partition.SliceOf(space, set, key)
	}
	w.SetPartitions(v, part("mon"), "made")
	w.stored = []storage.AssetState{{Partition: "mon", Detail: storage.Detail{Write: "older"}}, {Partition: "tue", Detail: storage.Detail{Write: "stored"}}, {Partition: "wed"}}
	l := w.locator(t, "week")
	for text, want := range map[string]string{"mon": "made", "tue": "stored", "wed": ""} {
		if got, err := l.OfPartition(t.Context(), users, v, part(text), space.All()); err != nil || got != want {
			t.Errorf("%s lies at %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := l.OfPartition(t.Context(), users, v, part("thu"), space.All()); !errors.Is(err, iohandler.ErrNoValue) {
		t.Errorf("a partition without a record: %v, want no value", err)
	}
	if w.asked > 3 {
		t.Errorf("the store was asked %d times", w.asked)
	}
	told := writes.Told{}
	days, err := partition.NewSlice(space, space.All())
	if err != nil {
		t.Fatal(err)
	}
	if err := told.Tell(w.Table, v, days); err != nil {
		t.Fatal(err)
	}
	remote := writes.Remote{Graph: w.graph, Told: told}
	if got, made := remote.Partition(v, "mon", part("mon").Set()); got != "made" || !made {
		t.Errorf("another process is told %q, %v", got, made)
	}
	if _, made := remote.Partition(v, "tue", part("tue").Set()); made {
		t.Error("another process takes a stored partition for one of the run")
	}
}
