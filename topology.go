package rivers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// writeTopology records the definitions if they differ from what the store has, and reads the
// keys of the assets.
func (r *CodeRepository) writeTopology(ctx context.Context, store storage.Storage, b *built) ([]storage.AssetKey, error) {
	doc, err := b.encode(r.config.Name)
	if err != nil {
		return nil, fmt.Errorf("repository %q: encoding its topology: %w", r.config.Name, err)
	}
	keep, err := r.keptAs()
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	sum.Write(doc)
	sum.Write(keep.Value)
	hash := hex.EncodeToString(sum.Sum(nil))
	names := b.assetNames()
	known, err := knownHash(ctx, store, r.config.Name)
	if err != nil {
		return nil, err
	}
	turn, err := r.firstUpkeep(ctx, store)
	if err != nil {
		return nil, err
	}
	if known != hash {
		batch := storage.Batch{Topologies: []storage.Topology{{Location: r.config.Name, Hash: hash, At: time.Now(), Assets: given(names), Doc: doc}}, KV: append(turn, keep)}
		if keys := b.staticKeys(); len(keys) > 0 {
			batch.Keys = []storage.KeyUpdate{{Add: keys}}
		}
		if err := store.Commit(ctx, &batch); err != nil {
			return nil, fmt.Errorf("repository %q: recording its topology: %w", r.config.Name, err)
		}
	}
	keys, err := store.AssetKeys(ctx, names)
	if err != nil {
		return nil, fmt.Errorf("repository %q: reading the keys of its assets: %w", r.config.Name, err)
	}
	return keys, nil
}

func knownHash(ctx context.Context, store storage.Topologies, location string) (string, error) {
	all, err := store.ListTopologies(ctx)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return "", fmt.Errorf("repository %q: reading its topology: %w", location, err)
	}
	for _, t := range all {
		if t.Location == location {
			return t.Hash, nil
		}
	}
	return "", nil
}

// assetNames has the name of every output of which the store keeps a state, by output: assets, and what checks say
// of them; empty for the others.
func (b *built) assetNames() []string {
	names := make([]string, b.graph.Outputs())
	for v := range names {
		if out, n := b.graph.Output(int32(v)); out.Asset || b.graph.Node(n).Kind == graph.Check {
			names[v] = out.Name
		}
	}
	return names
}

// given leaves out empty names.
func given(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}

// Topology describes the repository as it is recorded for other programs. It opens nothing.
func (r *CodeRepository) Topology() (storage.TopologyDoc, error) {
	b, err := r.built()
	if err != nil {
		return storage.TopologyDoc{}, err
	}
	doc := storage.TopologyDoc{Name: r.config.Name, Nodes: make([]storage.TopologyNode, 0, b.graph.Items().Len())}
	for _, t := range b.described() {
		doc.Nodes = append(doc.Nodes, t)
	}
	doc.Checks, doc.Jobs = b.describedChecks(), b.describedJobs()
	return doc, nil
}

// encode is Topology as JSON, for storage. It writes node by node: all of them at once would be the
// largest thing that a start of many assets makes.
func (b *built) encode(name string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	buf.WriteString(`{"name":`)
	err := enc.Encode(name)
	buf.WriteString(`,"nodes":[`)
	for i, t := range b.described() {
		if i > 0 {
			buf.WriteByte(',')
		}
		err = errors.Join(err, enc.Encode(&t))
	}
	buf.WriteByte(']')
	if checks := b.describedChecks(); len(checks) > 0 {
		buf.WriteString(`,"checks":`)
		err = errors.Join(err, enc.Encode(checks))
	}
	if jobs := b.describedJobs(); len(jobs) > 0 {
		buf.WriteString(`,"jobs":`)
		err = errors.Join(err, enc.Encode(jobs))
	}
	buf.WriteByte('}')
	return buf.Bytes(), err
}

// described yields the assets and tasks in topological order.
func (b *built) described() iter.Seq2[int, storage.TopologyNode] {
	return func(yield func(int, storage.TopologyNode) bool) {
		items, sources := b.graph.Items(), b.sources()
		inner := map[string][]string{}
		for n := range int32(b.graph.Len()) {
			if node := b.graph.Node(n); node.Kind == graph.GraphTask {
				inner[node.Definition] = append(inner[node.Definition], node.Name)
			}
		}
		for i := range items.Len() {
			t := b.describe(items, i)
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
func (b *built) describe(items graph.Items, i int) storage.TopologyNode {
	out, n := b.graph.Output(items.Output(i))
	node := b.graph.Node(n)
	t := storage.TopologyNode{
		Name: out.Name, Definition: node.Definition, Kind: storage.NodeKind(node.Kind.String()), Group: out.Attrs.Group, Kinds: out.Attrs.Kinds,
		Tags: out.Attrs.Tags, Owners: out.Attrs.Owners, Description: out.Attrs.Description,
		Metadata: out.Attrs.Metadata, CodeVersion: out.Attrs.CodeVersion, Freshness: out.Attrs.Freshness, Pools: node.Pools, Config: b.schemas[node.Definition],
	}
	if out.Type != nil {
		t.Type = out.Type.String()
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

func (b *built) describedChecks() []storage.TopologyCheck {
	var checks []storage.TopologyCheck
	places := map[string]string{}
	for _, d := range b.defs {
		if d.kind == graph.Check {
			places[d.name] = d.pos.Source()
		}
	}
	for n := range int32(b.graph.Len()) {
		node := b.graph.Node(n)
		if node.Kind != graph.Check {
			continue
		}
		attrs := node.Outputs[0].Attrs
		_, name, _ := storage.SplitCheck(node.Name)
		t := storage.TopologyCheck{
			Name: name, Asset: node.Check.Asset, Blocking: node.Check.Blocking, BlockLater: node.Check.Later,
			Description: attrs.Description, Metadata: attrs.Metadata, CodeVersion: attrs.CodeVersion,
			Source: places[node.Name], Partitioned: node.Partitions != nil, Pools: node.Pools, Config: b.schemas[node.Definition],
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

func (b *built) describedJobs() []storage.TopologyJob {
	var jobs []storage.TopologyJob
	for _, job := range b.sortedJobs() {
		t := storage.TopologyJob{Name: job.job.Name, Description: job.job.Description, Tags: job.job.Tags}
		for s := range job.plan.Steps {
			t.Steps = append(t.Steps, job.plan.Key(int32(s)))
		}
		jobs = append(jobs, t)
	}
	return jobs
}

// sources has the place of each item's definition. Many are made by one line in a loop, whose
// place is looked up once.
func (b *built) sources() []string {
	items := b.graph.Items()
	sources, known := make([]string, items.Len()), map[fault.Position]string{}
	for _, d := range b.defs {
		place, ok := known[d.pos]
		if !ok {
			place = d.pos.Source()
			known[d.pos] = place
		}
		for i := range d.outputs {
			if item, ok := items.Lookup(d.outputs[i].name); ok {
				sources[item] = place
			}
		}
	}
	return sources
}
