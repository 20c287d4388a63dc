package define

import (
	"reflect"

	"github.com/rivers-go/rivers/internal/graph"
)

// Task is a task that can stand alone or in graph assets.
type Task struct {
	*Definition
	// Call makes the body for one place where the task stands. The constructor sets it.
	Call func(f FieldSetters) graph.Call

	req   *requirements
	set   *Settings
	typ   reflect.Type
	attrs graph.Attrs
}

// NewTask makes a task of a kind: graph.Task or graph.BashTask.
func NewTask(c *Common, kind graph.Kind) *Task {
	d := &Definition{Name: c.Name, Kind: kind, Pos: c.Pos}
	d.declare(c.Name, c.Result.Type, c.Handler, nil)
	d.checkName()
	if c.Result.Kind == ResultObserved || c.Result.Kind == ResultWritten {
		d.Fault("result", "a task makes no asset, so it has nothing to record: return the value")
	}
	attrs := d.attrs("", c.Attrs)
	t := &Task{Definition: d, typ: c.Result.Type, attrs: attrs}
	t.set = d.configure(c.Settings, attrs.Metadata)
	t.req = d.requires(c.Args, c.Deps)
	if c.NoFunction {
		d.Fault("", "the function is nil: give one")
	}
	d.Build = func(s *Scope, nodes []graph.Node) []graph.Node {
		w := t.req.wire(s, d)
		return append(nodes, graph.Node{
			Name: d.Name, Definition: d.Name, Kind: kind, Inputs: w.inputs,
			Outputs:      []graph.Output{{Name: d.Name, Type: t.typ, Handler: d.Outputs[0].Handler, Attrs: nonEmptyAttrs(t.attrs)}},
			DecodeConfig: t.req.args.decoder(), Call: w.sets.body(t.Call), Settings: w.settings(t.set.compile(s)),
		})
	}
	return t
}
