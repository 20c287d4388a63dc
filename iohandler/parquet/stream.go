package parquet

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// rowStream is what an iter.Seq2 reads from. The first range reads the file that the load found;
// each later one opens it again, as it is by then.
type rowStream struct {
	ctx   context.Context
	row   *row
	again func(context.Context) (*source, error)

	mu    sync.Mutex
	first *source
}

// function makes the iter.Seq2 of type t.
func (r *rowStream) function(t reflect.Type) any {
	none := reflect.Zero(errorType)
	return reflect.MakeFunc(t, func(arguments []reflect.Value) []reflect.Value {
		yield := arguments[0]
		stopped := false
		err := r.each(func(element reflect.Value) bool {
			stopped = !yield.Call([]reflect.Value{element, none})[0].Bool()
			return !stopped
		})
		if err != nil && !stopped {
			zero := reflect.Zero(t.In(0).In(0))
			yield.Call([]reflect.Value{zero, reflect.ValueOf(&err).Elem()})
		}
		return nil
	}).Interface()
}

func (r *rowStream) each(yield func(reflect.Value) bool) error {
	from, err := r.take()
	if err != nil {
		return err
	}
	err = from.each(r.ctx, r.row, yield)
	return errors.Join(err, from.fault(from.object.Close()))
}

func (r *rowStream) take() (*source, error) {
	r.mu.Lock()
	from := r.first
	r.first = nil
	r.mu.Unlock()
	if from != nil {
		return from, nil
	}
	return r.again(r.ctx)
}

// batchStream is an array.RecordReader over a file, which it closes with its last reference.
type batchStream struct {
	ctx        context.Context
	scanner    *scanner
	references atomic.Int64
	current    arrow.RecordBatch
	err        error
}

var _ array.RecordReader = (*batchStream)(nil)

func (s *source) stream(ctx context.Context) (*batchStream, error) {
	reader, err := s.records(ctx, nil)
	if err != nil {
		return nil, s.fault(err)
	}
	b := &batchStream{ctx: ctx, scanner: &scanner{source: s, reader: reader}}
	b.references.Store(1)
	return b, nil
}

// Retain adds a reference.
func (b *batchStream) Retain() { b.references.Add(1) }

// Release drops a reference; the last closes the file.
func (b *batchStream) Release() {
	if b.references.Add(-1) == 0 {
		b.scanner.reader.Release()
		_ = b.scanner.source.object.Close()
	}
}

// Schema returns the columns.
func (b *batchStream) Schema() *arrow.Schema { return b.scanner.reader.Schema() }

// Next reads the next batch and reports whether there is one.
func (b *batchStream) Next() bool {
	if b.err != nil {
		return false
	}
	b.current, b.err = b.scanner.next(b.ctx)
	return b.err == nil && b.current != nil
}

// RecordBatch returns the batch that Next read; it is valid until the next call of Next.
func (b *batchStream) RecordBatch() arrow.RecordBatch { return b.current }

// Record is RecordBatch by its former name, which the interface asks for.
func (b *batchStream) Record() arrow.RecordBatch { return b.current }

// Err returns why Next reported false before the end; nil at the end.
func (b *batchStream) Err() error { return b.scanner.source.fault(b.err) }

// whole reads all rows as one batch.
func (s *source) whole(ctx context.Context) (arrow.RecordBatch, error) {
	stream, err := s.stream(ctx)
	if err != nil {
		return nil, err
	}
	defer stream.scanner.reader.Release()
	var parts []arrow.RecordBatch
	defer func() {
		for _, part := range parts {
			part.Release()
		}
	}()
	for stream.Next() {
		part := stream.RecordBatch()
		part.Retain()
		parts = append(parts, part)
	}
	if stream.Err() != nil {
		return nil, stream.Err()
	}
	joined, err := join(stream.Schema(), parts)
	return joined, s.fault(err)
}

func join(schema *arrow.Schema, parts []arrow.RecordBatch) (_ arrow.RecordBatch, err error) {
	defer guard(&err)
	columns := make([]arrow.Array, schema.NumFields())
	rows := int64(0)
	for _, part := range parts {
		rows += part.NumRows()
	}
	for i := range columns {
		pieces := make([]arrow.Array, 0, len(parts))
		for _, part := range parts {
			pieces = append(pieces, part.Column(i))
		}
		if len(pieces) == 0 {
			builder := array.NewBuilder(memory.DefaultAllocator, schema.Field(i).Type)
			columns[i] = builder.NewArray()
			continue
		}
		if columns[i], err = array.Concatenate(pieces, memory.DefaultAllocator); err != nil {
			return nil, fmt.Errorf("column %q does not fit in one batch: %w: want array.RecordReader", schema.Field(i).Name, err)
		}
	}
	return array.NewRecordBatch(schema, columns, rows), nil
}
