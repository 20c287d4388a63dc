package rivers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

// Observe looks at external assets and records what was seen; without names at all that can be
// observed. It returns the metadata by asset. Everything named is checked before anything is
// looked at; what goes wrong with one asset does not keep the others from being observed.
func (r *CodeRepository) Observe(ctx context.Context, names ...string) (map[string]metadata.Map, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	b, err := r.built()
	if err != nil {
		return nil, err
	}
	targets, err := b.observable(names)
	if err != nil {
		return nil, err
	}
	seen := make(map[string]metadata.Map, len(targets))
	var errs []error
	batch := &storage.Batch{}
	for _, v := range targets {
		out, n := b.graph.Output(v)
		facts, err := r.look(ctx, b.graph.Node(n))
		if err != nil {
			errs = append(errs, fmt.Errorf("asset %q: observing it: %w", out.Name, err))
			continue
		}
		seen[out.Name] = facts.Metadata
		d := storage.Detail{Data: facts.DataVersion, Code: out.Attrs.CodeVersion, Metadata: facts.Metadata, Tags: facts.Tags}
		batch.Assets = append(batch.Assets, storage.AssetUpdate{
			Asset: r.keys[v], Kind: storage.Observed, At: storage.MicrosOf(time.Now()),
			DataVersion: d.Data, CodeVersion: d.Code, Detail: d.AppendJSON(nil),
		})
	}
	if !batch.Empty() {
		if err := r.store.Commit(ctx, batch); err != nil {
			errs = append(errs, fmt.Errorf("recording the observations: %w", err))
		}
	}
	return seen, errors.Join(errs...)
}

// look calls one Observe function.
func (r *CodeRepository) look(ctx context.Context, node *graph.Node) (facts graph.Facts, err error) {
	inv := &graph.Invocation{
		Context: ctx, Node: node, Step: node.Name, Attempt: 1,
		Run:       &graph.Run{Location: r.config.Name, Storage: r.store, Load: r.loadFrom},
		NewLogger: func() *slog.Logger { return r.log().With("asset", node.Name) },
	}
	err = fault.Guard(func() error {
		_, err := node.Observe(inv, nil)
		return err
	})
	if err != nil {
		return facts, err
	}
	facts = *inv.Fact(0)
	if facts.Metadata == nil {
		facts.Metadata = metadata.Map{}
	}
	facts.Metadata, err = facts.Metadata.Normalize()
	return facts, err
}

// observable resolves names to outputs that can be observed.
func (b *built) observable(names []string) ([]int32, error) {
	var found []int32
	if len(names) == 0 {
		for v := range int32(b.graph.Outputs()) {
			if _, n := b.graph.Output(v); b.graph.Node(n).Observe != nil {
				found = append(found, v)
			}
		}
		return found, nil
	}
	var errs []error
	for _, name := range names {
		v, ok := b.graph.Find(name)
		if !ok {
			errs = append(errs, fmt.Errorf("observing %w", b.unknown(name)))
			continue
		}
		_, n := b.graph.Output(v)
		switch node := b.graph.Node(n); {
		case node.Kind != graph.External:
			errs = append(errs, fmt.Errorf("asset %q: %w: it is made here, and only external assets are observed: materialize it", name, ErrNotObservable))
		case node.Observe == nil:
			errs = append(errs, fmt.Errorf("asset %q: %w: it has no Observe function: add one to its ExternalAssetSpec", name, ErrNotObservable))
		case !slices.Contains(found, v): // asked for twice, it is looked at once
			found = append(found, v)
		}
	}
	return found, errors.Join(errs...)
}
