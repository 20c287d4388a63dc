// Package sqlite keeps a store in one SQLite file: no server, no cgo, a file that any SQLite tool
// reads and that several processes may use at once.
//
// # Writing
//
// One goroutine per store writes. Callers put batches into a queue (storage/internal/commit). The
// writer applies all queued batches in one transaction, so that they share its cost:
//
//	Commit ──▶ queue ──▶ BEGIN IMMEDIATE ─▶ take the queue ─▶ decide, rows ─▶ COMMIT ──▶ answers
//	Append ──▶   │ (wakes the writer at 256 records or after 2 ms, Commit does at once)
//
// The lock of the file is taken first and the queue after it: a caller whose context ends while
// another process holds the lock gets its batch back unwritten, and batches that come during the
// wait share the transaction. Rows go through statements of 1 to 256 rows, prepared when first
// needed, on the driver's own connection; a run of many steps costs 0.02 to 0.06 statements
// a step. What must be encoded is encoded by the caller.
//
// A batch is refused before any of its rows is written, so a refusal rolls nothing back and loses
// no other records. A transaction reads the fence of a run once and follows it in memory, as the
// only writer. It checks that a run is new before it inserts it, so that no constraint is violated.
// If SQLite itself fails, the transaction is rolled back and each of its batches is tried alone.
//
// After a refusal, every later call under its fence returns the same error: batches behind the
// refused one would leave a gap.
//
// The cost of a run does not depend on the recorded history. Events are appended, and an asset's
// present state is a row of its own. The index of an asset's events is split into generations
// (column era) of some thousand events. Entries that are written together are neighbors, at the
// price of one lookup per generation when a history is read.
//
// # Durability
//
// The file is in WAL mode with synchronous=NORMAL: what Commit acknowledged survives the end of
// the process at any instruction. Open with "?synchronous=full" to have it survive the power, at
// the price of one fsync a transaction.
//
// # Reading
//
// Readers have a pool of connections and never wait for the writer. They see committed batches: an
// appended batch appears after the next Commit under its fence, or a few milliseconds later.
//
// # Several processes
//
// SQLite allows one writing transaction a file. A process that finds it taken tries again in
// small random steps for up to a minute; "database is locked" is not an answer a caller sees. A new
// store is written beside its place and linked into it, so two processes that create one end up
// with the same, and no process sees half a schema.
package sqlite
