package checkstate

import (
	"cmp"
	"context"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// settle decides the touched partitions of a check anew, or all of them where nothing is known.
func (r *reading) settle(ctx context.Context, c *check) error {
	of := &scope{set: c.space.Within(c.touched), all: !c.known}
	if !of.all && of.set.IsEmpty() {
		return nil
	}
	c.known, c.dirty, r.changed = true, true, true
	results, err := r.results(ctx, c, of)
	if err != nil {
		return err
	}
	outdated, err := r.outdated(ctx, c, of, results)
	if err != nil {
		return err
	}
	var sets [outcomes]partition.Gather
	versions := map[string]*partition.Gather{}
	for _, s := range results {
		sets[s.outcome].Add(s.set)
		if !c.External || !s.known || s.outcome == skipped {
			continue
		}
		if versions[s.version] == nil {
			versions[s.version] = &partition.Gather{}
		}
		versions[s.version].Add(s.set)
	}
	for o := range sets {
		c.sets[o] = c.sets[o].Minus(of.set).Union(sets[o].Set())
	}
	c.outdated = c.outdated.Minus(of.set).Union(outdated)
	for version, set := range c.versions {
		if c.versions[version] = set.Minus(of.set); c.versions[version].IsEmpty() {
			delete(c.versions, version)
		}
	}
	for version, g := range versions {
		if c.versions == nil {
			c.versions = map[string]partition.Set{}
		}
		c.versions[version] = c.versions[version].Union(g.Set())
	}
	return nil
}

// results returns the latest result of each partition, as states with disjoint sets.
func (r *reading) results(ctx context.Context, c *check, of *scope) ([]*state, error) {
	var all []*state
	for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed, storage.Observed} {
		err := r.states(ctx, c, c.key, kind, of, func(s *state, from *storage.AssetState) {
			s.outcome = outcomeOf(kind, from)
			s.version, s.known = from.Inputs[c.Asset]
			all = append(all, s)
		})
		if err != nil {
			return nil, err
		}
	}
	return newest(all), nil
}

// newest keeps the newest state of each partition, whatever its kind.
func newest(all []*state) []*state {
	slices.SortStableFunc(all, func(a, b *state) int {
		return cmp.Or(cmp.Compare(b.Seq, a.Seq), cmp.Compare(len(b.text), len(a.text))) // a partition's own state before a shared one
	})
	var hold []*state
	var groups partition.Set
	var singles partition.Gather
	taken := map[string]bool{}
	for _, s := range all {
		if s.text == "" {
			rest := s.set.Minus(groups).Minus(singles.Set())
			groups = groups.Union(s.set)
			if s.set = rest; !rest.IsEmpty() {
				hold = append(hold, s)
			}
			continue
		}
		if taken[s.text] || !groups.Intersect(s.set).IsEmpty() {
			continue
		}
		taken[s.text] = true
		singles.Add(s.set)
		hold = append(hold, s)
	}
	return hold
}

// outdated returns the partitions whose asset differs now from what was checked.
func (r *reading) outdated(ctx context.Context, c *check, of *scope, results []*state) (partition.Set, error) {
	if c.External {
		return partition.Set{}, nil // Read compares with the latest observation
	}
	var checked, old partition.Gather
	for _, s := range results {
		if s.outcome != skipped {
			checked.Add(s.set)
		}
	}
	if checked.IsEmpty() || c.asset == 0 {
		return checked.Set(), nil
	}
	sets, err := r.Store.PartitionSets(ctx, []storage.AssetKey{c.asset})
	if err != nil {
		return partition.Set{}, err
	}
	old.Add(checked.Set().Minus(sets[0].Materialized))
	l := landings{byText: map[string]*state{}}
	within := &scope{set: checked.Set(), all: of.all}
	err = r.states(ctx, c, c.asset, storage.Materialized, within, func(s *state, from *storage.AssetState) {
		s.version = from.DataVersion
		l.add(s)
	})
	if err != nil {
		return partition.Set{}, err
	}
	for _, s := range results {
		if s.outcome != skipped {
			l.outdate(s, &old)
		}
	}
	return checked.Set().Intersect(old.Set()), nil
}

// landings are the present materializations of an asset.
type landings struct {
	byText  map[string]*state
	singles partition.Gather
	groups  []*state
}

// add adds a materialization. Those of individual partitions come first.
func (l *landings) add(s *state) {
	if s.text == "" {
		s.set = s.set.Minus(l.singles.Set())
		l.groups = append(l.groups, s)
		return
	}
	l.byText[s.text] = s
	l.singles.Add(s.set)
}

// of returns the materialization of one partition, nil for none.
func (l *landings) of(s *state) *state {
	if found := l.byText[s.text]; found != nil {
		return found
	}
	for _, g := range l.groups {
		if g.set.Contains(s.set) {
			return g
		}
	}
	return nil
}

// outdate adds the outdated partitions of a result.
func (l *landings) outdate(s *state, old *partition.Gather) {
	if s.text != "" {
		landed := l.of(s)
		switch {
		case landed == nil:
		case s.known && landed.version != s.version, !s.known && s.Missed(&landed.Landing):
			old.Add(s.set)
		}
		return
	}
	for _, g := range l.groups {
		if s.Missed(&g.Landing) {
			old.Add(g.set.Intersect(s.set))
		}
	}
	var late partition.Gather
	for _, u := range l.byText {
		if s.Missed(&u.Landing) {
			late.Add(u.set)
		}
	}
	old.Add(late.Set().Intersect(s.set))
}
