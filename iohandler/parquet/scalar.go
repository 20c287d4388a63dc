package parquet

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// bindScalar finds how one number, truth, text, time or decimal is read; nil where the types do not
// meet.
func bindScalar(t reflect.Type, tag tag, from arrow.DataType) setter {
	switch dt := from.(type) {
	case *arrow.TimestampType:
		return bindTime(t, dt)
	case *arrow.Date32Type, *arrow.Date64Type:
		return bindDate(t)
	case *arrow.Decimal128Type:
		return bindDecimal(t, tag, dt)
	}
	switch {
	case t == timeType || t == decimalType || tag.decimal && !holds(t):
		return nil
	case isText(t):
		return bindText(from)
	}
	switch kind := t.Kind(); {
	case kind == reflect.Bool && from.ID() == arrow.BOOL:
		return func(dst reflect.Value, a arrow.Array, i int) error {
			dst.SetBool(a.(*array.Boolean).Value(i))
			return nil
		}
	case kind >= reflect.Int && kind <= reflect.Int64, kind >= reflect.Uint && kind <= reflect.Uint64:
		return bindInteger(t, from)
	case kind == reflect.Float32 || kind == reflect.Float64:
		return bindFloat(t, from)
	case kind == reflect.String && bytesOf(from) != nil:
		bytes := bytesOf(from)
		return func(dst reflect.Value, a arrow.Array, i int) error {
			dst.SetString(string(bytes(a, i)))
			return nil
		}
	case kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && bytesOf(from) != nil:
		bytes := bytesOf(from)
		return func(dst reflect.Value, a arrow.Array, i int) error {
			dst.SetBytes(append([]byte{}, bytes(a, i)...))
			return nil
		}
	case kind == reflect.Array && t.Elem().Kind() == reflect.Uint8 && bytesOf(from) != nil:
		return bindFixed(t, bytesOf(from))
	default:
		return nil
	}
}

// bytesOf finds the bytes of texts and bytes, which belong to the array; nil for other types.
func bytesOf(from arrow.DataType) func(arrow.Array, int) []byte {
	switch from.ID() {
	case arrow.STRING:
		return func(a arrow.Array, i int) []byte { return []byte(a.(*array.String).Value(i)) }
	case arrow.LARGE_STRING:
		return func(a arrow.Array, i int) []byte { return []byte(a.(*array.LargeString).Value(i)) }
	case arrow.BINARY:
		return func(a arrow.Array, i int) []byte { return a.(*array.Binary).Value(i) }
	case arrow.LARGE_BINARY:
		return func(a arrow.Array, i int) []byte { return a.(*array.LargeBinary).Value(i) }
	case arrow.FIXED_SIZE_BINARY:
		return func(a arrow.Array, i int) []byte { return a.(*array.FixedSizeBinary).Value(i) }
	default:
		return nil
	}
}

func bindFixed(t reflect.Type, bytes func(arrow.Array, int) []byte) setter {
	return func(dst reflect.Value, a arrow.Array, i int) error {
		found := bytes(a, i)
		if len(found) != t.Len() {
			return fmt.Errorf("%d bytes do not load as %s", len(found), t)
		}
		reflect.Copy(dst, reflect.ValueOf(found))
		return nil
	}
}

func bindText(from arrow.DataType) setter {
	bytes := bytesOf(from)
	if bytes == nil {
		return nil
	}
	return func(dst reflect.Value, a arrow.Array, i int) error {
		return setText(dst, string(bytes(a, i)))
	}
}

// setText has a value read itself from text.
func setText(dst reflect.Value, text string) error {
	into := dst.Addr().Interface().(encoding.TextUnmarshaler)
	return into.UnmarshalText([]byte(text))
}

func bindTime(t reflect.Type, from *arrow.TimestampType) setter {
	convert, err := from.GetToTimeFunc()
	if t != timeType || err != nil {
		return nil
	}
	return func(dst reflect.Value, a arrow.Array, i int) error {
		*dst.Addr().Interface().(*time.Time) = convert(a.(*array.Timestamp).Value(i))
		return nil
	}
}

