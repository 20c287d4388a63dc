package checks

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/internal/nearest"
)

// shape is how rows are handed to a check.
type shape struct {
	row    reflect.Type // the struct
	typ    reflect.Type // of what is handed over
	stream bool
}

// shapeOf looks at a slice of structs, or a stream of them; pointers to structs are rows too.
func shapeOf[V any]() (*shape, error) {
	t := reflect.TypeFor[V]()
	s := &shape{typ: t}
	switch {
	case t.Kind() == reflect.Slice:
		s.row = t.Elem()
	case t.Kind() == reflect.Func && t.NumIn() == 1 && t.CanSeq2() && t.In(0).In(1) == reflect.TypeFor[error]():
		s.row, s.stream = t.In(0).In(0), true
	default:
		return nil, fmt.Errorf("the rows are a %s: take a slice of structs, or an iter.Seq2 of structs and errors", t)
	}
	if s.row.Kind() == reflect.Pointer {
		s.row = s.row.Elem()
	}
	if s.row.Kind() != reflect.Struct {
		return nil, fmt.Errorf("a row is a %s: take structs, whose fields are the columns", s.row)
	}
	return s, nil
}

// column is one field of the rows.
type column struct {
	name  string
	index []int
	typ   reflect.Type
}

// find returns the columns of some names.
func (s *shape) find(names []string) ([]column, error) {
	var columns []column
	var errs []error
	for i, name := range names {
		c, ok := s.column(name)
		switch {
		case !ok:
			near := ""
			if n, ok := nearest.Name(name, s.names); ok {
				near = fmt.Sprintf(" (did you mean %q?)", n)
			}
			errs = append(errs, fmt.Errorf("a %s has no column %q%s", s.row, name, near))
		case slices.Contains(names[:i], name):
			errs = append(errs, fmt.Errorf("column %q is named twice: name it once", name))
		}
		columns = append(columns, c)
	}
	return columns, errors.Join(errs...)
}

func (s *shape) column(name string) (column, bool) {
	for _, f := range reflect.VisibleFields(s.row) {
		if f.IsExported() && !f.Anonymous && slices.Contains(called(&f), name) {
			return column{name: name, index: f.Index, typ: f.Type}, true
		}
	}
	return column{}, false
}

// names yields what columns are called first of all.
func (s *shape) names(yield func(string) bool) {
	for _, f := range reflect.VisibleFields(s.row) {
		if f.IsExported() && !f.Anonymous && !yield(called(&f)[0]) {
			return
		}
	}
}

// called is what a field is called as a column: by its tags, in snake case, as it is written.
func called(f *reflect.StructField) []string {
	var names []string
	for _, key := range []string{"parquet", "json", "cbor"} {
		if name, _, _ := strings.Cut(f.Tag.Get(key), ","); name != "" && name != "-" {
			names = append(names, name)
		}
	}
	return append(names, snake(f.Name), f.Name)
}

// snake writes a Go name in snake case, as rivers does with the fields of argument structs.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			after := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if before := runes[i-1]; unicode.IsLower(before) || unicode.IsDigit(before) || unicode.IsUpper(before) && after {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// judge looks at every row.
func (s *shape) judge(ctx *rivers.CheckContext, rows any, j *judge, spec *Spec) (rivers.CheckResult, error) {
	f := newFound(spec)
	values := make([]any, len(j.columns))
	one := func(row reflect.Value) {
		f.rows++
		if j.row == nil {
			return
		}
		if row.Kind() == reflect.Pointer {
			if row.IsNil() {
				f.add("the row is null", nil)
				return
			}
			row = row.Elem()
		}
		for i, c := range j.columns {
			values[i] = present(row, c.index)
		}
		if why := j.row(values); why != "" {
			f.add(why, values)
		}
	}
	if err := s.each(ctx, reflect.ValueOf(rows), one); err != nil {
		return rivers.CheckResult{}, err
	}
	res := f.result(spec, j.columns)
	if j.end == nil {
		return res, nil
	}
	err := j.end(ctx, &res, f.rows)
	return res, err
}

// each calls f with each row, until the context ends.
func (s *shape) each(ctx *rivers.CheckContext, rows reflect.Value, f func(reflect.Value)) error {
	if !s.stream {
		for i := range rows.Len() {
			if i%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			f(rows.Index(i))
		}
		return nil
	}
	if rows.IsNil() {
		return nil
	}
	n := 0
	for row, failure := range rows.Seq2() {
		if err, bad := reflect.TypeAssert[error](failure); bad && err != nil {
			return fmt.Errorf("row %d: %w", n+1, err)
		}
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f(row)
	}
	return nil
}

// present is the value of a column, nil for null: a nil pointer, map, slice or interface, and what
// a driver.Valuer, such as sql.NullString, reports as null.
func present(row reflect.Value, index []int) any {
	v, err := row.FieldByIndexErr(index)
	if err != nil { // an embedded pointer is nil
		return nil
	}
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.IsNil() {
		return nil
	}
	value := v.Interface()
	if valuer, ok := value.(driver.Valuer); ok {
		if inner, err := valuer.Value(); err == nil {
			return inner
		}
	}
	return value
}

// nullable reports whether values of a type can be null.
func nullable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	}
	return t.Implements(reflect.TypeFor[driver.Valuer]())
}
