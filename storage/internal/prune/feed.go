package prune

import (
	"context"
	"fmt"
	"math"
	"strconv"

	"github.com/rivers-go/rivers/storage"
)

// changes deletes the beginning of the feed: changes that are too old or that every consumer has
// read.
func (p *pruner) changes(ctx context.Context) error {
	const k = storage.PruneChanges
	passed, err := p.passed(ctx)
	if err != nil {
		return err
	}
	goes := func(c Change) bool {
		return c.At < p.cutoffs.Before[k] || c.Seq <= passed && c.At < p.cutoffs.Passed
	}
	after := int64(0)
	for at := 1; ; {
		most, err := p.most()
		if err != nil {
			return err
		}
		page, err := p.OldChanges(ctx, after, at*most)
		if err != nil {
			return err
		}
		ends := len(page) < at*most
		d, bytes := old(page, ends, goes)
		if d.Gone == 0 {
			if whole := len(page) > 0 && page[0].Seq != page[len(page)-1].Seq; whole || ends || !goes(page[0]) {
				return nil
			}
			at *= 2 // one transaction made that many entries, which go together
			continue
		}
		if !p.dry {
			if err := p.delete(ctx, &d); err != nil {
				return err
			}
		}
		p.count(k, d.Gone, 0, bytes)
		p.tell()
		after, at = d.Feed, 1
	}
}

// old returns the deletable beginning of a page. Entries of one seq go together; the last seq may
// have more entries than the page unless the feed ends there.
func old(page []Change, ends bool, goes func(Change) bool) (d Deletion, bytes int64) {
	for from := 0; from < len(page); {
		to := from
		all, size := true, int64(0)
		for ; to < len(page) && page[to].Seq == page[from].Seq; to++ {
			all = all && goes(page[to])
			size += page[to].Bytes
		}
		if !all || to == len(page) && !ends {
			break
		}
		d.Feed, d.Gone, bytes = page[from].Seq, int64(to), bytes+size
		from = to
	}
	return d, bytes
}

// passed returns the seq that all consumers have read, zero without consumers. A reader may store
// its cursor elsewhere.
func (p *pruner) passed(ctx context.Context) (int64, error) {
	pairs, err := p.ListKV(ctx, storage.FeedPrefix)
	if err != nil {
		return 0, err
	}
	consumers, passed := 0, int64(math.MaxInt64)
	for _, pair := range pairs {
		if pair.Key == storage.FeedPruned {
			continue
		}
		seq, err := strconv.ParseInt(string(pair.Value), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("value %q is %q: want the decimal seq that the consumer has read up to: %w", pair.Key, pair.Value, err)
		}
		consumers, passed = consumers+1, min(passed, seq)
	}
	if consumers == 0 {
		return 0, nil
	}
	return passed, nil
}
