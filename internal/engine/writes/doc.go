// Package writes knows where the values of a run lie.
//
// A value lies where its write tells. The record of a materialization has the name of its write, so
// a load gets what was recorded, whatever other attempts, runs and former owners write meanwhile:
//
//	value                      named by                       the name is recorded with
//	output of an asset         each attempt anew              its materialization
//	value inside a graph       each owner of a run anew       the success of its step
//	value of an older store    nothing: it has no name        –
//
// A handler that keeps the last write alone, such as the one in memory, gets no names. It is not
// asked for either: a load of what the run made itself costs no lookup.
//
//	run:      Table ─┐                     ┌─▶ For: the name under which an output is written
//	                 ├─▶ Source ─▶ Locator ┤
//	process:  Remote ┘                     └─▶ Of, OfPartition: the name that a load asks for
//
// A [Locator] belongs to one attempt and its goroutine, but for its loads, which may be concurrent.
// A Table and a Remote may be used from any goroutine.
package writes
