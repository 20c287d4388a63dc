// Package timegrid lays time windows out on the civil timeline: dates and times of day without a
// zone.
//
// A [Grid] is an endless series of ticks. The window of a tick ends where the next one begins, so
// windows tile the line. Ranks and ticks are converted by arithmetic, without listing ticks:
//
//	Rank: civil time -> number of the tick      Tick: number -> civil time
//
// [Write] and [Read] convert a tick to the text of a partition key and back. [CheckFormat] proves
// that a format loses nothing.
//
// The text of a grid is stored inside sets of partitions, so it never changes.
package timegrid
