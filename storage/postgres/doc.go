// Package postgres keeps a store in a PostgreSQL database, which many processes on many machines
// share and which survives any of them. It needs PostgreSQL 13 or newer, one schema, and four
// connections per process.
//
// # Writing
//
// One goroutine per store writes, on a connection of its own. Callers put batches into a queue
// (storage/internal/commit). The writer applies all queued batches in one transaction of two trips
// to the server, whatever their number of rows:
//
//	Commit ──▶ queue ──▶ take ─▶ BEGIN, lock, ask ══▶ decide ─▶ rows, NOTIFY, COMMIT ══▶ answers
//	Append ──▶   │ (wakes the writer at 256 records or after 2 ms, Commit does at once)
//
// The first pipeline locks the rows of the group and reads the facts. [ledger.Decide] then decides
// in memory, batch by batch in their order: fences, expectations, claims of runs and slots. The
// second pipeline writes the effects. A batch is refused before it has any effect, so a refusal
// rolls nothing back and loses no other records. If the server refuses a statement, the transaction
// is rolled back and each of its batches is tried alone.
//
// Rows are sent as one array per column, which the server unnests: one statement per table,
// prepared once, encoded without an intermediate form. An event whose number is the highest of its
// run is new and is inserted without a conflict clause, at two thirds of the cost. COPY measures
// the same, but needs a pipeline per table and has no conflict clause.
//
// # Several processes
//
// A transaction locks the rows of its runs, in the order of their keys, and then those of its
// pools, by name, until it has committed. So the fence of a run is stable while its records are
// written, claims of slots queue per pool, and no cycle of waits arises. Rows that are replaced
// without a lock (states of assets, values) are written in the order of their keys for the same
// reason. If two processes create a run of the same ID at once, the index of IDs fails the later
// transaction, which is repeated and finds the run. Statements have plans by key only, and the
// isolation is READ COMMITTED, whatever the server's defaults are.
//
// Leases use the server's clock, so the clocks of the machines need not agree.
//
// # When the server goes away
//
// Every call retries for a minute (retry_for= in the URL), with growing pauses that are random by
// half, then returns an error. No queued batch is lost meanwhile, and none is written twice:
//
//	lost before COMMIT was sent ──▶ rolled back by the server ──────────▶ done again
//	lost after it               ──▶ the row of the store in writer: ─────▶ answered, or done again
//
// Every transaction writes its number into the row that its store has in the table writer. After a
// lost answer the row tells whether that number was committed. If it was not, the row forbids the
// number, so a transaction that lingers on the server fails. The server's own number of the
// transaction decides nothing: a server that crashed gives numbers again. The server's process
// behind a broken connection is ended first, since it holds its locks. A caller whose context ends
// meanwhile learns at once that nothing was written, or, between COMMIT and its answer, gets
// [storage.ErrOutcomeUnknown]. Reconnected watchers get a spurious signal, and statements are
// prepared again. After a failover to a server that lacks the last commits, those are lost: let the
// server commit synchronously to its standby.
//
// # Reading
//
// Two connections read, opened on demand, in read-only transactions. They see committed batches: an
// appended batch appears after the next Commit under its fence, or a few milliseconds later.
//
// # Watching
//
// Transactions that free slots or ask a run to stop send a notification. Others do not, since the
// server commits notifying transactions one after the other. The listening connection lives while a
// watcher does.
//
// # Poolers
//
// PgBouncer works in session mode: statements make all settings, and are prepared on the connection
// that uses them. In transaction mode neither LISTEN nor prepared statements work: connect to the
// server directly.
//
// # Text
//
// PostgreSQL's texts are UTF-8 without the byte 0; ours are any bytes. Package pgtext encodes other
// bytes in arguments and decodes them in rows. All other code sees plain strings.
package postgres
