package define

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/rivers-go/rivers/internal/config"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
)

// role is what a field of an argument struct receives.
type role uint8

const (
	// valueRole receives an upstream's value, or a resource where none has the name.
	valueRole role = iota
	configRole
	selfRole
)

// argument is one field of an argument struct.
type argument struct {
	index  int
	field  string // as written in Go
	name   string // as asked for: snake case, or the tag's
	role   role
	tagged bool
	typ    reflect.Type // of the value: the field's own type unless the field is wrapped
	full   reflect.Type // of the field
	wrap   *Wrapper     // never nil: most fields share plainField
}

// Wrapper describes a field type of the root package that wraps a value. The root package fills it
// in once per field, when the function is defined. The zero Wrapper is a plain field.
type Wrapper struct {
	// Type is the type of the wrapped value.
	Type reflect.Type
	// Self fills a SelfDependency from the previous value.
	Self func(dst reflect.Value, v any) error
	// Several makes a Partitions that loads its values when asked.
	Several func(p graph.PartitionLoader) any
	// Err returns the load error that a Partitions remembers.
	Err func(v any) error
	// Optional makes an Optional.
	Optional func(v any, ok bool) any
}

// plainField is the wrapper of fields that wrap nothing. Thousands of fields share it.
var plainField Wrapper

// Face is what the root package knows about the field types of argument structs.
type Face struct {
	// Unwrap describes the type of a field, given the type's zero value.
	Unwrap func(zero reflect.Value) Wrapper
	// Result describes the type of a function's result.
	Result func(t reflect.Type) Result
	// Secrets describes the secrets in config structs.
	Secrets *config.Secrets
}

// Args are the fields of an argument struct, inspected once, when a function is defined. They never
// change.
type Args struct {
	typ    reflect.Type
	fields []argument
	config *config.Spec
	faults []fault.Fault
}

// ArgsOf inspects an argument struct. Its mistakes become faults of the definition that uses it.
func ArgsOf(t reflect.Type, face *Face) *Args {
	a := &Args{typ: t}
	if t.Kind() != reflect.Struct {
		a.fault("argument", "the second parameter is a %s: make it a struct with an exported field per input, or rivers.NoInput", t)
		return a
	}
	for i := range t.NumField() { //nolint:modernize // Type.Fields takes three allocations, for every definition
		a.add(t.Field(i), face)
	}
	return a
}

func (a *Args) fault(at, format string, args ...any) {
	a.faults = append(a.faults, fault.Fault{At: at, Message: fmt.Sprintf(format, args...), Kind: fault.ErrGraphValidation})
}

// add looks at one field.
func (a *Args) add(sf reflect.StructField, face *Face) {
	at := "input " + sf.Name
	switch {
	case sf.Anonymous:
		a.fault(at, "the field is embedded: give it a name of its own")
		return
	case !sf.IsExported():
		a.fault(at, "the field is not exported, so nothing can be handed to it: begin it with a capital, or remove it")
		return
	}
	arg := argument{index: sf.Index[0], field: sf.Name, name: fault.SnakeCase(sf.Name), typ: sf.Type, full: sf.Type, wrap: &plainField}
	if tag, ok := sf.Tag.Lookup("rivers"); ok && !a.applyTag(&arg, tag) {
		return
	}
	if arg.role == valueRole && sf.Type.Kind() == reflect.Struct {
		if w := face.Unwrap(reflect.Zero(sf.Type)); w.Type != nil {
			arg.wrap, arg.typ = &w, w.Type
			if w.Self != nil {
				arg.role = selfRole
			}
		}
	}
	if arg.role == configRole {
		a.addConfig(&arg, face.Secrets)
	}
	if !a.repeats(&arg) {
		a.fields = append(a.fields, arg)
	}
}

// applyTag reads `rivers:"name"` and `rivers:",config"`.
func (a *Args) applyTag(arg *argument, tag string) bool {
	at := "input " + arg.field
	name, option, more := strings.Cut(tag, ",")
	if more && option != "config" {
		a.fault(at, "the tag `rivers:%q` has the option %q: the only one is config", tag, option)
		return false
	}
	if more {
		arg.role = configRole
		if name != "" {
			a.fault(at, "the tag `rivers:%q` names a config, which has no name: write `rivers:\",config\"`", tag)
			return false
		}
		return true
	}
	if mistake := fault.NameMistake(name); mistake != "" {
		a.fault(at, "the tag `rivers:%q`: %s", tag, mistake)
		return false
	}
	arg.name, arg.tagged = name, true
	return true
}

func (a *Args) addConfig(arg *argument, secrets *config.Secrets) {
	at := "input " + arg.field
	for _, f := range a.fields {
		if f.role == configRole {
			a.fault(at, "%s is a config too: put both into one struct", f.field)
			return
		}
	}
	if arg.typ.Kind() != reflect.Struct {
		a.fault(at, "the config is a %s: make it a struct", arg.typ)
		return
	}
	a.config = config.Of(arg.typ, secrets)
	a.faults = append(a.faults, a.config.Faults()...)
}

// repeats reports a second field that asks for the same value.
func (a *Args) repeats(arg *argument) bool {
	for _, f := range a.fields {
		if arg.role == selfRole && f.role == selfRole {
			a.fault("input "+arg.field, "%s is the previous value too: one SelfDependency is enough", f.field)
			return true
		}
		if arg.role == valueRole && f.role == valueRole && f.name == arg.name {
			a.fault("input "+arg.field, "it asks for %q, and so does %s: one field is enough", arg.name, f.field)
			return true
		}
	}
	return false
}

// decoder returns what a node's DecodeConfig is, nil without a config.
func (a *Args) decoder() func(map[string]any) (any, error) {
	if a.config == nil {
		return nil
	}
	return a.config.Decode
}

// fieldNames yields the Go names of the fields that take a value.
func (a *Args) fieldNames(yield func(string) bool) {
	for i := range a.fields {
		if a.fields[i].role == valueRole && !yield(a.fields[i].field) {
			return
		}
	}
}

// argumentNames yields what the fields that take a value are called.
func (a *Args) argumentNames(yield func(string) bool) {
	for i := range a.fields {
		if a.fields[i].role == valueRole && !yield(a.fields[i].name) {
			return
		}
	}
}
