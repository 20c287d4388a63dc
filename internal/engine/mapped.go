package engine

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/storage"
)

// mapSource is what the instances of one mapped step share while the run goes on.
type mapSource struct {
	first    int32
	elements []any
	names    []string // nil where instances are numbered
	keys     []string
	order    []int        // instances in the order in which they succeeded
	readers  atomic.Int32 // steps that have read the instances' values
}

// mapTable finds the sources of a run's mapped steps. It has a lock of its own, since keys of
// instances are asked for with and without the run's.
type mapTable struct {
	mu     sync.RWMutex
	byStep map[int32]*mapSource
	placed []*mapSource
}

func (t *mapTable) get(step int32) *mapSource {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byStep[step]
}

func (t *mapTable) put(step int32, m *mapSource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byStep == nil {
		t.byStep = map[int32]*mapSource{}
	}
	t.byStep[step] = m
}

// place says from which step on the instances are numbered.
func (t *mapTable) place(step, first int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.byStep[step]
	m.first = first
	t.placed = append(t.placed, m)
}

// key returns the key of an instance.
func (t *mapTable) key(step int32) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, m := range t.placed {
		if pos := int(step - m.first); pos >= 0 && pos < len(m.keys) {
			return m.keys[pos]
		}
	}
	return "step " + strconv.Itoa(int(step))
}

// instance is Decider.Instance under the lock, for goroutines that do not hold it. Steps of the
// plan need no lock: only instances do.
func (r *run) instance(step int32) (mapped int32, pos int, ok bool) {
	if int(step) < len(r.Plan.Steps) {
		return step, 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.d.Instance(step)
}

// unfolds reports whether the step is a mapped one itself, not an instance of it.
func (r *run) unfolds(step int32) bool {
	return int(step) < len(r.Plan.Steps) && r.Plan.Steps[step].Mapped
}

// stepKey returns the key of a step; for an instance with its name in brackets.
func (r *run) stepKey(step int32) string {
	if int(step) < len(r.Plan.Steps) {
		return r.Plan.Key(step)
	}
	return r.maps.key(step)
}

// unfold is the body of a mapped step: it takes the upstream's value apart.
func (a *attempt) unfold() outcome {
	m := a.node.Map
	from := a.r.graph.From(a.planned().Node)
	value, err := a.input(&a.node.Inputs[m.Input], from[m.Input])
	if err != nil {
		return a.r.failure(a.job, a.timedOut(fmt.Errorf("input %s: %w", a.node.Inputs[m.Input].Field, err)))
	}
	elements, names, err := m.Elements(value)
	if err == nil {
		err = checkNames(names)
	}
	if err != nil {
		return a.r.failure(a.job, fmt.Errorf("unfolding %q: %w", a.key, err))
	}
	a.r.maps.put(a.job.step, &mapSource{elements: elements, names: names, keys: instanceKeys(a.key, len(elements), names)})
	return outcome{kind: storage.StepExpanded, instances: len(elements), names: names}
}

// checkNames requires the names of instances to tell them apart.
func checkNames(names []string) error {
	seen := make(map[string]int, len(names))
	for i, name := range names {
		if name == "" {
			return fmt.Errorf("element %d has no name: give each DynamicOutput one", i)
		}
		if first, again := seen[name]; again {
			return fmt.Errorf("elements %d and %d are both named %q: names must differ", first, i, name)
		}
		seen[name] = i
	}
	return nil
}

func instanceKeys(step string, n int, names []string) []string {
	keys := make([]string, n)
	for i := range keys {
		if names == nil {
			keys[i] = step + "[" + strconv.Itoa(i) + "]"
		} else {
			keys[i] = step + "[" + names[i] + "]"
		}
	}
	return keys
}

// doneReading drops the values of instances whose last reader has ended. Called without the lock.
func (r *run) doneReading(step int32) {
	if int(step) >= len(r.Plan.Steps) {
		return
	}
	n := r.Plan.Steps[step].Node
	for k, in := range r.graph.Node(n).Inputs {
		if in.Mode != graph.Collect && in.Mode != graph.Stream {
			continue
		}
		_, node := r.graph.Output(r.graph.From(n)[k])
		mapped, _ := r.Plan.StepOf(node)
		if m := r.maps.get(mapped); m.readers.Add(1) == int32(len(r.Plan.Down(mapped))) {
			r.release(mapped, m)
		}
	}
}

// releaseAll drops what no reader came for: its run has ended.
func (r *run) releaseAll() {
	for step, m := range r.maps.byStep {
		r.release(step, m)
	}
}

func (r *run) release(mapped int32, m *mapSource) {
	node := r.graph.Node(r.Plan.Steps[mapped].Node)
	if rel, ok := node.Outputs[0].Handler.(iohandler.Releaser); ok {
		for _, key := range m.keys {
			rel.Release(key)
		}
	}
}
