package rivers

import (
	"reflect"
	"slices"

	"github.com/rivers-go/rivers/internal/config"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Node is anything that can be a member of a job: an asset or a task.
type Node interface {
	// Name is the registered name; a multi-asset has one beside those of its outputs.
	Name() string
	def() *definition // sealed
}

// Asset is one of the kinds of assets that this package defines: single, multi, graph, external.
type Asset interface {
	Node
	asset() // sealed
}

// RunRequest asks for one run; see [storage.RunRequest].
type RunRequest = storage.RunRequest

// BackfillStrategy says how the partitions of a backfill become runs: [MultiRun], [SingleRun] or
// [PerDimension]; see [storage.BackfillStrategy].
type BackfillStrategy = storage.BackfillStrategy

// MultiRun makes a run for each partition.
func MultiRun() BackfillStrategy { return storage.MultiRun() }

// SingleRun makes one run for all partitions.
func SingleRun() BackfillStrategy { return storage.SingleRun() }

// PerDimension makes a run for each combination of keys of the dimensions in multi, with all keys of those in
// single. Together they must be all dimensions, each once, and neither may be empty.
func PerDimension(multi, single []string) BackfillStrategy {
	return storage.PerDimension(multi, single)
}

// definition is what a repository knows about an asset or task that was defined. It is complete
// when the constructor returns and never changes after that: several repositories may share it.
type definition struct {
	name string
	kind graph.Kind
	pos  fault.Position
	// outputs are the values that the definition provides: its own, or those of a multi-asset.
	outputs []provided
	// backfill says how partitions become runs; zero says nothing.
	backfill BackfillStrategy
	// config is the config struct that the function takes; nil for none.
	config *config.Spec
	// faults are mistakes that the constructor saw; Validate reports them.
	faults []fault.Fault
	// build appends the definition's nodes. It is called by each Validate with the names that exist.
	build func(s *scope, nodes []graph.Node) []graph.Node
}

// provided is a value that inputs may name.
type provided struct {
	name string
	// typ is its Go type; nil is not known (an external asset).
	typ reflect.Type
	// handler is its own IO handler; nil is the repository's default.
	handler iohandler.Handler
	// parts is how it is divided, as it was said: it may be a reference. Nil is not.
	parts partition.Definition
	// acts is what its actions need to know, nil for nothing: thousands of empty ones show.
	acts *acting
	def  *definition
}

// provide adds a value that the definition makes.
func (d *definition) provide(name string, typ reflect.Type, handler iohandler.Handler) {
	d.outputs = append(d.outputs, provided{name: name, typ: typ, handler: handler, def: d})
}

// divided says how the value that was provided last is divided.
func (d *definition) divided(parts partition.Definition) {
	d.outputs[len(d.outputs)-1].parts = parts
}

// provides reports whether the definition makes a value of that name.
func (d *definition) provides(name string) bool {
	return slices.ContainsFunc(d.outputs, func(p provided) bool { return p.name == name })
}

// outputNames are the names of what the definition makes.
func (d *definition) outputNames() []string {
	names := make([]string, len(d.outputs))
	for i := range d.outputs {
		names[i] = d.outputs[i].name
	}
	return names
}

// scope is what a definition can refer to while its nodes are built.
type scope struct {
	// values finds the value of a name, nil where there is none.
	values map[string]*provided
	// resources are the repository's.
	resources map[string]any
	// defaultHandler stores the values of outputs without a handler of their own; nil is not known.
	defaultHandler iohandler.Handler
	// divisions are how assets are divided, by name; those that are not have none.
	divisions map[string]partition.Definition
	// divide finds how an asset is divided that is not among them; nil where they are all.
	divide func(name string) partition.Definition
	// report notes a mistake of the definition being built.
	report func(f fault.Fault)
	// names lists every name that an input may have, for the nearest one; nothing once there are
	// so many mistakes that comparing each with all names would take longer than reading them.
	names func(yield func(string) bool)
}
