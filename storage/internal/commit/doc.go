// Package commit is the group commit of backends with transactions: callers fill a queue of
// batches, and one writer takes it whole. So all batches that wait share the cost of one
// transaction. The writer belongs to the backend. This package knows no SQL.
//
//	Commit ──▶ queue ──▶ Take ──▶ one transaction ──▶ Finish ──▶ answers
//	Append ──▶   │ (wakes the writer at 256 records or after 2 ms, Commit does at once)
//
// The queue remembers a refusal under a fence: every later call under it gets the same error.
// Records that were appended behind the refused batch would otherwise leave a gap.
//
// # Contexts that end
//
// A caller whose context ends takes its batch back while it is in the queue, and nothing of it is
// written. The writer owns a group that it has taken until Finish, and callers wait for the
// outcome. A writer whose server may be away for a minute lends the group back meanwhile:
//
//	             Take             Reclaim
//	in the queue ───▶ the writer's ◀──▶ lent back: a caller may take its batch, nothing is written
//	                       │      Release
//	                       │ Doubt, DoubtAfter
//	                       ▼
//	                  in doubt: a caller may leave with storage.ErrOutcomeUnknown
//
// While a group is lent back or in doubt the writer reads nothing that belongs to a caller.
// Methods of [Queue] may be called from any goroutine; those that hand groups over only by the one
// writer.
package commit
