package rivers

import (
	"reflect"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/retry"
)

// TaskSpec describes what a task is beside its function. Only Name is needed.
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
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to
	// that.
	Compute executor.Compute
}

// Task is a function that runs as a step: inside a graph asset, or by itself when it is listed in
// [RepositoryConfig.Tasks]. It is made by [NewTask] or [NewBashTask].
type Task[In, Out any] struct{ t *define.Task }

// NewTask defines a task. The fields of In are its arguments; standing alone it takes them by name
// as an asset does, inside a graph asset from [Call] and [Map].
func NewTask[In, Out any](spec TaskSpec, fn func(*TaskContext, In) (Out, error)) *Task[In, Out] {
	t := newTask[In, Out](spec, graph.Task, fn == nil)
	kind := resultOf(reflect.TypeFor[Out]()).Kind
	t.t.Call = func(f define.FieldSetters) graph.Call { return taskCall(fn, kind, f) }
	return t
}

// newTask defines a task without its body.
func newTask[In, Out any](spec TaskSpec, kind graph.Kind, noFunction bool) *Task[In, Out] {
	common := define.Common{
		Name: spec.Name, Pos: fault.Here(), Deps: depsOf(spec.Deps), Handler: spec.IOHandler,
		Attrs: graph.Attrs{
			Group: spec.Group, Tags: spec.Tags, Owners: spec.Owners, Description: spec.Description, Metadata: spec.Metadata,
		},
		Settings: settingsOf(spec.Retry, spec.Timeout, spec.Hooks, spec.Pools, spec.Compute),
		Args:     argsOf[In](), Result: resultOf(reflect.TypeFor[Out]()), NoFunction: noFunction,
	}
	return &Task[In, Out]{define.NewTask(&common, kind)}
}

func taskCall[In, Out any](fn func(*TaskContext, In) (Out, error), kind define.ResultKind, f define.FieldSetters) graph.Call {
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		ctx := &TaskContext{AssetContext{stepContext: stepContext{inv: inv}}}
		in, err := arguments[In](f, inv, args)
		if err != nil {
			return graph.Result{}, err
		}
		value, err := fn(ctx, in)
		if err != nil {
			return graph.Result{}, err
		}
		return takeResult(inv, kind, value), nil
	}
}

// Name returns the task's name.
func (t *Task[In, Out]) Name() string { return t.t.Name }

func (t *Task[In, Out]) def() *define.Definition { return t.t.Definition }
