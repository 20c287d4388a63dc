package parquet

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// column is one field of a struct and the Arrow column it is kept in.
type column struct {
	index  []int // of the field, through embedded structs
	tag    tag
	typ    reflect.Type
	arrow  arrow.Field
	append appender
}

// mapping is how one Go type is kept.
type mapping struct {
	arrow    arrow.DataType
	nullable bool
	append   appender
}

var (
	timeType    = reflect.TypeFor[time.Time]()
	decimalType = reflect.TypeFor[decimal128.Num]()
)

// compiler maps a Go type; it remembers which structs it is inside of, for a column cannot hold
// itself.
type compiler struct{ above []reflect.Type }

// columns maps the fields of a struct, those of embedded structs among them.
func (c *compiler) columns(t reflect.Type) ([]column, error) {
	if slices.Contains(c.above, t) {
		return nil, fmt.Errorf("%s holds itself, and a column has a fixed depth: keep it as bytes, or in another handler", t)
	}
	c.above = append(c.above, t)
	defer func() { c.above = c.above[:len(c.above)-1] }()
	var (
		found  []column
		faults []error
	)
	for i := range t.NumField() {
		field := t.Field(i)
		embedded := field.Anonymous && field.Type.Kind() == reflect.Struct && field.Tag.Get("parquet") == "" && !single(field.Type)
		if !field.IsExported() && !embedded {
			continue
		}
		if embedded {
			inner, err := c.columns(field.Type)
			faults = append(faults, err)
			for _, col := range inner {
				col.index = append([]int{i}, col.index...)
				found = append(found, col)
			}
			continue
		}
		col, err := c.column(field)
		if err != nil {
			faults = append(faults, fmt.Errorf("field %s.%s: %w", t, field.Name, err))
		} else if !col.tag.skip {
			found = append(found, col)
		}
	}
	if len(found) == 0 && errors.Join(faults...) == nil {
		faults = append(faults, fmt.Errorf("%s has no exported field, so it has no column", t))
	}
	for i, col := range found {
		if slices.ContainsFunc(found[:i], func(other column) bool { return other.arrow.Name == col.arrow.Name }) {
			faults = append(faults, fmt.Errorf("%s has two fields for column %q: rename one with `parquet:\"…\"`", t, col.arrow.Name))
		}
	}
	return found, errors.Join(faults...)
}

func (c *compiler) column(field reflect.StructField) (column, error) {
	tag, err := parseTag(field)
	if err != nil || tag.skip {
		return column{tag: tag}, err
	}
	m, err := c.mapping(field.Type, tag)
	if err != nil {
		return column{}, err
	}
	return column{
		index: field.Index, tag: tag, typ: field.Type, append: m.append,
		arrow: arrow.Field{Name: tag.name, Type: m.arrow, Nullable: m.nullable},
	}, nil
}

// mapping decides how a type is kept.
func (c *compiler) mapping(t reflect.Type, tag tag) (mapping, error) {
	switch {
	case t.Kind() == reflect.Pointer:
		return c.pointer(t, tag)
	case tag.decimal && !holds(t) || t == decimalType:
		return decimalMapping(t, tag)
	case t == timeType && tag.date:
		return mapping{arrow: arrow.FixedWidthTypes.Date32, append: appendDate}, nil
	case t == timeType:
		if _, err := time.LoadLocation(tag.zone); err != nil {
			return mapping{}, err
		}
		return mapping{arrow: &arrow.TimestampType{Unit: tag.unit, TimeZone: tag.zone}, append: appendTime(tag.unit)}, nil
	case isText(t):
		return mapping{arrow: arrow.BinaryTypes.String, append: appendText}, nil
	}
	if scalar, ok := scalars[t.Kind()]; ok {
		if tag.time {
			return mapping{}, fmt.Errorf("%s is no time: want time.Time, or no timestamp and date in its tag", t)
		}
		return scalar, nil
	}
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return mapping{arrow: arrow.BinaryTypes.Binary, nullable: true, append: appendBytes}, nil
		}
		return c.list(t, tag)
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 && t.Len() > 0 {
			return mapping{arrow: &arrow.FixedSizeBinaryType{ByteWidth: t.Len()}, append: appendFixed}, nil
		}
		return c.list(t, tag)
	case reflect.Map:
		return c.mapOf(t, tag)
	case reflect.Struct:
		columns, err := c.columns(t)
		if err != nil {
			return mapping{}, err
		}
		return mapping{arrow: arrow.StructOf(fieldsOf(columns)...), append: appendStruct(columns)}, nil
	default:
		return mapping{}, fmt.Errorf("a column has no form for %s: want a number, bool, text, bytes, time.Time, or structs, slices and maps of them", t)
	}
}

