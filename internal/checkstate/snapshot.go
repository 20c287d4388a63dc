package checkstate

import (
	"context"
	"errors"
	"strconv"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/partition"
)

// The name and format under which snapshots are stored.
const (
	consumerName   = "verdicts"
	snapshotFormat = 1
)

// snapshot lists the stored checks, by the cursor at which each was saved.
type snapshot struct {
	feed.Head

	Checks map[string]int64 `cbor:"3,keyasint,omitempty"`
}

// checkSnapshot is one stored check.
type checkSnapshot struct {
	feed.Head

	Name     string            `cbor:"3,keyasint"`
	Shape    string            `cbor:"4,keyasint"`
	Sets     [outcomes][]byte  `cbor:"5,keyasint,omitempty"`
	Outdated []byte            `cbor:"6,keyasint,omitempty"`
	Versions map[string][]byte `cbor:"7,keyasint,omitempty"`
}

// shapeOf returns a short text of what a check's sets depend on.
func shapeOf(s Subject) string { return feed.ShapeOf(s.Partitions, strconv.FormatBool(s.External)) }

// load restores the checks that are stored. It skips damaged documents and those of former
// definitions.
func (r *reading) load(ctx context.Context) error {
	var main snapshot
	parts, ok, err := r.feed.Open(ctx, &main)
	if err != nil || !ok {
		return err
	}
	byName := make(map[string]*checkSnapshot, parts.Len())
	for i := range parts.Len() {
		if s := new(checkSnapshot); parts.Read(i, s) {
			byName[s.Name] = s
		}
	}
	for _, c := range r.checks {
		if s := byName[c.Check]; s != nil && s.IsCurrent(main.Checks, c.Check) && s.Shape == c.shape {
			c.restore(s)
		}
	}
	return nil
}

func (c *check) restore(s *checkSnapshot) {
	var d feed.SetDecoder
	for o := range c.sets {
		c.sets[o] = d.Set(s.Sets[o])
	}
	c.outdated, c.versions = d.Set(s.Outdated), d.Sets(s.Versions)
	c.known, c.savedAt = d.Err() == nil, s.Cursor
}

func (c *check) snapshot() *checkSnapshot {
	s := &checkSnapshot{Name: c.Check, Shape: c.shape, Outdated: feed.EncodeSet(c.outdated), Versions: feed.EncodeSets(c.versions)}
	for o := range c.sets {
		s.Sets[o] = feed.EncodeSet(c.sets[o])
	}
	return s
}

// save stores what changed if the store can be written. It only makes the next reading cheaper, so
// an error is logged.
func (r *reading) save(ctx context.Context) {
	to, ok := r.Store.(feed.Committer)
	if !ok || !r.changed {
		return
	}
	main := &snapshot{Checks: map[string]int64{}}
	var parts []feed.Part
	for _, c := range r.checks {
		if main.Checks[c.Check] = c.savedAt; c.dirty {
			main.Checks[c.Check] = r.feed.Cursor()
			parts = append(parts, feed.Part{Name: c.Check, Document: c.snapshot()})
		}
	}
	if err := r.feed.Save(ctx, to, main, parts); err != nil && r.Log != nil && !errors.Is(err, context.Canceled) {
		r.Log.DebugContext(ctx, "check states were not saved", "repository", r.Location, "error", err)
	}
}

// clear forgets what is known of a check.
func (c *check) clear() {
	c.sets, c.outdated, c.versions = [outcomes]partition.Set{}, partition.Set{}, nil
}
