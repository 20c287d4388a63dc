package rivers

import (
	"maps"
	"reflect"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
)

// Output is a result that carries facts beside the value. To whoever reads the asset
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

// Materialization says, as the result of a function, that the function wrote the asset by itself:
// the event is recorded, and no IO handler is called.
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

// carrier is a result that carries facts beside a value.
type carrier interface {
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

// shape says how a function's result is read.
type shape uint8

const (
	plain shape = iota
	carrying
	materializing
	observing
	parting // the values of several partitions
)

// shapeOf returns how a result of type t is read, and the type of the value in it: nil where
// there is none.
func shapeOf(t reflect.Type) (shape, reflect.Type) {
	switch t {
	case reflect.TypeFor[Materialization]():
		return materializing, nil
	case reflect.TypeFor[Observation]():
		return observing, nil
	}
	if t.Kind() == reflect.Struct {
		if c, ok := reflect.TypeAssert[carrier](reflect.Zero(t)); ok {
			return carrying, c.carriedType()
		}
		if p, ok := reflect.TypeAssert[partsField](reflect.Zero(t)); ok {
			return parting, p.partType()
		}
	}
	return plain, t
}

// valueType is the type of the value that a result of type t carries.
func valueType(t reflect.Type) reflect.Type {
	_, typ := shapeOf(t)
	return typ
}

// typeName names a type for people: an Output without the whole path of what it carries.
func typeName(t reflect.Type) string {
	switch how, typ := shapeOf(t); how {
	case carrying:
		return "rivers.Output[" + typ.String() + "]"
	case parting:
		return "rivers.Partitions[" + typ.String() + "]"
	default:
		return t.String()
	}
}

// note adds what a result said about output pos; it wins over what is there.
func note(inv *graph.Invocation, pos int, f graph.Facts) {
	if len(f.Metadata) == 0 && len(f.Tags) == 0 && f.DataVersion == "" {
		return
	}
	to := inv.Fact(pos)
	if len(f.Metadata) > 0 {
		if to.Metadata == nil {
			to.Metadata = make(metadata.Map, len(f.Metadata))
		}
		maps.Copy(to.Metadata, f.Metadata)
	}
	if len(f.Tags) > 0 {
		if to.Tags == nil {
			to.Tags = make(map[string]string, len(f.Tags))
		}
		maps.Copy(to.Tags, f.Tags)
	}
	if f.DataVersion != "" {
		to.DataVersion = f.DataVersion
	}
}

// result turns what a function with one output returned into what the engine takes.
func result(inv *graph.Invocation, s shape, out any) graph.Result {
	switch s {
	case plain:
		return graph.Result{Value: out}
	case parting:
		return graph.Result{Parts: out.(partsField).unpacked()}
	}
	value, facts := out.(carrier).carried()
	note(inv, 0, facts)
	return graph.Result{Value: value, Recorded: s != carrying}
}