func bindDate(t reflect.Type) setter {
	if t != timeType {
		return nil
	}
	return func(dst reflect.Value, a arrow.Array, i int) error {
		into := dst.Addr().Interface().(*time.Time)
		if days, ok := a.(*array.Date32); ok {
			*into = days.Value(i).ToTime()
		} else {
			*into = a.(*array.Date64).Value(i).ToTime()
		}
		return nil
	}
}

func bindDecimal(t reflect.Type, tag tag, from *arrow.Decimal128Type) setter {
	switch {
	case t == decimalType && tag.scale == from.Scale:
		return func(dst reflect.Value, a arrow.Array, i int) error {
			*dst.Addr().Interface().(*decimal128.Num) = a.(*array.Decimal128).Value(i)
			return nil
		}
	case t != decimalType && isText(t):
		return func(dst reflect.Value, a arrow.Array, i int) error {
			return setText(dst, a.(*array.Decimal128).Value(i).ToString(from.Scale))
		}
	case t.Kind() == reflect.String:
		return func(dst reflect.Value, a arrow.Array, i int) error {
			dst.SetString(strings.TrimPrefix(a.(*array.Decimal128).Value(i).ToString(from.Scale), "+"))
			return nil
		}
	default:
		return nil
	}
}

// signedOf and unsignedOf find an integer of any width; nil for other types.
func signedOf(from arrow.DataType) func(arrow.Array, int) int64 {
	switch from.ID() {
	case arrow.INT8:
		return func(a arrow.Array, i int) int64 { return int64(a.(*array.Int8).Value(i)) }
	case arrow.INT16:
		return func(a arrow.Array, i int) int64 { return int64(a.(*array.Int16).Value(i)) }
	case arrow.INT32:
		return func(a arrow.Array, i int) int64 { return int64(a.(*array.Int32).Value(i)) }
	case arrow.INT64:
		return func(a arrow.Array, i int) int64 { return a.(*array.Int64).Value(i) }
	default:
		return nil
	}
}

func unsignedOf(from arrow.DataType) func(arrow.Array, int) uint64 {
	switch from.ID() {
	case arrow.UINT8:
		return func(a arrow.Array, i int) uint64 { return uint64(a.(*array.Uint8).Value(i)) }
	case arrow.UINT16:
		return func(a arrow.Array, i int) uint64 { return uint64(a.(*array.Uint16).Value(i)) }
	case arrow.UINT32:
		return func(a arrow.Array, i int) uint64 { return uint64(a.(*array.Uint32).Value(i)) }
	case arrow.UINT64:
		return func(a arrow.Array, i int) uint64 { return a.(*array.Uint64).Value(i) }
	default:
		return nil
	}
}

// bindInteger reads integers of any width, and refuses a value that the Go type has no room for.
func bindInteger(t reflect.Type, from arrow.DataType) setter {
	toSigned := t.Kind() <= reflect.Int64
	overflow := func(n any) error { return fmt.Errorf("%d does not fit in %s", n, t) }
	if get := signedOf(from); get != nil {
		return func(dst reflect.Value, a arrow.Array, i int) error {
			n := get(a, i)
			switch {
			case toSigned && !dst.OverflowInt(n):
				dst.SetInt(n)
			case !toSigned && n >= 0 && !dst.OverflowUint(uint64(n)):
				dst.SetUint(uint64(n))
			default:
				return overflow(n)
			}
			return nil
		}
	}
	if get := unsignedOf(from); get != nil {
		return func(dst reflect.Value, a arrow.Array, i int) error {
			n := get(a, i)
			switch {
			case !toSigned && !dst.OverflowUint(n):
				dst.SetUint(n)
			case toSigned && int64(n) >= 0 && !dst.OverflowInt(int64(n)):
				dst.SetInt(int64(n))
			default:
				return overflow(n)
			}
			return nil
		}
	}
	return nil
}

func bindFloat(t reflect.Type, from arrow.DataType) setter {
	switch {
	case from.ID() == arrow.FLOAT32:
		return func(dst reflect.Value, a arrow.Array, i int) error {
			dst.SetFloat(float64(a.(*array.Float32).Value(i)))
			return nil
		}
	case from.ID() == arrow.FLOAT64 && t.Kind() == reflect.Float64:
		return func(dst reflect.Value, a arrow.Array, i int) error {
			dst.SetFloat(a.(*array.Float64).Value(i))
			return nil
		}
	default:
		return nil
	}
}
