package checkstate

import (
	"context"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// limits choose between ways of reading; none changes an answer.
type limits struct {
	// keys is how many keys one query asks for. Above page partitions, all states are read instead, a
	// page at a time.
	keys, page int
	// changes is how many entries of the feed one query reads.
	changes int
}

// defaultLimits are the limits outside tests.
func defaultLimits() limits { return limits{keys: 500, page: 5000, changes: feed.DefaultPage} }

// scope is the partitions that are read: a set, or all.
type scope struct {
	set partition.Set
	all bool
}

// within returns the part of a set that lies in the scope.
func (s *scope) within(set partition.Set) partition.Set {
	if s.all {
		return set
	}
	return set.Intersect(s.set)
}

// state is one present state and the partitions that have it.
type state struct {
	feed.Landing

	set     partition.Set
	outcome outcome
	// version is what was made, or what was checked where that is known.
	version string
	known   bool
	// text is the partition's key, empty for a state that many partitions share.
	text string
}

// states yields the present states of a kind: first those of individual partitions, then those that
// many share. A shared state applies where a partition has none of its own.
func (r *reading) states(ctx context.Context, c *check, asset storage.AssetKey, kind storage.StateKind, of *scope, yield func(*state, *storage.AssetState)) error {
	if asset == 0 {
		return nil
	}
	place := func(rows []storage.PartitionState) error {
		for i := range rows {
			key, err := partition.ParseKey(rows[i].Partition)
			if err != nil {
				return err
			}
			set, err := c.space.Set(key)
			if err != nil || of.within(set).IsEmpty() || !rows[i].IsOf(set) { // a former definition's
				continue
			}
			yield(&state{Landing: feed.LandingOf(&rows[i].AssetState), set: set, text: rows[i].Partition}, &rows[i].AssetState)
		}
		return nil
	}
	reader := feed.States{Store: r.Store, Keys: r.limits.keys, Page: r.limits.page}
	q := storage.PartitionQuery{Asset: asset, Kind: kind}
	var err error
	if of.all || c.space.Count(of.set) > int64(r.limits.page) {
		err = reader.All(ctx, q, place)
	} else {
		err = reader.Some(ctx, q, c.space, of.set, place)
	}
	if err != nil {
		return err
	}
	groups, err := r.Store.ListPartitionGroups(ctx, asset, kind)
	if err != nil {
		return err
	}
	for i := range groups {
		if set := of.within(c.space.Within(groups[i].Partitions)); !set.IsEmpty() {
			yield(&state{Landing: feed.LandingOf(&groups[i].AssetState), set: set}, &groups[i].AssetState)
		}
	}
	return nil
}
