package engine

import (
	"errors"
	"log/slog"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// load gets the value of every input of the step.
func (a *attempt) load() ([]any, error) {
	inputs := a.of.Inputs
	if len(inputs) == 0 {
		return nil, nil
	}
	from := a.graph.From(a.plan.Steps[a.mapped].Node)
	args := make([]any, len(inputs))
	for k := range inputs {
		var err error
		if a.instance && k == a.of.Map.Input {
			args[k], err = a.element()
		} else {
			args[k], err = a.input(&inputs[k], k, from[k])
		}
		if err != nil {
			return nil, a.loadFailure(k, from[k], err)
		}
	}
	return args, nil
}

func (a *attempt) input(in *graph.Input, k int, v int32) (any, error) {
	if in.Parts != nil && (in.Mode == graph.Value || in.Mode == graph.Self) {
		return a.inputParts(in, k, v)
	}
	switch in.Mode {
	case graph.Bound:
		return in.Const, nil
	case graph.OrderOnly, graph.Gate:
		return nil, nil //nolint:nilnil // an input that only waits has no value
	case graph.Collect, graph.Stream:
		return a.collect(in, v)
	case graph.Self:
		out, _ := a.graph.Output(v)
		value, err := a.read(in, out, out.Name, a.part, a.locator.Of(out, v))
		if errors.Is(err, iohandler.ErrNoValue) {
			return graph.NoValue{}, nil
		}
		return value, err
	default:
		out, _ := a.graph.Output(v)
		return a.read(in, out, out.Name, a.part, a.locator.Of(out, v))
	}
}

// read loads one value under its name, of a partition and a write, through the edge's handler.
func (a *attempt) read(in *graph.Input, out *graph.Output, name string, of partition.Slice, write string) (any, error) {
	ictx := iohandler.InputContext{
		Name: name, Consumer: a.key, RunID: a.runID, Type: in.Type,
		Metadata: out.Attrs.Metadata, Logger: a.logger, Partition: of, Write: write,
	}
	if in.Metadata != nil {
		ictx.Metadata = in.Metadata
	}
	return loader(in, out).LoadInput(a.ctx, &ictx)
}

// loader is the handler that loads an output for an input.
func loader(in *graph.Input, out *graph.Output) iohandler.Handler {
	if in.Handler != nil {
		return in.Handler
	}
	return out.Handler
}

// collect hands over the values of all instances of a mapped upstream, at once or one at a time.
func (a *attempt) collect(in *graph.Input, v int32) (any, error) {
	out, node := a.graph.Output(v)
	step, _ := a.plan.StepOf(node)
	m := a.maps.get(step)
	at := func(i int) (any, error) {
		return a.read(in, out, m.keys[i], a.part, a.locator.OfInstance(out, step, m.first, i))
	}
	if in.Mode == graph.Stream {
		if in.Unordered {
			order := a.sink.order(step)
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

// order returns the instances of a mapped step in the order in which they succeeded.
func (r *run) order(mapped int32) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]int(nil), r.maps.get(mapped).order...)
}

func (a *attempt) newLogger() *slog.Logger {
	return slog.New(&logHandler{sink: a.sink, step: a.job.step, attempt: a.job.attempt, key: a.key})
}