func (c *compiler) pointer(t reflect.Type, tag tag) (mapping, error) {
	inner, err := c.mapping(t.Elem(), tag)
	if err == nil && inner.nullable {
		err = fmt.Errorf("%s can be nil in two ways and a column in one: want %s", t, t.Elem())
	}
	if err != nil {
		return mapping{}, err
	}
	return mapping{arrow: inner.arrow, nullable: true, append: appendPointer(inner.append)}, nil
}

func (c *compiler) list(t reflect.Type, tag tag) (mapping, error) {
	inner, err := c.mapping(t.Elem(), tag)
	if err != nil {
		return mapping{}, err
	}
	element := arrow.Field{Name: "element", Type: inner.arrow, Nullable: inner.nullable}
	return mapping{arrow: arrow.ListOfField(element), nullable: t.Kind() == reflect.Slice, append: appendList(inner.append)}, nil
}

func (c *compiler) mapOf(t reflect.Type, tag tag) (mapping, error) {
	key, err := c.mapping(t.Key(), plain)
	if err == nil && !ordered(t.Key()) {
		err = fmt.Errorf("%s: a map's keys are text or numbers", t)
	}
	if err != nil {
		return mapping{}, err
	}
	item, err := c.mapping(t.Elem(), tag)
	if err != nil {
		return mapping{}, err
	}
	kept := arrow.MapOfFields(arrow.Field{Name: "key", Type: key.arrow}, arrow.Field{Name: "value", Type: item.arrow, Nullable: item.nullable})
	return mapping{arrow: kept, nullable: true, append: appendMap(key.append, item.append)}, nil
}

func decimalMapping(t reflect.Type, tag tag) (mapping, error) {
	switch {
	case !tag.decimal:
		return mapping{}, errors.New("a decimal needs its size: want `parquet:\"name,decimal(38,2)\"`")
	case t == decimalType, t.Kind() == reflect.String, isText(t):
		return mapping{arrow: &arrow.Decimal128Type{Precision: tag.precision, Scale: tag.scale}, append: appendDecimal(tag)}, nil
	default:
		return mapping{}, fmt.Errorf("%s is no decimal: want decimal128.Num, a string, or a type that marshals itself to text", t)
	}
}

// holds reports whether a tag speaks of what is in a value of type t, not of t.
func holds(t reflect.Type) bool {
	k := t.Kind()
	return (k == reflect.Slice || k == reflect.Array) && t.Elem().Kind() != reflect.Uint8 && !single(t) || k == reflect.Map
}

func fieldsOf(columns []column) []arrow.Field {
	fields := make([]arrow.Field, len(columns))
	for i, col := range columns {
		fields[i] = col.arrow
	}
	return fields
}

// isText reports whether a type writes and reads itself as text, and so is a text column.
func isText(t reflect.Type) bool {
	return t != timeType && t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer &&
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]()) &&
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// single reports whether a type is one value and not fields.
func single(t reflect.Type) bool { return t == timeType || t == decimalType || isText(t) }

// ordered reports whether a map's keys have an order, so that its rows do.
func ordered(t reflect.Type) bool {
	k := t.Kind()
	return k == reflect.String || k >= reflect.Int && k <= reflect.Float64
}
