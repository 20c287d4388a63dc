package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// mapSource is what the instances of one mapped step share while the run goes on.
type mapSource struct {
	first int32
	names []string // nil where instances are numbered
	keys  []string
	// elements are made once, by the unfolding or, in another process than that, by the first
	// instance.
	taking   sync.Mutex
	elements []any
	taken    bool

	order   []int        // instances in the order in which they succeeded
	readers atomic.Int32 // steps that have read the instances' values
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

// locate returns the step from which the instances are numbered.
func (t *mapTable) locate(step, first int32) {
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

// stepRef reports where a step stands in the plan.
func (r *run) stepRef(step int32) stepRef {
	mapped, pos, instance := r.instance(step)
	return stepRef{mapped: mapped, pos: pos, instance: instance, key: r.stepKey(step)}
}

// unfolds reports whether the attempt is of a mapped step itself, not of an instance of it.
func (a *attempt) unfolds() bool { return !a.instance && a.plan.Steps[a.mapped].Mapped }

// stepKey returns the key of a step; for an instance with its name in brackets.
func (r *run) stepKey(step int32) string {
	if int(step) < len(r.Plan.Steps) {
		return r.Plan.Key(step)
	}
	return r.maps.key(step)
}

// unfold is the body of a mapped step: it takes the upstream's value apart.
func (a *attempt) unfold() outcome {
	elements, names, err := a.takeApart()
	if err != nil {
		return a.failure(a.timedOut(err))
	}
	a.maps.put(a.mapped, &mapSource{elements: elements, taken: true, names: names, keys: instanceKeys(a.key, len(elements), names)})
	return outcome{kind: storage.StepExpanded, instances: len(elements), names: names}
}

// takeApart loads the value that a mapped step unfolds and returns its elements.
func (a *attempt) takeApart() (elements []any, names []string, err error) {
	m := a.of.Map
	from := a.graph.From(a.plan.Steps[a.mapped].Node)
	value, err := a.input(&a.of.Inputs[m.Input], m.Input, from[m.Input])
	if err != nil {
		return nil, nil, fmt.Errorf("input %s: %w", a.of.Inputs[m.Input].Field, err)
	}
	if elements, names, err = m.Elements(value); err == nil {
		err = checkNames(names)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("unfolding %q: %w", a.of.Name, err)
	}
	return elements, names, nil
}

// element returns the element of an instance. Where another process had unfolded the map, the value
// is taken apart once more, and must have the elements that it had.
func (a *attempt) element() (any, error) {
	m := a.maps.get(a.mapped)
	m.taking.Lock()
	defer m.taking.Unlock()
	if !m.taken {
		elements, names, err := a.takeApart()
		if err != nil {
			return nil, err
		}
		if again := instanceKeys(a.of.Name, len(elements), names); !slices.Equal(again, m.keys) {
			return nil, fmt.Errorf("unfolding %q again: it has %s now and had %s when the run unfolded it: run it as a whole again, in a new run",
				a.of.Name, described(again), described(m.keys))
		}
		m.elements, m.taken = elements, true
	}
	return m.elements[a.pos], nil
}

// described names the instances of a map, not too many of them.
func described(keys []string) string {
	switch n := len(keys); {
	case n == 0:
		return "no instances"
	case n <= 3:
		return strings.Join(keys, ", ")
	default:
		return fmt.Sprintf("%d instances from %s to %s", n, keys[0], keys[n-1])
	}
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
			r.forget(mapped, m)
		}
	}
}

// forgetAll drops what no reader came for: its run has ended.
func (r *run) forgetAll() {
	for step, m := range r.maps.byStep {
		r.forget(step, m)
	}
}

func (r *run) forget(mapped int32, m *mapSource) {
	node := r.graph.Node(r.Plan.Steps[mapped].Node)
	if rel, ok := node.Outputs[0].Handler.(iohandler.Releaser); ok {
		of := r.onlyPartition(mapped)
		for _, key := range m.keys {
			rel.Release(key, of)
		}
	}
}

// onlyPartition is the key of the partition that a mapped step is of, the zero Key for one that is
// not partitioned.
func (r *run) onlyPartition(mapped int32) partition.Key {
	if !r.partitioned(mapped) || r.assignment == nil {
		return partition.Key{}
	}
	of, err := r.assignment.Slice(mapped, r.d.Partitions().Assigned(mapped))
	if err != nil { // its values stay in memory until their handler is closed
		return partition.Key{}
	}
	return of.Key()
}
