package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/audit"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

// parse reads a set, and reports one that does not read.
func (c *checker) parse(labels []byte, format string, args ...any) (set partition.Set, ok bool) {
	set, err := partition.ParseSet(labels)
	if err != nil {
		c.report(format+": %v", append(args, err)...)
	}
	return set, err == nil
}

// sets compares the sets of all assets with what the states come to, and looks for groups that overlap.
func (c *checker) sets() error {
	assets, err := c.q.ListParted(c.ctx)
	if err != nil {
		return err
	}
	for _, a := range assets {
		if err := c.setsOf(a.Asset, a.Name); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) setsOf(asset int64, name string) error {
	rows, err := c.q.ListAssetGroups(c.ctx, asset)
	if err != nil {
		return err
	}
	var groups []audit.Group
	for _, r := range rows {
		kind := storage.StateKind(r.Kind)
		if set, ok := c.parse(r.Labels, "asset %q: a group of partitions that were %s at once", name, kind); ok {
			groups = append(groups, audit.Group{Seq: r.Seq, Kind: kind, Set: set})
		}
	}
	c.findings = append(c.findings, audit.Groups(name, groups, func(g audit.Group) error { return c.mendGroup(asset, g) })...)
	stored, err := c.q.ListAssetSets(c.ctx, asset)
	if err != nil {
		return err
	}
	var have fold.Sets
	for _, r := range stored {
		kind := storage.StateKind(r.Kind)
		if set, ok := c.parse(r.Labels, "asset %q: the set of what is %s", name, kind); ok {
			*have.Of(kind) = set
		}
	}
	before := len(c.findings)
	want, err := c.replay(asset, name)
	mend := func(kind storage.StateKind, now partition.Set) error { return c.mendSet(asset, kind, now) }
	if len(c.findings) > before {
		mend = nil // a state does not read
	}
	if err == nil {
		c.findings = append(c.findings, audit.Sets(name, have, want, mend)...)
	}
	return err
}

// replay makes the sets of an asset from its states, of which there may be very many: they are read one by one.
func (c *checker) replay(asset int64, name string) (fold.Sets, error) {
	var replay fold.Replay
	rows, err := c.tx.Query(c.ctx, `SELECT kind, labels FROM (SELECT seq, kind, labels FROM partition_state WHERE asset = $1
		UNION ALL SELECT seq, kind, labels FROM partition_group WHERE asset = $1) AS states ORDER BY seq, kind`, asset)
	if err != nil {
		return fold.Sets{}, err
	}
	var kind int16
	var labels []byte
	_, err = pgx.ForEachRow(rows, []any{&kind, &labels}, func() error {
		if set, ok := c.parse(labels, "asset %q: a state of partitions that were %s", name, storage.StateKind(kind)); ok {
			replay.Add(storage.StateKind(kind), set)
		}
		return nil
	})
	return replay.Sets(), err
}

func (c *checker) mendGroup(asset int64, g audit.Group) error {
	if g.Set.IsEmpty() {
		return c.q.MendEmptyGroup(c.ctx, db.MendEmptyGroupParams{Asset: asset, Kind: int16(g.Kind), Seq: g.Seq})
	}
	return c.q.MendGroup(c.ctx, db.MendGroupParams{Asset: asset, Kind: int16(g.Kind), Seq: g.Seq, Labels: blob(g.Set)})
}

// mendSet writes a set, and tells of it like of any change.
func (c *checker) mendSet(asset int64, kind storage.StateKind, now partition.Set) error {
	var err error
	if now.IsEmpty() {
		err = c.q.MendEmptySet(c.ctx, db.MendEmptySetParams{Asset: asset, Kind: int16(kind)})
	} else {
		err = c.q.MendSet(c.ctx, db.MendSetParams{Asset: asset, Kind: int16(kind), Labels: blob(now)})
	}
	if err != nil {
		return err
	}
	return c.tell(kind.Change(), blob(now), storage.AssetKey(asset))
}

// tell adds an entry to the feed of changes.
func (c *checker) tell(kind storage.ChangeKind, labels []byte, asset storage.AssetKey) error {
	c.entries++
	return c.q.MendFeed(c.ctx, db.MendFeedParams{
		I: c.entries, Kind: int16(kind), Labels: labels, Assets: fold.AppendAssets(nil, []storage.AssetKey{asset}),
	})
}

func blob(set partition.Set) []byte {
	data, _ := set.AppendBinary(nil) // never fails
	return data
}

func (c *checker) inFlight() error {
	rows, err := c.q.CheckInFlight(c.ctx)
	for _, r := range rows {
		switch {
		case !r.RunID.Valid:
			c.report("asset %q has partitions in flight of run %d, which is not recorded", r.Name.String, r.Run)
		case !r.Name.Valid:
			c.report("run %q has partitions of asset %d in flight: there is no such asset", r.RunID.String, r.Asset)
		default:
			c.report("asset %q has partitions in flight of run %q, which is %s", r.Name.String, r.RunID.String, storage.RunState(r.State.Int16))
		}
		mended := fmt.Sprintf("asset %q has nothing in flight any more of a run that is not under way", r.Name.String)
		if !r.Name.Valid {
			mended = fmt.Sprintf("run %q has nothing in flight any more of an asset that is not there", r.RunID.String)
		}
		c.mendable(func() error { return c.q.MendInFlight(c.ctx, db.MendInFlightParams{Asset: r.Asset, Run: r.Run}) }, "%s", mended)
	}
	return err
}

func (c *checker) keys() error {
	rows, err := c.q.CheckKeyTables(c.ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		t := storage.KeyTable{Name: r.Name, Size: r.Size}
		if r.Live != nil {
			var ok bool
			if t.Live, ok = c.parse(r.Live, "key table %q: the set of what is registered", t.Name); !ok {
				continue
			}
		}
		c.findings = append(c.findings, audit.Keys(t, r.Keys, r.Highest, func(size int64, live partition.Set) error {
			p := db.MendKeyTableParams{Key: r.Key, Size: size}
			if !live.IsEmpty() {
				p.Live = blob(live)
			}
			return c.q.MendKeyTable(c.ctx, p)
		})...)
	}
	strays, err := c.q.CheckStrayKeys(c.ctx)
	for _, r := range strays {
		c.report("%d keys belong to key table %d, which is not there", r.Keys, r.KeyTable)
	}
	return err
}

func (c *checker) backfills() error {
	rows, err := c.q.ListBackfillIDs(c.ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		rec, err := readBackfill(c.ctx, c.q, r.ID)
		if err != nil {
			c.report("backfill %q: %v", r.ID, err)
			continue
		}
		c.findings = append(c.findings, audit.Backfill(&rec, r.Runs, func() error { return c.q.MendBackfillLease(c.ctx, int64(rec.Key)) })...)
	}
	return nil
}
