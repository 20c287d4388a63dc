package staleness

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/internal/feed"
)

// The name and format under which snapshots are stored.
const (
	consumerName   = "staleness"
	snapshotFormat = 1
)

// snapshot is a stored view: the unpartitioned assets. Each partitioned asset is a part, and a
// snapshot of one asset.
type snapshot struct {
	feed.Head

	Assets []assetSnapshot `cbor:"3,keyasint"`
	// Parts lists the partitioned assets, by the cursor at which each was saved.
	Parts map[string]int64 `cbor:"4,keyasint,omitempty"`
}

// assetSnapshot is one asset and its edges to upstream.
type assetSnapshot struct {
	Name    string            `cbor:"1,keyasint"`
	Shape   string            `cbor:"2,keyasint,omitempty"`
	One     *state            `cbor:"3,keyasint,omitempty"`
	Made    []byte            `cbor:"4,keyasint,omitempty"`
	Grouped []byte            `cbor:"5,keyasint,omitempty"`
	Outside []byte            `cbor:"6,keyasint,omitempty"`
	Code    map[string][]byte `cbor:"7,keyasint,omitempty"`
	Deps    map[string][]byte `cbor:"8,keyasint,omitempty"`
	Edges   []edgeSnapshot    `cbor:"9,keyasint,omitempty"`
	Failed  bool              `cbor:"10,keyasint,omitempty"`
}

// edgeSnapshot is an edge with a partitioned side.
type edgeSnapshot struct {
	Up    string            `cbor:"1,keyasint"`
	Shape string            `cbor:"2,keyasint"`
	Stale []byte            `cbor:"3,keyasint,omitempty"`
	Read  map[string][]byte `cbor:"4,keyasint,omitempty"`
}

// Save stores the view if it changed since it was saved: its cursor, the unpartitioned assets, and
// the partitioned ones that changed.
func (v *View) Save(ctx context.Context, to feed.Committer) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.changed {
		return nil
	}
	main := &snapshot{Assets: make([]assetSnapshot, 0, len(v.assets)), Parts: map[string]int64{}}
	var parts []feed.Part
	for _, a := range v.assets {
		switch {
		case a.fresh:
		case a.def == nil:
			main.Assets = append(main.Assets, a.snapshot())
		case !a.dirty:
			main.Parts[a.name] = a.savedAt
		default:
			main.Parts[a.name] = v.feed.Cursor()
			parts = append(parts, feed.Part{Name: a.name, Document: &snapshot{Assets: []assetSnapshot{a.snapshot()}}})
		}
	}
	if err := v.feed.Save(ctx, to, main, parts); err != nil {
		return fmt.Errorf("staleness of %q: %w", v.Location, err)
	}
	for _, a := range v.assets {
		if a.dirty {
			a.dirty, a.savedAt = false, v.feed.Cursor()
		}
	}
	v.changed = false
	return nil
}

func (a *asset) snapshot() assetSnapshot {
	s := assetSnapshot{
		Name: a.name, Shape: a.shape, One: a.one, Failed: a.failed,
		Made: feed.EncodeSet(a.made), Grouped: feed.EncodeSet(a.grouped), Outside: feed.EncodeSet(a.outside),
		Code: feed.EncodeSets(a.byCode), Deps: feed.EncodeSets(a.byDeps),
	}
	for _, e := range a.ups {
		if e.kind != plain {
			s.Edges = append(s.Edges, edgeSnapshot{Up: e.up.name, Shape: e.shape, Stale: feed.EncodeSet(e.stale), Read: feed.EncodeSets(e.read)})
		}
	}
	return s
}

// load restores the stored view, once. It skips damaged documents and those of former definitions.
func (v *View) load(ctx context.Context) error {
	if v.loaded {
		return nil
	}
	var main snapshot
	parts, ok, err := v.feed.Open(ctx, &main)
	if err != nil {
		return fmt.Errorf("staleness: %w", err)
	}
	v.loaded = true
	if !ok {
		return nil
	}
	for i := range main.Assets {
		v.restore(&main.Assets[i])
	}
	for i := range parts.Len() {
		var part snapshot
		if !parts.Read(i, &part) || len(part.Assets) != 1 || !part.IsCurrent(main.Parts, part.Assets[0].Name) {
			continue
		}
		v.restore(&part.Assets[0])
		if a := v.byName[part.Assets[0].Name]; a != nil { // the definitions may have lost it
			a.savedAt = part.Cursor
		}
	}
	v.complete()
	return nil
}

// complete makes unknown what depends on something unknown: an edge depends on both sides, and an
// asset depends on its fixed edges, since its own states tell what they read.
func (v *View) complete() {
	for _, a := range v.assets {
		for _, e := range a.ups {
			e.fresh = e.kind != plain && (e.fresh || a.fresh || e.up.fresh)
			a.fresh = a.fresh || e.fresh && e.kind == fixed
		}
		if a.fresh {
			a.clear()
		}
		for _, e := range a.ups {
			if e.fresh || a.fresh {
				e.clear()
			}
		}
	}
}

// restore takes over the snapshot of an asset if its definition is the same.
func (v *View) restore(s *assetSnapshot) {
	a := v.byName[s.Name]
	if a == nil || a.shape != s.Shape || a.key == 0 {
		return
	}
	var d feed.SetDecoder
	if a.one, a.failed = s.One, s.Failed; a.one != nil {
		a.read = a.one.readBy(a)
	}
	a.made, a.grouped, a.outside = d.Set(s.Made), d.Set(s.Grouped), d.Set(s.Outside)
	a.byCode, a.byDeps = d.Sets(s.Code), d.Sets(s.Deps)
	edges := map[string]*edgeSnapshot{}
	for i := range s.Edges {
		edges[s.Edges[i].Up] = &s.Edges[i]
	}
	for _, e := range a.ups {
		if old := edges[e.up.name]; old != nil && old.Shape == e.shape {
			e.stale, e.read, e.fresh = d.Set(old.Stale), d.Sets(old.Read), false
		}
	}
	if d.Err() != nil {
		a.clear()
		return
	}
	a.fresh, a.dirty = false, false
}
