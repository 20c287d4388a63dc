package blob_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/iohandler/iohandlertest"
)

func put(h iohandler.Handler, name string, value any) (*iohandler.OutputContext, error) {
	out := &iohandler.OutputContext{Name: name, Type: reflect.TypeOf(value)}
	return out, h.HandleOutput(context.Background(), out, value)
}

func load[T any](h iohandler.Handler, name string) (T, error) {
	got, err := h.LoadInput(context.Background(), &iohandler.InputContext{Name: name, Type: reflect.TypeFor[T]()})
	if err != nil {
		var zero T
		return zero, err
	}
	return got.(T), nil
}

func requireSays(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("got no error, want one that says %q", parts)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

// TestNothingIsLost stores what JSON would change, with the codec that must not.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	type exact struct {
		Nil, Empty []int
		NilMap     map[string]int
		EmptyMap   map[string]int
		Big        uint64
		Infinite   float64
		Binary     string
		At         time.Time
		Any        any
	}
	want := exact{
		Empty: []int{}, EmptyMap: map[string]int{}, Big: math.MaxUint64, Infinite: math.Inf(-1), Binary: "\xff\x00",
		At: time.Date(2026, 3, 1, 1, 2, 3, 123456789, time.FixedZone("", 5400)), Any: []any{int64(1), "a", []byte{1}, 1.5, true, nil},
	}
	h := blob.New("mem://", blob.Options{})
	if _, err := put(h, "x", want); err != nil {
		t.Fatal(err)
	}
	got, err := load[exact](h, "x")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, offset := got.At.Zone(); offset != 5400 {
		t.Errorf("the offset is %d, want 5400", offset)
	}
	many := make([]int, 200_000) // more than a decoder's usual limits
	if _, err := put(h, "many", many); err != nil {
		t.Fatal(err)
	}
	if got, err := load[[]int](h, "many"); err != nil || len(got) != len(many) {
		t.Errorf("loaded %d elements, error %v", len(got), err)
	}
}

type node struct {
	Next *node
	Any  any
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	type hidden struct {
		a int //nolint:unused // that it cannot be stored is the point
	}
	cbor, js, gob, raw := blob.New("mem://", blob.Options{}), blob.New("mem://", blob.Options{Codec: blob.JSON()}),
		blob.New("mem://", blob.Options{Codec: blob.Gob()}), blob.New("mem://", blob.Options{Codec: blob.Raw()})
	for _, c := range []struct {
		h    *blob.Handler
		t    reflect.Type
		says string
	}{
		{cbor, reflect.TypeFor[struct{ Done []chan int }](), "(.Done chan int)"},
		{cbor, reflect.TypeFor[func()](), "iohandler/parquet"},
		{cbor, reflect.TypeFor[[]complex128](), "gob codec"},
		{cbor, reflect.TypeFor[map[string]io.Reader](), "want a concrete type"},
		{cbor, reflect.TypeFor[hidden](), "all its fields are unexported"},
		{js, reflect.TypeFor[map[[2]int]string](), "string or integer keys"},
		{gob, reflect.TypeFor[any](), "want a concrete type"},
		{raw, reflect.TypeFor[int](), "want []byte, string or io.Reader"},
		{cbor, nil, "no type to look at"},
	} {
		requireSays(t, c.h.CanStore(c.t), c.says)
	}
	for _, accepted := range []reflect.Type{reflect.TypeFor[any](), reflect.TypeFor[node](), reflect.TypeFor[time.Time](), reflect.TypeFor[map[[2]int]time.Duration]()} {
		if err := cbor.CanStore(accepted); err != nil {
			t.Error(err)
		}
	}
	loop := &node{}
	loop.Next = loop
	slices := []any{nil}
	slices[0] = slices
	for _, h := range []*blob.Handler{cbor, js, gob} {
		for _, value := range []any{loop, slices} {
			if _, err := put(h, "loop", value); err == nil {
				t.Errorf("%T that holds itself was stored", value)
			}
		}
	}
	if _, err := put(cbor, "chain", &node{Next: &node{Any: 1}}); err != nil {
		t.Error(err)
	}
	_, err := cbor.LoadInput(t.Context(), &iohandler.InputContext{Name: "chain"})
	requireSays(t, err, "say nothing about their Go type", "mem:///chain.cbor")
}

