// Package view is the read model: what a person or a program asks about assets, checks, partitions,
// runs and backfills, answered from recorded definitions and a store.
//
//	storage.TopologyDoc ──▶ Definitions ─┐
//	                                     ├─▶ View ─▶ Health, Freshness, Checks, Partitions,
//	storage.Reader ──────────────────────┘           History, Runs, Backfills
//
// A repository hands in the document of its own definitions, a command without the user's program
// hands in the documents that the store has. Both go the same way from there, so the library, the
// terminal and a server give one answer. The price is that a view knows a definition as it is
// recorded: it calls no user code and resolves nothing.
//
// Staleness is the exception. It compares recorded versions along the mappings of partitions, which
// a document does not have. So [Statuses] is given the staleness that the program of a
// repository computed, and adds what runs left.
//
// Every answer is the current state at one instant, [View.Now]. A view keeps nothing between two
// questions; what is kept is kept in the store, by packages checkstate and staleness.
package view
