package parquet

import (
	"cmp"
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// appender adds one Go value to the builder of its column. It adds the length of texts and bytes
// to size, for a batch is cut by what it weighs.
type appender func(b array.Builder, v reflect.Value, size *int) error

// scalars are the kinds that are one number, truth or text.
var scalars = map[reflect.Kind]mapping{
	reflect.Bool: {arrow: arrow.FixedWidthTypes.Boolean, append: func(b array.Builder, v reflect.Value, _ *int) error {
		b.(*array.BooleanBuilder).Append(v.Bool())
		return nil
	}},
	reflect.Int8:    signed[int8](arrow.PrimitiveTypes.Int8),
	reflect.Int16:   signed[int16](arrow.PrimitiveTypes.Int16),
	reflect.Int32:   signed[int32](arrow.PrimitiveTypes.Int32),
	reflect.Int64:   signed[int64](arrow.PrimitiveTypes.Int64),
	reflect.Int:     signed[int64](arrow.PrimitiveTypes.Int64),
	reflect.Uint8:   unsigned[uint8](arrow.PrimitiveTypes.Uint8),
	reflect.Uint16:  unsigned[uint16](arrow.PrimitiveTypes.Uint16),
	reflect.Uint32:  unsigned[uint32](arrow.PrimitiveTypes.Uint32),
	reflect.Uint64:  unsigned[uint64](arrow.PrimitiveTypes.Uint64),
	reflect.Uint:    unsigned[uint64](arrow.PrimitiveTypes.Uint64),
	reflect.Float32: float[float32](arrow.PrimitiveTypes.Float32),
	reflect.Float64: float[float64](arrow.PrimitiveTypes.Float64),
	reflect.String: {arrow: arrow.BinaryTypes.String, append: func(b array.Builder, v reflect.Value, size *int) error {
		*size += v.Len()
		b.(*array.StringBuilder).Append(v.String())
		return nil
	}},
}

// accepts is the part of a number's builder that is used.
type accepts[N any] interface{ Append(N) }

func signed[N int8 | int16 | int32 | int64](t arrow.DataType) mapping {
	return mapping{arrow: t, append: func(b array.Builder, v reflect.Value, _ *int) error {
		b.(accepts[N]).Append(N(v.Int()))
		return nil
	}}
}

func unsigned[N uint8 | uint16 | uint32 | uint64](t arrow.DataType) mapping {
	return mapping{arrow: t, append: func(b array.Builder, v reflect.Value, _ *int) error {
		b.(accepts[N]).Append(N(v.Uint()))
		return nil
	}}
}

func float[N float32 | float64](t arrow.DataType) mapping {
	return mapping{arrow: t, append: func(b array.Builder, v reflect.Value, _ *int) error {
		b.(accepts[N]).Append(N(v.Float()))
		return nil
	}}
}

func appendBytes(b array.Builder, v reflect.Value, size *int) error {
	if v.IsNil() {
		b.AppendNull()
		return nil
	}
	*size += v.Len()
	b.(*array.BinaryBuilder).Append(v.Bytes())
	return nil
}

func appendFixed(b array.Builder, v reflect.Value, size *int) error {
	*size += v.Len()
	bytes := make([]byte, v.Len())
	reflect.Copy(reflect.ValueOf(bytes), v)
	b.(*array.FixedSizeBinaryBuilder).Append(bytes)
	return nil
}

func appendText(b array.Builder, v reflect.Value, size *int) error {
	text, err := textOf(v)
	if err != nil {
		return err
	}
	*size += len(text)
	b.(*array.StringBuilder).Append(text)
	return nil
}

// textOf has a value marshal itself, through a pointer where only that can.
func textOf(v reflect.Value) (string, error) {
	marshaler, ok := reflect.TypeAssert[encoding.TextMarshaler](v)
	if !ok {
		copied := reflect.New(v.Type())
		copied.Elem().Set(v)
		marshaler = copied.Interface().(encoding.TextMarshaler)
	}
	text, err := marshaler.MarshalText()
	return string(text), err
}

func appendDate(b array.Builder, v reflect.Value, _ *int) error {
	t := v.Interface().(time.Time)
	// The date is that of the calendar in its own zone.
	b.(*array.Date32Builder).Append(arrow.Date32FromTime(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)))
	return nil
}

