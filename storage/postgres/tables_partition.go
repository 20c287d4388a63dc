package postgres

import (
	"strings"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// partedTables is how the writer fills the tables of partitions.
type partedTables struct {
	goneStates          *write[goneState]
	singles             *write[stateRow]
	sets, goneSets      *write[setRow]
	newGroups           *write[group]
	groups, goneGroups  *write[group]
	newFlights, flights *write[setRow]
	goneFlights         *write[setRow]
	changes             *write[changeRow]
	keys                *write[keyRow]
	keyTables           *write[keyTable]
}

func newPartedTables() partedTables {
	asset := bigintOf("asset", func(s *setRow) storage.AssetKey { return s.asset })
	run := bigintOf("run", func(s *setRow) storage.RunKey { return s.run })
	kind := smallintOf("kind", func(s *setRow) storage.StateKind { return s.kind })
	set := setOf("labels", func(s *setRow) partition.Set { return s.set })
	names := groupNames()
	newGroup := groupColumns()
	return partedTables{
		goneStates: newWrite("drop_asset_state", "DELETE FROM asset_state USING ROWS WHERE asset_state.asset = new.asset AND asset_state.kind = new.kind AND asset_state.seq < new.seq",
			bigintOf("asset", func(s *goneState) storage.AssetKey { return s.asset }),
			smallintOf("kind", func(s *goneState) storage.StateKind { return s.kind }),
			bigintOf("seq", func(s *goneState) int64 { return s.seq })),
		singles:  replace("partition_state", "asset, kind, partition", singleColumns()...),
		sets:     replace("partition_set", "asset, kind", asset, kind, set),
		goneSets: newWrite("drop_partition_set", "DELETE FROM partition_set USING ROWS WHERE partition_set.asset = new.asset AND partition_set.kind = new.kind", asset, kind),

		newGroups: insert("partition_group", newGroup...),
		groups: newWrite("set_partition_group", `UPDATE partition_group SET labels = new.labels FROM ROWS
			WHERE partition_group.asset = new.asset AND partition_group.kind = new.kind AND partition_group.seq = new.seq`,
			append(names, setOf("labels", func(g *group) partition.Set { return g.set }))...),
		goneGroups: newWrite("drop_partition_group", `DELETE FROM partition_group USING ROWS
			WHERE partition_group.asset = new.asset AND partition_group.kind = new.kind AND partition_group.seq = new.seq`, names...),

		newFlights:  insert("in_flight", asset, run, set),
		flights:     newWrite("set_in_flight", "UPDATE in_flight SET labels = new.labels FROM ROWS WHERE in_flight.asset = new.asset AND in_flight.run = new.run", asset, run, set),
		goneFlights: newWrite("drop_in_flight", "DELETE FROM in_flight USING ROWS WHERE in_flight.asset = new.asset AND in_flight.run = new.run", asset, run),

		changes: insert("change", changeColumns()...),
		keys: insert("partition_key",
			bigintOf("key_table", func(k *keyRow) int64 { return k.table }),
			bigintOf("ordinal", func(k *keyRow) int64 { return k.ordinal }),
			textOf("key", func(k *keyRow) string { return k.key })),
		keyTables: newWrite("set_key_table", "UPDATE key_table SET size = new.size, live = new.live FROM ROWS WHERE key_table.key = new.key",
			bigintOf("key", func(t *keyTable) int64 { return t.key }),
			bigintOf("size", func(t *keyTable) int64 { return t.size }),
			unless(setOf("live", func(t *keyTable) partition.Set { return t.live }), func(t *keyTable) bool { return t.live.IsEmpty() })),
	}
}

// setOf is a column of sets in their binary form.
func setOf[R any](name string, of func(*R) partition.Set) column[R] {
	return bytesOf(name, func(r *R) []byte {
		data, _ := of(r).AppendBinary(nil) // never fails
		return data
	})
}

// replaceStates puts a state in the place of an older one. Whoever comes later may have begun earlier.
func replaceStates() string {
	columns := stateColumns(true)
	var set []string
	for _, c := range columns[2:] {
		set = append(set, c.name+" = excluded."+c.name)
	}
	return insertInto("asset_state", columns) + " ON CONFLICT (asset, kind) DO UPDATE SET " + strings.Join(set, ", ") + " WHERE asset_state.seq <= excluded.seq"
}

// stateColumns are those of states: of an asset as a whole, or of a single partition.
func stateColumns(whole bool) []column[stateRow] {
	text := textOf("partition", func(u *stateRow) string { return u.Partition })
	if whole {
		text = unless(text, func(u *stateRow) bool { return !u.Partitioned() })
	}
	return []column[stateRow]{
		bigintOf("asset", func(u *stateRow) storage.AssetKey { return u.Asset }),
		smallintOf("kind", func(u *stateRow) storage.StateKind { return u.Kind }),
		text,
		bigintOf("seq", func(u *stateRow) int64 { return u.seq }),
		bigintOf("run", func(u *stateRow) storage.RunKey { return u.Run }),
		bigintOf("n", func(u *stateRow) int64 { return u.N }),
		bigintOf("at", func(u *stateRow) storage.Micros { return u.At }),
		textOf("data_version", func(u *stateRow) string { return u.DataVersion }),
		textOf("code_version", func(u *stateRow) string { return u.CodeVersion }),
		documentOf("detail", func(u *stateRow) []byte { return u.Detail }),
	}
}

func singleColumns() []column[stateRow] {
	return append(stateColumns(false), setOf("labels", func(u *stateRow) partition.Set { return u.set }))
}

// groupNames are the columns that name a group.
func groupNames() []column[group] {
	return []column[group]{
		bigintOf("asset", func(g *group) storage.AssetKey { return g.asset }),
		smallintOf("kind", func(g *group) storage.StateKind { return g.kind }),
		bigintOf("seq", func(g *group) int64 { return g.seq }),
	}
}

func groupColumns() []column[group] {
	return append(groupNames(),
		bigintOf("run", func(g *group) storage.RunKey { return g.Run }),
		bigintOf("n", func(g *group) int64 { return g.N }),
		bigintOf("at", func(g *group) storage.Micros { return g.At }),
		textOf("data_version", func(g *group) string { return g.DataVersion }),
		textOf("code_version", func(g *group) string { return g.CodeVersion }),
		setOf("labels", func(g *group) partition.Set { return g.set }),
		documentOf("detail", func(g *group) []byte { return g.Detail }),
	)
}

func changeColumns() []column[changeRow] {
	return []column[changeRow]{
		bigintOf("seq", func(c *changeRow) int64 { return c.Seq }),
		integerOf("i", func(c *changeRow) int { return c.i }),
		bigintOf("at", func(c *changeRow) storage.Micros { return c.At }),
		smallintOf("kind", func(c *changeRow) storage.ChangeKind { return c.Kind }),
		bigintOf("run", func(c *changeRow) storage.RunKey { return c.Run }),
		unless(bytesOf("labels", func(c *changeRow) []byte { return labels(c.Partitions) }),
			func(c *changeRow) bool { return c.Partitions.Equal(partition.Whole()) }),
		bytesOf("assets", func(c *changeRow) []byte { return fold.AppendAssets(nil, c.Assets) }),
		textOf("keys", func(c *changeRow) string { return c.Keys }),
	}
}

// fillTables is how the writer fills the tables of backfills.
type fillTables struct {
	newBackfills           *write[newBackfill]
	backfills              *write[backfill]
	fillSets, goneFillSets *write[fillSet]
}

func newFillTables() fillTables {
	key := bigintOf("backfill", func(s *fillSet) storage.BackfillKey { return s.backfill })
	which := smallintOf("which", func(s *fillSet) uint8 { return uint8(s.which) })
	set := bytesOf("labels", func(s *fillSet) []byte { return s.labels })
	newBackfills := newBackfillColumns()
	sets := []column[fillSet]{key, which, set}
	return fillTables{
		newBackfills: newWrite("insert_backfill",
			strings.Replace(insertInto("backfill", newBackfills), ") SELECT", ") OVERRIDING SYSTEM VALUE SELECT", 1), newBackfills...),
		backfills: updateBackfills(),
		fillSets: newWrite("replace_backfill_set", insertInto("backfill_set", sets)+
			" ON CONFLICT (backfill, which) DO UPDATE SET labels = excluded.labels WHERE backfill_set.labels <> excluded.labels", sets...),
		goneFillSets: newWrite("drop_backfill_set", "DELETE FROM backfill_set USING ROWS WHERE backfill_set.backfill = new.backfill AND backfill_set.which = new.which", key, which),
	}
}

func newBackfillColumns() []column[newBackfill] {
	return []column[newBackfill]{
		bigintOf("key", func(b *newBackfill) storage.BackfillKey { return b.Key }),
		bigintOf("token", func(b *newBackfill) int64 { return b.Record.Token }),
		bigintOf("lease_until", func(b *newBackfill) storage.Micros { return b.until }),
		bigintOf("created_at", func(b *newBackfill) storage.Micros { return storage.MicrosOf(b.Record.CreatedAt) }),
		bigintOf("started_at", func(b *newBackfill) storage.Micros { return storage.MicrosOf(b.Record.StartedAt) }),
		bigintOf("ended_at", func(b *newBackfill) storage.Micros { return storage.MicrosOf(b.Record.EndedAt) }),
		bigintOf("total", func(b *newBackfill) int64 { return b.Record.Total }),
		bigintOf("runs", func(b *newBackfill) int64 { return b.Record.Progress.Runs }),
		bigintOf("completed", func(b *newBackfill) int64 { return b.Record.Progress.CompletedCount }),
		bigintOf("failed", func(b *newBackfill) int64 { return b.Record.Progress.FailedCount }),
		bigintOf("canceled", func(b *newBackfill) int64 { return b.Record.Progress.CanceledCount }),
		smallintOf("state", func(b *newBackfill) storage.BackfillState { return b.Record.State }),
		textOf("id", func(b *newBackfill) string { return b.id }),
		textOf("location", func(b *newBackfill) string { return b.Record.Location }),
		textOf("owner", func(b *newBackfill) string { return b.Record.Owner }),
		textOf("rerun_of", func(b *newBackfill) string { return b.Record.RerunOf }),
		textOf("error", func(b *newBackfill) string { return b.Record.Error }),
		documentOf("assets", func(b *newBackfill) []byte { return b.Assets }),
		documentOf("request", func(b *newBackfill) []byte { return b.Request }),
	}
}

func updateBackfills() *write[backfill] {
	quiet := func(b *backfill) bool { return b.update == nil }
	return newWrite(
		"update_backfill", `UPDATE backfill SET token = new.token, lease_until = new.lease_until, state = new.state, owner = new.owner, started_at = new.started_at,
	ended_at = coalesce(new.ended_at, backfill.ended_at), runs = coalesce(new.runs, backfill.runs), completed = coalesce(new.completed, backfill.completed),
	failed = coalesce(new.failed, backfill.failed), canceled = coalesce(new.canceled, backfill.canceled), error = coalesce(new.error, backfill.error),
	cancel = coalesce(new.cancel, backfill.cancel)
FROM ROWS WHERE backfill.key = new.key`,
		bigintOf("key", func(b *backfill) storage.BackfillKey { return b.key }),
		bigintOf("token", func(b *backfill) int64 { return b.token }),
		bigintOf("lease_until", func(b *backfill) storage.Micros { return b.until }),
		smallintOf("state", func(b *backfill) storage.BackfillState { return b.state }),
		textOf("owner", func(b *backfill) string { return b.owner }),
		bigintOf("started_at", func(b *backfill) storage.Micros { return b.started }),
		unless(bigintOf("ended_at", func(b *backfill) storage.Micros { return *b.ended }), func(b *backfill) bool { return b.ended == nil }),
		unless(bigintOf("runs", func(b *backfill) int64 { return b.update.Progress.Runs }), quiet),
		unless(bigintOf("completed", func(b *backfill) int64 { return b.update.Progress.CompletedCount }), quiet),
		unless(bigintOf("failed", func(b *backfill) int64 { return b.update.Progress.FailedCount }), quiet),
		unless(bigintOf("canceled", func(b *backfill) int64 { return b.update.Progress.CanceledCount }), quiet),
		unless(textOf("error", func(b *backfill) string { return b.update.Error }), quiet),
		documentOf("cancel", func(b *backfill) []byte { return b.canceling }),
	)
}
