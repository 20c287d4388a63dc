// Package plan defines which steps a run has and in which order they may start.
//
// A [Plan] is derived from a graph and a request, and from nothing else: no clock, no storage.
// Steps are dense integers in topological order; the edges between them are those of the graph
// whose both ends are in the plan, since an upstream that is not planned is loaded from where its
// IO handler put it. A plan never changes and may be used by many runs at once.
package plan
