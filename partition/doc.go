// Package partition defines the partitions of assets and answers questions about them without
// listing them.
//
// A definition may have billions of keys: hours since 1990 times ten thousand tenants are 3.2
// billion. Therefore nothing here holds a list of keys. Counting, membership, index ↔ key, ranges,
// missing partitions and mappings are arithmetic on the grid of a definition and algebra on sets.
// They cost what they would for three keys.
//
//	Definition ─────┐  Static, Daily, TimeWindow, Dynamic, Multi …: what may exist
//	now ────────────┼──▶ Space: what exists at this instant
//	KeyTable ───────┘     │  keys ↔ index ↔ window, All, Len, Count, Ranges, Part
//	key ↔ ordinal;        │
//	it only grows,        │ Select, Set, Range: texts and keys     Keys, Ranges, Texts
//	in storage            ▼ become labels                          ▲ back again
//	                     Set: a set of partitions ─────────────────┘
//	                      │  union, intersection, difference, equality: without a definition
//	       AppendBinary   │ ▲   ParseSet
//	                      ▼ │
//	                     stored blob: versioned, the same bytes for the same set
//
//	Mapping + two spaces = Edge: what a set reads upstream, who reads a set downstream
//
// # Labels, not positions
//
// Stored sets must survive a change of the definition. Positions do not: an earlier start or an
// inserted key moves all that follow. So a [Set] holds labels, which never move.
//
// The label of a window is its start on the civil timeline (dates and times of day without a zone).
// A set of windows is a list of intervals of that line, because the windows of a grid tile it. The
// label of a static or dynamic key is an ordinal, its row in a [KeyTable] that only grows. A set of
// a [Multi] definition is nested: an interval of the outer dimension, and the inner set that holds
// for all of it. Equal inner sets are shared. Time is outermost, then static, then dynamic
// dimensions, sorted by name. Partitions are listed and run in this order: a backfill advances
// through time, not through tenants.
//
// The innermost dimension may be irregular: half a million hours of a million, after a night in
// which every second one failed. Beyond a few intervals it becomes a compressed bitmap, if its
// labels are ordinals or windows of one length: one bit per partition at most. An operation on a
// million then costs tens of microseconds, and the stored form is 125 KB.
//
// Every set carries its shape: the grid, format, table and dimensions of its labels. Partitions of
// different shapes are different, and one Set may hold both: hours stay hours when the definition
// becomes daily. Union, intersection and difference are total and need no definition. [Fit] splits
// a set by what the current definition still has.
//
// An unpartitioned asset is the set of one partition without dimensions ([Whole]), with a nil
// [Definition], so that callers treat all assets alike.
//
// # Time
//
// Windows are labelled on the civil timeline, so no key is lost or doubled when clocks change. The
// instants that a window covers are read in the zone of its definition: from the first instant at
// which a clock there reads the label. The day on which clocks change has 23 or 25 hours, the
// skipped hour is empty, the repeated hour has two hours, and windows tile the line of instants. A
// window exists once it has ended. No function reads a clock: the caller passes now to [NewSpace]
// once per request, so that a plan does not change while it is made.
//
// # Refusals
//
// Definitions and mappings never panic and return no error. They record mistakes, and Validate or
// Check reports all of them. Keys and ranges given by people are refused with the nearest existing
// keys.
//
// All values of this package are immutable and safe for concurrent use, except [Gather].
package partition
