// Package blob keeps values as objects in a directory or an object store, one object a value,
// written by a [Codec].
//
// A URL is the location: file:///absolute and file://./relative (a directory, made by the first
// write), mem:// (this process's memory, each handler its own), and with the driver's package
// imported (iohandler/blob/s3, /gcs, /azure) s3://, gs:// and azblob://. The object of the value
// "totals/sorted" is totals/sorted.cbor; bytes that some store would not take are written ~ and
// two hex digits, so names that differ in any byte stay apart (except on a file system
// that takes upper and lower case for one).
//
// Each write is an object of its own, named behind the value: orders~k3f9a2bcde.cbor. The record of
// the materialization has its name, so a load gets the bytes that were recorded, whatever others
// write. On a disk these objects lie in the hidden folder .writes, and orders.cbor is a link to the
// one that was written last, for people and other tools. A value that was stored without a name, by
// an older version or by other means, is the file orders.cbor itself.
//
// A write is atomic on every store: the bytes go to an object that nobody sees (on a disk a
// temporary file in the same directory, then renamed), and one that ends in an error, a cancelled
// context or a crash leaves the old object. On a disk it outlives the process;
// file:///absolute?sync=full also waits for the disk, and outlives a loss of power. A load holds
// the bytes of one write, whatever is written meanwhile. What a killed process leaves are hidden
// files that end in .tmp; the first write of a handler in their directory deletes those that are an
// hour old and that no living process holds.
//
// A [Handler] opens its bucket at first use and may be used from many goroutines at once.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/internal/bucket"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// Options are the settings of a [Handler]; the zero value is ready for use.
type Options struct {
	// Prefix is a path in the bucket, below which the objects lie; empty for the bucket itself.
	Prefix string
	// Codec encodes values; nil is [CBOR].
	Codec Codec
}

// Handler stores values as objects; see [New].
type Handler struct {
	bucket *bucket.Bucket
	codec  Codec
}

var (
	_ iohandler.Handler        = (*Handler)(nil)
	_ iohandler.Actor          = (*Handler)(nil)
	_ iohandler.Acceptor       = (*Handler)(nil)
	_ iohandler.Collector      = (*Handler)(nil)
	_ iohandler.Converter      = (*Handler)(nil)
	_ iohandler.Deleter        = (*Handler)(nil)
	_ iohandler.ProcessCrosser = (*Handler)(nil)
	_ iohandler.Validator      = (*Handler)(nil)
	_ iohandler.WriteKeeper    = (*Handler)(nil)
)

// New returns a handler that keeps values in the bucket at url. It opens nothing: a URL that is
// not understood is the error of [Handler.Validate], and of each use.
func New(url string, o Options) *Handler {
	if o.Codec == nil {
		o.Codec = CBOR()
	}
	return &Handler{bucket: bucket.New(url, o.Prefix), codec: o.Codec}
}

// Validate returns what is wrong with the URL, without opening it.
func (h *Handler) Validate() error { return h.bucket.Validate() }

// CrossesProcesses reports whether another process can load the values: all but those of mem://.
func (h *Handler) CrossesProcesses() bool { return h.bucket.Outlives() }

// KeepsWrites reports true: each write is an object of its own.
func (h *Handler) KeepsWrites() bool { return true }

// CanStore returns why the codec writes no value of type t, or nil.
func (h *Handler) CanStore(t reflect.Type) error { return h.codec.CanStore(t) }

// CanLoad reports whether a value stored as one type loads as another.
func (h *Handler) CanLoad(stored, wanted reflect.Type) bool {
	return stored == wanted || h.codec.CanLoad(stored, wanted)
}

