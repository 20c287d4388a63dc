// Package feed follows the store's feed of changes, so that work costs what changed and not what
// exists.
//
// # Following
//
// A [Consumer] has a name, a location and a cursor: the number of the last change that it has read.
// It reads what follows, updates what it knows, and saves both together:
//
//	Open ─▶ Lost? ─▶ Since ─▶ the consumer's own rule ─▶ Save
//
// Open restores the cursor and the snapshot that the consumer saved last. Lost tells whether the
// store pruned changes beyond the cursor; the consumer then reads present states instead and starts
// at the end of the feed. Since yields the changes after the cursor, a page at a time. Save writes
// the snapshot and the cursor in one batch.
//
// Consumers race for the snapshot, and the last writer wins. An older cursor only means that
// changes are read again, so applying a change twice must equal applying it once. What a consumer
// reads may also be newer than its cursor: the change follows, and is applied again.
//
// # Snapshots
//
// A snapshot is a main document, and parts that are rewritten only when they change. Each document
// embeds [Head], which holds its format and cursor. The main document lists the cursor of each
// part: a part with an older one belongs to a former definition. A document of another format, or a
// damaged one, counts as absent. [ShapeOf] names what a document depends on, so that a changed
// definition is settled anew.
//
// The cursor is also stored under [storage.FeedPrefix], where pruning finds it: the store keeps
// changes that a consumer has yet to read.
//
// # The landing rule
//
// Consumers ask the same question of two states: has the reader seen what landed? [Landing.Missed]
// answers it once.
//
// # Consumers
//
// Packages staleness and checkstate keep sets of partitions this way. Those to come use the same
// calls:
//
//   - An automation condition saves one part for each condition, under the shape of its tree. It
//     evaluates the nodes whose assets are in [Touched] and keeps the sets of all others.
//   - An asset sensor follows one page at a time. It appends its snapshot to the batch of its tick
//     with [Consumer.Append], so that the cursor moves exactly when it records the tick.
//   - A sensor of run ends reads the changes that name runs, with the same cursor and batch.
package feed
