package rivers

import (
	"reflect"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
)

// TaskSpec says what a task is beside its function. Only Name is needed.
type TaskSpec struct {
	Name        string
	Group       string
	Tags        map[string]string
	Owners      []string
	Description string
	// Metadata is handed to the IO handler; "rivers/executor" is as in [AssetSpec.Metadata].
	Metadata metadata.Map
	// Deps say more about dependencies of a task that stands alone; inside a graph asset a task
	// gets its arguments from the call.
	Deps []Dep
	// IOHandler stores the value; nil is the graph asset's for its tasks, or the repository's default.
	IOHandler iohandler.Handler
	Retry     retry.Policy
	Timeout   time.Duration
	Hooks     []Hook
	// Pools are the concurrency slots that each step of the task holds while it runs.
	Pools []Pool
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to that.
	Compute executor.Compute
}

// Task is a function that runs as a step: inside a graph asset, or by itself when it is listed in
// [RepositoryConfig.Tasks]. It is made by [NewTask] or [NewBashTask].
type Task[In, Out any] struct {
	d   *definition
	req *requirements
	set *settings
	out shape
	typ reflect.Type
	// attrs are of the task's value, wherever it stands.
	attrs graph.Attrs
	// call makes the body for one place where the task stands.
	call func(f filling) graph.Call
}

// NewTask defines a task. The fields of In are its arguments; standing alone it takes them by name
// as an asset does, inside a graph asset from [Call] and [Map].
func NewTask[In, Out any](spec TaskSpec, fn func(*TaskContext, In) (Out, error)) *Task[In, Out] {
	t := newTask[In, Out](spec, graph.Task)
	if fn == nil {
		t.d.fault("", "the function is nil: give one")
	}
	t.call = func(f filling) graph.Call { return taskCall(fn, t.out, f) }
	return t
}

func newTask[In, Out any](spec TaskSpec, kind graph.Kind) *Task[In, Out] {
	how, typ := shapeOf(reflect.TypeFor[Out]())
	d := &definition{name: spec.Name, kind: kind, pos: fault.Here()}
	d.provide(spec.Name, typ, spec.IOHandler)
	d.checkName()
	if how == observing || how == materializing {
		d.fault("result", "a task makes no asset, so it has nothing to record: return the value")
	}
	attrs := d.attrs("", graph.Attrs{
		Group: spec.Group, Tags: spec.Tags, Owners: spec.Owners, Description: spec.Description, Metadata: spec.Metadata,
	})
	t := &Task[In, Out]{d: d, out: how, typ: typ, attrs: attrs}
	t.set = d.configure(settings{retry: spec.Retry, timeout: spec.Timeout, hooks: spec.Hooks, pools: spec.Pools, compute: spec.Compute}, attrs.Metadata)
	t.req = d.requires(argsOf[In](), spec.Deps)
	d.build = func(s *scope, nodes []graph.Node) []graph.Node {
		w := t.req.wire(s, d)
		return append(nodes, graph.Node{
			Name: d.name, Definition: d.name, Kind: kind, Inputs: w.inputs,
			Outputs:      []graph.Output{{Name: d.name, Type: typ, Handler: d.outputs[0].handler, Attrs: said(t.attrs)}},
			DecodeConfig: t.req.args.decoder(), Call: t.call(w.sets), Settings: w.settings(t.set.compile(s)),
		})
	}
	return t
}

func taskCall[In, Out any](fn func(*TaskContext, In) (Out, error), out shape, f filling) graph.Call {
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		ctx := &TaskContext{AssetContext{stepContext: stepContext{inv: inv}}}
		in, err := filled[In](f, inv, args)
		if err != nil {
			return graph.Result{}, err
		}
		value, err := fn(ctx, in)
		if err != nil {
			return graph.Result{}, err
		}
		return result(inv, out, value), nil
	}
}

// Name returns the task's name.
func (t *Task[In, Out]) Name() string { return t.d.name }

func (t *Task[In, Out]) def() *definition { return t.d }
