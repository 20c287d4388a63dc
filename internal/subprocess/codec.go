package subprocess

import (
	"encoding"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"

	"github.com/rivers-go/rivers/metadata"
)

// Both ends of a connection are the same build of the same program, so a value crosses as its
// fields in their order, without names or tags: whatever a record has, it has on the other side.
// The codecs at hand do not do that. JSON and CBOR leave out what the records hide from people
// (`json:"-"`), among it the key of a run, without which nobody can ask for its events; gob drops a
// pointer to a zero (the query for the lines of step 0 becomes one for those of all steps) and
// wants the types of a map's values registered globally. What has no fixed type (metadata, the
// config of a request) crosses as the JSON that storage keeps of it.

var (
	timeType     = reflect.TypeFor[time.Time]()
	metadataType = reflect.TypeFor[metadata.Map]()
)

// encode appends a value to b.
func encode(b []byte, v any) ([]byte, error) { return appendValue(b, reflect.ValueOf(v)) }

func appendValue(b []byte, v reflect.Value) ([]byte, error) {
	switch v.Type() {
	case timeType:
		return appendMarshaled(b, v.Interface().(time.Time).MarshalBinary)
	case metadataType:
		if v.IsNil() {
			return binary.AppendUvarint(b, 0), nil
		}
		return appendText(b, v.Interface().(metadata.Map).AppendJSON(nil)), nil
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			return append(b, 1), nil
		}
		return append(b, 0), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(b, v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return binary.AppendUvarint(b, v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(v.Float())), nil
	case reflect.String:
		return append(binary.AppendUvarint(b, uint64(v.Len())), v.String()...), nil
	case reflect.Interface:
		return appendMarshaled(b, func() ([]byte, error) { return json.Marshal(v.Interface()) })
	case reflect.Pointer:
		if v.IsNil() {
			return append(b, 0), nil
		}
		return appendValue(append(b, 1), v.Elem())
	case reflect.Slice, reflect.Map:
		return appendMany(b, v)
	case reflect.Struct:
		if textual(v.Type()) {
			return appendMarshaled(b, v.Interface().(encoding.TextMarshaler).MarshalText)
		}
		return appendStruct(b, v)
	default:
		return nil, fmt.Errorf("a %s has no form outside of its process", v.Type())
	}
}

