// Package fold is what backends with transactions share of partitions: a transaction carries many updates, and
// what is kept of an asset is read and written once, however many there are.
//
//	updates, in their order ──▶ [Moves] ──▶ sets of the asset, before ─▶ after
//	                        └─▶ [Feed]  ──▶ entries of the feed of changes
//	states that are kept    ──▶ [Replay] ─▶ the sets that they come to, for who doubts the stored ones
//
// It knows no SQL and keeps nothing between transactions. Nothing here is safe for concurrent use.
package fold
