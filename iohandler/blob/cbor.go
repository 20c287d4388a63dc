package blob

import (
	"encoding"
	"errors"
	"io"
	"math"
	"reflect"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// CBOR returns the default codec: RFC 8949 in its core deterministic encoding, so that equal values
// are equal bytes and share a data version. It keeps bytes, integers, floats, nil and empty apart,
// and times to the nanosecond with their offset (not their zone's name). Struct fields go by name
// (tags `cbor:"…"`, else `json:"…"`); types that implement cbor.Marshaler, encoding.BinaryMarshaler
// or encoding.TextMarshaler write themselves. Inside an interface without methods a value comes
// back in CBOR's own forms: int64, float64, string, []byte, bool, time.Time, []any, map[string]any.
func CBOR() Codec { return &cborCodec{} }

type cborCodec struct{ cycles cycles }

type cborModes struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

var modes = sync.OnceValues(func() (cborModes, error) {
	encoding := cbor.CoreDetEncOptions()
	encoding.Time = cbor.TimeRFC3339Nano
	encoding.TimeTag = cbor.EncTagRequired
	encoding.TextMarshaler = cbor.TextMarshalerTextString
	enc, encErr := encoding.EncMode()
	dec, decErr := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  nestingMax,
		MaxArrayElements: math.MaxInt32,
		MaxMapPairs:      math.MaxInt32,
		IntDec:           cbor.IntDecConvertSignedOrBigInt,
		DefaultMapType:   reflect.TypeFor[map[string]any](),
		TextUnmarshaler:  cbor.TextUnmarshalerTextString,
		IndefLength:      cbor.IndefLengthAllowed,
		UTF8:             cbor.UTF8DecodeInvalid, // a Go string may hold any bytes
	}.DecMode()
	return cborModes{enc, dec}, errors.Join(encErr, decErr)
})

// nestingMax bounds how deep a value goes, so that neither a hostile object nor a value that
// points at itself ends the process.
const nestingMax = 1000

// Extension returns ".cbor".
func (*cborCodec) Extension() string { return ".cbor" }

// ContentType returns "application/cbor".
func (*cborCodec) ContentType() string { return "application/cbor" }

// Deterministic reports true.
func (*cborCodec) Deterministic() bool { return true }

// CanStore refuses channels, functions, complex numbers and interfaces with methods.
func (*cborCodec) CanStore(t reflect.Type) error {
	return rules{name: "the CBOR codec", self: selfCBOR, mapKey: func(reflect.Type) bool { return true }}.check(t)
}

// CanLoad reports whether the types differ in one pointer at most.
func (*cborCodec) CanLoad(stored, wanted reflect.Type) bool {
	return pointee(stored) == pointee(wanted)
}

// Write writes value; nil is CBOR's null.
func (c *cborCodec) Write(w io.Writer, value any) error {
	m, err := modes()
	if err != nil {
		return err
	}
	if err := c.cycles.check(value); err != nil {
		return err
	}
	data, err := m.enc.Marshal(value)
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// Read reads one value that fills the object.
func (*cborCodec) Read(s *Stream, t reflect.Type) (any, error) {
	m, err := modes()
	if err != nil {
		return nil, err
	}
	data, err := readAll(s)
	if err != nil {
		return nil, err
	}
	return decoded(t, func(pointer any) error { return m.dec.Unmarshal(data, pointer) })
}

func readAll(s *Stream) ([]byte, error) {
	data := make([]byte, s.Size())
	_, err := io.ReadFull(s, data)
	return data, err
}

func selfCBOR(t reflect.Type) bool {
	return t == reflect.TypeFor[time.Time]() || implements[cbor.Marshaler](t) ||
		implements[encoding.BinaryMarshaler](t) || implements[encoding.TextMarshaler](t)
}

func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Kind() != reflect.Interface && (t.Implements(i) || reflect.PointerTo(t).Implements(i))
}

func pointee(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
