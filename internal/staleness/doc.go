// Package staleness tells missing, stale and fresh partitions of assets apart, and why they are so.
// An asset without partitions is the one of [partition.Whole], so that every answer is a set.
//
// # The rule
//
// It is a function of what the store holds now, not of how that came about. A materialization S of
// an asset D is stale
//
//	CODE          if it was made by another code version than the definition has (if any)
//	DEPENDENCIES  if it was made from other upstream assets than the definition names
//	DATA          if an upstream asset has other data than S has read; for each edge:
//
//	   one partition reads one upstream value,   the recorded version is not the current one:
//	   and S is of it alone                      the same version again is fresh again
//	   anything else: several are read, or S     some upstream partition u landed later:
//	   was recorded for many at once             seq(u) > seq(S), or by another run, seq(u) > read(S)
//
// read(S) is [storage.Detail.ReadSeq], the number that the feed of changes had when the attempt
// began: what lands while a step reads is not taken to be read. A run's own steps are told apart by
// the run, since what they made may be recorded only after the step that reads it began. Upstream
// that is missing makes nothing stale by itself. External assets are always fresh; their version is
// that of the latest observation, of all their partitions.
//
// Other partitions of its own, which an asset reads by a self dependency, are upstream as any are,
// by the rule of the second line: materializations record no version of them, and do not name the
// asset among what they were made from. The former value of the same partition makes nothing stale,
// and so does that of an asset without partitions.
//
// The scripts in testdata have a case for each of these rules.
//
// Only direct edges count. That something further up is stale or missing is a set of its own,
// mapped down the graph when it is asked for. Along a self dependency that is
// [partition.Edge.Closure]: from one day all that follow, in as many steps as their number has
// binary digits.
//
// # Kept by what lands
//
//	changes since the cursor ─▶ landed, by asset ─▶ its states ─▶ sets by code, dependencies, edge
//	                              └─▶ Edge.Downstream ∩ made ─▶ the edge's stale set
//
// A [View] keeps for each asset sets of partitions: made, by code version, by names of
// dependencies; for each edge those that are stale along it. [View.Update] reads the feed of
// changes since its cursor and nothing else but the states of what landed and, where versions must
// be compared, of what reads that. Its work is that of what changed; sets are unions and
// differences of closed forms, never lists of partitions. What it reads may be newer than the
// cursor: it comes again with the next changes, and settling it twice is settling it once.
//
// # Kept in the store
//
// A View is written to the store's small values ([View.Save]): a process that starts cold reads it
// and the changes since. An asset or an edge whose definition changed is settled anew from present
// states, and so is everything where the feed was pruned beyond the cursor. Writers race for the
// value and the last one wins: an older cursor only means that changes are read again.
package staleness
