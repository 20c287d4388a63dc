package blob

import (
	"errors"
	"fmt"
	"io"
	"reflect"
)

// Raw returns the codec for values that are bytes already: []byte, string and types made from them
// (json.RawMessage), and an io.Reader, which is copied without holding it in memory and closed when
// it is an io.Closer. It loads as any of these; a stream as an io.Reader, io.ReadSeeker,
// io.ReaderAt or any other interface that [*Stream] implements. Without a wanted type it loads as
// []byte. Nil is written as no bytes, and loads as no bytes.
func Raw() Codec { return rawCodec{} }

type rawCodec struct{}

// Extension returns ".bin".
func (rawCodec) Extension() string { return ".bin" }

// ContentType returns "application/octet-stream".
func (rawCodec) ContentType() string { return "application/octet-stream" }

// Deterministic reports true.
func (rawCodec) Deterministic() bool { return true }

// CanStore refuses what is neither bytes nor text nor an io.Reader.
func (rawCodec) CanStore(t reflect.Type) error {
	if t == nil || isBytes(t) || t.Kind() == reflect.String || t.Implements(reflect.TypeFor[io.Reader]()) {
		return nil
	}
	return fmt.Errorf("the raw codec does not store %s: it has no bytes of its own: want []byte, string or io.Reader, or the CBOR codec", t)
}

// CanLoad reports whether the wanted type is bytes, text or a stream.
func (rawCodec) CanLoad(_, wanted reflect.Type) bool {
	return wanted != nil && (isBytes(wanted) || wanted.Kind() == reflect.String || isStream(wanted))
}

// Write writes the bytes of value.
func (c rawCodec) Write(w io.Writer, value any) error {
	if value == nil {
		return nil
	}
	if r, ok := value.(io.Reader); ok {
		_, err := io.Copy(w, r)
		if closer, ok := r.(io.Closer); ok {
			err = errors.Join(err, closer.Close())
		}
		return err
	}
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.String:
		_, err := io.WriteString(w, v.String())
		return err
	case isBytes(v.Type()):
		_, err := w.Write(v.Bytes())
		return err
	default:
		return c.CanStore(v.Type())
	}
}

// Read returns the bytes as t, or the stream itself.
func (c rawCodec) Read(s *Stream, t reflect.Type) (any, error) {
	if t != nil && t.Kind() != reflect.Interface && !c.CanLoad(nil, t) {
		return nil, fmt.Errorf("the bytes load as []byte, string or io.Reader, want %s", t)
	}
	if t != nil && isStream(t) {
		return s, nil
	}
	data, err := readAll(s)
	switch {
	case err != nil:
		return nil, err
	case t == nil || t.Kind() == reflect.Interface && t.NumMethod() == 0:
		return data, nil
	case t.Kind() == reflect.Interface:
		return nil, fmt.Errorf("the bytes load as []byte, string or io.Reader, want %s", t)
	default:
		return reflect.ValueOf(data).Convert(t).Interface(), nil
	}
}

func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func isStream(t reflect.Type) bool {
	stream := reflect.TypeFor[*Stream]()
	return t == stream || t.Kind() == reflect.Interface && t.NumMethod() > 0 && stream.Implements(t)
}
