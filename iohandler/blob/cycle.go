package blob

import (
	"fmt"
	"reflect"
	"sync"
)

// cycles refuses values that point back at themselves, for which an encoder would never end. It
// remembers of each type whether that can be, for only then a value is walked before it is written.
type cycles struct {
	known sync.Map // reflect.Type -> bool
}

func (c *cycles) check(value any) error {
	if value == nil {
		return nil
	}
	return c.walk(reflect.ValueOf(value), 0)
}

func (c *cycles) possible(t reflect.Type) bool {
	known, ok := c.known.Load(t)
	if !ok {
		known, _ = c.known.LoadOrStore(t, loops(t, map[reflect.Type]bool{}))
	}
	return known.(bool)
}

// loops reports whether t is reached from itself, or holds an interface, which may hold anything.
func loops(t reflect.Type, above map[reflect.Type]bool) bool {
	switch t.Kind() {
	case reflect.Interface:
		return true
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
	default:
		return false
	}
	if above[t] {
		return true
	}
	above[t] = true
	defer delete(above, t)
	if t.Kind() != reflect.Struct {
		return loops(t.Elem(), above)
	}
	for field := range t.Fields() {
		if field := field; !field.IsExported() && !field.Anonymous {
			continue
		}
		if loops(field.Type, above) {
			return true
		}
	}
	return false
}

func (c *cycles) walk(v reflect.Value, depth int) error {
	if !c.possible(v.Type()) {
		return nil
	}
	if depth > nestingMax {
		return fmt.Errorf("the value nests deeper than %d levels, or points back at itself: want a tree", nestingMax)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return c.walk(v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := c.walk(v.Index(i), depth+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for entry := v.MapRange(); entry.Next(); {
			if err := c.walk(entry.Value(), depth+1); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); !field.IsExported() && !field.Anonymous {
				continue
			}
			if err := c.walk(v.Field(i), depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
