package metadata

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"strconv"
	"time"
)

// Of makes a value of a plain Go value: numbers, bools, strings, times, durations, URLs; a Value is
// itself and nil is null; []Column is a schema, TableData a table and []Derivation a column
// lineage; an error is its message; what encodes itself, as JSON or text, or has a String method,
// is its own description (so a secret that prints as *** stays one); a named type is what lies
// beneath it; anything else is JSON. It returns an error that names the Go type if there is no JSON
// form, and an invalid value's [Value.Err].
func Of(v any) (Value, error) {
	switch v := v.(type) { // the common ones first, without reflection
	case Value:
		return v, v.Err()
	case int:
		return Int(int64(v)), nil
	case int64:
		return Int(v), nil
	case float64:
		return Float(v), nil
	case string:
		return Text(v), nil
	case bool:
		return Bool(v), nil
	case time.Time:
		return Timestamp(v), nil
	case time.Duration:
		return Duration(v), nil
	case nil:
		return Value{}, nil
	}
	found, err := guarded(func() (Value, error) { return ofOther(v), nil })
	if err != nil {
		return Value{}, fmt.Errorf("a value of Go type %T: %w", v, err)
	}
	return found, found.Err()
}

// ofOther makes a value of what is rarer. It calls the methods of users.
func ofOther(v any) Value {
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Pointer && r.IsNil() {
		return Value{} // before any method is called on it
	}
	switch v := v.(type) {
	case []Column:
		return Schema(v...)
	case []Derivation:
		return ColumnLineage(v...)
	case TableData:
		return Table(v.Columns, v.Rows)
	case Map:
		return JSON(map[string]any(v)) // nested: plain where its values are
	case *url.URL:
		return URL(v.String())
	case url.URL:
		return URL(v.String())
	case error:
		return Text(v.Error())
	case json.Marshaler:
		return JSON(v)
	case encoding.TextMarshaler:
		text, err := v.MarshalText()
		if err != nil {
			return invalid(fmt.Errorf("a value of Go type %T has no text form (%w): give a number, a text or a time", v, err))
		}
		return Text(string(text))
	case fmt.Stringer:
		return Text(v.String())
	}
	return ofKind(r)
}

// ofKind makes a value of what lies beneath a type without methods.
func ofKind(r reflect.Value) Value {
	switch r.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int(r.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if r.Uint() > math.MaxInt64 {
			return JSON(r.Uint()) // JSON has numbers of any length
		}
		return Int(int64(r.Uint()))
	case reflect.Float32:
		// 0.1 as 32 bits means 0.1, not the 64 bits nearest to it.
		f, _ := strconv.ParseFloat(strconv.FormatFloat(r.Float(), 'g', -1, 32), 64)
		return Float(f)
	case reflect.Float64:
		return Float(r.Float())
	case reflect.String:
		return Text(r.String())
	case reflect.Bool:
		return Bool(r.Bool())
	case reflect.Pointer:
		if e := r.Elem(); e.Kind() <= reflect.Float64 || e.Kind() == reflect.String {
			return ofOther(e.Interface())
		}
	}
	return JSON(r.Interface())
}
