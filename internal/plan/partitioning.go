package plan

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// Tables finds the key tables that a definition needs.
type Tables func(d partition.Definition) (partition.Tables, error)

// Partitioning is what exists of the partitions of a plan's steps, and of what they read, at one
// instant, and who reads what. It is made once for a request, or once for all runs of a backfill,
// so that a plan does not change under itself. It may be used from many goroutines.
type Partitioning struct {
	plan   *Plan
	now    time.Time
	tables Tables

	mu     sync.Mutex
	spaces map[partition.Definition]partition.Space
	edges  map[edgeKey]partition.Edge
}

// edgeKey is what makes an edge: thousands of assets with the same definitions share one.
type edgeKey struct {
	up, down partition.Definition
	mapping  string
}

// NewPartitioning returns the partitioning of a plan at an instant.
func NewPartitioning(p *Plan, now time.Time, tables Tables) *Partitioning {
	return &Partitioning{
		plan: p, now: now, tables: tables,
		spaces: map[partition.Definition]partition.Space{}, edges: map[edgeKey]partition.Edge{},
	}
}

// Now returns the instant of the partitioning.
func (d *Partitioning) Now() time.Time { return d.now }

// For returns the partitioning for another plan of the same graph, with the same instant: what is
// known already of what exists is kept.
func (d *Partitioning) For(p *Plan) *Partitioning {
	d.mu.Lock()
	defer d.mu.Unlock()
	other := NewPartitioning(p, d.now, d.tables)
	maps.Copy(other.spaces, d.spaces)
	maps.Copy(other.edges, d.edges)
	return other
}

// Of returns the cut of a plan whose first step is of some partitions.
func (d *Partitioning) Of(first partition.Set) *Assignment {
	c := &Assignment{Partitioning: d, Sets: make([]partition.Set, len(d.plan.Steps))}
	if len(c.Sets) > 0 {
		c.Sets[0] = first
	}
	return c
}

// Space returns what exists of a definition, which may be nil.
func (d *Partitioning) Space(def partition.Definition) (partition.Space, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.space(def)
}

func (d *Partitioning) space(def partition.Definition) (partition.Space, error) {
	if s, ok := d.spaces[def]; ok {
		return s, nil
	}
	var tables partition.Tables
	if def != nil {
		var err error
		if tables, err = d.tables(def); err != nil {
			return partition.Space{}, err
		}
	}
	s, err := partition.NewSpace(def, d.now, tables)
	if err != nil {
		return partition.Space{}, err
	}
	d.spaces[def] = s
	return s, nil
}

// Edge returns how input k of step s reads its upstream, where at least one side is partitioned.
func (d *Partitioning) Edge(s int32, k int) (partition.Edge, error) {
	n := d.plan.Steps[s].Node
	in := &d.plan.Graph.Node(n).Inputs[k]
	out, _ := d.plan.Graph.Output(d.plan.Graph.From(n)[k])
	return d.Connect(in, out.Partitions, d.plan.Graph.Node(n).Partitions)
}

// Connect returns how an input reads something that is partitioned in one way for something that is
// partitioned in another; the partitioning of no plan answers it too.
func (d *Partitioning) Connect(in *graph.Input, up, down partition.Definition) (partition.Edge, error) {
	key := edgeKey{up, down, in.Parts.Mapping.String()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if e, ok := d.edges[key]; ok {
		return e, nil
	}
	from, err := d.space(up)
	if err != nil {
		return partition.Edge{}, err
	}
	to, err := d.space(down)
	if err != nil {
		return partition.Edge{}, err
	}
	e, err := in.Parts.Mapping.Connect(from, to)
	if err != nil {
		return partition.Edge{}, fmt.Errorf("input %q: %w", in.From, err)
	}
	d.edges[key] = e
	return e, nil
}

// ReadsPartitions reports whether a step of the plan reads something that has partitions, or has
// some itself.
func (p *Plan) ReadsPartitions() bool {
	for s := range p.Steps {
		inputs := p.Graph.Node(p.Steps[s].Node).Inputs
		for k := range inputs {
			if inputs[k].Parts != nil {
				return true
			}
		}
	}
	return p.HasPartitions()
}

// HasPartitions reports whether a step of the plan has partitions.
func (p *Plan) HasPartitions() bool {
	for s := range p.Steps {
		if p.Graph.Node(p.Steps[s].Node).Partitions != nil {
			return true
		}
	}
	return false
}
