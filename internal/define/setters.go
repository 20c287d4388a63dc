package define

import (
	"fmt"
	"reflect"

	"github.com/rivers-go/rivers/internal/graph"
)

// fieldSetter fills one field: from one argument, from several, or with a constant.
type fieldSetter struct {
	field *argument
	// arg is the first argument, and count how many there are of a map with these keys.
	arg, count int
	keys       []string
	// source reads the load error of a Partitions that a field of another type takes; nil for none.
	source func(v any) error
	// constant is a resource.
	constant reflect.Value
}

// FieldSetters fill an argument struct. A node gets them when it is built.
type FieldSetters []fieldSetter

// Fill sets the fields of in, an argument struct, for one call. It is on the path of every step.
func (f FieldSetters) Fill(in reflect.Value, inv *graph.Invocation, args []any) error {
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
func (s *fieldSetter) self(dst reflect.Value, v any) error {
	if _, none := v.(graph.NoValue); none {
		return nil
	}
	if err := s.field.wrap.Self(dst, v); err != nil {
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
func (s *fieldSetter) gather(dst reflect.Value, args []any) error {
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
