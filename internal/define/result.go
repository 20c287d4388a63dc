package define

import (
	"maps"
	"reflect"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
)

// ResultKind tells how a function's result is read.
type ResultKind uint8

const (
	// ResultValue is the value itself.
	ResultValue ResultKind = iota
	// ResultWithFacts is a value with metadata, tags or a data version.
	ResultWithFacts
	// ResultWritten has facts only: the function stored the value itself.
	ResultWritten
	// ResultObserved has facts that were observed of an external asset.
	ResultObserved
	// ResultPartitions are the values of several partitions.
	ResultPartitions
)

// Result describes the type of a function's result.
type Result struct {
	Kind ResultKind
	// Type is the type of the value inside; nil for a result without a value.
	Type reflect.Type
}

// Name returns the name of a result's type t in messages, without the path of the type inside.
func (r Result) Name(t reflect.Type) string {
	switch r.Kind {
	case ResultWithFacts:
		return "rivers.Output[" + r.Type.String() + "]"
	case ResultPartitions:
		return "rivers.Partitions[" + r.Type.String() + "]"
	default:
		return t.String()
	}
}

// AddFacts adds the facts of a result to output pos. They win over the facts recorded before.
func AddFacts(inv *graph.Invocation, pos int, f graph.Facts) {
	if len(f.Metadata) == 0 && len(f.Tags) == 0 && f.DataVersion == "" {
		return
	}
	to := inv.FactsOf(pos)
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
