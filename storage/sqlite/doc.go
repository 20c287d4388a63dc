// Package sqlite keeps a store in one SQLite file: no server, no cgo, a file that any SQLite tool
// reads and that several processes may use at once.
//
// # Writing
//
// One goroutine a store writes. Callers leave batches in a queue (storage/internal/commit). The
// writer takes the whole queue and applies it in one transaction, so all waiting batches share its
// cost:
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
// storage/internal/ledger decides what to write. It asks for a fact when it needs it: the writer
// answers with a prepared look-up, once a transaction, and follows the fact in memory from there.
// The file has one writer at a time, so the answer stays true. A batch is refused before it has
// any effect: nothing is rolled back, and no other batch loses records. If SQLite itself fails,
// the writer rolls the transaction back and tries each batch in a transaction of its own.
//
// After a refusal under a fence every later call under it gets the same error: records that were
// appended behind the refused batch would leave a gap.
//
// The cost of a run does not depend on what is recorded already. Events are appended, and an
// asset's present state is a row of its own. The index of an asset's events is kept in generations
// of some thousand events (the column era): entries that are written together stand together. A
// reader of a history pays one look-up a generation.
//
// # Durability
//
// The file is in WAL mode with synchronous=NORMAL: what Commit acknowledged survives the end of
// the process at any instruction. Open with "?synchronous=full" to have it survive the power, at
// the price of one fsync a transaction.
//
// # Reading
//
// Readers have a pool of connections and never wait for the writer. They see what was committed:
// what was only appended is there after the next Commit under its fence, or a few milliseconds
// later.
//
// # Several processes
//
// SQLite allows one writing transaction a file. A process that finds it taken tries again in
// small random steps for up to a minute; "database is locked" is not an answer a caller sees. A new
// store is written beside its place and linked into it, so two processes that create one end up
// with the same, and no process sees half a schema.
package sqlite
