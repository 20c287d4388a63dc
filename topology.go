package rivers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// writeTopology records the definitions if they differ from what the store has, and reads the
// keys of the assets.
func (r *CodeRepository) writeTopology(ctx context.Context, store storage.Storage, b *built) ([]storage.AssetKey, error) {
	doc, err := json.Marshal(b.document(r.config.Name))
	if err != nil {
		return nil, fmt.Errorf("repository %q: encoding its topology: %w", r.config.Name, err)
	}
	sum := sha256.Sum256(doc)
	hash := hex.EncodeToString(sum[:])
	names := b.assetNames()
	known, err := knownHash(ctx, store, r.config.Name)
	if err != nil {
		return nil, err
	}
	if known != hash {
		t := storage.Topology{Location: r.config.Name, Hash: hash, At: time.Now(), Assets: given(names), Doc: doc}
		if err := store.Commit(ctx, &storage.Batch{Topologies: []storage.Topology{t}}); err != nil {
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

// assetNames has the name of every output that is an asset, by output; empty for the others.
func (b *built) assetNames() []string {
	names := make([]string, b.graph.Outputs())
	for v := range names {
		if out, _ := b.graph.Output(int32(v)); out.Asset {
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

// document describes the repository.
func (b *built) document(name string) storage.TopologyDoc {
	items := b.graph.Items()
	doc := storage.TopologyDoc{Name: name, Nodes: make([]storage.TopologyNode, 0, items.Len())}
	inner := map[string][]string{}
	sources := b.sources()
	for n := range int32(b.graph.Len()) {
		if node := b.graph.Node(n); node.Kind == graph.GraphTask {
			inner[node.Definition] = append(inner[node.Definition], node.Name)
		}
	}
	for i := range items.Len() {
		out, n := b.graph.Output(items.Output(i))
		node := b.graph.Node(n)
		t := storage.TopologyNode{
			Name: out.Name, Kind: node.Kind.String(), Group: out.Attrs.Group, Kinds: out.Attrs.Kinds,
			Tags: out.Attrs.Tags, Owners: out.Attrs.Owners, Description: out.Attrs.Description,
			Metadata: out.Attrs.Metadata, CodeVersion: out.Attrs.CodeVersion, Source: sources[node.Definition],
		}
		if node.Definition != out.Name {
			t.Definition = node.Definition
		}
		if out.Type != nil {
			t.Type = out.Type.String()
		}
		if node.Kind == graph.GraphTask {
			t.Steps = inner[node.Definition]
		}
		for _, u := range items.Upstream(i) {
			t.Upstream = append(t.Upstream, items.Name(int(u)))
		}
		t.Pools = node.Pools
		t.Config = b.schemas[node.Definition]
		doc.Nodes = append(doc.Nodes, t)
	}
	for _, job := range b.sortedJobs() {
		t := storage.TopologyJob{Name: job.job.Name, Description: job.job.Description, Tags: job.job.Tags}
		for s := range job.plan.Steps {
			t.Steps = append(t.Steps, job.plan.Key(int32(s)))
		}
		doc.Jobs = append(doc.Jobs, t)
	}
	return doc
}

// sources has the place of each definition. Many are made by one line in a loop, whose place is
// looked up once.
func (b *built) sources() map[string]string {
	byName, known := make(map[string]string, len(b.defs)), map[position]string{}
	for _, d := range b.defs {
		place, ok := known[d.pos]
		if !ok {
			place = d.pos.source()
			known[d.pos] = place
		}
		byName[d.name] = place
	}
	return byName
}

// Topology describes the repository as it is recorded for other programs. It opens nothing.
func (r *CodeRepository) Topology() (storage.TopologyDoc, error) {
	b, err := r.built()
	if err != nil {
		return storage.TopologyDoc{}, err
	}
	return b.document(r.config.Name), nil
}
