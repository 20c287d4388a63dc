// Package define turns definitions into nodes of the graph.
//
// The root package has the public face: specs, generic constructors, contexts and results. A
// constructor fills in a description ([Asset], [MultiAsset], [Check], [Hook], …) and calls Define.
// The description has no type parameters and no types of the root package, so this package can
// inspect, check and wire definitions without them. What only the root can do is handed in once per
// definition: a [Face] recognises its field and result types, and a Call closure runs the user's
// function with an argument struct that [FieldSetters] fill.
//
// A [Definition] keeps the faults that its constructor saw. It never changes after that. Its Build
// method is called with a [Scope], the names of one repository, and appends the nodes: each field
// of the argument struct is connected to an upstream, a resource, a config or the previous value,
// and partition mappings are resolved and checked. Mistakes are reported to the scope, all of them.
//
// A graph asset is a [Composition]: its function calls tasks on it, each call becomes a node, and
// calls that nobody reads are made to end before the last.
//
// Nothing here runs on a step's path but FieldSetters.Fill, which uses field indexes and no names.
package define
