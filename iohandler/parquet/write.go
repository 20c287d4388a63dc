package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

const (
	// batchRows and batchBytes bound what is turned into columns at once, in rows and in bytes.
	batchRows  = 4096
	batchBytes = 16 << 20
	// groupBytes bounds a row group, which is held encoded until it is whole, for rows that are large.
	groupBytes = 256 << 20
)

// written is what there is to say about a file.
type written struct {
	rows   int64
	schema *arrow.Schema
}

// encode writes a value as a file.
func (h *Handler) encode(ctx context.Context, to io.Writer, s *shape, value reflect.Value) (written, error) {
	switch s.form {
	case batchForm:
		one := value.Interface().(arrow.RecordBatch)
		return h.encodeBatches(ctx, to, one.Schema(), func(add func(arrow.RecordBatch) error) error { return add(one) })
	case batchesForm:
		reader := value.Interface().(array.RecordReader)
		return h.encodeBatches(ctx, to, reader.Schema(), func(add func(arrow.RecordBatch) error) error {
			for reader.Next() {
				if err := add(reader.RecordBatch()); err != nil {
					return err
				}
			}
			return reader.Err()
		})
	default:
		return h.encodeRows(ctx, to, s, value)
	}
}

func (h *Handler) newFile(to io.Writer, schema *arrow.Schema) (*pqarrow.FileWriter, error) {
	return pqarrow.NewFileWriter(schema, to,
		parquet.NewWriterProperties(parquet.WithCompression(codecs[h.compression]), parquet.WithMaxRowGroupLength(int64(h.groupRows)), parquet.WithCreatedBy("rivers")),
		// Without Arrow's schema a zone, and the width of what Parquet has no type for, would be lost.
		pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
}

func (h *Handler) encodeBatches(ctx context.Context, to io.Writer, schema *arrow.Schema, each func(func(arrow.RecordBatch) error) error) (written, error) {
	done := written{schema: schema}
	file, err := h.newFile(to, schema)
	if err != nil {
		return done, err
	}
	err = each(func(one arrow.RecordBatch) error {
		if err := context.Cause(ctx); err != nil || one.NumRows() == 0 {
			return err
		}
		done.rows += one.NumRows()
		return file.WriteBuffered(one)
	})
	return done, errors.Join(err, file.Close())
}

// rowWriter turns rows into batches and batches into a file.
type rowWriter struct {
	ctx     context.Context
	columns []column
	build   *array.RecordBuilder
	file    *pqarrow.FileWriter

	rows                int64
	pending, size       int // of the batch
	group, groupPending int // rows left in the row group, bytes in it
	full                bool
	groupRows           int
}

func (h *Handler) encodeRows(ctx context.Context, to io.Writer, s *shape, value reflect.Value) (written, error) {
	done := written{schema: s.row.schema}
	file, err := h.newFile(to, s.row.schema)
	if err != nil {
		return done, err
	}
	w := &rowWriter{
		ctx: ctx, columns: s.row.columns, build: array.NewRecordBuilder(memory.DefaultAllocator, s.row.schema), file: file,
		group: h.groupRows, groupRows: h.groupRows,
	}
	defer w.build.Release()
	err = s.each(value, w.add)
	if errors.Is(err, errNilRow) {
		err = fmt.Errorf("row %d: %w", w.rows, err)
	}
	if err == nil {
		err = w.flush()
	}
	done.rows = w.rows
	return done, errors.Join(err, file.Close())
}

func (w *rowWriter) add(row reflect.Value) error {
	for i := range w.columns {
		if err := w.columns[i].append(w.build.Field(i), row.FieldByIndex(w.columns[i].index), &w.size); err != nil {
			return fmt.Errorf("row %d, column %q: %w", w.rows, w.columns[i].arrow.Name, err)
		}
	}
	w.rows++
	w.pending++
	w.size += 8 * len(w.columns)
	// A batch never reaches over the end of a row group.
	if w.pending == batchRows || w.pending == w.group || w.size > batchBytes {
		return w.flush()
	}
	return nil
}

func (w *rowWriter) flush() error {
	if err := context.Cause(w.ctx); err != nil || w.pending == 0 {
		return err
	}
	if w.full { // not when it became full: the last group of a file must not be an empty one
		if err := w.file.NewBufferedRowGroupChecked(); err != nil {
			return err
		}
		w.full, w.groupPending = false, 0
	}
	one := w.build.NewRecordBatch()
	defer one.Release()
	if err := w.file.WriteBuffered(one); err != nil {
		return err
	}
	w.group -= w.pending
	w.groupPending += w.size
	w.pending, w.size = 0, 0
	w.full = w.group == 0 || w.groupPending >= groupBytes
	if w.full {
		w.group = w.groupRows
	}
	return nil
}
