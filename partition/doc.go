// Package partition says how an asset is divided, and answers every question about
// its partitions without listing them.
//
// A definition may have billions of keys: hours since 1990 times ten thousand
// tenants are 3.2 billion. So nothing here has a list of keys. Counting, membership,
// index ↔ key, ranges, what is missing, what a mapping reads, are arithmetic on the
// grid of a definition and algebra on sets, and cost what they would for three keys.
//
//	Definition ─────┐  Static, Daily, TimeWindow, Dynamic, Multi …: what may exist
//	now ────────────┼──▶ Space: what exists at this instant
//	KeyTable ───────┘     │  keys ↔ index ↔ window, All, Len, Count, Ranges, Part
//	key ↔ ordinal;        │
//	it only grows,        │ Select, Set, Range: texts and keys     Keys, Ranges, Texts
//	in storage            ▼ become labels                          ▲ back again
//	                     Set: which partitions are meant ──────────┘
//	                      │  union, intersection, difference, equality: without a definition
//	       AppendBinary   │ ▲   ParseSet
//	                      ▼ │
//	                     stored blob: versioned, the same bytes for the same set
//
//	Mapping + two spaces = Edge: what a set reads upstream, who reads a set downstream
//
// # Labels, not positions
//
// What is stored must survive that a definition changes. A position does not: an
// earlier start or an inserted key moves all that follow. So a [Set] holds labels,
// which never move. A window's label is its start on the civil timeline (dates and
// times of day without a zone), and a set of windows is a list of intervals of that
// line: the windows of a grid tile it. A static or dynamic key's label is an
// ordinal, its row in a [KeyTable] that only grows. A set of a [Multi] definition is
// nested, one dimension inside the other: an interval of the outer line, and the
// inner set that holds for all of it; equal inner sets are one. Time comes outermost,
// then static, then dynamic dimensions, names by the alphabet among them, for this
// is also the order in which partitions are listed and run: a backfill goes through
// time and not through tenants.
//
// The innermost line may be irregular: half a million hours of a million, in no order,
// after a night in which every second one failed. Where it has more than a few
// intervals, and its labels are ordinals or windows of one length, it is a compressed
// bitmap: a bit a partition at most, so that an operation on a million of them costs tens of
// microseconds, and what is changed, copied and stored is 125 KB.
//
// A set says for what kind of grid, format, table or dimensions its labels are, its
// shape. Partitions of different shapes are different partitions, and one Set may
// hold both: hours stay hours when the definition has become daily, nothing is
// misread, and union, intersection and difference are total and need no definition.
// [Fit] sorts out what the present definition can still use.
//
// An asset without partitions is the set of one partition without dimensions
// ([Whole]), and a nil [Definition]; what is built above treats all assets alike.
//
// # Time
//
// Windows are labelled on the civil timeline, so that no key is lost or doubled when
// clocks change. What a window covers as instants is read in the zone of its
// definition, the first instant at which a clock there reads the label: the day the
// clocks change has 23 or 25 hours, the hour that does not exist is empty, the one
// that occurs twice has two hours, and windows tile the line of instants. A window
// exists once it has ended. Now is never read from a clock: it is handed to
// [NewSpace] once a request, so that a plan does not change under itself.
//
// # Refusals
//
// Definitions and mappings never panic and return no error: they record what is
// wrong with them, and Validate or Check reports all of it. Keys and ranges that
// people give are refused with the nearest keys that exist.
//
// All values of this package are immutable and may be shared between goroutines.
package partition
