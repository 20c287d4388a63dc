// Package fold combines the partition updates of one transaction, so that a backend reads and
// writes each asset's sets once per transaction.
//
//	updates, in their order ──▶ [Moves] ──▶ sets of the asset, before ─▶ after
//	                        └─▶ [Feed]  ──▶ entries of the feed of changes
//	stored states           ──▶ [Replay] ─▶ the sets that they add up to, to check the stored ones
//
// It knows no SQL and keeps nothing between transactions. Nothing here is safe for concurrent use.
package fold
