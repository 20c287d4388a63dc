package checkstate

import (
	"context"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// limits say when which way of reading is taken; none changes an answer.
type limits struct {
	// Keys are asked for some at a time. Where more than so many partitions are asked for, all states of single ones are read
	// instead, a page at a time.
	keys int
	page int
	// The feed is read so many entries at a time.
	changes int
}

// usual are the limits but in tests.
func usual() limits { return limits{keys: 500, page: 5000, changes: 1000} }

// part is some partitions that are asked for.
type part struct {
	set partition.Set
	all bool // whatever there is
}

// of returns which of a set are asked for.
func (p *part) of(set partition.Set) partition.Set {
	if p.all {
		return set
	}
	return set.Intersect(p.set)
}

// piece is the state of a kind of some partitions.
type piece struct {
	set       partition.Set
	seq, read int64
	run       storage.RunKey
	outcome   outcome
	// version is what was made, or what was judged where that is known.
	version string
	known   bool
	// text is the key of a partition that has a state of its own, empty for what many got at once.
	text string
}

// since is from when on what landed was not judged.
func (p *piece) since() int64 {
	if p.read == 0 {
		return p.seq
	}
	return min(p.read, p.seq)
}

// missed reports whether what landed was not judged. What a run made it judges itself, also where the record of it has not
// landed yet when the judging begins.
func (p *piece) missed(landed *piece) bool {
	return landed.seq > p.seq || landed.seq > p.since() && landed.run != p.run
}

// states hands over the present states of a kind of some partitions: those that they have of their own, then those that many got
// at once, which hold where there is none of its own.
func (r *reading) states(ctx context.Context, c *check, asset storage.AssetKey, kind storage.StateKind, of *part, yield func(*piece, *storage.AssetState)) error {
	if asset == 0 {
		return nil
	}
	place := func(rows []storage.PartitionState) error {
		for i := range rows {
			key, err := partition.ParseKey(rows[i].Partition)
			if err != nil {
				return err
			}
			set, err := c.ever.Set(key)
			if err != nil || of.of(set).IsEmpty() { // a former definition's
				continue
			}
			yield(&piece{set: set, text: rows[i].Partition}, &rows[i].AssetState)
		}
		return nil
	}
	var err error
	if of.all || c.ever.Count(of.set) > int64(r.limits.page) {
		err = r.listed(ctx, storage.PartitionQuery{Asset: asset, Kind: kind, Limit: r.limits.page}, place)
	} else {
		err = r.lookedUp(ctx, c, storage.PartitionQuery{Asset: asset, Kind: kind}, of.set, place)
	}
	if err != nil {
		return err
	}
	groups, err := r.Store.ListPartitionGroups(ctx, asset, kind)
	if err != nil {
		return err
	}
	for i := range groups {
		if set := of.of(c.ever.Within(groups[i].Partitions)); !set.IsEmpty() {
			yield(&piece{set: set}, &groups[i].AssetState)
		}
	}
	return nil
}

// listed reads all states of single partitions.
func (r *reading) listed(ctx context.Context, q storage.PartitionQuery, place func([]storage.PartitionState) error) error {
	for {
		rows, err := r.Store.ListPartitions(ctx, q)
		if err != nil || len(rows) == 0 {
			return err
		}
		q.After = rows[len(rows)-1].Partition
		if err := place(rows); err != nil {
			return err
		}
	}
}

// lookedUp reads the states of single partitions by their keys.
func (r *reading) lookedUp(ctx context.Context, c *check, q storage.PartitionQuery, of partition.Set, place func([]storage.PartitionState) error) error {
	ask := func() error {
		if len(q.Partitions) == 0 {
			return nil
		}
		rows, err := r.Store.ListPartitions(ctx, q)
		if err != nil {
			return err
		}
		q.Partitions = q.Partitions[:0]
		return place(rows)
	}
	for key, err := range c.ever.Keys(of) {
		if err != nil {
			return err
		}
		if q.Partitions = append(q.Partitions, key.String()); len(q.Partitions) == r.limits.keys {
			if err := ask(); err != nil {
				return err
			}
		}
	}
	return ask()
}
