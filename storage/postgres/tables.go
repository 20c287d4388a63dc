package postgres

import (
	"strings"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// tables is how the writer fills the tables. A new one is a migration, a write here, a list in
// [effects] and the line that sends it. (They are made with the writer: a program that only links
// the package pays nothing.)
type tables struct {
	insertRuns    *write[ledger.NewRun]
	updateRuns    *write[ledger.Run]
	insertEvents  *write[storage.Event]
	replaceEvents *write[storage.Event]
	insertLogs    *write[storage.LogLine]
	replaceLogs   *write[storage.LogLine]
	states        *write[ledger.StateRow]
	insertSlots   *write[ledger.SlotRow]
	updateSlots   *write[ledger.Claim]
	declarePools  *write[ledger.Pool]
	setPools      *write[ledger.Pool]
	values        *write[storage.KVPair]
	topologies    *write[storage.Topology]

	partitionTables
	backfillTables
}

func newTables() *tables {
	events, logs, pools := eventColumns(), logColumns(), poolColumns()
	return &tables{
		insertRuns: insertRuns(), updateRuns: updateRuns(),
		// What is new is added without asking whether it is there, at two thirds of the cost.
		insertEvents: insert("event", events...), replaceEvents: replace("event", "run, n", events...),
		insertLogs: insert("log", logs...), replaceLogs: replace("log", "run, n", logs...),
		states:      newWrite("replace_asset_state", replaceStates(), stateColumns(true)...),
		insertSlots: insert("slot", slotColumns()...), updateSlots: updateSlots(),
		declarePools: newWrite("declare_pool", insertInto("pool", pools)+" ON CONFLICT (name) DO UPDATE SET declared = excluded.declared", pools...),
		setPools:     newWrite("set_pool", insertInto("pool", pools)+" ON CONFLICT (name) DO UPDATE SET by_hand = excluded.by_hand", pools...),
		values: replace("kv", "key",
			textOf("key", func(p *storage.KVPair) string { return p.Key }),
			bytesOf("value", func(p *storage.KVPair) []byte { return p.Value })),
		topologies: replace("topology", "location",
			textOf("location", func(t *storage.Topology) string { return t.Location }),
			bigintOf("at", func(t *storage.Topology) storage.Micros { return storage.MicrosOf(t.At) }),
			textOf("hash", func(t *storage.Topology) string { return t.Hash }),
			documentOf("doc", func(t *storage.Topology) []byte { return t.Doc })),
		partitionTables: newPartitionTables(), backfillTables: newBackfillTables(),
	}
}

func insertRuns() *write[ledger.NewRun] {
	columns := []column[ledger.NewRun]{
		unless(bigintOf("key", func(r *ledger.NewRun) storage.RunKey { return r.RowKey }), func(r *ledger.NewRun) bool { return r.RowKey == 0 }),
		textOf("id", func(r *ledger.NewRun) string { return r.ID }),
		textOf("location", func(r *ledger.NewRun) string { return r.Record.Location }),
		textOf("job", func(r *ledger.NewRun) string { return r.Record.Job }),
		smallintOf("state", func(r *ledger.NewRun) storage.RunState { return r.Record.State }),
		bigintOf("token", func(r *ledger.NewRun) int64 { return r.Record.Token }),
		bigintOf("created_at", func(r *ledger.NewRun) storage.Micros { return storage.MicrosOf(r.Record.CreatedAt) }),
		bigintOf("started_at", func(r *ledger.NewRun) storage.Micros { return storage.MicrosOf(r.Record.StartedAt) }),
		bigintOf("ended_at", func(r *ledger.NewRun) storage.Micros { return storage.MicrosOf(r.Record.EndedAt) }),
		integerOf("succeeded", func(r *ledger.NewRun) int { return r.Record.Counts.Succeeded }),
		integerOf("failed", func(r *ledger.NewRun) int { return r.Record.Counts.Failed }),
		integerOf("skipped", func(r *ledger.NewRun) int { return r.Record.Counts.Skipped }),
		integerOf("canceled", func(r *ledger.NewRun) int { return r.Record.Counts.Canceled }),
		textOf("error", func(r *ledger.NewRun) string { return r.Record.Error }),
		documentOf("request", func(r *ledger.NewRun) []byte { return r.Request }),
		documentOf("tags", func(r *ledger.NewRun) []byte { return r.Tags }),
		documentOf("plan", func(r *ledger.NewRun) []byte { return r.Plan }),
		textOf("owner", func(r *ledger.NewRun) string { return r.Record.Owner }),
		bigintOf("lease_until", func(r *ledger.NewRun) storage.Micros { return r.Until }),
		textOf("backfill", func(r *ledger.NewRun) string { return r.Record.Backfill }),
		textOf("partition", func(r *ledger.NewRun) string { return r.Record.Partition }),
		textOf("retry_of", func(r *ledger.NewRun) string { return r.Record.Request.RetryOf }),
	}
	sql := insertInto("run", columns)
	sql = strings.Replace(sql, ") SELECT key,", ") OVERRIDING SYSTEM VALUE SELECT coalesce(key, nextval('run_key_seq')),", 1)
	return newWrite("insert_run", sql+" RETURNING key, id", columns...)
}

// updateRuns changes the rows of runs. What is NULL was not changed.
func updateRuns() *write[ledger.Run] {
	return newWrite(
		"update_run", `UPDATE run SET token = new.token, lease_until = new.lease_until, state = new.state, owner = new.owner,
	started_at = coalesce(new.started_at, run.started_at), ended_at = coalesce(new.ended_at, run.ended_at),
	succeeded = coalesce(new.succeeded, run.succeeded), failed = coalesce(new.failed, run.failed),
	skipped = coalesce(new.skipped, run.skipped), canceled = coalesce(new.canceled, run.canceled),
	error = coalesce(new.error, run.error), cancel = coalesce(new.cancel, run.cancel), plan = coalesce(new.plan, run.plan)
FROM ROWS WHERE run.key = new.key`,
		bigintOf("key", func(r *ledger.Run) storage.RunKey { return r.Key }),
		bigintOf("token", func(r *ledger.Run) int64 { return r.Token }),
		bigintOf("lease_until", func(r *ledger.Run) storage.Micros { return r.Until }),
		smallintOf("state", func(r *ledger.Run) storage.RunState { return r.State }),
		textOf("owner", func(r *ledger.Run) string { return r.Owner }),
		unless(bigintOf("started_at", func(r *ledger.Run) storage.Micros { return *r.Started }), func(r *ledger.Run) bool { return r.Started == nil }),
		unless(bigintOf("ended_at", func(r *ledger.Run) storage.Micros { return *r.Ended }), func(r *ledger.Run) bool { return r.Ended == nil }),
		unless(integerOf("succeeded", func(r *ledger.Run) int { return r.Update.Counts.Succeeded }), notUpdated),
		unless(integerOf("failed", func(r *ledger.Run) int { return r.Update.Counts.Failed }), notUpdated),
		unless(integerOf("skipped", func(r *ledger.Run) int { return r.Update.Counts.Skipped }), notUpdated),
		unless(integerOf("canceled", func(r *ledger.Run) int { return r.Update.Counts.Canceled }), notUpdated),
		unless(textOf("error", func(r *ledger.Run) string { return r.Update.Error }), notUpdated),
		documentOf("cancel", func(r *ledger.Run) []byte { return r.Canceled }),
		documentOf("plan", func(r *ledger.Run) []byte { return r.Plan }),
	)
}

func notUpdated(r *ledger.Run) bool { return r.Update == nil }

func eventColumns() []column[storage.Event] {
	return []column[storage.Event]{
		bigintOf("run", func(e *storage.Event) storage.RunKey { return e.Run }),
		bigintOf("n", func(e *storage.Event) int64 { return e.N }),
		bigintOf("at", func(e *storage.Event) storage.Micros { return e.At }),
		bigintOf("retry_at", func(e *storage.Event) storage.Micros { return e.RetryAt }),
		unless(bigintOf("asset", func(e *storage.Event) storage.AssetKey { return e.Asset }), func(e *storage.Event) bool { return e.Asset == 0 }),
		integerOf("step", func(e *storage.Event) int32 { return e.Step }),
		integerOf("attempt", func(e *storage.Event) int32 { return e.Attempt }),
		integerOf("cause", func(e *storage.Event) int32 { return e.Cause }),
		smallintOf("kind", func(e *storage.Event) storage.EventKind { return e.Kind }),
		smallintOf("status", func(e *storage.Event) uint8 { return e.Status }),
		textOf("partition", func(e *storage.Event) string { return e.Partition }),
		documentOf("detail", func(e *storage.Event) []byte { return e.Detail }),
	}
}

func logColumns() []column[storage.LogLine] {
	return []column[storage.LogLine]{
		bigintOf("run", func(l *storage.LogLine) storage.RunKey { return l.Run }),
		bigintOf("n", func(l *storage.LogLine) int64 { return l.N }),
		bigintOf("at", func(l *storage.LogLine) storage.Micros { return storage.MicrosOf(l.At) }),
		integerOf("step", func(l *storage.LogLine) int32 { return l.Step }),
		integerOf("attempt", func(l *storage.LogLine) int32 { return l.Attempt }),
		integerOf("level", func(l *storage.LogLine) int { return int(l.Level) }),
		smallintOf("stream", func(l *storage.LogLine) storage.LogStream { return l.Stream }),
		textOf("message", func(l *storage.LogLine) string { return l.Message }),
		textOf("attrs", func(l *storage.LogLine) string { return l.Attrs }),
	}
}

func slotColumns() []column[ledger.SlotRow] {
	return []column[ledger.SlotRow]{
		bigintOf("ticket", func(s *ledger.SlotRow) int64 { return s.Ticket }),
		bigintOf("run", func(s *ledger.SlotRow) storage.RunKey { return s.Run }),
		bigintOf("since", func(s *ledger.SlotRow) storage.Micros { return s.Since }),
		bigintOf("until", func(s *ledger.SlotRow) storage.Micros { return s.Until }),
		integerOf("step", func(s *ledger.SlotRow) int32 { return s.Step }),
		integerOf("attempt", func(s *ledger.SlotRow) int32 { return s.Attempt }),
		integerOf("slots", func(s *ledger.SlotRow) int { return s.Slots.Slots }),
		booleanOf("holding", func(s *ledger.SlotRow) bool { return s.Holding }),
		textOf("pool", func(s *ledger.SlotRow) string { return s.Slots.Pool }),
		textOf("step_key", func(s *ledger.SlotRow) string { return s.Key }),
	}
}

func updateSlots() *write[ledger.Claim] {
	return newWrite(
		"update_slot", "UPDATE slot SET holding = new.holding, since = new.since, until = new.until FROM ROWS WHERE slot.ticket = new.ticket",
		bigintOf("ticket", func(c *ledger.Claim) int64 { return c.Ticket }),
		booleanOf("holding", func(c *ledger.Claim) bool { return c.Holding }),
		bigintOf("since", func(c *ledger.Claim) storage.Micros { return c.Since }),
		bigintOf("until", func(c *ledger.Claim) storage.Micros { return c.Until }),
	)
}

func poolColumns() []column[ledger.Pool] {
	return []column[ledger.Pool]{
		textOf("name", func(p *ledger.Pool) string { return p.Name }),
		integerOf("declared", func(p *ledger.Pool) int32 { return p.Declared }),
		integerOf("by_hand", func(p *ledger.Pool) int32 { return p.Set }),
	}
}

// The statements that take a list. Rows of others are met in the order of their keys by everybody,
// so that nobody waits in a circle.
var (
	dropValues = &statement{name: "rivers_drop_kv", sql: `DELETE FROM kv WHERE key IN (SELECT key FROM kv WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE)`}
	dropPools  = &statement{name: "rivers_drop_pool", sql: `DELETE FROM pool WHERE name = ANY($1::text[]) AND declared = 0 AND by_hand = 0`}
	// dropSlots drops what is the run's own, whose row is locked; dropEnded what has ended, and skips
	// rows that another transaction is dropping.
	dropSlots = &statement{name: "rivers_drop_slot", sql: `DELETE FROM slot WHERE ticket = ANY($1::bigint[])`}
	dropEnded = &statement{name: "rivers_drop_ended_slot", sql: `DELETE FROM slot WHERE (ticket, pool) IN
		(SELECT ticket, pool FROM slot WHERE ticket = ANY($1::bigint[]) FOR UPDATE SKIP LOCKED)`}
	nameAssets = &statement{name: "rivers_name_asset", sql: `INSERT INTO asset (name) SELECT DISTINCT name FROM unnest($1::text[]) AS new (name)
		WHERE NOT EXISTS (SELECT 1 FROM asset WHERE asset.name = new.name) ORDER BY name ON CONFLICT (name) DO NOTHING`}
	notify = &statement{name: "rivers_notify", sql: `SELECT pg_notify($1::text, $2::text)`}
)
