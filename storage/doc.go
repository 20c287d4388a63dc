// Package storage defines the records of rivers, the one way to write them, and small readers by
// subject. Backends live in packages of their own (storage/memory, storage/sqlite,
// storage/postgres) and pass one conformance suite, storage/storagetest.
//
// # Writing
//
// [Writer.Commit] of a [Batch] is the only write: one slice per table, atomic, durable on return.
// [Writer.Append] hands over a batch that may wait for the next commit, so that a successful step
// does not wait for the disk. Without a commit, a backend writes it within a few milliseconds. No
// closure runs inside a transaction: group commit, a remote server, the memory store and a replay
// see the same batches.
//
// Two guards protect a batch. A [Fence] names a run and the token of its owner: the store refuses
// records of a former owner, or of an ended run, with [ErrFenced]. Other batches of the same
// transaction are unaffected. An [Expectation] must hold when the batch is applied.
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
