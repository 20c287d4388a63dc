package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// partitioned is a pipeline over the days of a week, drawn at random: steps that are called once for each day or once
// for all, and steps without partitions.
type partitioned struct {
	steps   []partitionedStep
	workers int
	days    int
	// checks adds a check to each step, and makes some of the steps tasks inside a graph asset, which are no assets.
	checks bool

	mu    sync.Mutex
	calls map[string]int // of bodies, by step and day, since the last reset
	plan  *plan.Plan     // of the last process
}

type partitionedStep struct {
	ups   []int
	whole bool // called once, and returns a value for each day
	plain bool // without partitions
	// offset is how many days back each upstream is read.
	offset []int
	// fails says how many attempts fail for a day, by its index; -1 stands for the whole of a plain step.
	fails map[int]int
}

var weekBegin = partition.Date(2026, time.January, 1)

func drawPartitioned(t *rapid.T) *partitioned {
	d := &partitioned{workers: rapid.IntRange(1, 3).Draw(t, "workers"), days: rapid.IntRange(1, 5).Draw(t, "days")}
	for i := range rapid.IntRange(1, 5).Draw(t, "steps") {
		kind := rapid.IntRange(0, 4).Draw(t, "kind")
		s := partitionedStep{whole: kind == 3, plain: kind == 4, fails: map[int]int{}}
		for u := range i {
			if rapid.IntRange(0, 1).Draw(t, "edge") == 0 {
				s.ups = append(s.ups, u)
				s.offset = append(s.offset, rapid.SampledFrom([]int{0, 0, 0, -1}).Draw(t, "offset"))
			}
		}
		for day := range d.days {
			if n := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 9}).Draw(t, "fails"); n > 0 {
				s.fails[day] = n
			}
		}
		if s.plain {
			s.fails = map[int]int{-1: rapid.SampledFrom([]int{0, 0, 1, 9}).Draw(t, "fails")}
		}
		d.steps = append(d.steps, s)
	}
	return d
}

func (d *partitioned) definition() partition.Definition { return partition.Daily(weekBegin) }

// now is when all days are over.
func (d *partitioned) now() time.Time { return time.Date(2026, 1, 1+d.days, 0, 0, 0, 0, time.UTC) }

