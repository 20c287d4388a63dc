package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/rivers-go/rivers/iohandler/internal/bucket"
)

// source is a file that is open for reading. Its errors name its URL.
type source struct {
	url    string
	object *bucket.Object
	file   *pqarrow.FileReader
	schema *arrow.Schema
	rows   int64
}

// open opens a file and reads its footer.
func (h *Handler) open(ctx context.Context, key string) (*source, error) {
	object, err := h.bucket.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	s := &source{url: h.bucket.URL(key), object: object}
	if err := s.footer(); err != nil {
		return nil, s.fault(errors.Join(err, object.Close()))
	}
	return s, nil
}

func (s *source) footer() (err error) {
	defer guard(&err)
	properties := parquet.NewReaderProperties(memory.DefaultAllocator)
	properties.BufferedStreamEnabled = true // else each column of a row group is read at once
	opened, err := file.NewParquetReader(s.object.Reader(), file.WithReadProps(properties))
	if err != nil {
		return err
	}
	s.rows = opened.NumRows()
	s.file, err = pqarrow.NewFileReader(opened, pqarrow.ArrowReadProperties{BatchSize: batchRows}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	s.schema, err = s.file.Schema()
	return err
}

func (s *source) fault(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read %s: %w", s.url, err)
}

// guard makes an error of a panic, with which the decoder answers some corrupt files.
//
//nolint:revive // it is called by defer, and recovers
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("the file is corrupt: %v", p)
	}
}

// scanner reads the rows of a file one after the other.
type scanner struct {
	source *source
	fields []binding
	reader pqarrow.RecordReader
	seen   int64
}

// scan opens the columns that a row type wants.
func (s *source) scan(ctx context.Context, r *row) (_ *scanner, err error) {
	fields, err := bindFields(r.typ, s.schema.Fields())
	if err != nil {
		return nil, s.fault(err)
	}
	// The reader gives columns in the order of the file.
	slices.SortFunc(fields, func(a, b binding) int { return a.at - b.at })
	var leaves []int
	for i := range fields {
		leaves = appendLeaves(leaves, &s.file.Manifest.Fields[fields[i].at])
		fields[i].at = i
	}
	reader, err := s.records(ctx, leaves)
	if err != nil {
		return nil, s.fault(err)
	}
	return &scanner{source: s, fields: fields, reader: reader}, nil
}

func (s *source) records(ctx context.Context, leaves []int) (_ pqarrow.RecordReader, err error) {
	defer guard(&err)
	return s.file.GetRecordReader(ctx, leaves, nil)
}

// appendLeaves adds the physical columns that a column is made of.
func appendLeaves(leaves []int, field *pqarrow.SchemaField) []int {
	if field.IsLeaf() {
		return append(leaves, field.ColIndex)
	}
	for i := range field.Children {
		leaves = appendLeaves(leaves, &field.Children[i])
	}
	return leaves
}

// next returns the next batch, nil after the last.
func (s *scanner) next(ctx context.Context) (_ arrow.RecordBatch, err error) {
	defer guard(&err)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if s.reader.Next() {
		one := s.reader.RecordBatch()
		s.seen += one.NumRows()
		return one, nil
	}
	if err := s.reader.Err(); err != nil {
		return nil, err
	}
	if s.seen != s.source.rows {
		return nil, fmt.Errorf("it holds %d rows, its footer counts %d: %w", s.seen, s.source.rows, io.ErrUnexpectedEOF)
	}
	return nil, nil //nolint:nilnil // no batch and no error is the end of the file
}

// fill reads the i-th row of a batch into a zero struct.
func (s *scanner) fill(dst reflect.Value, from arrow.RecordBatch, i int) (err error) {
	defer guard(&err)
	for f := range s.fields {
		field := &s.fields[f]
		if err := field.set(dst.FieldByIndex(field.index), from.Column(f), i); err != nil {
			return fmt.Errorf("row %d, column %q: %w", s.seen-from.NumRows()+int64(i), field.name, err)
		}
	}
	return nil
}

// each calls yield with each row, until it returns false. What yield is given is used again.
func (s *source) each(ctx context.Context, r *row, yield func(reflect.Value) bool) error {
	scanner, err := s.scan(ctx, r)
	if err != nil {
		return err
	}
	defer scanner.reader.Release()
	scratch := reflect.New(r.typ).Elem()
	for {
		one, err := scanner.next(ctx)
		if err != nil || one == nil {
			return s.fault(err)
		}
		for i := range int(one.NumRows()) {
			scratch.SetZero()
			if err := scanner.fill(scratch, one, i); err != nil {
				return s.fault(err)
			}
			if !yield(r.unwrap(scratch)) {
				return nil
			}
		}
	}
}

// decode reads all rows as a slice or a map.
func (s *source) decode(ctx context.Context, to *shape) (any, error) {
	rows := int(min(s.rows, 1<<16)) // a footer may say anything
	if to.form == mapForm {
		made := reflect.MakeMapWithSize(to.typ, rows)
		err := s.each(ctx, to.row, func(entry reflect.Value) bool {
			made.SetMapIndex(entry.Field(0), entry.Field(1))
			return true
		})
		return made.Interface(), err
	}
	made := reflect.New(to.typ).Elem()
	made.Set(reflect.MakeSlice(to.typ, 0, rows))
	err := s.each(ctx, to.row, func(element reflect.Value) bool {
		n := made.Len()
		made.Grow(1)
		made.SetLen(n + 1)
		made.Index(n).Set(element)
		return true
	})
	return made.Interface(), err
}
