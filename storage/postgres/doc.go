// Package postgres keeps a store in a PostgreSQL database: many processes on many machines share
// it, and its records survive any of them. It needs PostgreSQL 13 or newer, one schema, and four
// connections a process.
//
// # Writing
//
// One goroutine a store writes, on a connection of its own. Callers leave batches in a queue
// (storage/internal/commit), the writer takes the whole queue and applies it in one transaction of
// two pipelines, however many batches and rows it has:
//
//	Commit ──▶ queue ──▶ take ─▶ BEGIN, lock, ask ══▶ decide ─▶ rows, NOTIFY, COMMIT ══▶ answers
//	Append ──▶   │ (wakes the writer at 256 records or after 2 ms, Commit does at once)
//
// The first pipeline locks and reads the rows that the group needs. Then storage/internal/ledger
// decides in memory, batch by batch in their order. The second pipeline writes the effects. A
// batch is refused before it has any effect: nothing is rolled back, and no other batch loses
// records. If the server refuses something, the writer rolls the transaction back and tries each
// batch in a transaction of its own.
//
// Rows go as one array a column, unnested by the server: one statement a table, prepared once,
// encoded without a conversion in between. An event whose number is the highest of its run is new,
// and goes without asking whether it is there, at two thirds of the cost. (COPY was measured
// beside this: it is as quick, needs a pipeline of its own a table, and knows no conflict.)
//
// # Several processes
//
// A transaction locks the rows of its runs, in the order of their keys, and then those of its
// pools, by name, until it has committed. So the fence of a run is stable while its records are
// written, claims of slots queue up a pool, and nobody waits in a circle; rows that are replaced
// without a lock (states of assets, values) are written in the order of their keys for the same
// reason. Two processes that create a run of one ID in the same moment are told apart by the index
// of IDs: the later one's transaction is done again, and finds the run there. The statements have
// no plan but by key, and the isolation is READ COMMITTED, whatever the server's defaults are.
//
// Times that decide something (leases) are the server's, so clocks of machines need not agree.
//
// # When the server goes away
//
// Every call is tried for a minute (retry_for= in the URL), with pauses that grow and are random
// by half, then it returns an error that names the outage. Nothing that was in the queue is lost
// meanwhile, and nothing is written twice:
//
//	lost before COMMIT was sent ──▶ rolled back by the server ─────────────▶ done again
//	lost after it               ──▶ pg_xact_status of the transaction: ─────▶ answered, or done again
//
// The name of the transaction came with the answers of the first pipeline, so a commit whose
// answer is lost is asked about, not guessed. A process of the server that a broken connection
// left behind is ended first: it would hold its locks. A caller whose context ends meanwhile
// learns at once that nothing was written. Between COMMIT and its answer it gets
// [storage.ErrOutcomeUnknown]. Watchers get a signal for nothing when they hear again, and
// statements are prepared again. After a failover to a server that lacks the last commits, those
// are lost: let it commit synchronously to its standby.
//
// # Reading
//
// Two connections read, opened when first needed, in transactions that may not write. They see
// what was committed: what was only appended is there after the next Commit under its fence, or a
// few milliseconds later.
//
// # Watching
//
// Transactions that free slots or ask for a run to stop send a notification; others do not, for
// those that do are committed one after the other. The connection that listens exists while
// somebody watches.
//
// # Poolers
//
// PgBouncer in session mode is fine: all settings are made by statements, and statements are
// prepared on the connection that uses them. In transaction mode neither LISTEN nor prepared
// statements work: go past it.
//
// # Text
//
// PostgreSQL's texts are UTF-8 without the byte 0; ours are any bytes. Package pgtext encodes what
// does not fit where a statement is sent, and decodes it where a row is read. All other code sees
// plain strings.
package postgres
