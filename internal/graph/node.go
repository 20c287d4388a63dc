package graph

import (
	"iter"
	"reflect"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Kind describes what a node is to the person who defined it.
type Kind uint8

// The kinds of nodes.
const (
	// Asset makes one asset.
	Asset Kind = iota
	// MultiAsset makes several assets in one call.
	MultiAsset
	// GraphTask is one task call inside a graph asset; its last one also makes the asset.
	GraphTask
	// External is an asset made elsewhere; it never runs in a plan.
	External
	// Task is a standalone task.
	Task
	// BashTask is a standalone task that runs a command.
	BashTask
	// Check judges an asset. It has one output, of its own name, which is no value: under it the store
	// keeps what the check said.
	Check
	// Action is something else that is done to an asset. It has one output, of its own name, which is
	// no value.
	Action
)

var kindWords = [...]string{"asset", "multi_asset", "graph_asset", "external_asset", "task", "bash_task", "asset_check", "action"}

// String returns the word of the kind, as shown to people.
func (k Kind) String() string { return kindWords[k] }

// Call runs the body of a node: args are the values of the node's inputs that carry one, in the
// order of Node.Inputs (nil for order-only inputs).
type Call func(inv *Invocation, args []any) (Result, error)

// Result is what a body left. Facts about the outputs (metadata, versions) are in the Invocation.
type Result struct {
	// Value is the value of a node with one output.
	Value any
	// Values are the values of a node with several, by output.
	Values []any
	// Parts yields the values of a body that was called once for all partitions; nil for any other.
	Parts iter.Seq2[partition.Key, PartValue]
	// Recorded means that the body wrote by itself: handlers are not called.
	Recorded bool
	// Emitted means that the outputs were handed over one by one while the body ran.
	Emitted bool
}

// PartValue is the value of one partition, or why there is none. An error under the zero Key is
// that of all.
type PartValue struct {
	Value any
	Err   error
}

// NoValue is the argument of a [Self] input that has no previous value: nil may be one.
type NoValue struct{}

// Written is the value of an output that the body wrote by itself: no handler is called for it.
type Written struct{}

// Node is one thing that runs as a step.
type Node struct {
	// Name is the step key: "users", "totals/sorted".
	Name string
	// Definition is the asset or task the node belongs to; for a graph asset's tasks its name.
	Definition string
	Kind       Kind
	Outputs    []Output
	Inputs     []Input
	Call       Call
	// Observe looks at an external asset; nil where it cannot be observed.
	Observe Call
	// DecodeConfig checks and decodes the config overrides of a request; nil takes none.
	DecodeConfig func(overrides map[string]any) (any, error)
	// Settings are what else the node may say about its runs; most say nothing. Never nil after Build.
	*Settings
	// Emits means that the body hands its outputs over as it goes: it is not retried after the first.
	Emits bool
	// Map is set on a node that unfolds into an instance per element of one input.
	Map *Map
}

// Settings say how a node is run. They may be shared by nodes and must not be changed after Build.
type Settings struct {
	// Retry is the node's own policy; zero takes the job's or repository's.
	Retry retry.Policy
	// Timeout bounds one attempt; zero does not.
	Timeout time.Duration
	// Executor overrides the run's executor where HasExecutor is set.
	Executor    executor.Executor
	HasExecutor bool
	// Compute bounds what an attempt may use.
	Compute executor.Compute
	// Resources are the names of the resources that the body takes.
	Resources []string
	Hooks     []Hook
	// Pools are the concurrency slots that an attempt holds, sorted by the pools' names.
	Pools []storage.PoolSlots
	// Partitions is how the node is partitioned; nil for one that is not.
	Partitions partition.Definition
	// Whole means that the body is called once for all partitions of a step, else once for each.
	Whole bool
	// Check is set on a node that judges an asset, Action on one that does something else to it.
	Check  *CheckInfo
	Action *ActionInfo
}

// ActionInfo describes what an action is, and to which asset it is done.
type ActionInfo struct {
	iohandler.ActionSpec

	// Asset is the name of the asset, Type the type of its value, nil where it is not known.
	Asset string
	Type  reflect.Type
}

// CheckInfo describes what a check judges.
type CheckInfo struct {
	// Asset is the name of the asset.
	Asset string
	// Blocking means that what reads the asset waits for the check, and is not run where the asset
	// does not pass.
	Blocking bool
	// Later means that this holds for later runs too, which load the asset.
	Later bool
}

// Map describes how a mapped node unfolds.
type Map struct {
	// Input is the index of the input whose value, a slice, is unfolded.
	Input int
	// MaxConcurrency bounds the instances that run at once; zero does not.
	MaxConcurrency int
	// Named means that the elements name their instances.
	Named bool
	// Elements takes the value apart: the elements, and their names if they are named.
	Elements func(value any) (elements []any, names []string, err error)
}

// Output is one named value that a node makes.
type Output struct {
	Name string
	// Type is the Go type of the value, nil for external assets.
	Type reflect.Type
	// Handler stores the value; Build refuses a nil one only when it is needed.
	Handler iohandler.Handler
	// Asset means that the output is an asset; else it is a task's value.
	Asset bool
	// Inner means that the output is a value inside a graph asset, not selectable by itself.
	Inner bool
	// Partitions is how the asset is partitioned, nil for one that is not. Those of a node's outputs
	// have keys of one kind.
	Partitions partition.Definition
	// Attrs is what people attached; never nil after Build.
	Attrs *Attrs
}

// Attrs is what people attach to an asset or task.
type Attrs struct {
	Group       string
	Kinds       []string
	Tags        map[string]string
	Owners      []string
	Description string
	Metadata    metadata.Map
	CodeVersion string
	// Freshness describes how old the data of the asset may be; zero is as old as you like.
	Freshness freshness.Policy
}

// IsZero reports whether nothing is attached.
func (a *Attrs) IsZero() bool {
	return a.Group == "" && len(a.Kinds) == 0 && len(a.Tags) == 0 && len(a.Owners) == 0 &&
		a.Description == "" && len(a.Metadata) == 0 && a.CodeVersion == "" && a.Freshness.IsZero()
}

// InputMode describes how an input gets its value.
type InputMode uint8

// The modes of inputs.
const (
	// Value loads the upstream's value.
	Value InputMode = iota
	// OrderOnly waits for the upstream and loads nothing.
	OrderOnly
	// Self loads the node's own previous value, [NoValue] if there is none; it makes no edge.
	Self
	// Collect loads the values of all instances of a mapped upstream.
	Collect
	// Stream hands over the values of all instances one at a time.
	Stream
	// Bound carries a constant.
	Bound
	// Gate waits for a blocking check of what another input reads, or for an action that comes first,
	// and loads nothing. It reports by partition what is stopped by what did not pass, or was not
	// done. A plan may be without the upstream.
	Gate
)

// Waits reports whether an input only waits.
func (m InputMode) Waits() bool { return m == OrderOnly || m == Gate }

// Input is one argument of a node, or one order-only dependency.
type Input struct {
	// Field is the Go field that receives it, for messages; empty for order-only inputs.
	Field string
	// From is the name of the output that is read.
	From string
	Mode InputMode
	// Type is the type that the field wants.
	Type reflect.Type
	// Handler replaces the upstream's own for this edge; nil does not.
	Handler iohandler.Handler
	// Metadata is handed to the handler in place of the upstream's; nil does not replace.
	Metadata metadata.Map
	// Const is the value of a Bound input.
	Const any
	// Gather makes the value for the field from the instances' values; see Collect.
	Gather func(values []any) (any, error)
	// Lazy makes the value for the field of a Stream input from a way to get the n values.
	Lazy func(n int, load func(i int) (any, error)) any
	// Unordered lets a Stream hand values over in the order in which they were made.
	Unordered bool
	// Parts describes what is read where one of the two sides is partitioned; nil where none is.
	Parts *Parts
}

// Parts defines which partitions an input reads, and as what.
type Parts struct {
	// Mapping defines which they are. It is that which follows from the definitions where none was
	// given.
	Mapping partition.Mapping
	// Multiple makes the value for the field of what is read, however many partitions that are; nil
	// takes the one value there is.
	Multiple func(p PartitionLoader) any
	// Optional makes the value for a field that need not have one, of a value or of nothing; nil wants
	// one.
	Optional func(value any, ok bool) any
}

// PartitionLoader is a way to get at the values of several partitions.
type PartitionLoader struct {
	// Of are the partitions.
	Of partition.Slice
	// Load loads the value of one of them.
	Load func(key partition.Key) (any, error)
}

// Hook is called after a step's outcome is recorded.
type Hook struct {
	Name string
	// OnFailure runs the hook after a failure; otherwise it runs after a success.
	OnFailure bool
	Call      func(inv *Invocation, failure error) error
}
