package parquet

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/rivers-go/rivers/internal/nearest"
)

// setter sets dst, which is the zero value of its type, to the i-th value of an array.
type setter func(dst reflect.Value, a arrow.Array, i int) error

// errNull is a null where the Go type has no nil.
var errNull = errors.New("it is null")

// bind returns how a Go type is read from an Arrow type, or why it is impossible.
func bind(t reflect.Type, tag tag, from arrow.DataType) (setter, error) {
	switch dt := from.(type) {
	case *arrow.DictionaryType:
		inner, err := bind(t, tag, dt.ValueType)
		return func(dst reflect.Value, a arrow.Array, i int) error {
			d := a.(*array.Dictionary)
			if d.IsNull(i) {
				return null(dst)
			}
			return inner(dst, d.Dictionary(), d.GetValueIndex(i))
		}, err
	case arrow.ExtensionType:
		inner, err := bind(t, tag, dt.StorageType())
		return func(dst reflect.Value, a arrow.Array, i int) error {
			return inner(dst, a.(array.ExtensionArray).Storage(), i)
		}, err
	}
	set, err := bindValue(t, tag, from)
	if err != nil {
		return nil, err
	}
	return func(dst reflect.Value, a arrow.Array, i int) error {
		if a.IsNull(i) {
			return null(dst)
		}
		return set(dst, a, i)
	}, nil
}

// null leaves dst nil, if it can be.
func null(dst reflect.Value) error {
	switch dst.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return nil
	default:
		return fmt.Errorf("%w: want *%s", errNull, dst.Type())
	}
}

// bindValue is bind for values that are not null.
func bindValue(t reflect.Type, tag tag, from arrow.DataType) (setter, error) {
	if t.Kind() == reflect.Pointer {
		inner, err := bindValue(t.Elem(), tag, from)
		return func(dst reflect.Value, a arrow.Array, i int) error {
			dst.Set(reflect.New(t.Elem()))
			return inner(dst.Elem(), a, i)
		}, err
	}
	if set := bindScalar(t, tag, from); set != nil {
		return set, nil
	}
	if !single(t) {
		switch dt := from.(type) {
		case *arrow.StructType:
			if t.Kind() == reflect.Struct {
				return bindStruct(t, dt)
			}
		case *arrow.MapType:
			if t.Kind() == reflect.Map {
				return bindMap(t, tag, dt)
			}
		case arrow.ListLikeType:
			if t.Kind() == reflect.Slice || t.Kind() == reflect.Array {
				return bindList(t, tag, dt)
			}
		}
	}
	return nil, fmt.Errorf("it holds %s, which does not load as %s", from, t)
}

func bindList(t reflect.Type, tag tag, from arrow.ListLikeType) (setter, error) {
	inner, err := bind(t.Elem(), tag, from.Elem())
	if err != nil {
		return nil, fmt.Errorf("element: %w", err)
	}
	return func(dst reflect.Value, a arrow.Array, i int) error {
		list := a.(array.ListLike)
		start, end := list.ValueOffsets(i)
		values, n := list.ListValues(), int(end-start)
		if start < 0 || n < 0 || end > int64(values.Len()) {
			return fmt.Errorf("it is corrupt: a list of %d values from %d in %d", n, start, values.Len())
		}
		if t.Kind() == reflect.Slice {
			dst.Set(reflect.MakeSlice(t, n, n))
		} else if n != t.Len() {
			return fmt.Errorf("a list of %d values does not load as %s", n, t)
		}
		for k := range n {
			if err := inner(dst.Index(k), values, int(start)+k); err != nil {
				return fmt.Errorf("element %d: %w", k, err)
			}
		}
		return nil
	}, nil
}

func bindMap(t reflect.Type, tag tag, from *arrow.MapType) (setter, error) {
	key, err := bind(t.Key(), plain, from.KeyType())
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	item, err := bind(t.Elem(), tag, from.ItemType())
	if err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	return func(dst reflect.Value, a arrow.Array, i int) error {
		entries := a.(*array.Map)
		start, end := entries.ValueOffsets(i)
		keys, items := entries.Keys(), entries.Items()
		if start < 0 || end < start || end > int64(keys.Len()) || end > int64(items.Len()) {
			return fmt.Errorf("it is corrupt: map entries %d to %d of %d", start, end, keys.Len())
		}
		made := reflect.MakeMapWithSize(t, int(end-start))
		for k := int(start); k < int(end); k++ {
			at, value := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			if err := errors.Join(key(at, keys, k), item(value, items, k)); err != nil {
				return err
			}
			made.SetMapIndex(at, value)
		}
		dst.Set(made)
		return nil
	}, nil
}

func bindStruct(t reflect.Type, from *arrow.StructType) (setter, error) {
	fields, err := bindFields(t, from.Fields())
	if err != nil {
		return nil, err
	}
	return func(dst reflect.Value, a arrow.Array, i int) error {
		group := a.(*array.Struct)
		for _, f := range fields {
			if err := f.set(dst.FieldByIndex(f.index), group.Field(f.at), i); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
		return nil
	}, nil
}

// binding is a field of a struct and the column it is read from.
type binding struct {
	name  string
	index []int // of the Go field
	at    int   // of the column
	set   setter
}

// bindFields matches the fields of a struct with columns by name. A field without a column is an
// error; a column without a field is not read.
func bindFields(t reflect.Type, from []arrow.Field) ([]binding, error) {
	columns, err := (&compiler{}).columns(t)
	if err != nil {
		return nil, err
	}
	at := make(map[string]int, len(from))
	for i, field := range from {
		at[field.Name] = i
	}
	var (
		found  []binding
		faults []error
	)
	for _, col := range columns {
		name := col.arrow.Name
		i, ok := at[name]
		if !ok {
			faults = append(faults, missingColumn(name, t, at))
			continue
		}
		set, err := bind(col.typ, col.tag, from[i].Type)
		if err != nil {
			faults = append(faults, fmt.Errorf("column %q: %w", name, err))
			continue
		}
		found = append(found, binding{name, col.index, i, set})
	}
	return found, errors.Join(faults...)
}

func missingColumn(name string, t reflect.Type, have map[string]int) error {
	if near, ok := nearest.Name(name, maps.Keys(have)); ok {
		return fmt.Errorf("there is no column %q, which %s wants (did you mean %q?)", name, t, near)
	}
	return fmt.Errorf("there is no column %q, which %s wants: the columns are %q", name, t, slices.Sorted(maps.Keys(have)))
}
