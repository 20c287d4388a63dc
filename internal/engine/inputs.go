package engine

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
)

// planned returns the plan's step; for an instance that of its mapped step.
func (a *attempt) planned() *plan.Step {
	mapped, _, _ := a.r.instance(a.job.step)
	return &a.r.Plan.Steps[mapped]
}

// load gets the value of every input of the step.
func (a *attempt) load() ([]any, error) {
	inputs := a.node.Inputs
	if len(inputs) == 0 {
		return nil, nil
	}
	mapped, pos, instance := a.r.instance(a.job.step)
	from := a.r.graph.From(a.r.Plan.Steps[mapped].Node)
	args := make([]any, len(inputs))
	for k := range inputs {
		var err error
		if instance && k == a.node.Map.Input {
			args[k] = a.r.maps.get(mapped).elements[pos]
			continue
		}
		if args[k], err = a.input(&inputs[k], from[k]); err != nil {
			return nil, fmt.Errorf("input %s: %w", inputs[k].Field, err)
		}
	}
	return args, nil
}

func (a *attempt) input(in *graph.Input, v int32) (any, error) {
	switch in.Mode {
	case graph.Bound:
		return in.Const, nil
	case graph.OrderOnly:
		return nil, nil //nolint:nilnil // an order-only input has no value
	case graph.Collect, graph.Stream:
		return a.collect(in, v)
	case graph.Self:
		out, _ := a.r.graph.Output(v)
		value, err := a.read(in, out, out.Name)
		if errors.Is(err, iohandler.ErrNoValue) {
			return nil, nil //nolint:nilnil // there is no previous value, which is no error
		}
		return value, err
	default:
		out, _ := a.r.graph.Output(v)
		return a.read(in, out, out.Name)
	}
}

// read loads one value under its name through the edge's handler.
func (a *attempt) read(in *graph.Input, out *graph.Output, name string) (any, error) {
	ictx := iohandler.InputContext{
		Name: name, Consumer: a.key, RunID: a.r.Record.ID, Type: in.Type,
		Metadata: out.Attrs.Metadata, Logger: a.logger,
	}
	if in.Metadata != nil {
		ictx.Metadata = in.Metadata
	}
	handler := out.Handler
	if in.Handler != nil {
		handler = in.Handler
	}
	return handler.LoadInput(a.ctx, &ictx)
}

// collect hands over the values of all instances of a mapped upstream, at once or one at a time.
func (a *attempt) collect(in *graph.Input, v int32) (any, error) {
	out, node := a.r.graph.Output(v)
	step, _ := a.r.Plan.StepOf(node)
	m := a.r.maps.get(step)
	at := func(i int) (any, error) { return a.read(in, out, m.keys[i]) }
	if in.Mode == graph.Stream {
		if in.Unordered {
			order := a.r.finishedOrder(m)
			return in.Lazy(len(order), func(i int) (any, error) { return at(order[i]) }), nil
		}
		return in.Lazy(len(m.keys), at), nil
	}
	values := make([]any, len(m.keys))
	for i := range values {
		var err error
		if values[i], err = at(i); err != nil {
			return nil, err
		}
	}
	return in.Gather(values)
}

func (r *run) finishedOrder(m *mapSource) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), m.order...)
}

func (a *attempt) newLogger() *slog.Logger {
	return slog.New(&logHandler{run: a.r, step: a.job.step, attempt: a.job.attempt, key: a.key})
}
