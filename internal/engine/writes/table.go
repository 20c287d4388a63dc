package writes

import (
	"context"
	"slices"
	"sync"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Source knows the writes of the values that a step may load.
type Source interface {
	// Inner is the name under which values are written that are no assets.
	Inner() string
	// Output is the write of an output that is not of partitions.
	Output(v int32) string
	// Instance is the write of an instance of a mapped step; first is the step of its first instance.
	Instance(mapped, first int32, pos int) string
	// Partition is the write of a partition that the run made, false for one that it did not.
	Partition(v int32, text string, set partition.Set) (write string, made bool)
	// States reads the recorded materializations of partitions by the texts of their keys.
	States(ctx context.Context, v int32, space partition.Space, texts []string) ([]storage.AssetState, error)
}

// States reads the recorded materializations of partitions of an output, as [Source] does.
type States func(ctx context.Context, v int32, space partition.Space, texts []string) ([]storage.AssetState, error)

// Table has the writes of one run. It is made by [NewTable].
type Table struct {
	graph  *graph.Graph
	plan   *plan.Plan
	states States
	kept   bool // a handler keeps writes apart
	needed bool // or its values outlive the process

	mu      sync.Mutex
	inner   string
	outputs map[int32]string // of what is not of partitions
	steps   map[int32]string // of inner values that another owner or another run wrote
	parts   map[int32]*madePartitions
}

// madePartitions are the writes of the partitions of one output that a run made.
type madePartitions struct {
	one    map[string]string
	groups []group
}

// group is partitions that one call made.
type group struct {
	set   partition.Set
	write string
}

// NewTable returns the table of a run that made nothing yet.
func NewTable(p *plan.Plan, states States) *Table {
	return &Table{graph: p.Graph, plan: p, states: states, kept: some(p.Graph, iohandler.KeepsWrites), needed: some(p.Graph, iohandler.Outlives)}
}

// Needed reports whether attempts need a [Locator]: not if all values are kept in memory.
func (t *Table) Needed() bool { return t.kept || t.needed }

// some reports whether the handler of an output of a graph is of a kind.
func some(g *graph.Graph, is func(iohandler.Handler) bool) bool {
	for v := range int32(g.Outputs()) {
		if out, _ := g.Output(v); out.Handler != nil && is(out.Handler) {
			return true
		}
	}
	return false
}

func (t *Table) keeps(v int32) bool {
	if !t.kept {
		return false
	}
	out, _ := t.graph.Output(v)
	return iohandler.KeepsWrites(out.Handler)
}

// Set remembers the write of an output that is not of partitions.
func (t *Table) Set(v int32, write string) {
	if !t.keeps(v) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outputs == nil {
		t.outputs = map[int32]string{}
	}
	t.outputs[v] = write
}

// SetPartitions remembers the write of partitions that the run made of an output. It is empty for a
// handler that keeps the last write alone: their records may not be in the store yet.
func (t *Table) SetPartitions(v int32, part partition.Slice, write string) {
	if out, _ := t.graph.Output(v); !t.keeps(v) && (!t.needed || !iohandler.Outlives(out.Handler)) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	made := t.parts[v]
	if made == nil {
		if t.parts == nil {
			t.parts = map[int32]*madePartitions{}
		}
		made = &madePartitions{one: map[string]string{}}
		t.parts[v] = made
	}
	if part.Len() != 1 {
		made.groups = append(made.groups, group{part.Set(), write})
		return
	}
	for i := range made.groups { // it was made again since
		if g := &made.groups[i]; g.set.Contains(part.Set()) {
			g.set = g.set.Minus(part.Set())
		}
	}
	made.one[part.Key().String()] = write
}

// SetStep remembers the write that is recorded with the success of a step, empty for none. Other
// steps have our own.
func (t *Table) SetStep(step int32, write string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.steps == nil {
		t.steps = map[int32]string{}
	}
	t.steps[step] = write
}

// Recorded returns the write of an output, false if the table has none.
func (t *Table) Recorded(v int32) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	write, known := t.outputs[v]
	return write, known
}

// RecordedStep returns what [Table.SetStep] remembered.
func (t *Table) RecordedStep(step int32) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	write, known := t.steps[step]
	return write, known
}

// Inner implements [Source], as do the methods below.
func (t *Table) Inner() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.own()
}

func (t *Table) own() string {
	if t.inner == "" {
		t.inner = New()
	}
	return t.inner
}

// Output returns the write of an output of the run, or of one that it reads.
func (t *Table) Output(v int32) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.output(v)
}

func (t *Table) output(v int32) string {
	out, node := t.graph.Output(v)
	if write, known := t.outputs[v]; known || out.Asset {
		return write
	}
	if step, planned := t.plan.StepOf(node); planned {
		return t.ofStep(step)
	}
	return ""
}

// ofStep returns the write of the inner values of a step. Called with the lock held.
func (t *Table) ofStep(step int32) string {
	if write, known := t.steps[step]; known {
		return write
	}
	return t.own()
}

// Instance returns the write of an instance.
func (t *Table) Instance(_, first int32, pos int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.ofStep(first + int32(pos))
}

// Partition returns the write of a partition that the run made.
func (t *Table) Partition(v int32, text string, set partition.Set) (string, bool) {
	out, node := t.graph.Output(v)
	t.mu.Lock()
	defer t.mu.Unlock()
	if !out.Asset {
		_, planned := t.plan.StepOf(node)
		return t.output(v), planned
	}
	made := t.parts[v]
	if made == nil {
		return "", false
	}
	for _, g := range slices.Backward(made.groups) {
		if g.set.Contains(set) {
			return g.write, true
		}
	}
	write, ok := made.one[text]
	return write, ok
}

// States reads the recorded materializations of partitions.
func (t *Table) States(ctx context.Context, v int32, space partition.Space, texts []string) ([]storage.AssetState, error) {
	return t.states(ctx, v, space, texts)
}