// textual reports whether a type is a struct that crosses as its text: a value of a package of ours
// that keeps its fields to itself, such as a set of partitions.
func textual(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func appendText(b, text []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendMarshaled(b []byte, marshal func() ([]byte, error)) ([]byte, error) {
	text, err := marshal()
	if err != nil {
		return nil, err
	}
	return appendText(b, text), nil
}

// appendMany appends a slice or a map, its length plus one before it: zero is nil.
func appendMany(b []byte, v reflect.Value) (_ []byte, err error) {
	if v.IsNil() {
		return append(b, 0), nil
	}
	b = binary.AppendUvarint(b, uint64(v.Len())+1)
	if v.Kind() == reflect.Map {
		for k, e := range v.Seq2() {
			if b, err = appendValue(b, k); err == nil {
				b, err = appendValue(b, e)
			}
			if err != nil {
				return nil, err
			}
		}
		return b, nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return append(b, v.Bytes()...), nil
	}
	for i := range v.Len() {
		if b, err = appendValue(b, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func appendStruct(b []byte, v reflect.Value) (_ []byte, err error) {
	t := v.Type()
	for i := range t.NumField() {
		if !t.Field(i).IsExported() {
			return nil, fmt.Errorf("a %s has no form outside of its process: its field %s is not exported", t, t.Field(i).Name)
		}
		if b, err = appendValue(b, v.Field(i)); err != nil {
			return nil, fmt.Errorf("%s: %w", t.Field(i).Name, err)
		}
	}
	return b, nil
}

var errTruncated = errors.New("the message ends too early")

// decode reads into a pointer what encode appended of such a value. Anything else is an error; it
// takes no more memory than the message is worth.
func decode(b []byte, to any) error {
	d := &decoder{rest: b}
	if err := d.value(reflect.ValueOf(to).Elem()); err != nil {
		return err
	}
	if len(d.rest) > 0 {
		return fmt.Errorf("%d bytes follow the message", len(d.rest))
	}
	return nil
}

type decoder struct{ rest []byte }

func (d *decoder) uvarint() (uint64, error) {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		return 0, errTruncated
	}
	d.rest = d.rest[size:]
	return n, nil
}

// text takes a length and so many bytes.
func (d *decoder) text() ([]byte, error) {
	n, err := d.uvarint()
	if err != nil || n > uint64(len(d.rest)) {
		return nil, errTruncated
	}
	text := d.rest[:n]
	d.rest = d.rest[n:]
	return text, nil
}

func (d *decoder) value(v reflect.Value) error {
	switch v.Type() {
	case timeType:
		return d.unmarshal(v.Addr().Interface().(encoding.BinaryUnmarshaler).UnmarshalBinary)
	case metadataType:
		text, err := d.text()
		if err != nil || len(text) == 0 {
			return err
		}
		m, err := metadata.ParseMap(text)
		v.Set(reflect.ValueOf(m))
		return err
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return d.many(v)
	case reflect.Struct:
		if textual(v.Type()) {
			return d.unmarshal(v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText)
		}
		for _, field := range v.Fields() {
			if err := d.value(field); err != nil {
				return err
			}
		}
		return nil
	case reflect.Interface:
		return d.unmarshal(func(text []byte) error { return json.Unmarshal(text, v.Addr().Interface()) })
	case reflect.Pointer:
		there, err := d.byte()
		if err != nil || there == 0 {
			return err
		}
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(v.Elem())
	default:
		return d.simple(v)
	}
}

func (d *decoder) unmarshal(f func([]byte) error) error {
	text, err := d.text()
	if err != nil {
		return err
	}
	return f(text)
}

func (d *decoder) byte() (byte, error) {
	if len(d.rest) == 0 {
		return 0, errTruncated
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b, nil
}

// simple reads a number, a truth or a text.
func (d *decoder) simple(v reflect.Value) error {
	switch {
	case v.Kind() == reflect.Bool:
		b, err := d.byte()
		v.SetBool(b == 1)
		return err
	case v.CanInt():
		n, size := binary.Varint(d.rest)
		if size <= 0 || v.OverflowInt(n) {
			return errTruncated
		}
		d.rest = d.rest[size:]
		v.SetInt(n)
	case v.CanUint():
		n, err := d.uvarint()
		if err != nil || v.OverflowUint(n) {
			return errTruncated
		}
		v.SetUint(n)
	case v.CanFloat():
		if len(d.rest) < 8 {
			return errTruncated
		}
		v.SetFloat(math.Float64frombits(binary.LittleEndian.Uint64(d.rest)))
		d.rest = d.rest[8:]
	case v.Kind() == reflect.String:
		text, err := d.text()
		v.SetString(string(text))
		return err
	default:
		return fmt.Errorf("a %s has no form outside of its process", v.Type())
	}
	return nil
}

// many reads a slice or a map. Each element takes a byte at least, so a length that is a lie is
// found out before it costs anything.
func (d *decoder) many(v reflect.Value) error {
	n, err := d.uvarint()
	if err != nil || n == 0 {
		return err
	}
	if n--; n > uint64(len(d.rest)) {
		return errTruncated
	}
	t := v.Type()
	if t.Kind() == reflect.Map {
		v.Set(reflect.MakeMap(t))
		for range n {
			k, e := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
			if err := d.value(k); err != nil {
				return err
			}
			if err := d.value(e); err != nil {
				return err
			}
			v.SetMapIndex(k, e)
		}
		return nil
	}
	if t.Elem().Kind() == reflect.Uint8 {
		v.Set(reflect.MakeSlice(t, int(n), int(n)))
		copy(v.Bytes(), d.rest[:n])
		d.rest = d.rest[n:]
		return nil
	}
	v.Set(reflect.MakeSlice(t, 0, int(min(n, 1024))))
	for range n {
		e := reflect.New(t.Elem()).Elem()
		if err := d.value(e); err != nil {
			return err
		}
		v.Set(reflect.Append(v, e))
	}
	return nil
}