func appendTime(unit arrow.TimeUnit) appender {
	return func(b array.Builder, v reflect.Value, _ *int) error {
		t := v.Interface().(time.Time)
		var kept arrow.Timestamp
		switch unit {
		case arrow.Millisecond:
			kept = arrow.Timestamp(t.UnixMilli())
		case arrow.Nanosecond:
			kept = arrow.Timestamp(t.UnixNano())
		default:
			kept = arrow.Timestamp(t.UnixMicro())
		}
		if lost := t.Sub(kept.ToTime(unit)); lost < 0 || lost >= unit.Multiplier() {
			return fmt.Errorf("%s is outside what a timestamp in %s holds: want a coarser `parquet:\",timestamp(…)\"`", t.Format(time.RFC3339), unit)
		}
		b.(*array.TimestampBuilder).Append(kept)
		return nil
	}
}

func appendDecimal(tag tag) appender {
	return func(b array.Builder, v reflect.Value, _ *int) error {
		var (
			n   decimal128.Num
			err error
		)
		switch kept, ok := reflect.TypeAssert[decimal128.Num](v); {
		case ok && !kept.FitsInPrecision(tag.precision):
			err = fmt.Errorf("%s has more than %d digits", kept.ToString(tag.scale), tag.precision)
		case ok:
			n = kept
		case isText(v.Type()):
			var text string
			if text, err = textOf(v); err == nil {
				n, err = parseDecimal(text, tag.precision, tag.scale)
			}
		default:
			n, err = parseDecimal(v.String(), tag.precision, tag.scale)
		}
		if err != nil {
			return err
		}
		b.(*array.Decimal128Builder).Append(n)
		return nil
	}
}

func appendPointer(inner appender) appender {
	return func(b array.Builder, v reflect.Value, size *int) error {
		if v.IsNil() {
			b.AppendNull()
			return nil
		}
		return inner(b, v.Elem(), size)
	}
}

func appendList(inner appender) appender {
	return func(b array.Builder, v reflect.Value, size *int) error {
		if v.Kind() == reflect.Slice && v.IsNil() {
			b.AppendNull()
			return nil
		}
		list := b.(*array.ListBuilder)
		list.Append(true)
		for i := range v.Len() {
			if err := inner(list.ValueBuilder(), v.Index(i), size); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
		return nil
	}
}

func appendMap(key, item appender) appender {
	return func(b array.Builder, v reflect.Value, size *int) error {
		if v.IsNil() {
			b.AppendNull()
			return nil
		}
		entries := b.(*array.MapBuilder)
		entries.Append(true)
		for _, k := range sortedKeys(v) {
			if err := key(entries.KeyBuilder(), k, size); err != nil {
				return fmt.Errorf("key %v: %w", k, err)
			}
			if err := item(entries.ItemBuilder(), v.MapIndex(k), size); err != nil {
				return fmt.Errorf("value of key %v: %w", k, err)
			}
		}
		return nil
	}
}

func appendStruct(columns []column) appender {
	return func(b array.Builder, v reflect.Value, size *int) error {
		group := b.(*array.StructBuilder)
		group.Append(true)
		for i := range columns {
			if err := columns[i].append(group.FieldBuilder(i), v.FieldByIndex(columns[i].index), size); err != nil {
				return fmt.Errorf("%s: %w", columns[i].arrow.Name, err)
			}
		}
		return nil
	}
}

// sortedKeys gives a map's entries one order, so that equal maps are equal files.
func sortedKeys(m reflect.Value) []reflect.Value {
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.Kind() == reflect.String:
			return cmp.Compare(a.String(), b.String())
		case a.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		default:
			return cmp.Compare(a.Float(), b.Float())
		}
	})
	return keys
}
