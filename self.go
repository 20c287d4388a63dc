package rivers

import (
	"fmt"
	"reflect"
)

// SelfDependency is the type of a field of an argument struct that receives the asset's own previous
// value. It makes no edge in the graph, so it makes no cycle. The zero value is none.
type SelfDependency[T any] struct {
	value T
	ok    bool
}

// Previous returns a SelfDependency that holds value, for tests that call a function by themselves.
func Previous[T any](value T) SelfDependency[T] { return SelfDependency[T]{value: value, ok: true} }

// Get returns the previous value, and false if there is none.
func (s SelfDependency[T]) Get() (T, bool) { return s.value, s.ok }

// selfField is how a field is known to be a SelfDependency, selfSetter how it is filled.
type (
	selfField  interface{ selfType() reflect.Type }
	selfSetter interface{ setSelf(v any) error }
)

func (SelfDependency[T]) selfType() reflect.Type { return reflect.TypeFor[T]() }

func (s *SelfDependency[T]) setSelf(v any) error {
	value, ok := v.(T)
	if !ok && v != nil { // a nil of an interface type has no type of its own, and is a value
		return fmt.Errorf("the previous value is a %T, want %s", v, reflect.TypeFor[T]())
	}
	s.value, s.ok = value, true
	return nil
}
