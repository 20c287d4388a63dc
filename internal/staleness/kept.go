package staleness

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/fxamacker/cbor/v2"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// keptVersion is that of the form in which a view is kept. What has another is not read.
const keptVersion = 1

// kept is a view in the store: all assets without partitions; those with some have a value each.
type kept struct {
	Version int         `cbor:"1,keyasint"`
	Cursor  int64       `cbor:"2,keyasint"`
	Assets  []keptAsset `cbor:"3,keyasint"`
	// Parts has the assets that have a value of their own, by the cursor at which it was written: an older one is left from a
	// former definition.
	Parts map[string]int64 `cbor:"4,keyasint,omitempty"`
}

// keptAsset is one asset and the edges to what it reads.
type keptAsset struct {
	Name    string            `cbor:"1,keyasint"`
	Shape   string            `cbor:"2,keyasint,omitempty"`
	One     *fact             `cbor:"3,keyasint,omitempty"`
	Made    []byte            `cbor:"4,keyasint,omitempty"`
	Grouped []byte            `cbor:"5,keyasint,omitempty"`
	Outside []byte            `cbor:"6,keyasint,omitempty"`
	Code    map[string][]byte `cbor:"7,keyasint,omitempty"`
	Deps    map[string][]byte `cbor:"8,keyasint,omitempty"`
	Edges   []keptEdge        `cbor:"9,keyasint,omitempty"`
	Failed  bool              `cbor:"10,keyasint,omitempty"`
}

// keptEdge is what is known along an edge on which something has partitions.
type keptEdge struct {
	Up    string            `cbor:"1,keyasint"`
	Shape string            `cbor:"2,keyasint"`
	Stale []byte            `cbor:"3,keyasint,omitempty"`
	Read  map[string][]byte `cbor:"4,keyasint,omitempty"`
}

// mainKey is where a view is kept, partKey where an asset with partitions is, and cursorKey has the number of the feed up to which
// the view needs it no more.
func (v *View) mainKey() string { return "staleness/" + v.Location }

func (v *View) partPrefix() string         { return "staleness-parts/" + strconv.Quote(v.Location) + "/" }
func (v *View) partKey(name string) string { return v.partPrefix() + name }
func (v *View) cursorKey() string          { return storage.FeedPrefix + "staleness/" + v.Location }

// Committer writes batches.
type Committer interface {
	Commit(ctx context.Context, b *storage.Batch) error
}

// Save keeps the view in the store, if it has changed since it was kept: its cursor, and what became of each asset with
// partitions that changed.
func (v *View) Save(ctx context.Context, to Committer) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.changed {
		return nil
	}
	main := kept{Version: keptVersion, Cursor: v.cursor, Assets: make([]keptAsset, 0, len(v.assets)), Parts: map[string]int64{}}
	var b storage.Batch
	for _, a := range v.assets {
		switch {
		case a.fresh:
		case a.def == nil:
			main.Assets = append(main.Assets, a.keep())
		case !a.dirty:
			main.Parts[a.name] = a.kept
		default:
			main.Parts[a.name] = v.cursor
			data, err := cbor.Marshal(kept{Version: keptVersion, Cursor: v.cursor, Assets: []keptAsset{a.keep()}})
			if err != nil {
				return fmt.Errorf("keeping the staleness of %q: %w", a.name, err)
			}
			b.KV = append(b.KV, storage.KVPair{Key: v.partKey(a.name), Value: data})
		}
	}
	data, err := cbor.Marshal(main)
	if err != nil {
		return fmt.Errorf("keeping the staleness of %q: %w", v.Location, err)
	}
	b.KV = append(b.KV, storage.KVPair{Key: v.mainKey(), Value: data},
		storage.KVPair{Key: v.cursorKey(), Value: strconv.AppendInt(nil, v.cursor, 10)})
	if err := to.Commit(ctx, &b); err != nil {
		return fmt.Errorf("keeping the staleness of %q: %w", v.Location, err)
	}
	for _, a := range v.assets {
		if a.dirty {
			a.dirty, a.kept = false, v.cursor
		}
	}
	v.changed = false
	return nil
}

