package postgres

import (
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// The tables as the writer fills them. A new one is a migration, a write here, a list in [effects] and
// the line that sends it.

// newRun is a run to insert, with the end of its owner's lease. Its ID is here once more, since its record is the
// caller's, who may have left when the answer comes.
type newRun struct {
	*commit.Run

	id    string
	until storage.Micros
}

var insertRuns = newWrite(
	"insert_run", `INSERT INTO run (id, location, job, state, token, created_at, started_at, ended_at,
	succeeded, failed, skipped, canceled, error, request, tags, plan, owner, lease_until)
SELECT id, location, job, state, token, created_at, started_at, ended_at,
	succeeded, failed, skipped, canceled, error, request, tags, plan, owner, lease_until FROM ROWS RETURNING key, id`,
	column[newRun]{"id", texts, func(b []byte, r *newRun) []byte { return putText(b, r.id) }},
	column[newRun]{"location", texts, func(b []byte, r *newRun) []byte { return putText(b, r.Record.Location) }},
	column[newRun]{"job", texts, func(b []byte, r *newRun) []byte { return putText(b, r.Record.Job) }},
	column[newRun]{"state", smallint, func(b []byte, r *newRun) []byte { return putSmallint(b, int16(r.Record.State)) }},
	column[newRun]{"token", bigint, func(b []byte, r *newRun) []byte { return putInteger(b, r.Record.Token) }},
	column[newRun]{"created_at", bigint, func(b []byte, r *newRun) []byte { return putInteger(b, int64(storage.MicrosOf(r.Record.CreatedAt))) }},
	column[newRun]{"started_at", bigint, func(b []byte, r *newRun) []byte { return putInteger(b, int64(storage.MicrosOf(r.Record.StartedAt))) }},
	column[newRun]{"ended_at", bigint, func(b []byte, r *newRun) []byte { return putInteger(b, int64(storage.MicrosOf(r.Record.EndedAt))) }},
	column[newRun]{"succeeded", integer4, func(b []byte, r *newRun) []byte { return putInteger4(b, int32(r.Record.Counts.Succeeded)) }},
	column[newRun]{"failed", integer4, func(b []byte, r *newRun) []byte { return putInteger4(b, int32(r.Record.Counts.Failed)) }},
	column[newRun]{"skipped", integer4, func(b []byte, r *newRun) []byte { return putInteger4(b, int32(r.Record.Counts.Skipped)) }},
	column[newRun]{"canceled", integer4, func(b []byte, r *newRun) []byte { return putInteger4(b, int32(r.Record.Counts.Canceled)) }},
	column[newRun]{"error", texts, func(b []byte, r *newRun) []byte { return putText(b, r.Record.Error) }},
	column[newRun]{"request", texts, func(b []byte, r *newRun) []byte { return putDocument(b, r.Request) }},
	column[newRun]{"tags", texts, func(b []byte, r *newRun) []byte { return putDocument(b, r.Tags) }},
	column[newRun]{"plan", texts, func(b []byte, r *newRun) []byte { return putDocument(b, r.Plan) }},
	column[newRun]{"owner", texts, func(b []byte, r *newRun) []byte { return putText(b, r.Record.Owner) }},
	column[newRun]{"lease_until", bigint, func(b []byte, r *newRun) []byte { return putInteger(b, int64(r.until)) }},
)

var updateRuns = newWrite(
	"update_run", `UPDATE run SET token = new.token, lease_until = new.lease_until, state = new.state, owner = new.owner,
	started_at = coalesce(new.started_at, run.started_at), ended_at = coalesce(new.ended_at, run.ended_at),
	succeeded = coalesce(new.succeeded, run.succeeded), failed = coalesce(new.failed, run.failed),
	skipped = coalesce(new.skipped, run.skipped), canceled = coalesce(new.canceled, run.canceled),
	error = coalesce(new.error, run.error), cancel = coalesce(new.cancel, run.cancel), plan = coalesce(new.plan, run.plan)
FROM ROWS WHERE run.key = new.key`,
	column[run]{"key", bigint, func(b []byte, r *run) []byte { return putInteger(b, int64(r.key)) }},
	column[run]{"token", bigint, func(b []byte, r *run) []byte { return putInteger(b, r.token) }},
	column[run]{"lease_until", bigint, func(b []byte, r *run) []byte { return putInteger(b, int64(r.until)) }},
	column[run]{"state", smallint, func(b []byte, r *run) []byte { return putSmallint(b, int16(r.state)) }},
	column[run]{"owner", texts, func(b []byte, r *run) []byte { return putText(b, r.owner) }},
	column[run]{"started_at", bigint, func(b []byte, r *run) []byte { return putMoment(b, r.started) }},
	column[run]{"ended_at", bigint, func(b []byte, r *run) []byte { return putMoment(b, r.ended) }},
	column[run]{"succeeded", integer4, func(b []byte, r *run) []byte { return r.putCount(b, r.updated().Succeeded) }},
	column[run]{"failed", integer4, func(b []byte, r *run) []byte { return r.putCount(b, r.updated().Failed) }},
	column[run]{"skipped", integer4, func(b []byte, r *run) []byte { return r.putCount(b, r.updated().Skipped) }},
	column[run]{"canceled", integer4, func(b []byte, r *run) []byte { return r.putCount(b, r.updated().Canceled) }},
	column[run]{"error", texts, func(b []byte, r *run) []byte {
		if r.update == nil {
			return putNull(b)
		}
		return putText(b, r.update.Error)
	}},
	column[run]{"cancel", texts, func(b []byte, r *run) []byte { return putDocument(b, r.canceling) }},
	column[run]{"plan", texts, func(b []byte, r *run) []byte { return putDocument(b, r.plan) }},
)

// putMoment appends an instant, NULL where nothing was said of it.
func putMoment(dst []byte, at *storage.Micros) []byte {
	if at == nil {
		return putNull(dst)
	}
	return putInteger(dst, int64(*at))
}

// updated are the counts of the last update, zero where there is none.
func (r *run) updated() storage.StepCounts {
	if r.update == nil {
		return storage.StepCounts{}
	}
	return r.update.Counts
}

// putCount appends a count, NULL where there is no update.
func (r *run) putCount(dst []byte, n int) []byte {
	if r.update == nil {
		return putNull(dst)
	}
	return putInteger4(dst, int32(n))
}

var eventColumns = []column[storage.Event]{
	{"run", bigint, func(b []byte, e *storage.Event) []byte { return putInteger(b, int64(e.Run)) }},
	{"n", bigint, func(b []byte, e *storage.Event) []byte { return putInteger(b, e.N) }},
	{"at", bigint, func(b []byte, e *storage.Event) []byte { return putInteger(b, int64(e.At)) }},
	{"retry_at", bigint, func(b []byte, e *storage.Event) []byte { return putInteger(b, int64(e.RetryAt)) }},
	{"asset", bigint, func(b []byte, e *storage.Event) []byte {
		if e.Asset == 0 {
			return putNull(b)
		}
		return putInteger(b, int64(e.Asset))
	}},
	{"step", integer4, func(b []byte, e *storage.Event) []byte { return putInteger4(b, e.Step) }},
	{"attempt", integer4, func(b []byte, e *storage.Event) []byte { return putInteger4(b, e.Attempt) }},
	{"cause", integer4, func(b []byte, e *storage.Event) []byte { return putInteger4(b, e.Cause) }},
	{"kind", smallint, func(b []byte, e *storage.Event) []byte { return putSmallint(b, int16(e.Kind)) }},
	{"status", smallint, func(b []byte, e *storage.Event) []byte { return putSmallint(b, int16(e.Status)) }},
	{"detail", texts, func(b []byte, e *storage.Event) []byte { return putDocument(b, e.Detail) }},
}

// What is new is added without asking whether it is there, at two thirds of the cost.
var (
	insertEvents  = insert("event", eventColumns...)
	replaceEvents = replace("event", "run, n", eventColumns...)
)

var logColumns = []column[storage.LogLine]{
	{"run", bigint, func(b []byte, l *storage.LogLine) []byte { return putInteger(b, int64(l.Run)) }},
	{"n", bigint, func(b []byte, l *storage.LogLine) []byte { return putInteger(b, l.N) }},
	{"at", bigint, func(b []byte, l *storage.LogLine) []byte { return putInteger(b, int64(storage.MicrosOf(l.At))) }},
	{"step", integer4, func(b []byte, l *storage.LogLine) []byte { return putInteger4(b, l.Step) }},
	{"attempt", integer4, func(b []byte, l *storage.LogLine) []byte { return putInteger4(b, l.Attempt) }},
	{"level", integer4, func(b []byte, l *storage.LogLine) []byte { return putInteger4(b, int32(l.Level)) }},
	{"stream", smallint, func(b []byte, l *storage.LogLine) []byte { return putSmallint(b, int16(l.Stream)) }},
	{"message", texts, func(b []byte, l *storage.LogLine) []byte { return putText(b, l.Message) }},
	{"attrs", texts, func(b []byte, l *storage.LogLine) []byte { return putText(b, l.Attrs) }},
}

var (
	insertLogs  = insert("log", logColumns...)
	replaceLogs = replace("log", "run, n", logColumns...)
)

var replaceStates = replace("asset_state", "asset, observed",
	column[storage.AssetUpdate]{"asset", bigint, func(b []byte, u *storage.AssetUpdate) []byte { return putInteger(b, int64(u.Asset)) }},
	column[storage.AssetUpdate]{"observed", boolean, func(b []byte, u *storage.AssetUpdate) []byte { return putBoolean(b, u.Observed) }},
	column[storage.AssetUpdate]{"run", bigint, func(b []byte, u *storage.AssetUpdate) []byte { return putInteger(b, int64(u.Run)) }},
	column[storage.AssetUpdate]{"n", bigint, func(b []byte, u *storage.AssetUpdate) []byte { return putInteger(b, u.N) }},
	column[storage.AssetUpdate]{"at", bigint, func(b []byte, u *storage.AssetUpdate) []byte { return putInteger(b, int64(u.At)) }},
	column[storage.AssetUpdate]{"data_version", texts, func(b []byte, u *storage.AssetUpdate) []byte { return putText(b, u.DataVersion) }},
	column[storage.AssetUpdate]{"code_version", texts, func(b []byte, u *storage.AssetUpdate) []byte { return putText(b, u.CodeVersion) }},
	column[storage.AssetUpdate]{"detail", texts, func(b []byte, u *storage.AssetUpdate) []byte { return putDocument(b, u.Detail) }},
)

// slotRow is what a claim has of one pool.
type slotRow struct {
	*claim

	pool storage.PoolSlots
}

var insertSlots = insert("slot",
	column[slotRow]{"ticket", bigint, func(b []byte, s *slotRow) []byte { return putInteger(b, s.ticket) }},
	column[slotRow]{"run", bigint, func(b []byte, s *slotRow) []byte { return putInteger(b, int64(s.run)) }},
	column[slotRow]{"since", bigint, func(b []byte, s *slotRow) []byte { return putInteger(b, int64(s.since)) }},
	column[slotRow]{"until", bigint, func(b []byte, s *slotRow) []byte { return putInteger(b, int64(s.until)) }},
	column[slotRow]{"step", integer4, func(b []byte, s *slotRow) []byte { return putInteger4(b, s.step) }},
	column[slotRow]{"attempt", integer4, func(b []byte, s *slotRow) []byte { return putInteger4(b, s.attempt) }},
	column[slotRow]{"slots", integer4, func(b []byte, s *slotRow) []byte { return putInteger4(b, int32(s.pool.Slots)) }},
	column[slotRow]{"holding", boolean, func(b []byte, s *slotRow) []byte { return putBoolean(b, s.holding) }},
	column[slotRow]{"pool", texts, func(b []byte, s *slotRow) []byte { return putText(b, s.pool.Pool) }},
	column[slotRow]{"step_key", texts, func(b []byte, s *slotRow) []byte { return putText(b, s.key) }},
)

var updateSlots = newWrite(
	"update_slot", "UPDATE slot SET holding = new.holding, since = new.since, until = new.until FROM ROWS WHERE slot.ticket = new.ticket",
	column[claim]{"ticket", bigint, func(b []byte, c *claim) []byte { return putInteger(b, c.ticket) }},
	column[claim]{"holding", boolean, func(b []byte, c *claim) []byte { return putBoolean(b, c.holding) }},
	column[claim]{"since", bigint, func(b []byte, c *claim) []byte { return putInteger(b, int64(c.since)) }},
	column[claim]{"until", bigint, func(b []byte, c *claim) []byte { return putInteger(b, int64(c.until)) }},
)

var (
	poolColumns = []column[pool]{
		{"name", texts, func(b []byte, p *pool) []byte { return putText(b, p.name) }},
		{"declared", integer4, func(b []byte, p *pool) []byte { return putInteger4(b, p.declared) }},
		{"by_hand", integer4, func(b []byte, p *pool) []byte { return putInteger4(b, p.byHand) }},
	}
	declarePools = newWrite("declare_pool", insertInto("pool", poolColumns)+" ON CONFLICT (name) DO UPDATE SET declared = excluded.declared", poolColumns...)
	setPools     = newWrite("set_pool", insertInto("pool", poolColumns)+" ON CONFLICT (name) DO UPDATE SET by_hand = excluded.by_hand", poolColumns...)
)

var replaceValues = replace("kv", "key",
	column[storage.KVPair]{"key", texts, func(b []byte, p *storage.KVPair) []byte { return putText(b, p.Key) }},
	column[storage.KVPair]{"value", bytea, func(b []byte, p *storage.KVPair) []byte { return putBytes(b, p.Value) }},
)

var replaceTopologies = replace("topology", "location",
	column[storage.Topology]{"location", texts, func(b []byte, t *storage.Topology) []byte { return putText(b, t.Location) }},
	column[storage.Topology]{"at", bigint, func(b []byte, t *storage.Topology) []byte { return putInteger(b, int64(storage.MicrosOf(t.At))) }},
	column[storage.Topology]{"hash", texts, func(b []byte, t *storage.Topology) []byte { return putText(b, t.Hash) }},
	column[storage.Topology]{"doc", texts, func(b []byte, t *storage.Topology) []byte { return putDocument(b, t.Doc) }},
)

// The statements that take a list. Rows of others are met in the order of their keys by everybody, so that nobody
// waits in a circle.
var (
	dropValues = &statement{name: "rivers_drop_kv", sql: `DELETE FROM kv WHERE key IN (SELECT key FROM kv WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE)`}
	dropPools  = &statement{name: "rivers_drop_pool", sql: `DELETE FROM pool WHERE name = ANY($1::text[]) AND declared = 0 AND by_hand = 0`}
	// dropSlots drops what is the run's own, whose row is locked; dropEnded what nobody holds any more, and leaves it to
	// whoever drops it too.
	dropSlots = &statement{name: "rivers_drop_slot", sql: `DELETE FROM slot WHERE ticket = ANY($1::bigint[])`}
	dropEnded = &statement{name: "rivers_drop_ended_slot", sql: `DELETE FROM slot WHERE (ticket, pool) IN
		(SELECT ticket, pool FROM slot WHERE ticket = ANY($1::bigint[]) FOR UPDATE SKIP LOCKED)`}
	nameAssets = &statement{name: "rivers_name_asset", sql: `INSERT INTO asset (name) SELECT DISTINCT name FROM unnest($1::text[]) AS new (name)
		WHERE NOT EXISTS (SELECT 1 FROM asset WHERE asset.name = new.name) ORDER BY name ON CONFLICT (name) DO NOTHING`}
	notify = &statement{name: "rivers_notify", sql: `SELECT pg_notify($1::text, $2::text)`}
)
