package checks

import (
	"cmp"
	"fmt"
	"reflect"
	"time"
)

// element is the type of a column's values, behind pointers.
func (c *column) element() reflect.Type {
	t := c.typ
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// convert makes a value that was written down one of the column's type. Numbers become each other
// where nothing is lost.
func (c *column) convert(given any) (any, error) {
	v, t := reflect.ValueOf(given), c.element()
	wrong := fmt.Errorf("column %q is a %s, and %v is a %T: give a %s", c.name, c.typ, given, given, t)
	switch {
	case !v.IsValid():
		return nil, fmt.Errorf("column %q: nil is no value: null passes without being listed", c.name)
	case v.Type().AssignableTo(t):
		return given, nil
	case numeric(v.Kind()) != numeric(t.Kind()), !v.CanConvert(t), v.Kind() == reflect.Slice:
		return nil, wrong
	}
	converted := v.Convert(t)
	if numeric(v.Kind()) && !converted.Convert(v.Type()).Equal(v) {
		return nil, wrong
	}
	return converted.Interface(), nil
}

// bound is one end of a range of a column's values; nil is none. A column of numbers takes any
// number.
func (c *column) bound(given any) (any, error) {
	if given == nil {
		return nil, nil //nolint:nilnil // a bound that is not given is no mistake
	}
	v, t := reflect.ValueOf(given), c.element()
	if numeric(v.Kind()) && numeric(t.Kind()) {
		return given, nil
	}
	if !numeric(t.Kind()) && t.Kind() != reflect.String && t != reflect.TypeFor[time.Time]() {
		return nil, fmt.Errorf("column %q is a %s, whose values have no order: name one of numbers, texts or times", c.name, c.typ)
	}
	return c.convert(given)
}

func numeric(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Float64 }

// compare orders two values of one sort: numbers, texts or times. Others are equal.
func compare(a, b any) int {
	if at, ok := a.(time.Time); ok {
		if bt, ok := b.(time.Time); ok {
			return at.Compare(bt)
		}
		return 0
	}
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case va.Kind() == reflect.String && vb.Kind() == reflect.String:
		return cmp.Compare(va.String(), vb.String())
	case va.CanInt() && vb.CanInt():
		return cmp.Compare(va.Int(), vb.Int())
	case va.CanUint() && vb.CanUint():
		return cmp.Compare(va.Uint(), vb.Uint())
	case numeric(va.Kind()) && numeric(vb.Kind()):
		return cmp.Compare(float(va), float(vb))
	}
	return 0
}

func float(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	}
	return v.Float()
}
