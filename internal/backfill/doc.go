// Package backfill makes many partitions of some assets, by many runs.
//
// A backfill is a decider and a driver, as a run is. The [decide.Decider] is told what there is to
// make and what has become of the runs, and decides which runs to create, start or stop; it does no
// I/O and has no clock. The [Drive] loop obeys it, many runs at once.
//
//	partitions ─▶ groups, in stages ─▶ chunks ─▶ runs created in batches ─▶ runs started ─▶ ended
//	              (one strategy each)  (a run each)  (one transaction with the progress)
//
// Assets with the same strategy form one group if they read the same partition of each other: the
// same runs make their partitions. Anything else that is read makes a stage, so that what is read
// by a run was made by runs before it. Where a chunk reads another chunk of its own group, the day
// before, say, it waits for the run that makes that.
//
// Nothing is listed that need not be: what is pending is a set, from which the next chunks are
// taken, so that a backfill of a million partitions costs what its runs cost.
//
// Everything the decider knows follows from the record of the backfill, the definitions, and the
// runs that belong to it. A process that takes a backfill up replays them: no partition is run
// again that had succeeded, none is forgotten.
package backfill
