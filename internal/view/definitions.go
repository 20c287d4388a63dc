package view

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rivers-go/rivers/internal/assethealth"
	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Node is an asset or a task with the location that defines it.
type Node struct {
	storage.TopologyNode

	// Location is the name of the repository.
	Location string `json:"location"`

	checks     []assethealth.Check
	definition partition.Definition // nil for an unpartitioned node
	err        error                // why the definition of its partitions cannot be read
}

// Check is an asset check with the node that it checks.
type Check struct {
	storage.TopologyCheck

	// Asset is the index of the checked node among [Definitions.Nodes].
	Asset int
}

// Name is the name of the check's state, asset:check.
func (c *Check) Name() string { return storage.CheckName(c.TopologyCheck.Asset, c.TopologyCheck.Name) }

// Definitions are the nodes and checks of some repositories, as they are recorded. They do not
// change, so any goroutine may use them. The zero value has none.
type Definitions struct {
	nodes  []Node
	checks []Check
	byName map[string]int32 // the first of a name: two locations may use one
}

// Of returns the definitions of some documents, in their order.
func Of(docs ...storage.TopologyDoc) *Definitions {
	d := &Definitions{byName: map[string]int32{}}
	known := map[string]partition.Definition{}
	for _, doc := range docs {
		first := len(d.nodes)
		for _, n := range doc.Nodes {
			node := Node{TopologyNode: n, Location: doc.Name}
			node.read(known)
			d.nodes = append(d.nodes, node)
		}
		at := make(map[string]int, len(doc.Nodes))
		for i := first; i < len(d.nodes); i++ {
			name := d.nodes[i].Name
			at[name] = i
			if _, taken := d.byName[name]; !taken {
				d.byName[name] = int32(i)
			}
		}
		for _, c := range doc.Checks {
			i, ok := at[c.Asset]
			if !ok {
				continue // a newer program wrote a check of something else
			}
			check := Check{TopologyCheck: c, Asset: i}
			d.checks = append(d.checks, check)
			d.nodes[i].checks = append(d.nodes[i].checks, assethealth.Check{Name: check.Name(), Partitioned: c.Partitioned})
		}
	}
	return d
}

// Stored returns the definitions of all repositories that wrote to a store.
func Stored(ctx context.Context, s storage.Reader) (*Definitions, error) {
	all, err := s.ListTopologies(ctx)
	if err != nil {
		return nil, err
	}
	docs := make([]storage.TopologyDoc, len(all))
	for i := range all {
		full, err := s.GetTopology(ctx, all[i].Location)
		if err != nil {
			return nil, err
		}
		if docs[i], err = full.Document(); err != nil {
			return nil, err
		}
		docs[i].Name = all[i].Location
	}
	return Of(docs...), nil
}

// read makes the definition of the node's partitions. Nodes with equal definitions share one, so
// that what exists of it is computed once a question.
func (n *Node) read(known map[string]partition.Definition) {
	if n.Partitions == nil {
		return
	}
	def, err := n.Partitions.Definition()
	if err != nil {
		n.err = fmt.Errorf("asset %q: %w", n.Name, err)
		return
	}
	text := def.String()
	if known[text] == nil || !partition.Equal(known[text], def) {
		known[text] = def
	}
	n.definition = known[text]
}

// Nodes returns the assets and tasks, those of one location in topological order.
func (d *Definitions) Nodes() []Node { return d.nodes }

// Checks returns the checks, those of one location in topological order.
func (d *Definitions) Checks() []Check { return d.checks }

// Find returns the node of a name. The error of an unknown name is a [RequestError].
func (d *Definitions) Find(name string) (*Node, error) {
	if i, ok := d.byName[name]; ok {
		return &d.nodes[i], nil
	}
	var made []string
	for i := range d.nodes {
		if d.nodes[i].Definition == name {
			made = append(made, strconv.Quote(d.nodes[i].Name))
		}
	}
	if len(made) > 0 {
		return nil, requestf("asset %q: it is a multi-asset, and makes %s: name one of them", name, strings.Join(made, ", "))
	}
	names := func(yield func(string) bool) {
		for i := range d.nodes {
			if !yield(d.nodes[i].Name) {
				return
			}
		}
	}
	near := ""
	if n, ok := nearest.Name(name, names); ok {
		near = fmt.Sprintf(" (did you mean %q?)", n)
	}
	return nil, requestf("asset %q: there is none of that name%s: see assets list", name, near)
}

// Downstream returns the names of the nodes that read or wait for a node.
func (d *Definitions) Downstream(name string) []string {
	var down []string
	for i := range d.nodes {
		if slices.Contains(d.nodes[i].Upstream, name) {
			down = append(down, d.nodes[i].Name)
		}
	}
	return down
}

// subject returns a node as package assethealth judges it.
func (n *Node) subject() (assethealth.Subject, error) {
	return assethealth.Subject{
		Asset: n.Name, Policy: n.Freshness, Partitions: n.definition, External: n.Kind == storage.NodeExternalAsset, Checks: n.checks,
	}, n.err
}
