// Package storage says what rivers remembers and how it is asked: the records, the one way to
// write them, and small readers grouped by subject. Backends live in packages of their own
// (storage/memory, storage/sqlite, storage/postgres) and pass one conformance suite, storage/storagetest.
//
// # Writing
//
// There is one write, [Writer.Commit] of a [Batch]: one slice a table, applied all or nothing,
// durable on return. [Writer.Append] hands over a batch that may wait for the next commit, so that
// a step that succeeded does not wait for the disk; a backend writes what was appended within a few
// milliseconds also when no commit comes. No closure runs inside a transaction, so that group
// commit, a remote server, the memory store and a replay all see the same batches.
//
// A batch may be guarded in two ways. A [Fence] names a run and the token of its owner: records
// of a former owner, or of a run that has ended, are refused with [ErrFenced], and nobody else's
// records with them. An [Expectation] is a fact that must hold when the batch is applied.
//
// # Keys
//
// The integer key of a run or an asset comes from its insert and means nothing outside its
// store; people see a run's ID (a UUID, version 7) and an asset's name. Steps are dense indices
// into the plan recorded with the run.
//
// # Time
//
// Times are UTC instants with microsecond precision; in the records that deciders fold they
// are plain integers, microseconds since 1970 ([Micros]).
package storage
