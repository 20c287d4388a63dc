// Package prune decides which history goes, for all backends: they list records and delete what they are told, and know no ages.
//
//	cutoffs ──▶ a page of runs that ended before ──▶ their rows, some thousand ──▶ spans that go ──▶ Delete: one transaction ─┐
//	                    ▲                                  ▲                                                             │ rests, longer
//	                    └────── no rows left ◀─────────────┴──────────────────────────────────────────────────────────────────┘
//
// Kinds are pruned in the order of [storage.PruneKind], so that what hangs on a run is gone before it. To list costs no lock and
// may be out of date: that a run has ended, and a backfill, stays true; that a run is being retried may have become true since, so
// Delete looks again in its transaction and refuses with [ErrRetried], whereupon the page is listed anew.
//
// Killed between two transactions, nothing is remembered and nothing need be: what is left is listed by the next call. A run that
// lost something has a mark from the first row on, and one that has lost all rows of a kind another, so that it is not listed again.
//
// Who prunes beside its work, unasked, does so in its turn: a value of the store says from when on the next one may, and where the last
// one stopped. Two who ask at once are told apart by a swap of that value; one that dies leaves a lease, which ends. What one turn is worth
// is bounded by its caller's limit and by half a minute, and the place is kept, so that processes that live for milliseconds get to the end too,
// one after another. Nothing rests on turns but that the work is not done twice: pruning is safe beside pruning.
//
// The name of a run that goes is kept where a present state refers to it. No state begins to refer to a run
// that has ended, so the runs that are referred to are read once, before the first of them goes.
package prune
