package define

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

// Definition is an asset, task, check or action as its constructor described it. It is complete
// when the constructor returns and never changes after that, so several repositories may share it.
type Definition struct {
	Name string
	Kind graph.Kind
	Pos  fault.Position
	// Outputs are the values that the definition declares: its own, or those of a multi-asset.
	Outputs []Output
	// Backfill is the strategy for backfills that name none; nil leaves it to the repository.
	Backfill *storage.BackfillStrategy
	// Config is the config struct that the function takes; nil for none.
	Config *config.Spec
	// Faults are the mistakes that the constructor saw.
	Faults []fault.Fault
	// Build appends the definition's nodes; nil makes none. Each validation calls it with its scope.
	Build func(s *Scope, nodes []graph.Node) []graph.Node
}

// Output is a value that inputs may name.
type Output struct {
	Name string
	// Type is the value's Go type; nil if unknown, as for an external asset.
	Type reflect.Type
	// Handler is the output's own IO handler; nil means the repository's default.
	Handler iohandler.Handler
	// Partitions is the partition definition as declared, which may be a reference; nil for none.
	Partitions partition.Definition
	Def        *Definition

	actions *assetActions
}

// Declare adds a value that the definition makes.
func (d *Definition) declare(name string, typ reflect.Type, handler iohandler.Handler, parts partition.Definition) {
	d.Outputs = append(d.Outputs, Output{Name: name, Type: typ, Handler: handler, Partitions: parts, Def: d})
}

// Declares reports whether the definition makes a value of that name.
func (d *Definition) Declares(name string) bool {
	return slices.ContainsFunc(d.Outputs, func(o Output) bool { return o.Name == name })
}

// OutputNames returns the names of the values that the definition makes.
func (d *Definition) OutputNames() []string {
	names := make([]string, len(d.Outputs))
	for i := range d.Outputs {
		names[i] = d.Outputs[i].Name
	}
	return names
}

// KindName returns the kind of the definition as messages name it.
func (d *Definition) KindName() string {
	switch d.Kind {
	case graph.MultiAsset:
		return "multi-asset"
	case graph.GraphTask:
		return "graph asset"
	case graph.External:
		return "external asset"
	case graph.Task:
		return "task"
	case graph.BashTask:
		return "bash task"
	case graph.Check:
		return "check"
	case graph.Action:
		return "action"
	default:
		return "asset"
	}
}

// KindWord returns "task" or "asset": what messages call a value of the definition.
func (d *Definition) KindWord() string {
	if d.Kind == graph.Task || d.Kind == graph.BashTask {
		return "task"
	}
	return "asset"
}

// Scope is what a definition can refer to while its nodes are built.
type Scope struct {
	// Value finds the value of a name; nil where no definition makes it.
	Value func(name string) *Output
	// Resources are the repository's.
	Resources map[string]any
	// DefaultHandler stores the outputs that have no handler of their own; nil if unknown.
	DefaultHandler iohandler.Handler
	// Partitions are the resolved partition definitions of partitioned assets, by name.
	Partitions map[string]partition.Definition
	// Resolve finds the definition of an asset that Partitions does not hold; nil if it holds all.
	Resolve func(name string) partition.Definition
	// Report records a mistake of the definition that is being built.
	Report func(f fault.Fault)
	// Names yields every name that an input may have, to suggest the nearest. It yields nothing after
	// many mistakes, when comparing each with all names would take longer than reading them.
	Names func(yield func(string) bool)
}

// PartitionsOf returns an asset's resolved partition definition; nil for an unpartitioned asset.
func (s *Scope) PartitionsOf(name string) partition.Definition {
	d, known := s.Partitions[name]
	if !known && s.Resolve != nil {
		return s.Resolve(name)
	}
	return d
}

// assetNames yields the names of assets.
func (s *Scope) assetNames(yield func(string) bool) {
	for name := range s.Names {
		if up := s.Value(name); up != nil && up.Def.KindWord() == "asset" && up.Def.Kind != graph.Check && !yield(name) {
			return
		}
	}
}

// onceEach returns a scope that reports each mistake once, for a definition of several nodes.
func (s *Scope) onceEach() *Scope {
	once := *s
	var seen []fault.Fault
	once.Report = func(f fault.Fault) {
		if slices.Contains(seen, f) {
			return
		}
		seen = append(seen, f)
		s.Report(f)
	}
	return &once
}
