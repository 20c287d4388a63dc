package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Topology describes the definitions as they are recorded for other programs.
func (c *Catalog) Topology() storage.TopologyDoc {
	doc := storage.TopologyDoc{Name: c.conf.Location, Nodes: make([]storage.TopologyNode, 0, c.graph.Items().Len())}
	for _, t := range c.described() {
		doc.Nodes = append(doc.Nodes, t)
	}
	doc.Checks, doc.Jobs = c.describedChecks(), c.describedJobs()
	return doc
}

// AssetNames returns the names of assets and checks, by output: the store keeps a state of each.
// Other outputs have an empty name.
func (c *Catalog) AssetNames() []string {
	names := make([]string, c.graph.Outputs())
	for v := range names {
		if out, n := c.graph.Output(int32(v)); out.Asset || c.graph.Node(n).Kind == graph.Check {
			names[v] = out.Name
		}
	}
	return names
}

// EncodeTopology is [Catalog.Topology] as JSON, for storage. It writes node by node: all of them at
// once would be the largest thing that a start of many assets makes.
func (c *Catalog) EncodeTopology() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	buf.WriteString(`{"name":`)
	err := enc.Encode(c.conf.Location)
	buf.WriteString(`,"nodes":[`)
	for i, t := range c.described() {
		if i > 0 {
			buf.WriteByte(',')
		}
		err = errors.Join(err, enc.Encode(&t))
	}
	buf.WriteByte(']')
	if checks := c.describedChecks(); len(checks) > 0 {
		buf.WriteString(`,"checks":`)
		err = errors.Join(err, enc.Encode(checks))
	}
	if jobs := c.describedJobs(); len(jobs) > 0 {
		buf.WriteString(`,"jobs":`)
		err = errors.Join(err, enc.Encode(jobs))
	}
	buf.WriteByte('}')
	return buf.Bytes(), err
}

// described yields the assets and tasks in topological order.
func (c *Catalog) described() iter.Seq2[int, storage.TopologyNode] {
	return func(yield func(int, storage.TopologyNode) bool) {
		items, sources := c.graph.Items(), c.sources()
		inner := map[string][]string{}
		for n := range int32(c.graph.Len()) {
			if node := c.graph.Node(n); node.Kind == graph.GraphTask {
				inner[node.Definition] = append(inner[node.Definition], node.Name)
			}
		}
		for i := range items.Len() {
			t := c.describe(items, i)
			t.Steps, t.Source = inner[t.Definition], sources[i]
			if t.Definition == t.Name {
				t.Definition = ""
			}
			if !yield(i, t) {
				return
			}
		}
	}
}

// describe is one asset or task, without its source and its steps.
func (c *Catalog) describe(items graph.Items, i int) storage.TopologyNode {
	out, n := c.graph.Output(items.Output(i))
	node := c.graph.Node(n)
	t := storage.TopologyNode{
		Name: out.Name, Definition: node.Definition, Kind: storage.NodeKind(node.Kind.String()), Group: out.Attrs.Group, Kinds: out.Attrs.Kinds,
		Tags: out.Attrs.Tags, Owners: out.Attrs.Owners, Description: out.Attrs.Description,
		Metadata: out.Attrs.Metadata, CodeVersion: out.Attrs.CodeVersion, Freshness: out.Attrs.Freshness, Pools: node.Pools, Config: c.schemas[node.Definition],
	}
	if out.Type != nil {
		t.Type = out.Type.String()
	}
	// Where the default handler keeps values is a matter of the store.
	t.InMemory = out.Type != nil && node.Kind != graph.External && !SameHandler(out.Handler, c.conf.Fallback) && !iohandler.Outlives(out.Handler)
	if why, ok := c.inMemory[out.Name]; ok {
		t.Note = "its values stay in memory: " + why
	}
	if out.Partitions != nil {
		d := partition.Describe(out.Partitions)
		t.Partitions = &d
	}
	for _, u := range items.Upstream(i) {
		t.Upstream = append(t.Upstream, items.Name(int(u)))
	}
	return t
}

func (c *Catalog) describedChecks() []storage.TopologyCheck {
	var checks []storage.TopologyCheck
	places := map[string]string{}
	for _, d := range c.defs {
		if d.Kind == graph.Check {
			places[d.Name] = d.Pos.Source()
		}
	}
	for n := range int32(c.graph.Len()) {
		node := c.graph.Node(n)
		if node.Kind != graph.Check {
			continue
		}
		attrs := node.Outputs[0].Attrs
		_, name, _ := storage.SplitCheck(node.Name)
		t := storage.TopologyCheck{
			Name: name, Asset: node.Check.Asset, Blocking: node.Check.Blocking, BlockLater: node.Check.Later,
			Description: attrs.Description, Metadata: attrs.Metadata, CodeVersion: attrs.CodeVersion,
			Source: places[node.Name], Partitioned: node.Partitions != nil, Pools: node.Pools, Config: c.schemas[node.Definition],
		}
		for k := range node.Inputs {
			if in := &node.Inputs[k]; in.From != "" && in.From != node.Check.Asset && in.Mode != graph.Gate {
				t.Upstream = append(t.Upstream, in.From)
			}
		}
		checks = append(checks, t)
	}
	return checks
}

func (c *Catalog) describedJobs() []storage.TopologyJob {
	var jobs []storage.TopologyJob
	for _, job := range c.sortedJobs() {
		t := storage.TopologyJob{Name: job.Name, Description: job.Description, Tags: job.Tags}
		for s := range job.Plan.Steps {
			t.Steps = append(t.Steps, job.Plan.Key(int32(s)))
		}
		jobs = append(jobs, t)
	}
	return jobs
}

// sources has the place of each item's definition. Many are made by one line in a loop, whose
// place is looked up once.
func (c *Catalog) sources() []string {
	items := c.graph.Items()
	sources, known := make([]string, items.Len()), map[fault.Position]string{}
	for _, d := range c.defs {
		place, ok := known[d.Pos]
		if !ok {
			place = d.Pos.Source()
			known[d.Pos] = place
		}
		for _, name := range d.OutputNames() {
			if item, ok := items.Lookup(name); ok {
				sources[item] = place
			}
		}
	}
	return sources
}
