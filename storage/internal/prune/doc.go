// Package prune decides which history goes, for all backends: they list records and delete what
// they are told, and know no ages.
//
//	cutoffs ──▶ a page of ended runs ──▶ some thousand rows ──▶ spans that go ──▶ Delete ──┐
//	                    ▲                        ▲                                         │ rests
//	                    └──── no rows left ◀─────┴─────────────────────────────────────────┘
//
// Each Delete is one transaction, and the rest after it is longer than it took.
//
// Kinds are pruned in the order of [storage.PruneKind], so that what hangs on a run is gone before
// it. To list costs no lock and may be out of date: that a run has ended, and a backfill, stays
// true; that a run is being retried may have become true since, so Delete looks again in its
// transaction and refuses with [ErrRetried], whereupon the page is listed anew.
//
// Pruning may be killed between two transactions: the next call lists the rest. The first deleted
// row marks its run, and the last of a kind sets another mark, so that the run is not listed again.
//
// Background pruning takes turns. A value of the store holds the instant of the next turn and the
// place where the last one stopped. A swap of that value admits one of several processes; a dead
// process leaves a lease, which ends. The caller's limit and half a minute bound a turn. The next
// turn continues at its place, so that short-lived processes finish the work together. Turns only
// avoid double work: concurrent pruning is safe.
//
// The name of a deleted run stays while a present state refers to it. No new state refers to an
// ended run, so one read before the first deletion finds all references.
package prune
