package rivers

import (
	"reflect"

	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
)

// Output is a result that carries facts beside the value. To a reader of the asset
// it counts as T; a typed Load returns it filled from the record.
type Output[T any] struct {
	// Value is what the IO handler stores.
	Value T
	// Metadata is recorded with the materialization; it wins over what was added through the context.
	Metadata metadata.Map
	// Tags are recorded with the materialization.
	Tags map[string]string
	// DataVersion names the content; empty leaves it to the handler.
	DataVersion string
}

// Materialization is a result of a function. It declares that the function wrote the asset by
// itself: the event is recorded, and no IO handler is called.
type Materialization struct {
	// Metadata is recorded with the materialization; it wins over what was added through the context.
	Metadata metadata.Map
	// Tags are recorded with the materialization.
	Tags map[string]string
	// DataVersion names the content; empty takes a new one each time.
	DataVersion string
}

// Observation is what was seen of an asset that is made elsewhere.
type Observation struct {
	// Metadata is recorded with the observation; it wins over what was added through the context.
	Metadata metadata.Map
	// Tags are recorded with the observation.
	Tags map[string]string
	// DataVersion names the content that was seen, such as an etag; empty where it is not known.
	DataVersion string
}

// resultWithFacts is a result that carries facts beside a value.
type resultWithFacts interface {
	// carried returns the value, nil where there is none, and the facts.
	carried() (any, graph.Facts)
	// carriedType is the value's type, nil where there is none.
	carriedType() reflect.Type
	// restored returns the same type filled from a value and facts.
	restored(value any, f graph.Facts) any
}

func (o Output[T]) carried() (any, graph.Facts) {
	return o.Value, graph.Facts{Metadata: o.Metadata, Tags: o.Tags, DataVersion: o.DataVersion}
}
func (Output[T]) carriedType() reflect.Type { return reflect.TypeFor[T]() }
func (Output[T]) restored(value any, f graph.Facts) any {
	v, _ := value.(T)
	return Output[T]{Value: v, Metadata: f.Metadata, Tags: f.Tags, DataVersion: f.DataVersion}
}

func (m Materialization) carried() (any, graph.Facts) { //nolint:unparam // as the interface has it
	return nil, graph.Facts{Metadata: m.Metadata, Tags: m.Tags, DataVersion: m.DataVersion}
}
func (Materialization) carriedType() reflect.Type { return nil }
func (Materialization) restored(_ any, f graph.Facts) any {
	return Materialization{Metadata: f.Metadata, Tags: f.Tags, DataVersion: f.DataVersion}
}

func (o Observation) carried() (any, graph.Facts) { //nolint:unparam // as the interface has it
	return nil, graph.Facts{Metadata: o.Metadata, Tags: o.Tags, DataVersion: o.DataVersion}
}
func (Observation) carriedType() reflect.Type { return nil }
func (Observation) restored(_ any, f graph.Facts) any {
	return Observation{Metadata: f.Metadata, Tags: f.Tags, DataVersion: f.DataVersion}
}

// resultOf describes the type of a function's result.
func resultOf(t reflect.Type) define.Result {
	switch t {
	case reflect.TypeFor[Materialization]():
		return define.Result{Kind: define.ResultWritten}
	case reflect.TypeFor[Observation]():
		return define.Result{Kind: define.ResultObserved}
	}
	if t.Kind() == reflect.Struct {
		if c, ok := reflect.TypeAssert[resultWithFacts](reflect.Zero(t)); ok {
			return define.Result{Kind: define.ResultWithFacts, Type: c.carriedType()}
		}
		if p, ok := reflect.TypeAssert[partsField](reflect.Zero(t)); ok {
			return define.Result{Kind: define.ResultPartitions, Type: p.partType()}
		}
	}
	return define.Result{Type: t}
}

// takeResult turns what a function with one output returned into what the engine takes.
func takeResult(inv *graph.Invocation, kind define.ResultKind, out any) graph.Result {
	switch kind {
	case define.ResultValue:
		return graph.Result{Value: out}
	case define.ResultPartitions:
		return graph.Result{Parts: out.(partsField).values()}
	}
	value, facts := out.(resultWithFacts).carried()
	define.AddFacts(inv, 0, facts)
	return graph.Result{Value: value, Recorded: kind != define.ResultWithFacts}
}
