package blob

import (
	"bufio"
	"encoding"
	"encoding/gob"
	"errors"
	"io"
	"reflect"
)

// Gob returns the codec of encoding/gob, for programs that have it already: complex numbers and
// registered types in interfaces keep their Go types. Its bytes differ from write to write, so
// there is no data version. Before the value it writes whether there is one, which gob itself has
// no form for.
func Gob() Codec { return &gobCodec{} }

type gobCodec struct{ cycles cycles }

// Extension returns ".gob".
func (*gobCodec) Extension() string { return ".gob" }

// ContentType returns "application/x-gob".
func (*gobCodec) ContentType() string { return "application/x-gob" }

// Deterministic reports false.
func (*gobCodec) Deterministic() bool { return false }

// CanStore refuses channels, functions and a type that is an interface.
func (*gobCodec) CanStore(t reflect.Type) error {
	self := func(t reflect.Type) bool {
		return implements[gob.GobEncoder](t) || implements[encoding.BinaryMarshaler](t) || implements[encoding.TextMarshaler](t)
	}
	anyKey := func(reflect.Type) bool { return true }
	return rules{name: "the gob codec", complex: true, self: self, mapKey: anyKey, typed: true}.check(t)
}

// CanLoad reports whether the types differ in one pointer at most.
func (*gobCodec) CanLoad(stored, wanted reflect.Type) bool { return pointee(stored) == pointee(wanted) }

// Write writes whether value is there, and the value if it is.
func (c *gobCodec) Write(w io.Writer, value any) error {
	if err := c.cycles.check(value); err != nil {
		return err
	}
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	there := v.IsValid()
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		there = !v.IsNil()
	}
	encoder := gob.NewEncoder(w)
	if err := encoder.Encode(there); err != nil || !there {
		return err
	}
	return encoder.EncodeValue(v)
}

// Read reads what Write wrote, and nothing may follow it.
func (*gobCodec) Read(s *Stream, t reflect.Type) (any, error) {
	buffered := bufio.NewReader(s) // the decoder's own would hide what follows the value
	decoder := gob.NewDecoder(buffered)
	value, err := decoded(t, func(pointer any) error {
		var there bool
		if err := decoder.Decode(&there); err != nil || !there {
			return err
		}
		return decoder.Decode(pointer)
	})
	if err != nil {
		return nil, truncation(err)
	}
	if _, err := buffered.Peek(1); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return value, nil
}
