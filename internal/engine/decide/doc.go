// Package decide decides what a run does next.
//
// A [Decider] folds what happened to a run, one [Event] at a time, and answers with commands: start
// an attempt, claim pool slots, skip, cancel, end. It has no I/O, no clock, no lock and no
// goroutine; the linter refuses their imports. Its driver, package engine, obeys the commands and
// applies the events that they lead to.
//
//	event ─▶ Apply ─▶ state of steps, groups, partitions, rejections
//	instant ─▶ Next ─▶ commands           (changes nothing: asked twice, the same answer)
//
// All of the state follows from the recorded events. [Replay] of any prefix of a run answers what
// the run itself answered there, and the run continues from it. Three kinds of event are folded and
// not stored: two about pool slots, which a crash frees, and [StepMade], which the step's success
// repeats.
//
// Steps are dense indices: those of the plan first, then the instances of mapped steps in the order
// in which they unfolded. A step whose partitions all read what an upstream did not make is skipped
// when it could start.
package decide
