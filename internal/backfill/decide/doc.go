// Package decide decides what a backfill does next.
//
// A [Decider] is told what happened to the runs of a backfill, one [Fact] at a time, and answers
// which runs to create, start or stop. It has no I/O, no clock and no goroutine: the linter refuses
// the imports. A driver obeys its commands and applies what they lead to. The same facts give the
// same answer, so a process that takes a backfill up again folds what is recorded and continues.
package decide
