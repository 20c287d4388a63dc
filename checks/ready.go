package checks

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/rivers-go/rivers"
)

// NotNull passes where none of the columns is null in any row: a nil pointer, or what a
// driver.Valuer such as sql.NullString reports as null. A column that cannot be null is a mistake.
func NotNull[V any](s Spec, columns ...string) *rivers.Check {
	return define[V](s, "not_null", columns, func(columns []column) (func() *judge, error) {
		if len(columns) == 0 {
			return nil, errors.New("it names no column: name those that must not be null")
		}
		for _, c := range columns {
			if !nullable(c.typ) {
				return nil, fmt.Errorf("column %q is a %s, which is never null: remove it, or make the field a pointer", c.name, c.typ)
			}
		}
		return func() *judge {
			return &judge{columns: columns, row: func(values []any) string {
				for i, v := range values {
					if v == nil {
						return fmt.Sprintf("%q is null", columns[i].name)
					}
				}
				return ""
			}}
		}, nil
	})
}

// Unique passes where no two rows have the same values in the columns. Rows in which one of them is
// null are not compared, as SQL does it. It remembers the values of all rows.
func Unique[V any](s Spec, columns ...string) *rivers.Check {
	return define[V](s, "unique", columns, func(columns []column) (func() *judge, error) {
		if len(columns) == 0 {
			return nil, errors.New("it names no column: name those whose values are not repeated")
		}
		for _, c := range columns {
			if !keyable(c.typ) {
				return nil, fmt.Errorf("column %q is a %s, whose values are not compared: name another", c.name, c.typ)
			}
		}
		return func() *judge {
			seen := map[any]bool{}
			return &judge{columns: columns, row: func(values []any) string {
				if slices.Contains(values, nil) {
					return ""
				}
				key := keyOf(values)
				if seen[key] {
					return "it is there before"
				}
				seen[key] = true
				return ""
			}}
		}, nil
	})
}

// keyable reports whether values of a type, behind pointers, can be keys of a map.
func keyable(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Comparable()
}

// keyOf is one key for the values of several columns.
func keyOf(values []any) any {
	if len(values) == 1 {
		return values[0]
	}
	key := reflect.New(reflect.ArrayOf(len(values), reflect.TypeFor[any]())).Elem()
	for i, v := range values {
		key.Index(i).Set(reflect.ValueOf(v))
	}
	return key.Interface()
}

// Accepted passes where a column has only values that are accepted, or null.
func Accepted[V any](s Spec, name string, accepted ...any) *rivers.Check {
	return define[V](s, "accepted", []string{name}, func(columns []column) (func() *judge, error) {
		if len(accepted) == 0 {
			return nil, fmt.Errorf("column %q: no value is accepted: list them", name)
		}
		allowed := make(map[any]bool, len(accepted))
		for _, a := range accepted {
			v, err := columns[0].convert(a)
			if err != nil {
				return nil, err
			}
			allowed[v] = true
		}
		return func() *judge {
			return &judge{columns: columns, row: func(values []any) string {
				if values[0] == nil || allowed[values[0]] {
					return ""
				}
				return fmt.Sprintf("%v is not among what %q may be", values[0], name)
			}}
		}, nil
	})
}

// Between passes where a column is nowhere less than low and nowhere greater than high; a nil bound
// is none, and null is skipped. Numbers, texts and times have an order.
func Between[V any](s Spec, name string, low, high any) *rivers.Check {
	return define[V](s, "between", []string{name}, func(columns []column) (func() *judge, error) {
		from, err := columns[0].bound(low)
		to, more := columns[0].bound(high)
		switch err = errors.Join(err, more); {
		case err != nil:
			return nil, err
		case low == nil && high == nil:
			return nil, fmt.Errorf("column %q: neither bound is given: give one", name)
		case low != nil && high != nil && compare(from, to) > 0:
			return nil, fmt.Errorf("column %q: the low bound %v is above the high bound %v: exchange them", name, low, high)
		}
		return func() *judge {
			return &judge{columns: columns, row: func(values []any) string {
				switch v := values[0]; {
				case v == nil:
				case from != nil && compare(v, from) < 0:
					return fmt.Sprintf("%q is %v, below %v", name, v, from)
				case to != nil && compare(v, to) > 0:
					return fmt.Sprintf("%q is %v, above %v", name, v, to)
				}
				return ""
			}}
		}, nil
	})
}

// Recent passes where the newest time in a column is at most within ago. Without rows it does not
// pass.
func Recent[V any](s Spec, name string, within time.Duration) *rivers.Check {
	return define[V](s, "recent", []string{name}, func(columns []column) (func() *judge, error) {
		t := columns[0].typ
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t != reflect.TypeFor[time.Time]() {
			return nil, fmt.Errorf("column %q is a %s, and no time: name a column of times", name, columns[0].typ)
		}
		if within <= 0 {
			return nil, fmt.Errorf("column %q: the newest may be %s old: give a positive duration", name, within)
		}
		return func() *judge {
			var newest time.Time
			return &judge{columns: columns, row: func(values []any) string {
				if at, ok := values[0].(time.Time); ok && at.After(newest) {
					newest = at
				}
				return ""
			}, end: func(_ *rivers.CheckContext, res *rivers.CheckResult, _ int64) error {
				if newest.IsZero() {
					res.Passed, res.Description = false, fmt.Sprintf("no row has a time in %q", name)
					return nil
				}
				age := time.Since(newest)
				res.Metadata["newest"], res.Metadata["age"] = newest, age
				if res.Passed = age <= within; !res.Passed {
					res.Description = fmt.Sprintf("the newest %q is %s, %s ago: it may be %s", name, newest.Format(time.RFC3339), age.Round(time.Second), within)
				}
				return nil
			}}
		}, nil
	})
}
