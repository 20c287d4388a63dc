package launch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// Observe looks at external assets and records what was seen; without names at all that can be
// observed. It returns the metadata by asset. Everything named is checked before anything is
// looked at; what goes wrong with one asset does not keep the others from being observed.
func (r *Runner) Observe(ctx context.Context, names ...string) (map[string]metadata.Map, error) {
	targets, err := r.Catalog.Observable(names)
	if err != nil {
		return nil, err
	}
	g := r.Catalog.Graph()
	seen := make(map[string]metadata.Map, len(targets))
	var errs []error
	batch := &storage.Batch{}
	for _, v := range targets {
		out, n := g.Output(v)
		facts, err := r.look(ctx, g.Node(n))
		if err != nil {
			errs = append(errs, fmt.Errorf("asset %q: observing it: %w", out.Name, err))
			continue
		}
		seen[out.Name] = facts.Metadata
		d := storage.Detail{Data: facts.DataVersion, Code: out.Attrs.CodeVersion, Metadata: facts.Metadata, Tags: facts.Tags}
		batch.Assets = append(batch.Assets, storage.AssetUpdate{
			Asset: r.Keys[v], Kind: storage.Observed, At: storage.MicrosOf(time.Now()),
			DataVersion: d.Data, CodeVersion: d.Code, Detail: d.AppendJSON(nil),
		})
	}
	if !batch.Empty() {
		if err := r.Store.Commit(ctx, batch); err != nil {
			errs = append(errs, fmt.Errorf("recording the observations: %w", err))
		}
	}
	return seen, errors.Join(errs...)
}

// look calls one Observe function.
func (r *Runner) look(ctx context.Context, node *graph.Node) (facts graph.Facts, err error) {
	inv := &graph.Invocation{
		Context: ctx, Node: node, Step: node.Name, Attempt: 1,
		Run:       &graph.Run{Location: r.Catalog.Location(), Storage: r.Store, Load: r.Load},
		NewLogger: func() *slog.Logger { return r.log().With("asset", node.Name) },
	}
	err = fault.Guard(func() error {
		_, err := node.Observe(inv, nil)
		return err
	})
	if err != nil {
		return facts, err
	}
	facts = *inv.FactsOf(0)
	if facts.Metadata == nil {
		facts.Metadata = metadata.Map{}
	}
	facts.Metadata, err = facts.Metadata.Normalize()
	return facts, err
}
