// Package commit is the group commit that backends with transactions share: a queue of batches that
// callers fill and one writer takes whole, so that the cost of a transaction is shared by whoever came
// meanwhile. The writer is the backend's; what is here knows no SQL.
//
//	Commit ──▶ queue ──▶ Take ──▶ one transaction ──▶ Finish ──▶ answers
//	Append ──▶   │ (wakes the writer at 256 records or after 2 ms, Commit does at once)
//
// A refusal under a fence is remembered: every later call under it gets the same error, for what was
// appended behind the refused batch would leave a gap.
//
// # Contexts that end
//
// A caller whose context ends takes its batch back while it is in the queue, and nothing of it is
// written. A group that the writer has is the writer's until Finish, and the caller waits for the
// outcome, unless the writer says otherwise, as one must whose server may be away for a minute:
//
//	             Take             Reclaim
//	in the queue ───▶ the writer's ◀──▶ lent back: a caller may take its batch, nothing is written
//	                       │      Release
//	                       │ Doubt, DoubtAfter
//	                       ▼
//	                  in doubt: a caller may leave with storage.ErrOutcomeUnknown
//
// While a group is lent back or in doubt the writer reads nothing that belongs to a caller. Methods of
// [Queue] may be called from any goroutine; those that hand groups over only by the one writer.
package commit