func (a *asset) keep() keptAsset {
	k := keptAsset{
		Name: a.name, Shape: a.shape, One: a.one, Made: setBytes(a.made), Grouped: setBytes(a.grouped), Outside: setBytes(a.outside),
		Code: a.byCode.keep(), Deps: a.byDeps.keep(), Failed: a.failed,
	}
	for _, e := range a.ups {
		if e.kind != plain {
			k.Edges = append(k.Edges, keptEdge{Up: e.up.name, Shape: e.shape, Stale: setBytes(e.stale), Read: e.read.keep()})
		}
	}
	return k
}

func setBytes(s partition.Set) []byte {
	if s.IsEmpty() {
		return nil
	}
	data, _ := s.AppendBinary(nil) // never fails
	return data
}

func (s setsBy) keep() map[string][]byte {
	if len(s) == 0 {
		return nil
	}
	to := make(map[string][]byte, len(s))
	for what, set := range s {
		to[what] = setBytes(set)
	}
	return to
}

// load reads the view that is kept, once. What is damaged or of another form is as if it was not there.
func (v *View) load(ctx context.Context) error {
	if v.loaded {
		return nil
	}
	data, err := v.Store.GetKV(ctx, v.mainKey())
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("staleness: reading what is kept: %w", err)
	}
	main := parseKept(data)
	if main.Version != keptVersion {
		v.loaded = true
		return nil
	}
	pairs, err := v.Store.ListKV(ctx, v.partPrefix())
	if err != nil {
		return fmt.Errorf("staleness: reading what is kept: %w", err)
	}
	v.loaded = true
	for i := range main.Assets {
		v.restore(&main.Assets[i])
	}
	for i := range pairs {
		part := parseKept(pairs[i].Value)
		if part.Version != keptVersion || len(part.Assets) != 1 {
			continue
		}
		if written, known := main.Parts[part.Assets[0].Name]; known && part.Cursor >= written {
			v.restore(&part.Assets[0])
			v.byName[part.Assets[0].Name].wrote(part.Cursor)
		}
	}
	v.cursor = main.Cursor
	v.complete()
	return nil
}

// complete makes unknown what follows from what is unknown: an edge is that of both its sides, and what was read
// of a fixed one is told by the states of its asset.
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

func parseKept(data []byte) kept {
	var k kept
	if err := cbor.Unmarshal(data, &k); err != nil {
		return kept{}
	}
	return k
}

// restore takes over what is kept of an asset, if its definition is the same.
func (v *View) restore(k *keptAsset) {
	a := v.byName[k.Name]
	if a == nil || a.shape != k.Shape || a.key == 0 {
		return
	}
	var p setParser
	if a.one, a.failed = k.One, k.Failed; a.one != nil {
		a.read = a.one.readBy(a)
	}
	a.made, a.grouped, a.outside = p.set(k.Made), p.set(k.Grouped), p.set(k.Outside)
	a.byCode, a.byDeps = p.sets(k.Code), p.sets(k.Deps)
	edges := map[string]*keptEdge{}
	for i := range k.Edges {
		edges[k.Edges[i].Up] = &k.Edges[i]
	}
	for _, e := range a.ups {
		if old := edges[e.up.name]; old != nil && old.Shape == e.shape {
			e.stale, e.read, e.fresh = p.set(old.Stale), p.sets(old.Read), false
		}
	}
	if p.err != nil {
		a.clear()
		return
	}
	a.fresh, a.dirty = false, false
}

// setParser reads sets and keeps the first error.
type setParser struct{ err error }

func (p *setParser) set(data []byte) partition.Set {
	if len(data) == 0 {
		return partition.Set{}
	}
	s, err := partition.ParseSet(data)
	if err != nil {
		p.err = err
	}
	return s
}

func (p *setParser) sets(data map[string][]byte) setsBy {
	if len(data) == 0 {
		return nil
	}
	to := make(setsBy, len(data))
	for what, set := range data {
		to[what] = p.set(set)
	}
	return to
}

// wrote notes the cursor at which an asset was kept; the graph may not have it any more.
func (a *asset) wrote(cursor int64) {
	if a != nil {
		a.kept = cursor
	}
}
