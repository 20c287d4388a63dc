// Package checks has the checks that people write first, for assets of rows: how many there are,
// what is missing, repeated, out of range or not among what is allowed, and how old the newest is.
//
// Each is a function that makes a [rivers.Check]. Its type argument is how the rows are loaded: a
// slice of structs, or an iter.Seq2 of them where the asset's IO handler can stream (Parquet does,
// and reads only the columns that the struct has), so that what is judged need not fit in memory:
//
//	users := checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "users", Blocking: true}}
//	flights := checks.Spec{CheckSpec: rivers.CheckSpec{Asset: "flights"}}
//	checks.Unique[[]User](users, "id")
//	checks.Between[iter.Seq2[Flight, error]](flights, "delay", -120, 2000)
//
// A column is called as its field is written, by its parquet or json tag, or in snake case. One
// that is missing, or that the check makes no sense for, is found by Validate like any mistake of
// a definition.
package checks

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/metadata"
)

// Spec describes a ready-made check.
type Spec struct {
	// CheckSpec is as for any check. Asset is needed; an empty Name is made of what is checked, such
	// as "unique_id".
	rivers.CheckSpec

	// Severity is how bad it is when rows do not pass; empty is an error.
	Severity rivers.Severity
	// Examples is how many of the rows that do not pass are shown; zero is 5, less than zero none.
	Examples int
}

// judge looks at rows one by one.
type judge struct {
	// columns are those that are looked at.
	columns []column
	// row returns what is wrong with a row, empty for nothing; values are those of the columns.
	row func(values []any) string
	// end may say more once all rows were seen: it changes the result.
	end func(ctx *rivers.CheckContext, res *rivers.CheckResult, rows int64) error
}

// define makes a check of rows; fresh makes the judge of one evaluation. An error is a mistake of
// the definition.
func define[V any](s Spec, name string, names []string, fresh func(columns []column) (func() *judge, error)) *rivers.Check {
	if s.Name == "" {
		s.Name = strings.ToLower(strings.Join(append([]string{name}, names...), "_"))
	}
	shape, err := shapeOf[V]()
	var columns []column
	if err == nil {
		columns, err = shape.find(names)
	}
	var begin func() *judge
	if err == nil {
		begin, err = fresh(columns)
	}
	if err != nil {
		return rivers.InvalidCheck(s.CheckSpec, err)
	}
	s.Deps = append(s.Deps, rivers.Dep{On: s.Asset, Field: "Rows"})
	return rivers.NewCheck(s.CheckSpec, func(ctx *rivers.CheckContext, in struct{ Rows V }) (rivers.CheckResult, error) {
		return shape.judge(ctx, in.Rows, begin(), &s)
	})
}

// found collects what does not pass.
type found struct {
	rows, failed int64
	most         int
	why          string // of the first row
	examples     [][]any
}

func newFound(s *Spec) *found {
	f := &found{most: 5}
	if s.Examples != 0 {
		f.most = max(s.Examples, 0)
	}
	return f
}

func (f *found) add(why string, values []any) {
	if f.failed++; f.failed == 1 {
		f.why = why
	}
	if len(f.examples) < f.most {
		shown := append([]any{f.rows}, values...)
		for i := range shown {
			if i > 0 {
				shown[i] = fmt.Sprint(shown[i])
			}
		}
		f.examples = append(f.examples, append(shown, why))
	}
}

// result is what was found, in words and in numbers.
func (f *found) result(s *Spec, columns []column) rivers.CheckResult {
	res := rivers.CheckResult{Passed: f.failed == 0, Severity: s.Severity, Metadata: metadata.Map{"rows": f.rows}}
	if f.failed == 0 {
		return res
	}
	res.Description = fmt.Sprintf("%d of %d rows, first row %d: %s", f.failed, f.rows, f.first(), f.why)
	res.Metadata["failed_rows"] = f.failed
	if len(f.examples) > 0 {
		head := []metadata.Column{{Name: "row", Type: "int"}}
		for _, c := range columns {
			head = append(head, metadata.Column{Name: c.name, Type: c.typ.String()})
		}
		res.Metadata["examples"] = metadata.Table(append(head, metadata.Column{Name: "why", Type: "string"}), f.examples)
	}
	return res
}

func (f *found) first() any {
	if len(f.examples) > 0 {
		return f.examples[0][0]
	}
	return "?"
}