func (d *partitioned) key(day int) partition.Key {
	return partition.SingleKey(time.Date(2026, 1, 1+day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
}

// config is the pipeline as one process has it.
func (d *partitioned) config(tb testing.TB, t *rapid.T, store storage.Storage, kept lasting) engine.Config {
	tb.Helper()
	def := d.definition()
	p := newPipeline()
	p.workers, p.handler, p.retry = d.workers, kept, retry.Policy{Max: 2}
	for i, s := range d.steps {
		var ups []string
		for _, u := range s.ups {
			ups = append(ups, fmt.Sprintf("a%d", u))
		}
		n := p.asset(fmt.Sprintf("a%d", i), d.body(&d.steps[i]), ups...)
		if !s.plain {
			n.Partitions, n.Whole, n.Outputs[0].Partitions = def, s.whole, def
		}
		if s.whole {
			n.Call = d.wholeBody(&d.steps[i])
		}
		for k := range n.Inputs {
			n.Inputs[k].Parts = d.parts(&s, k)
		}
	}
	if d.checks {
		d.addChecks(p)
	}
	c := p.config(tb, store)
	d.plan = c.Plan
	division := plan.NewPartitioning(c.Plan, d.now(), func(partition.Definition) (partition.Tables, error) { return partition.Tables{}, nil })
	cut, err := division.Assign(func(space partition.Space) (partition.Set, error) { return space.All(), nil })
	if err != nil {
		t.Fatal(err)
	}
	c.Assignment = cut
	return c
}

// addChecks gives each step a check, every second one blocking, which passes some days and not others.
func (d *partitioned) addChecks(p *pipeline) {
	for i := range d.steps {
		of := &p.nodes[i]
		if i%3 == 1 {
			of.Outputs[0].Asset, of.Outputs[0].Inner = false, true
			continue
		}
		name := storage.CheckName(of.Name, "good")
		n := graph.Node{
			Name: name, Definition: name, Kind: graph.Check, Outputs: []graph.Output{{Name: name, Inner: true}},
			Settings: &graph.Settings{Check: &graph.CheckInfo{Asset: of.Name, Blocking: i%2 == 0}, Partitions: of.Partitions},
			Inputs:   []graph.Input{{From: of.Name, Mode: graph.OrderOnly}},
			Call: func(inv *graph.Invocation, _ []any) (graph.Result, error) {
				inv.FactsOf(0).Verdict = &storage.Verdict{Passed: (d.dayOf(inv.Partition.Key())+i)%3 > 0, Severity: storage.SeverityError}
				return graph.Result{Recorded: true}, nil
			},
		}
		n.Outputs[0].Partitions = of.Partitions
		if of.Partitions != nil {
			n.Inputs[0].Parts = &graph.Parts{Mapping: partition.Identity()}
		}
		p.nodes = append(p.nodes, n)
	}
	plan.AddGates(p.nodes)
}

func (d *partitioned) parts(s *partitionedStep, k int) *graph.Parts {
	up := &d.steps[s.ups[k]]
	pack := func(p graph.PartitionLoader) any { return p }
	switch {
	case up.plain && s.plain:
		return nil
	case up.plain || s.plain:
		parts := &graph.Parts{Mapping: partition.AllPartitions()}
		if !up.plain {
			parts.Multiple = pack
		}
		return parts
	case s.offset[k] != 0:
		return &graph.Parts{Mapping: partition.TimeOffset(s.offset[k]), Multiple: pack}
	}
	return &graph.Parts{Mapping: partition.Identity(), Multiple: pack}
}

// body fails as many attempts as it should, and reads all that it may.
func (d *partitioned) body(s *partitionedStep) func(*graph.Invocation, []any) (any, error) {
	return func(inv *graph.Invocation, args []any) (any, error) {
		if err := readAll(args); err != nil {
			return nil, err
		}
		return inv.Step, d.call(s, inv, inv.Partition.Key())
	}
}

func readAll(args []any) error {
	for _, arg := range args {
		p, ok := arg.(graph.PartitionLoader)
		if !ok {
			continue
		}
		for key, err := range p.Of.Keys() {
			if err == nil {
				_, err = p.Load(key)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// call counts a call for a day, and fails it as often as it should.
func (d *partitioned) call(s *partitionedStep, inv *graph.Invocation, key partition.Key) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls[inv.Step+"@"+key.String()]++
	if inv.Attempt <= s.fails[d.dayOf(key)] {
		return errors.New("not yet")
	}
	return nil
}

func (d *partitioned) dayOf(key partition.Key) int {
	for day := range d.days {
		if d.key(day) == key {
			return day
		}
	}
	return -1
}

func (d *partitioned) wholeBody(s *partitionedStep) graph.Call {
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		if err := readAll(args); err != nil {
			return graph.Result{}, err
		}
		return graph.Result{Parts: func(yield func(partition.Key, graph.PartValue) bool) {
			for key, err := range inv.Partition.Keys() {
				if err == nil {
					err = d.call(s, inv, key)
				}
				if !yield(key, graph.PartValue{Value: key.String(), Err: err}) {
					return
				}
			}
		}}, nil
	}
}

// made is what should come of each day of each step: whether it can be made within its retries, and what it reads
// is made.
func (d *partitioned) made() []map[int]bool {
	made := make([]map[int]bool, len(d.steps))
	for i := range d.steps {
		s := &d.steps[i]
		made[i] = map[int]bool{}
		days := []int{-1}
		if !s.plain {
			days = days[:0]
			for day := range d.days {
				days = append(days, day)
			}
		}
		for _, day := range days {
			ok := s.fails[day] <= 2
			for k, u := range s.ups {
				ok = ok && d.readable(made[u], u, s, k, day)
			}
			made[i][day] = ok
		}
	}
	return made
}

func (d *partitioned) readable(made map[int]bool, u int, s *partitionedStep, k, day int) bool {
	switch up := &d.steps[u]; {
	case up.plain:
		return made[-1]
	case s.plain: // it reads them all
		for day := range d.days {
			if !made[day] {
				return false
			}
		}
		return true
	default:
		return day+s.offset[k] >= 0 && made[day+s.offset[k]]
	}
}

// sets reads which days of each step the store says were made, and which failed.
func (d *partitioned) sets(t *rapid.T, store storage.Storage, c engine.Config) (made, failed []map[int]bool) {
	sets, err := store.PartitionSets(context.Background(), c.AssetKeys)
	if err != nil {
		t.Fatal(err)
	}
	days := func(set partition.Set) map[int]bool {
		found := map[int]bool{}
		if set.Equal(partition.Whole()) {
			return map[int]bool{-1: true}
		}
		space, err := c.Assignment.Space(d.definition())
		if err != nil {
			t.Fatal(err)
		}
		for key, err := range space.Keys(set) {
			if err != nil {
				t.Fatal(err)
			}
			found[d.dayOf(key)] = true
		}
		return found
	}
	made, failed = make([]map[int]bool, len(d.steps)), make([]map[int]bool, len(d.steps))
	for v := range sets {
		out, _ := c.Plan.Graph.Output(int32(v))
		var i int
		if _, err := fmt.Sscanf(out.Name, "a%d", &i); err != nil {
			t.Fatal(err)
		}
		made[i], failed[i] = days(sets[v].Materialized), days(sets[v].Failed)
		if !sets[v].InFlight.IsEmpty() {
			t.Fatalf("%s has partitions in flight after the end: %s", out.Name, sets[v].InFlight)
		}
	}
	return made, failed
}

// onlyTrue drops what is false.
func onlyTrue(m map[int]bool) map[int]bool {
	out := maps.Clone(m)
	maps.DeleteFunc(out, func(_ int, ok bool) bool { return !ok })
	return out
}