// HandleOutput writes value as the object of out.Name and records path, size_bytes,
// write_duration_s and, for slices and maps, num_rows. Where the codec is deterministic the
// data version is the SHA-256 of the bytes, in hex.
func (h *Handler) HandleOutput(ctx context.Context, out *iohandler.OutputContext, value any) error {
	key, start, sum := h.key(out.Name, out.Partition, out.Write), time.Now(), sha256.New()
	size, err := h.bucket.Write(ctx, key, h.codec.ContentType(), func(w io.Writer) error {
		if h.codec.Deterministic() {
			w = io.MultiWriter(w, sum)
		}
		return h.codec.Write(w, value)
	})
	if err != nil {
		return err
	}
	if h.codec.Deterministic() {
		out.DataVersion = hex.EncodeToString(sum.Sum(nil))
	}
	out.AddMetadata(metadata.KeyPath, metadata.Path(h.bucket.URL(key)))
	out.AddMetadata(metadata.KeySize, metadata.Size(size))
	out.AddMetadata(metadata.KeyWriteDuration, time.Since(start).Seconds())
	if rows, ok := rowsOf(value); ok {
		out.AddMetadata(metadata.KeyRows, rows)
	}
	return nil
}

// LoadInput reads the object of in.Name as a value of in.Type. An absent object is
// [iohandler.ErrNoValue]; any error names the object's URL.
func (h *Handler) LoadInput(ctx context.Context, in *iohandler.InputContext) (any, error) {
	key := h.key(in.Name, in.Partition, in.Write)
	object, err := h.bucket.Open(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", in, err)
	}
	value, err := h.read(object, in.Type)
	if keeps(value) && err == nil {
		return value, nil
	}
	if err = errors.Join(err, object.Close()); err != nil {
		return nil, fmt.Errorf("input %s: read %s: %w", in, h.bucket.URL(key), err)
	}
	return value, nil
}

// StoredWrites calls f with each stored write of a name and of what lies below it.
func (h *Handler) StoredWrites(ctx context.Context, name string, f func(iohandler.StoredWrite) error) error {
	return h.bucket.Writes(ctx, name, h.codec.Extension(), f)
}

// RemoveWrite deletes a stored write; one that is absent is no error.
func (h *Handler) RemoveWrite(ctx context.Context, w iohandler.StoredWrite) error {
	return h.bucket.Delete(ctx, w.Location)
}

// Delete deletes the object of in.Name; one that is absent is no error.
func (h *Handler) Delete(ctx context.Context, in *iohandler.InputContext) error {
	if err := h.bucket.Delete(ctx, h.key(in.Name, in.Partition, in.Write)); err != nil {
		return fmt.Errorf("input %s: %w", in, err)
	}
	return nil
}

// Actions returns what else can be done to any value: "list" returns its objects, "delete"
// deletes it, after which the asset, or the partition, is missing.
func (h *Handler) Actions() []iohandler.Action { return h.bucket.Actions(h.codec.Extension()) }

// Close lets go of the bucket; the next use opens it again. The values of mem:// end with it.
func (h *Handler) Close() error { return h.bucket.Close() }

func (h *Handler) key(name string, of partition.Slice, write string) string {
	return h.bucket.Key(name, of.Key(), write, h.codec.Extension())
}

// read decodes what an object holds. The bytes may come from anywhere, so that a panic of a
// decoder is an error like any other.
func (h *Handler) read(object *bucket.Object, t reflect.Type) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, fmt.Errorf("decoding panicked: %v", p)
		}
	}()
	return h.codec.Read(&Stream{SectionReader: object.Reader(), close: object.Close}, t)
}

// rowsOf counts the rows of a slice or a map; bytes have none.
func rowsOf(value any) (int, bool) {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		return v.Len(), v.Type().Elem().Kind() != reflect.Uint8
	case reflect.Map:
		return v.Len(), true
	default:
		return 0, false
	}
}

// Stream reads the bytes of an object that stays open until Close, and seeks in it. One that is
// dropped without a Close frees what it holds when it is collected.
type Stream struct {
	*io.SectionReader
	close func() error
}

// Close lets go of the object.
func (s *Stream) Close() error { return s.close() }

// keeps reports whether a loaded value still reads from its object.
func keeps(value any) bool {
	_, ok := value.(*Stream)
	return ok
}
