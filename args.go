package rivers

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/rivers-go/rivers/internal/config"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
)

// NoInput is the argument of a function that takes none.
type NoInput = struct{}

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
	typ    reflect.Type // of the value; that of the field unless it is one of the three below
	full   reflect.Type // of the field
	// many is set for a field of type Partitions, optional for one of type Optional.
	many     partsField
	optional optionalField
}

// arguments are the fields of an argument struct, looked at once, when a function is defined.
type arguments struct {
	typ    reflect.Type
	fields []argument
	config *config.Spec
	faults []fault.Fault
}

// argsOf looks at an argument struct.
func argsOf[In any]() *arguments { return argumentsOf(reflect.TypeFor[In]()) }

func argumentsOf(t reflect.Type) *arguments {
	a := &arguments{typ: t}
	if t.Kind() != reflect.Struct {
		a.fault("argument", "the second parameter is a %s: make it a struct with an exported field per input, or rivers.NoInput", t)
		return a
	}
	for i := range t.NumField() { //nolint:modernize // Type.Fields takes three allocations, for every definition
		a.add(t.Field(i))
	}
	return a
}

func (a *arguments) fault(at, format string, args ...any) {
	a.faults = append(a.faults, fault.Fault{At: at, Message: fmt.Sprintf(format, args...), Kind: ErrGraphValidation})
}

// add looks at one field.
func (a *arguments) add(sf reflect.StructField) {
	at := "input " + sf.Name
	switch {
	case sf.Anonymous:
		a.fault(at, "the field is embedded: give it a name of its own")
		return
	case !sf.IsExported():
		a.fault(at, "the field is not exported, so nothing can be handed to it: begin it with a capital, or remove it")
		return
	}
	arg := argument{index: sf.Index[0], field: sf.Name, name: fault.SnakeCase(sf.Name), typ: sf.Type, full: sf.Type}
	if tag, ok := sf.Tag.Lookup("rivers"); ok && !a.applyTag(&arg, tag) {
		return
	}
	if arg.role == valueRole && sf.Type.Kind() == reflect.Struct {
		arg.wrapped(reflect.Zero(sf.Type))
	}
	if arg.role == configRole {
		a.addConfig(&arg)
	}
	if !a.repeats(&arg) {
		a.fields = append(a.fields, arg)
	}
}

// wrapped looks whether a field is one that holds a value, or several, in a type of ours.
func (arg *argument) wrapped(zero reflect.Value) {
	if self, ok := reflect.TypeAssert[selfField](zero); ok {
		arg.role, arg.typ = selfRole, self.selfType()
	}
	if many, ok := reflect.TypeAssert[partsField](zero); ok {
		arg.many, arg.typ = many, many.partType()
	}
	if optional, ok := reflect.TypeAssert[optionalField](zero); ok {
		arg.optional, arg.typ = optional, optional.optionalType()
	}
}

// applyTag reads `rivers:"name"` and `rivers:",config"`.
func (a *arguments) applyTag(arg *argument, tag string) bool {
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

func (a *arguments) addConfig(arg *argument) {
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
	a.config = config.Of(arg.typ, secretFields())
	a.faults = append(a.faults, a.config.Faults()...)
}

// repeats reports a second field that asks for the same value.
func (a *arguments) repeats(arg *argument) bool {
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
func (a *arguments) decoder() func(map[string]any) (any, error) {
	if a.config == nil {
		return nil
	}
	return a.config.Decode
}

// fieldNames yields the Go names of the fields that take a value.
func (a *arguments) fieldNames(yield func(string) bool) {
	for i := range a.fields {
		if a.fields[i].role == valueRole && !yield(a.fields[i].field) {
			return
		}
	}
}

// set says how one field is filled: from an argument, from several, or with a constant.
type set struct {
	field *argument
	// arg is the first argument, and count how many there are of a map with these keys.
	arg, count int
	keys       []string
	// constant is a resource.
	constant reflect.Value
}

// filling fills an argument struct; it is made when a node is built.
type filling []set

// filled returns an argument struct for one call. It is the step's path: no field, no reflection.
func filled[In any](f filling, inv *graph.Invocation, args []any) (in In, err error) {
	if len(f) > 0 {
		err = f.fill(reflect.ValueOf(&in).Elem(), inv, args)
	}
	return in, err
}

// fill sets the fields of in, a struct.
func (f filling) fill(in reflect.Value, inv *graph.Invocation, args []any) error {
	for i := range f {
		s := &f[i]
		dst := in.Field(s.field.index)
		var err error
		switch {
		case s.constant.IsValid():
			dst.Set(s.constant)
		case s.field.role == configRole:
			err = assign(dst, s.field, inv.Config)
		case s.field.role == selfRole:
			err = s.self(dst, args[s.arg])
		case s.keys != nil:
			err = s.gather(dst, args)
		default:
			err = assign(dst, s.field, args[s.arg])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// self sets dst, a SelfDependency, to the previous value.
func (s *set) self(dst reflect.Value, v any) error {
	if _, none := v.(graph.NoValue); none {
		return nil
	}
	if err := dst.Addr().Interface().(selfSetter).setSelf(v); err != nil {
		return fmt.Errorf("input %s: %w", s.field.field, err)
	}
	return nil
}

// assign sets dst to v; a nil value leaves the zero value.
func assign(dst reflect.Value, arg *argument, v any) error {
	if v == nil {
		return nil
	}
	rv := reflect.ValueOf(v)
	if t := rv.Type(); t != dst.Type() && !t.AssignableTo(dst.Type()) {
		return fmt.Errorf("input %s: the value that was loaded is a %s, want %s", arg.field, t, dst.Type())
	}
	dst.Set(rv)
	return nil
}

// gather makes a map[string]T of several arguments.
func (s *set) gather(dst reflect.Value, args []any) error {
	m := reflect.MakeMapWithSize(dst.Type(), s.count)
	elem := dst.Type().Elem()
	for k := range s.count {
		v := reflect.New(elem).Elem()
		if err := assign(v, s.field, args[s.arg+k]); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(s.keys[k]).Convert(dst.Type().Key()), v)
	}
	dst.Set(m)
	return nil
}

// argumentNames yields what the fields that take a value are called.
func (a *arguments) argumentNames(yield func(string) bool) {
	for i := range a.fields {
		if a.fields[i].role == valueRole && !yield(a.fields[i].name) {
			return
		}
	}
}
