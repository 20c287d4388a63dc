// Package parquet keeps values that are rows as Parquet files, one file a value, in the same places
// as iohandler/blob: a directory, memory, an object store.
//
// Rows are the elements of a slice, the entries of a map (columns key and value, in the order of
// the keys), the elements of an iter.Seq2[T, error], or Arrow's batches ([arrow.RecordBatch],
// array.RecordReader). Streams are written as they come and read as they are asked for, a row group
// at a time, so that a value may be larger than memory. A row that is a struct has a column for
// each exported field; any other has one column, value.
//
//	Go                                       Parquet
//	bool, integers, floats, string           the same; int and uint have 64 bits
//	time.Time                                timestamp in µs, UTC: `parquet:"at,timestamp(ns)"`,
//	                                         `…,timestamp(us,Europe/Berlin)`, `…,date`
//	decimal128.Num, string and what          decimal, with `parquet:"amount,decimal(38,2)"`
//	marshals itself to text
//	other types that marshal to text         string
//	[]byte, [n]byte                          binary, fixed-size binary
//	[]T and [n]T, map[K]V, struct            list, map, group
//	*T, a nil slice, a nil map               null
//	embedded struct                          its fields
//
// A column is named as its field, or by the tag `parquet:"name"`; `parquet:"-"` leaves a field
// out. A file may be read as another row type: columns are matched by name, what the type does not
// ask for is not read, and a column that the type wants and the file lacks is an error. Integers
// are read into any width that they fit in.
//
// What is not kept: the zone of a time (it is an instant, shown in the column's zone), parts of a
// time finer than the column's unit, the difference between a nil and an empty value where it is
// the whole value. A decimal that the column has no room for is an error, never rounded.
//
// Writes are atomic as those of iohandler/blob. A handler opens its place at first use and may be
// used from many goroutines at once.
package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/parquet/compress"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/internal/bucket"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// Compression names how the columns of a file are compressed.
type Compression string

// The compressions. [Zstd] is what an empty one means.
const (
	Zstd         Compression = "zstd"
	Snappy       Compression = "snappy"
	Gzip         Compression = "gzip"
	Brotli       Compression = "brotli"
	Uncompressed Compression = "uncompressed"
)

var codecs = map[Compression]compress.Compression{
	Zstd: compress.Codecs.Zstd, Snappy: compress.Codecs.Snappy, Gzip: compress.Codecs.Gzip,
	Brotli: compress.Codecs.Brotli, Uncompressed: compress.Codecs.Uncompressed,
}

// Options are the settings of a [Handler]; the zero value is ready for use.
type Options struct {
	// Prefix is a path in the bucket, below which the files lie; empty for the bucket itself.
	Prefix string
	// Compression of the columns; empty is [Zstd].
	Compression Compression
	// RowGroupRows is how many rows are kept together, and so in memory while they are written; 0 is
	// 131072. A group of large rows is cut earlier, at 256 MiB.
	RowGroupRows int
}

