package parquet

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// form is what holds the rows of a value.
type form int

const (
	sliceForm   form = iota // []T
	mapForm                 // map[K]V, a row an entry
	streamForm              // iter.Seq2[T, error]
	batchForm               // arrow.RecordBatch
	batchesForm             // array.RecordReader
)

// shape is how a type is rows.
type shape struct {
	form form
	typ  reflect.Type
	row  *row // nil where Arrow brings its own schema
}

// row is the type of a row: a struct, whose fields are the columns.
type row struct {
	typ     reflect.Type
	columns []column
	schema  *arrow.Schema
	pointer bool // the rows are pointers to typ
	wrapped bool // the rows are not structs, and stand in the only field of typ
}

var (
	batchType  = reflect.TypeFor[arrow.RecordBatch]()
	readerType = reflect.TypeFor[array.RecordReader]()
	errorType  = reflect.TypeFor[error]()
)

const wanted = "want a slice or map of rows, iter.Seq2[T, error], arrow.RecordBatch or array.RecordReader"

// shapes remembers the shape of each type, or why it has none.
type shapes struct{ known sync.Map }

type known struct {
	shape *shape
	err   error
}

func (s *shapes) of(t reflect.Type) (*shape, error) {
	if t == nil {
		return nil, errors.New("the type is not known: " + wanted)
	}
	found, ok := s.known.Load(t)
	if !ok {
		shape, err := shapeOf(t)
		found, _ = s.known.LoadOrStore(t, known{shape, err})
	}
	return found.(known).shape, found.(known).err
}

func shapeOf(t reflect.Type) (*shape, error) {
	switch {
	case t.Implements(batchType):
		return &shape{form: batchForm, typ: t}, nil
	case t.Implements(readerType):
		return &shape{form: batchesForm, typ: t}, nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return nil, fmt.Errorf("%s is bytes, not rows: %s, or the raw codec of iohandler/blob", t, wanted)
	case t.Kind() == reflect.Slice:
		row, err := rowOf(t.Elem())
		return &shape{sliceForm, t, row}, err
	case t.Kind() == reflect.Map && !ordered(t.Key()):
		return nil, fmt.Errorf("%s: a map's keys are text or numbers", t)
	case t.Kind() == reflect.Map:
		row, err := newRow(reflect.StructOf([]reflect.StructField{
			{Name: "Key", Type: t.Key(), Tag: `parquet:"key"`},
			{Name: "Value", Type: t.Elem(), Tag: `parquet:"value"`},
		}))
		return &shape{mapForm, t, row}, err
	case isStream(t):
		row, err := rowOf(t.In(0).In(0))
		return &shape{streamForm, t, row}, err
	default:
		return nil, fmt.Errorf("%s is not rows: %s, or iohandler/blob", t, wanted)
	}
}

// isStream reports whether t is an iter.Seq2[T, error], or a function type like it.
func isStream(t reflect.Type) bool {
	return t.CanSeq2() && t.Kind() == reflect.Func && t.In(0).In(1) == errorType
}

// rowOf makes the row of an element's type.
func rowOf(t reflect.Type) (*row, error) {
	inner := t
	if t.Kind() == reflect.Pointer {
		inner = t.Elem()
	}
	if inner.Kind() == reflect.Struct && !single(inner) {
		row, err := newRow(inner)
		if row != nil {
			row.pointer = inner != t
		}
		return row, err
	}
	row, err := newRow(reflect.StructOf([]reflect.StructField{{Name: "Value", Type: t, Tag: `parquet:"value"`}}))
	if row != nil {
		row.wrapped = true
	}
	return row, err
}

func newRow(t reflect.Type) (*row, error) {
	columns, err := (&compiler{}).columns(t)
	if err != nil {
		return nil, err
	}
	return &row{typ: t, columns: columns, schema: arrow.NewSchema(fieldsOf(columns), nil)}, nil
}

// unwrap takes an element out of the struct it was read into.
func (r *row) unwrap(v reflect.Value) reflect.Value {
	switch {
	case r.wrapped:
		return v.Field(0)
	case r.pointer:
		kept := reflect.New(r.typ)
		kept.Elem().Set(v)
		return kept
	default:
		return v
	}
}

// each calls add for each row of a value, as a struct.
func (s *shape) each(value reflect.Value, add func(reflect.Value) error) error {
	switch s.form {
	case sliceForm:
		scratch := reflect.New(s.row.typ).Elem()
		for i := range value.Len() {
			row, err := s.row.wrap(value.Index(i), scratch)
			if err == nil {
				err = add(row)
			}
			if err != nil {
				return err
			}
		}
		return nil
	case mapForm:
		scratch := reflect.New(s.row.typ).Elem()
		for _, key := range sortedKeys(value) {
			scratch.Field(0).Set(key)
			scratch.Field(1).Set(value.MapIndex(key))
			if err := add(scratch); err != nil {
				return err
			}
		}
		return nil
	default:
		return s.stream(value, add)
	}
}

func (s *shape) stream(value reflect.Value, add func(reflect.Value) error) error {
	if value.IsNil() {
		return fmt.Errorf("the %s is nil: want a function", s.typ)
	}
	scratch := reflect.New(s.row.typ).Elem()
	for element, failure := range value.Seq2() {
		if !failure.IsNil() {
			return failure.Interface().(error)
		}
		row, err := s.row.wrap(element, scratch)
		if err == nil {
			err = add(row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errNilRow is a row that is not there: a file has a place for a null in a column, none for a null
// row.
var errNilRow = errors.New("it is nil: leave the row out, or make its fields pointers")

// wrap is the opposite of unwrap.
func (r *row) wrap(v, scratch reflect.Value) (reflect.Value, error) {
	switch {
	case r.wrapped:
		scratch.Field(0).Set(v)
		return scratch, nil
	case r.pointer && v.IsNil():
		return v, errNilRow
	case r.pointer:
		return v.Elem(), nil
	default:
		return v, nil
	}
}
