package checkstate

import (
	"cmp"
	"context"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// settle decides anew what a check says of the partitions that were touched, or of all where nothing is known.
func (r *reading) settle(ctx context.Context, c *check) error {
	of := &part{set: c.ever.Within(c.touched.Set()), all: !c.known}
	if !of.all && of.set.IsEmpty() {
		return nil
	}
	c.known, c.dirty, r.changed = true, true, true
	said, err := r.said(ctx, c, of)
	if err != nil {
		return err
	}
	outdated, err := r.outdated(ctx, c, of, said)
	if err != nil {
		return err
	}
	var is [outcomes]partition.Gather
	read := map[string]*partition.Gather{}
	for _, p := range said {
		is[p.outcome].Add(p.set)
		if !c.External || !p.known || p.outcome == skipped {
			continue
		}
		if read[p.version] == nil {
			read[p.version] = &partition.Gather{}
		}
		read[p.version].Add(p.set)
	}
	for o := range is {
		c.is[o] = c.is[o].Minus(of.set).Union(is[o].Set())
	}
	c.outdated = c.outdated.Minus(of.set).Union(outdated)
	for version, set := range c.read {
		if c.read[version] = set.Minus(of.set); c.read[version].IsEmpty() {
			delete(c.read, version)
		}
	}
	for version, g := range read {
		if c.read == nil {
			c.read = map[string]partition.Set{}
		}
		c.read[version] = c.read[version].Union(g.Set())
	}
	return nil
}

// said returns what the check said last of partitions: disjoint pieces.
func (r *reading) said(ctx context.Context, c *check, of *part) ([]*piece, error) {
	var pieces []*piece
	for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed, storage.Observed} {
		err := r.states(ctx, c, c.key, kind, of, func(p *piece, s *storage.AssetState) {
			p.seq, p.read, p.run, p.outcome = s.Seq, s.ReadSeq, s.Run, outcomeOf(kind, s)
			p.version, p.known = s.Inputs[c.Asset]
			pieces = append(pieces, p)
		})
		if err != nil {
			return nil, err
		}
	}
	return newest(pieces), nil
}

// newest keeps of each partition the newest state, whatever its kind.
func newest(pieces []*piece) []*piece {
	slices.SortStableFunc(pieces, func(a, b *piece) int {
		return cmp.Or(cmp.Compare(b.seq, a.seq), cmp.Compare(len(b.text), len(a.text))) // one's own before that of many
	})
	var hold []*piece
	var groups partition.Set
	var singles partition.Gather
	taken := map[string]bool{}
	for _, p := range pieces {
		if p.text == "" {
			rest := p.set.Minus(groups).Minus(singles.Set())
			groups = groups.Union(p.set)
			if p.set = rest; !rest.IsEmpty() {
				hold = append(hold, p)
			}
			continue
		}
		if taken[p.text] || !groups.Intersect(p.set).IsEmpty() {
			continue
		}
		taken[p.text] = true
		singles.Add(p.set)
		hold = append(hold, p)
	}
	return hold
}

// outdated returns of which of the pieces something else is there than what was judged.
func (r *reading) outdated(ctx context.Context, c *check, of *part, said []*piece) (partition.Set, error) {
	if c.External {
		return partition.Set{}, nil // told by the present observation when it is asked for
	}
	var judged, old partition.Gather
	for _, p := range said {
		if p.outcome != skipped {
			judged.Add(p.set)
		}
	}
	if judged.IsEmpty() || c.asset == 0 {
		return judged.Set(), nil
	}
	sets, err := r.Store.PartitionSets(ctx, []storage.AssetKey{c.asset})
	if err != nil {
		return partition.Set{}, err
	}
	old.Add(judged.Set().Minus(sets[0].Materialized))
	l := landings{byText: map[string]*piece{}}
	within := &part{set: judged.Set(), all: of.all}
	err = r.states(ctx, c, c.asset, storage.Materialized, within, func(p *piece, s *storage.AssetState) {
		p.seq, p.run, p.version = s.Seq, s.Run, s.DataVersion
		l.add(p)
	})
	if err != nil {
		return partition.Set{}, err
	}
	for _, p := range said {
		if p.outcome != skipped {
			l.outdate(p, &old)
		}
	}
	return judged.Set().Intersect(old.Set()), nil
}

// landings are what is there of an asset.
type landings struct {
	byText  map[string]*piece
	singles partition.Gather
	groups  []*piece
}

func (l *landings) add(p *piece) {
	if p.text == "" {
		p.set = p.set.Minus(l.singles.Set()) // which came before
		l.groups = append(l.groups, p)
		return
	}
	l.byText[p.text] = p
	l.singles.Add(p.set)
}

// of returns what is there of one partition, nil for nothing.
func (l *landings) of(p *piece) *piece {
	if found := l.byText[p.text]; found != nil {
		return found
	}
	for _, g := range l.groups {
		if g.set.Contains(p.set) {
			return g
		}
	}
	return nil
}

// outdate adds what of a piece is outdated.
func (l *landings) outdate(p *piece, old *partition.Gather) {
	if p.text != "" {
		landed := l.of(p)
		switch {
		case landed == nil:
		case p.known && landed.version != p.version, !p.known && p.missed(landed):
			old.Add(p.set)
		}
		return
	}
	for _, g := range l.groups {
		if p.missed(g) {
			old.Add(g.set.Intersect(p.set))
		}
	}
	var late partition.Gather
	for _, s := range l.byText {
		if p.missed(s) {
			late.Add(s.set)
		}
	}
	old.Add(late.Set().Intersect(p.set))
}
