package postgres

import (
	"strings"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// partitionTables is how the writer fills the tables of partitions.
type partitionTables struct {
	goneStates            *write[ledger.GoneState]
	singles               *write[ledger.StateRow]
	sets, goneSets        *write[ledger.SetRow]
	newGroups             *write[ledger.Group]
	groups, goneGroups    *write[ledger.Group]
	newInFlight, inFlight *write[inFlightRow]
	goneInFlight          *write[inFlightRow]
	changes               *write[changeRow]
	keys                  *write[keyRow]
	keyTables             *write[ledger.KeyTable]
}

func newPartitionTables() partitionTables {
	asset := bigintOf("asset", func(s *ledger.SetRow) storage.AssetKey { return s.Asset })
	kind := smallintOf("kind", func(s *ledger.SetRow) storage.StateKind { return s.Kind })
	set := setOf("labels", func(s *ledger.SetRow) partition.Set { return s.Set })
	target := bigintOf("asset", func(r *inFlightRow) storage.AssetKey { return r.asset })
	run := bigintOf("run", func(r *inFlightRow) storage.RunKey { return r.run })
	left := setOf("labels", func(r *inFlightRow) partition.Set { return r.set })
	names := groupNames()
	newGroup := groupColumns()
	return partitionTables{
		goneStates: newWrite("drop_asset_state", "DELETE FROM asset_state USING ROWS WHERE asset_state.asset = new.asset AND asset_state.kind = new.kind AND asset_state.seq < new.seq",
			bigintOf("asset", func(s *ledger.GoneState) storage.AssetKey { return s.Asset }),
			smallintOf("kind", func(s *ledger.GoneState) storage.StateKind { return s.Kind }),
			bigintOf("seq", func(s *ledger.GoneState) int64 { return s.Seq })),
		singles:  replace("partition_state", "asset, kind, partition", singleColumns()...),
		sets:     replace("partition_set", "asset, kind", asset, kind, set),
		goneSets: newWrite("drop_partition_set", "DELETE FROM partition_set USING ROWS WHERE partition_set.asset = new.asset AND partition_set.kind = new.kind", asset, kind),

		newGroups: insert("partition_group", newGroup...),
		groups: newWrite("set_partition_group", `UPDATE partition_group SET labels = new.labels FROM ROWS
			WHERE partition_group.asset = new.asset AND partition_group.kind = new.kind AND partition_group.seq = new.seq`,
			append(names, setOf("labels", func(g *ledger.Group) partition.Set { return g.Set }))...),
		goneGroups: newWrite("drop_partition_group", `DELETE FROM partition_group USING ROWS
			WHERE partition_group.asset = new.asset AND partition_group.kind = new.kind AND partition_group.seq = new.seq`, names...),

		newInFlight:  insert("in_flight", target, run, left),
		inFlight:     newWrite("set_in_flight", "UPDATE in_flight SET labels = new.labels FROM ROWS WHERE in_flight.asset = new.asset AND in_flight.run = new.run", target, run, left),
		goneInFlight: newWrite("drop_in_flight", "DELETE FROM in_flight USING ROWS WHERE in_flight.asset = new.asset AND in_flight.run = new.run", target, run),

		changes: insert("change", changeColumns()...),
		keys: insert("partition_key",
			bigintOf("key_table", func(k *keyRow) int64 { return k.table }),
			bigintOf("ordinal", func(k *keyRow) int64 { return k.ordinal }),
			textOf("key", func(k *keyRow) string { return k.key })),
		keyTables: newWrite("set_key_table", "UPDATE key_table SET size = new.size, live = new.live FROM ROWS WHERE key_table.key = new.key",
			bigintOf("key", func(t *ledger.KeyTable) int64 { return t.Key }),
			bigintOf("size", func(t *ledger.KeyTable) int64 { return t.Size }),
			unless(setOf("live", func(t *ledger.KeyTable) partition.Set { return t.Live }), func(t *ledger.KeyTable) bool { return t.Live.IsEmpty() })),
	}
}

// setOf is a column of sets in their binary form.
func setOf[R any](name string, of func(*R) partition.Set) column[R] {
	return bytesOf(name, func(r *R) []byte {
		data, _ := of(r).AppendBinary(nil) // never fails
		return data
	})
}

// replaceStates puts a state in the place of an older one. A later transaction may have begun
// earlier.
func replaceStates() string {
	columns := stateColumns(true)
	var set []string
	for _, c := range columns[2:] {
		set = append(set, c.name+" = excluded."+c.name)
	}
	return insertInto("asset_state", columns) + " ON CONFLICT (asset, kind) DO UPDATE SET " + strings.Join(set, ", ") + " WHERE asset_state.seq <= excluded.seq"
}

// stateColumns are those of states: of an asset as a whole, or of a single partition.
func stateColumns(whole bool) []column[ledger.StateRow] {
	text := textOf("partition", func(u *ledger.StateRow) string { return u.Partition })
	if whole {
		text = unless(text, func(u *ledger.StateRow) bool { return !u.Partitioned() })
	}
	return []column[ledger.StateRow]{
		bigintOf("asset", func(u *ledger.StateRow) storage.AssetKey { return u.Asset }),
		smallintOf("kind", func(u *ledger.StateRow) storage.StateKind { return u.Kind }),
		text,
		bigintOf("seq", func(u *ledger.StateRow) int64 { return u.Seq }),
		bigintOf("run", func(u *ledger.StateRow) storage.RunKey { return u.Run }),
		bigintOf("n", func(u *ledger.StateRow) int64 { return u.N }),
		bigintOf("at", func(u *ledger.StateRow) storage.Micros { return u.At }),
		textOf("data_version", func(u *ledger.StateRow) string { return u.DataVersion }),
		textOf("code_version", func(u *ledger.StateRow) string { return u.CodeVersion }),
		documentOf("detail", func(u *ledger.StateRow) []byte { return u.Detail }),
	}
}

func singleColumns() []column[ledger.StateRow] {
	return append(stateColumns(false), setOf("labels", func(u *ledger.StateRow) partition.Set { return u.Set }))
}

// groupNames are the columns that name a group.
func groupNames() []column[ledger.Group] {
	return []column[ledger.Group]{
		bigintOf("asset", func(g *ledger.Group) storage.AssetKey { return g.Asset }),
		smallintOf("kind", func(g *ledger.Group) storage.StateKind { return g.Kind }),
		bigintOf("seq", func(g *ledger.Group) int64 { return g.Seq }),
	}
}

func groupColumns() []column[ledger.Group] {
	return append(groupNames(),
		bigintOf("run", func(g *ledger.Group) storage.RunKey { return g.Run }),
		bigintOf("n", func(g *ledger.Group) int64 { return g.N }),
		bigintOf("at", func(g *ledger.Group) storage.Micros { return g.At }),
		textOf("data_version", func(g *ledger.Group) string { return g.DataVersion }),
		textOf("code_version", func(g *ledger.Group) string { return g.CodeVersion }),
		setOf("labels", func(g *ledger.Group) partition.Set { return g.Set }),
		documentOf("detail", func(g *ledger.Group) []byte { return g.Detail }),
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

// backfillTables is how the writer fills the tables of backfills.
type backfillTables struct {
	newBackfills                   *write[ledger.NewBackfill]
	backfills                      *write[ledger.Backfill]
	backfillSets, goneBackfillSets *write[ledger.BackfillSet]
}

func newBackfillTables() backfillTables {
	key := bigintOf("backfill", func(s *ledger.BackfillSet) storage.BackfillKey { return s.Backfill })
	which := smallintOf("which", func(s *ledger.BackfillSet) uint8 { return uint8(s.Which) })
	set := bytesOf("labels", func(s *ledger.BackfillSet) []byte { return s.Labels })
	newBackfills := newBackfillColumns()
	sets := []column[ledger.BackfillSet]{key, which, set}
	return backfillTables{
		newBackfills: newWrite("insert_backfill",
			strings.Replace(insertInto("backfill", newBackfills), ") SELECT", ") OVERRIDING SYSTEM VALUE SELECT", 1), newBackfills...),
		backfills: updateBackfills(),
		backfillSets: newWrite("replace_backfill_set", insertInto("backfill_set", sets)+
			" ON CONFLICT (backfill, which) DO UPDATE SET labels = excluded.labels WHERE backfill_set.labels <> excluded.labels", sets...),
		goneBackfillSets: newWrite("drop_backfill_set", "DELETE FROM backfill_set USING ROWS WHERE backfill_set.backfill = new.backfill AND backfill_set.which = new.which", key, which),
	}
}

func newBackfillColumns() []column[ledger.NewBackfill] {
	return []column[ledger.NewBackfill]{
		bigintOf("key", func(b *ledger.NewBackfill) storage.BackfillKey { return b.Key }),
		bigintOf("token", func(b *ledger.NewBackfill) int64 { return b.Record.Token }),
		bigintOf("lease_until", func(b *ledger.NewBackfill) storage.Micros { return b.Until }),
		bigintOf("created_at", func(b *ledger.NewBackfill) storage.Micros { return storage.MicrosOf(b.Record.CreatedAt) }),
		bigintOf("started_at", func(b *ledger.NewBackfill) storage.Micros { return storage.MicrosOf(b.Record.StartedAt) }),
		bigintOf("ended_at", func(b *ledger.NewBackfill) storage.Micros { return storage.MicrosOf(b.Record.EndedAt) }),
		bigintOf("total", func(b *ledger.NewBackfill) int64 { return b.Record.Total }),
		bigintOf("runs", func(b *ledger.NewBackfill) int64 { return b.Record.Progress.Runs }),
		bigintOf("completed", func(b *ledger.NewBackfill) int64 { return b.Record.Progress.CompletedCount }),
		bigintOf("failed", func(b *ledger.NewBackfill) int64 { return b.Record.Progress.FailedCount }),
		bigintOf("canceled", func(b *ledger.NewBackfill) int64 { return b.Record.Progress.CanceledCount }),
		smallintOf("state", func(b *ledger.NewBackfill) storage.BackfillState { return b.Record.State }),
		textOf("id", func(b *ledger.NewBackfill) string { return b.ID }),
		textOf("location", func(b *ledger.NewBackfill) string { return b.Record.Location }),
		textOf("owner", func(b *ledger.NewBackfill) string { return b.Record.Owner }),
		textOf("rerun_of", func(b *ledger.NewBackfill) string { return b.Record.RerunOf }),
		textOf("error", func(b *ledger.NewBackfill) string { return b.Record.Error }),
		documentOf("assets", func(b *ledger.NewBackfill) []byte { return b.Assets }),
		documentOf("request", func(b *ledger.NewBackfill) []byte { return b.Request }),
	}
}

func updateBackfills() *write[ledger.Backfill] {
	quiet := func(b *ledger.Backfill) bool { return b.Update == nil }
	return newWrite(
		"update_backfill", `UPDATE backfill SET token = new.token, lease_until = new.lease_until, state = new.state, owner = new.owner, started_at = new.started_at,
	ended_at = coalesce(new.ended_at, backfill.ended_at), runs = coalesce(new.runs, backfill.runs), completed = coalesce(new.completed, backfill.completed),
	failed = coalesce(new.failed, backfill.failed), canceled = coalesce(new.canceled, backfill.canceled), error = coalesce(new.error, backfill.error),
	cancel = coalesce(new.cancel, backfill.cancel)
FROM ROWS WHERE backfill.key = new.key`,
		bigintOf("key", func(b *ledger.Backfill) storage.BackfillKey { return b.Key }),
		bigintOf("token", func(b *ledger.Backfill) int64 { return b.Token }),
		bigintOf("lease_until", func(b *ledger.Backfill) storage.Micros { return b.Until }),
		smallintOf("state", func(b *ledger.Backfill) storage.BackfillState { return b.State }),
		textOf("owner", func(b *ledger.Backfill) string { return b.Owner }),
		bigintOf("started_at", func(b *ledger.Backfill) storage.Micros { return b.StartedAt }),
		unless(bigintOf("ended_at", func(b *ledger.Backfill) storage.Micros { return *b.Ended }), func(b *ledger.Backfill) bool { return b.Ended == nil }),
		unless(bigintOf("runs", func(b *ledger.Backfill) int64 { return b.Update.Progress.Runs }), quiet),
		unless(bigintOf("completed", func(b *ledger.Backfill) int64 { return b.Update.Progress.CompletedCount }), quiet),
		unless(bigintOf("failed", func(b *ledger.Backfill) int64 { return b.Update.Progress.FailedCount }), quiet),
		unless(bigintOf("canceled", func(b *ledger.Backfill) int64 { return b.Update.Progress.CanceledCount }), quiet),
		unless(textOf("error", func(b *ledger.Backfill) string { return b.Update.Error }), quiet),
		documentOf("cancel", func(b *ledger.Backfill) []byte { return b.Canceled }),
	)
}
