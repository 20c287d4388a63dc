// Package engine runs a plan.
//
// It is two pieces. The [Decider] holds what is known about a run, folded from its recorded facts,
// and describes what should happen now; it does no I/O, has no clock and no goroutine. The driver,
// [Run], carries its commands out and feeds back what happened.
//
//	            ┌───────────── facts ─────────────┐
//	            ▼                                 │
//	recorded ─▶ Decider ── commands ─▶ driver ─▶ user function, IO handler
//	events      (fold)                    │
//	                                      └──▶ storage (batches)
//
// A step's life:
//
//	pending ──upstreams succeeded──▶ ready ──started──▶ running ──▶ succeeded | failed | canceled
//	   │                               ▲                   │
//	   │                               └── retry is due ── retrying
//	   └── an upstream did not succeed ──▶ skipped
//
// Invariants, each a property test: a step has exactly one outcome; none starts before its
// upstreams succeeded; a run has exactly one end; asked twice, the decider answers the same; any
// prefix of the recorded facts, folded anew, gives the same answer at the same instant.
//
// The driver is a monitor, not an actor: the goroutine that finishes a step takes the lock, folds,
// asks, and continues with the first step it is given, so that a chain has no hand-over. No user
// code, hook, handler or listener runs under that lock.
package engine
