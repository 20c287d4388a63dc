package plan

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// Assignment defines which partitions each step of one run is of.
type Assignment struct {
	*Partitioning
	// Sets are those of each step, empty for one that has none.
	Sets []partition.Set
}

// Select returns the partitions that a request names, of what exists of one asset.
type Select func(space partition.Space) (partition.Set, error)

// Assign gives each step of [Plan.Asked] what is asked for, and each other one what is read of it.
// All refusals are reported together, with the asset's name.
func (d *Partitioning) Assign(ask Select) (*Assignment, error) {
	c := &Assignment{Partitioning: d, Sets: make([]partition.Set, len(d.plan.Steps))}
	var errs []error
	asked := map[partition.Definition]bool{}
	follows := d.plan.follows()
	for s := int32(len(d.plan.Steps)) - 1; s >= 0; s-- { // downstream first: what is read is known then
		node := d.plan.Graph.Node(d.plan.Steps[s].Node)
		if !d.plan.takes(s) {
			continue
		}
		if readers := follows[s]; readers != nil {
			if err := c.follow(s, readers); err != nil {
				errs = append(errs, err)
			}
			continue
		}
		space, err := d.Space(node.Partitions)
		if err == nil {
			c.Sets[s], err = ask(space)
		}
		if err != nil && !asked[node.Partitions] { // one definition that many share is wrong once
			errs = append(errs, fmt.Errorf("asset %q: %w", node.Definition, err))
			asked[node.Partitions] = true
		}
	}
	if len(errs) > 0 {
		slices.Reverse(errs)
		return nil, errors.Join(errs...)
	}
	if err := c.addRead(); err != nil {
		return nil, err
	}
	c.assignChecks()
	return c, nil
}

// follow gives a step what is read of it.
func (c *Assignment) follow(s int32, readers []reader) error {
	for _, r := range readers {
		needs, _, err := c.Reads(r.step, r.input, c.Sets[r.step])
		if err != nil {
			return fmt.Errorf("step %q: %w", c.plan.Graph.Node(c.plan.Steps[r.step].Node).Name, err)
		}
		c.Sets[s] = c.Sets[s].Union(needs)
	}
	return nil
}

// addRead gives the steps that are there for what is downstream of them what is read.
func (c *Assignment) addRead() error {
	p := c.plan
	for s := int32(len(p.Steps)) - 1; s >= 0; s-- {
		n := p.Steps[s].Node
		node := p.Graph.Node(n)
		for k, v := range p.Graph.From(n) {
			if v < 0 || node.Inputs[k].Mode == graph.Self || node.Inputs[k].Parts == nil {
				continue
			}
			_, from := p.Graph.Output(v)
			up, planned := p.StepOf(from)
			if !planned || p.Steps[up].Why != Upstream || p.Graph.Node(from).Partitions == nil {
				continue
			}
			needs, _, err := c.Reads(s, k, c.set(s))
			if err != nil {
				return fmt.Errorf("step %q: %w", node.Name, err)
			}
			c.Sets[up] = c.Sets[up].Union(needs)
		}
	}
	return nil
}

// set is what a step makes: the whole of what is not partitioned.
func (c *Assignment) set(s int32) partition.Set {
	if c.plan.Graph.Node(c.plan.Steps[s].Node).Partitions == nil {
		return partition.Whole()
	}
	return c.Sets[s]
}

// Reads returns which partitions of what input k of step s reads are read by some of its
// partitions, and which of these need one that does not exist.
func (c *Assignment) Reads(s int32, k int, of partition.Set) (needs, lacking partition.Set, err error) {
	edge, err := c.Edge(s, k)
	if err != nil {
		return partition.Set{}, partition.Set{}, err
	}
	needs, lacking = edge.Upstream(of)
	return needs, lacking, nil
}

// Lacking returns why partitions of a step cannot be made, since they read what does not exist: one
// error for each input, nil if there is none.
func (c *Assignment) Lacking(s int32, of partition.Set) (lacking partition.Set, err error) {
	n := c.plan.Steps[s].Node
	node := c.plan.Graph.Node(n)
	var errs []error
	for k := range node.Inputs {
		in := &node.Inputs[k]
		if in.Parts == nil || in.Mode == graph.Self || in.Mode == graph.Gate { // before the first there is no previous value, and that is none
			continue
		}
		edge, err := c.Edge(s, k)
		if err != nil {
			return partition.Set{}, err
		}
		_, lost := edge.Upstream(of)
		if lost.IsEmpty() {
			continue
		}
		lacking = lacking.Union(lost)
		errs = append(errs, fmt.Errorf("input %q: %w", in.From, edge.Explain(lost)))
	}
	return lacking, errors.Join(errs...)
}

// Blocked returns which of a step's partitions read some of those that input k's upstream did not
// make.
func (c *Assignment) Blocked(s int32, k int, lost partition.Set) (partition.Set, error) {
	edge, err := c.Edge(s, k)
	if err != nil {
		return partition.Set{}, err
	}
	return edge.Downstream(lost), nil
}

// Slice returns partitions of a step as its body sees them; of a step that is not partitioned, the
// zero Slice.
func (c *Assignment) Slice(s int32, set partition.Set) (partition.Slice, error) {
	space, err := c.Space(c.plan.Graph.Node(c.plan.Steps[s].Node).Partitions)
	if err != nil {
		return partition.Slice{}, err
	}
	return partition.NewSlice(space, set)
}

// SliceOf returns one partition of a step as its body sees it.
func (c *Assignment) SliceOf(s int32, key partition.Key) (partition.Slice, error) {
	space, err := c.Space(c.plan.Graph.Node(c.plan.Steps[s].Node).Partitions)
	if err != nil {
		return partition.Slice{}, err
	}
	set, err := space.Set(key)
	if err != nil {
		return partition.Slice{}, err
	}
	return partition.SliceOf(space, set, key), nil
}

// Mapped refuses a cut in which a step that unfolds has several partitions: how many instances
// there are is known for one.
func (c *Assignment) Mapped() error {
	for s := range c.plan.Steps {
		if !c.plan.Steps[s].Mapped || c.Sets[s].IsEmpty() {
			continue
		}
		of, err := c.Slice(int32(s), c.Sets[s])
		if err != nil {
			return err
		}
		if of.Len() > 1 {
			node := c.plan.Graph.Node(c.plan.Steps[s].Node)
			return fmt.Errorf("asset %q: its task %q is mapped, so that a run of it is of one partition, and this one has %d: make a run for each", node.Definition, node.Name, of.Len())
		}
	}
	return nil
}