func TestConversions(t *testing.T) {
	t.Parallel()
	raw := blob.New("file://"+t.TempDir(), blob.Options{Codec: blob.Raw()})
	if _, err := put(raw, "x", strings.NewReader("hello")); err != nil {
		t.Fatal(err)
	}
	stream, err := load[io.ReadCloser](raw, "x")
	if err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(stream); err != nil || string(data) != "hello" || stream.Close() != nil {
		t.Errorf("read %q, error %v", data, err)
	}
	if text, err := load[string](raw, "x"); err != nil || text != "hello" {
		t.Errorf("loaded %q, error %v", text, err)
	}
	_, err = load[int](raw, "x")
	requireSays(t, err, "x.bin", "want int")
	js := blob.New("mem://", blob.Options{Codec: blob.JSON()})
	if _, err := put(js, "x", map[string]int{"b": 2, "a": 1}); err != nil {
		t.Fatal(err)
	}
	if text, err := load[json.RawMessage](js, "x"); err != nil || string(text) != "{\n  \"a\": 1,\n  \"b\": 2\n}" {
		t.Errorf("loaded %s, error %v", text, err)
	}
	if pointer, err := load[*map[string]int](js, "x"); err != nil || (*pointer)["b"] != 2 {
		t.Errorf("loaded %v, error %v", pointer, err)
	}
	for wanted, can := range map[reflect.Type]bool{reflect.TypeFor[json.RawMessage](): true, reflect.TypeFor[*map[string]int](): true, reflect.TypeFor[[]int](): false} {
		if got := js.CanLoad(reflect.TypeFor[map[string]int](), wanted); got != can {
			t.Errorf("CanLoad as %s is %t", wanted, got)
		}
	}
}

// TestTruncated cuts objects at each byte. Raw bytes are whole at any length.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for name, codec := range codecs() {
		if name == "raw" {
			continue
		}
		dir := t.TempDir()
		h := blob.New("file://"+dir, blob.Options{Codec: codec})
		if _, err := put(h, "x", []iohandlertest.Row{{ID: 1, Name: "one"}, {ID: 2}}); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "x"+codec.Extension())
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole = []byte(strings.TrimSuffix(string(whole), "\n"))
		for _, data := range append(cuts(whole), append(slices.Clip(whole), '1')) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := load[[]iohandlertest.Row](h, "x")
			requireSays(t, err, "file://"+path)
		}
	}
}

func cuts(whole []byte) [][]byte {
	var all [][]byte
	for n := range whole {
		all = append(all, whole[:n])
	}
	return all
}

// FuzzRead feeds every codec any bytes: it answers with a value, or an error that names the object.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	for _, codec := range codecs() {
		h := blob.New("file://"+dir, blob.Options{Codec: codec})
		for _, value := range []any{[]iohandlertest.Row{{ID: 1}}, "text", map[string]any{"a": 1}} {
			if _, err := put(h, "seed", value); err != nil {
				continue // not a value of this codec
			}
			data, err := os.ReadFile(filepath.Join(dir, "seed"+codec.Extension()))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, codec := range codecs() {
			h := blob.New("file://"+dir, blob.Options{Codec: codec})
			path := filepath.Join(dir, "x"+codec.Extension())
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err1 := load[[]iohandlertest.Row](h, "x")
			_, err2 := load[*iohandlertest.Row](h, "x")
			_, err3 := load[map[string][]time.Time](h, "x")
			_, err4 := load[node](h, "x")
			for _, err := range []error{err1, err2, err3, err4} {
				if err != nil && !strings.Contains(err.Error(), path) {
					t.Errorf("error %q does not name %s", err, path)
				}
			}
		}
	})
}