// Handler stores rows as Parquet files; see [New].
type Handler struct {
	bucket      *bucket.Bucket
	compression Compression
	groupRows   int
	shapes      shapes
	fault       error
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

// New returns a handler that keeps rows in the bucket at url, which is any that blob.New takes. It
// opens nothing: a URL or an option that is not understood is the error of [Handler.Validate], and
// of each use.
func New(url string, o Options) *Handler {
	h := &Handler{bucket: bucket.New(url, o.Prefix), compression: o.Compression, groupRows: o.RowGroupRows}
	var faults []error
	if h.compression == "" {
		h.compression = Zstd
	}
	if _, ok := codecs[h.compression]; !ok {
		faults = append(faults, fmt.Errorf("compression %q is unknown: want one of %q", o.Compression, slices.Sorted(maps.Keys(codecs))))
	}
	if h.groupRows == 0 {
		h.groupRows = 1 << 17
	}
	if h.groupRows < 0 {
		faults = append(faults, fmt.Errorf("RowGroupRows is %d: want 1 or more, or 0 for the default", o.RowGroupRows))
	}
	h.fault = errors.Join(append(faults, h.bucket.Validate())...)
	return h
}

// Validate returns what is wrong with the URL and the options, without opening anything.
func (h *Handler) Validate() error { return h.fault }

// CrossesProcesses reports whether another process can load the values: all but those of mem://.
func (h *Handler) CrossesProcesses() bool { return h.bucket.Outlives() }

// KeepsWrites reports true: each write is a file of its own.
func (h *Handler) KeepsWrites() bool { return true }

// extension is what the names of files end in.
const extension = ".parquet"

// CanStore returns why a value of type t is not kept as rows, and what would be; else nil.
func (h *Handler) CanStore(t reflect.Type) error {
	_, err := h.shapes.of(t)
	return err
}

// CanLoad reports whether rows stored as one type load as another: any as Arrow's batches, and
// those whose columns have the names and types that the wanted row type asks for.
func (h *Handler) CanLoad(stored, wanted reflect.Type) bool {
	to, err := h.shapes.of(wanted)
	if err != nil || to.row == nil {
		return err == nil && (wanted == batchType || wanted == readerType)
	}
	from, err := h.shapes.of(stored)
	if err != nil || from.row == nil {
		return err == nil // which columns a batch has is seen when it is loaded
	}
	_, err = bindFields(to.row.typ, from.row.schema.Fields())
	return err == nil
}

// HandleOutput writes value as the file of out.Name and records path, size_bytes, num_rows,
// write_duration_s and rivers/schema. A nil value of a known type is a file without rows. A
// stream that yields an error, or a context that ends, leaves the file that was there.
func (h *Handler) HandleOutput(ctx context.Context, out *iohandler.OutputContext, value any) error {
	if h.fault != nil {
		return h.fault
	}
	v, t := reflect.ValueOf(value), reflect.TypeOf(value)
	if value == nil {
		if t = out.Type; t == nil || t.Kind() != reflect.Slice && t.Kind() != reflect.Map {
			return errors.New("the value is nil: " + wanted)
		}
		v = reflect.Zero(t)
	}
	shape, err := h.shapes.of(t)
	if err != nil {
		return err
	}
	key, start := h.key(out.Name, out.Partition, out.Write), time.Now()
	var done written
	size, err := h.bucket.Write(ctx, key, "application/vnd.apache.parquet", func(w io.Writer) (err error) {
		done, err = h.encode(ctx, w, shape, v)
		return err
	})
	if err != nil {
		return err
	}
	out.AddMetadata(metadata.KeyPath, metadata.Path(h.bucket.URL(key)))
	out.AddMetadata(metadata.KeySize, metadata.Size(size))
	out.AddMetadata(metadata.KeyRows, done.rows)
	out.AddMetadata(metadata.KeyWriteDuration, time.Since(start).Seconds())
	out.AddMetadata(metadata.KeySchema, done.describe())
	return nil
}

func (w written) describe() metadata.Value {
	columns := make([]metadata.Column, 0, w.schema.NumFields())
	for _, field := range w.schema.Fields() {
		columns = append(columns, metadata.Column{Name: field.Name, Type: field.Type.String(), Nullable: field.Nullable})
	}
	return metadata.Schema(columns...)
}

// LoadInput reads the file of in.Name as in.Type. An absent file is [iohandler.ErrNoValue]; any
// error names the file's URL. A stream reads under ctx, opens the file again each time it is
// ranged over, and yields an error at most once, as the last.
func (h *Handler) LoadInput(ctx context.Context, in *iohandler.InputContext) (any, error) {
	value, err := h.load(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("input %s: %w", in, err)
	}
	return value, nil
}

func (h *Handler) load(ctx context.Context, in *iohandler.InputContext) (any, error) {
	if h.fault != nil {
		return nil, h.fault
	}
	key := h.key(in.Name, in.Partition, in.Write)
	if in.Type == nil {
		return nil, fmt.Errorf("load %s: a file does not record its Go type: %s", h.bucket.URL(key), wanted)
	}
	to, err := h.shapes.of(in.Type)
	if err == nil && to.row == nil && in.Type != batchType && in.Type != readerType {
		err = fmt.Errorf("batches load as arrow.RecordBatch or array.RecordReader, want %s", in.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", h.bucket.URL(key), err)
	}
	again := func(ctx context.Context) (*source, error) { return h.open(ctx, key) }
	from, err := again(ctx)
	if err != nil {
		return nil, err
	}
	value, keeps, err := from.load(ctx, to, again)
	if keeps && err == nil {
		return value, nil
	}
	if err := errors.Join(err, from.fault(from.object.Close())); err != nil {
		return nil, err
	}
	return value, nil
}

// load reads a file as a shape, and reports whether the value keeps it open.
func (s *source) load(ctx context.Context, to *shape, again func(context.Context) (*source, error)) (_ any, keeps bool, err error) {
	switch to.form {
	case batchForm:
		value, err := s.whole(ctx)
		return value, false, err
	case batchesForm:
		value, err := s.stream(ctx)
		return value, true, err
	case streamForm:
		if _, err := bindFields(to.row.typ, s.schema.Fields()); err != nil {
			return nil, false, s.fault(err)
		}
		stream := &rowStream{ctx: ctx, row: to.row, again: again, first: s}
		return stream.function(to.typ), true, nil
	default:
		value, err := s.decode(ctx, to)
		return value, false, err
	}
}

// StoredWrites calls f with each stored write of a name and of what lies below it.
func (h *Handler) StoredWrites(ctx context.Context, name string, f func(iohandler.StoredWrite) error) error {
	return h.bucket.Writes(ctx, name, extension, f)
}

// RemoveWrite deletes a stored write; one that is absent is no error.
func (h *Handler) RemoveWrite(ctx context.Context, w iohandler.StoredWrite) error {
	return h.bucket.Delete(ctx, w.Location)
}

// Delete deletes the file of in.Name; one that is absent is no error.
func (h *Handler) Delete(ctx context.Context, in *iohandler.InputContext) error {
	if err := h.bucket.Delete(ctx, h.key(in.Name, in.Partition, in.Write)); err != nil {
		return fmt.Errorf("input %s: %w", in, err)
	}
	return nil
}

// Close lets go of the bucket; the next use opens it again. The values of mem:// end with it.
func (h *Handler) Close() error { return h.bucket.Close() }

func (h *Handler) key(name string, of partition.Slice, write string) string {
	return h.bucket.Key(name, of.Key(), write, extension)
}
