// Package sqlite keeps a store in one SQLite file: no server, no cgo, a file that any SQLite tool
// reads and that several processes may use at once.
//
// # Writing
//
// One goroutine a store writes. Callers leave batches in a queue (storage/internal/commit), the writer takes all that is
// there and applies it in one transaction, so the cost of a transaction is shared by whoever came
// meanwhile:
//
//	Commit ──▶ queue ──▶ BEGIN IMMEDIATE ─▶ take the queue ─▶ fences, rows ─▶ COMMIT ──▶ answers
//	Append ──▶   │ (wakes the writer at 256 records or after 2 ms, Commit does at once)
//
// The lock of the file is taken first and the queue after it: a caller whose context ends while
// another process holds the lock gets its batch back unwritten, and batches that come during the
// wait share the transaction. Rows go through statements of 1 to 256 rows, prepared when first
// needed, on the driver's own connection; a run of many steps costs 0.02 to 0.06 statements
// a step. What must be encoded is encoded by the caller.
//
// A batch is refused before any of its rows is written, so nobody rolls back and nobody else's
// records are lost: the fence of a run is read once a transaction and followed in memory
// from there (the transaction is the only writer), and whether a run exists is asked before it
// is inserted. No constraint is there to be violated. If SQLite itself fails, the transaction is
// rolled back and each of its batches is tried in one of its own.
//
// After a refusal under a fence every later call under it gets the same error, for what was appended
// behind the refused batch would leave a gap.
//
// What a run costs does not depend on what is recorded already. Events are appended, an asset's
// present state is a row of its own, and the index that finds an asset's events is kept in eras of
// some thousand events: entries that are written together stand together, at the price of one
// lookup an era for who reads a history back.
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
// what was only appended is there after the next Commit under its fence, or a few milliseconds later.
//
// # Several processes
//
// SQLite allows one writing transaction a file. A process that finds it taken tries again in
// small random steps for up to a minute; "database is locked" is not an answer a caller sees. A new
// store is written beside its place and linked into it, so two processes that create one end up
// with the same, and no process sees half a schema.
package sqlite
