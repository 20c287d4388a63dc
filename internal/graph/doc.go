// Package graph holds the definitions of a repository as one dense, immutable graph.
//
// The root package turns typed definitions into [Node]s: plain, untyped closures over any. A node
// is one thing that runs as a step; what it makes are its [Output]s, and those have the names
// people know: an asset, each asset of a multi-asset, a task, or a value inside a graph asset
// ("totals/sorted"). An [Input] names the output it reads.
//
//	node "split" ──▶ output "orders"  ──▶ input of node "totals/by_customer"
//	             └─▶ output "rejects"
//
// [Build] numbers nodes and outputs, resolves names once, sorts the nodes topologically (ties in
// the order of definition) and keeps the edges as slices of integers. Everything above (plan,
// engine) works on these integers; names appear again only at the edges of the system.
//
// A Graph never changes after Build and may be shared by any number of goroutines and runs.
package graph
