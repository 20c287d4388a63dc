package blob

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// JSON returns the codec for values that a person should read: encoding/json, indented, map keys in
// order, so that equal values are equal bytes. It is the codec that loses most: a NaN is an error,
// bytes that are not UTF-8 in a string are replaced, a zone's name goes, numbers in interfaces
// become float64. A stored value also loads as json.RawMessage.
func JSON() Codec { return jsonCodec{} }

type jsonCodec struct{}

// Extension returns ".json".
func (jsonCodec) Extension() string { return ".json" }

// ContentType returns "application/json".
func (jsonCodec) ContentType() string { return "application/json" }

// Deterministic reports true.
func (jsonCodec) Deterministic() bool { return true }

// CanStore refuses channels, functions, complex numbers, interfaces with methods and maps whose
// keys are neither text nor integers.
func (jsonCodec) CanStore(t reflect.Type) error {
	self := func(t reflect.Type) bool {
		return implements[json.Marshaler](t) || implements[encoding.TextMarshaler](t)
	}
	return rules{name: "the JSON codec", self: self, mapKey: keyOfJSON}.check(t)
}

// CanLoad reports whether the types differ in one pointer at most, or JSON text is wanted.
func (jsonCodec) CanLoad(stored, wanted reflect.Type) bool {
	return pointee(stored) == pointee(wanted) || wanted == reflect.TypeFor[json.RawMessage]()
}

// Write writes value as indented JSON and a newline.
func (jsonCodec) Write(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Read reads one JSON value; only white space may follow it.
func (jsonCodec) Read(s *Stream, t reflect.Type) (any, error) {
	decoder := json.NewDecoder(s)
	value, err := decoded(t, decoder.Decode)
	if err != nil {
		return nil, truncation(err)
	}
	if token, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the JSON value: %v %w", token, err)
	}
	return value, nil
}

// truncation returns the same error for an empty value as for a truncated one.
func truncation(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func keyOfJSON(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	default:
		return implements[encoding.TextMarshaler](t)
	}
}
