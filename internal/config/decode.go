package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/fault"
)

// Decode makes the config of a run from the defaults, then the environment, then the request's
// overrides, and checks its rules. It returns the struct itself, or all mistakes in one error that
// wraps [fault.ErrConfig]. No message shows the value of a secret.
func (c *Spec) Decode(overrides map[string]any) (any, error) {
	v := reflect.New(c.typ).Elem()
	errs := c.fill(v, overrides, "")
	if len(errs) == 0 {
		errs = c.check(v, "")
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("%w: %w", fault.ErrConfig, errors.Join(errs...))
	}
	return v.Interface(), nil
}

// fill sets the fields of v; path is where it stands in the config, with a dot behind.
func (c *Spec) fill(v reflect.Value, overrides map[string]any, path string) []error {
	var errs []error
	for i := range c.fields {
		f := &c.fields[i]
		over, given := overrides[f.name]
		dst, at := v.FieldByIndex(f.index), path+f.name
		switch {
		case given:
			errs = append(errs, f.kind.set(dst, over, at)...)
		case f.kind.form == objectForm:
			errs = append(errs, f.kind.object.fill(dst, nil, at+".")...)
		default:
			if err := f.preload(dst); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", at, err))
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(overrides)) {
		if !c.has(key) {
			near := fault.Suggestion(key, c.names)
			if near == "" {
				near = "; " + fault.Listed("fields", slices.Collect(c.names))
			}
			errs = append(errs, fmt.Errorf("%s%s: there is no such field%s", path, key, near))
		}
	}
	return errs
}

// preload sets a field that the request leaves out.
func (f *field) preload(dst reflect.Value) error {
	if f.env != "" {
		if text, ok := os.LookupEnv(f.env); ok {
			if errs := f.kind.setText(dst, text); len(errs) > 0 {
				return fmt.Errorf("environment variable %s: %w", f.env, errors.Join(errs...))
			}
			return nil
		}
	}
	if f.given {
		return errors.Join(f.kind.setText(dst, f.preset)...)
	}
	return nil
}

// setText reads a default or an environment variable: texts and durations as they are, everything
// else as JSON.
func (k *kind) setText(dst reflect.Value, text string) []error {
	switch k.form {
	case secretForm:
		k.secrets.Set(dst, text)
		return nil
	case durationForm:
		return k.set(dst, strings.TrimSpace(text), "")
	case pointerForm:
		v := reflect.New(k.elem.typ)
		dst.Set(v)
		return k.elem.setText(v.Elem(), text)
	case bareForm:
		return k.setBareText(dst, text)
	case ownForm:
		if json.Valid([]byte(text)) && k.set(dst, json.RawMessage(text), "") == nil {
			return nil
		}
		return k.set(dst, text, "")
	}
	value, err := parseJSON([]byte(text))
	switch {
	case err != nil && k.form == anyForm:
		value = text
	case err != nil:
		return []error{fmt.Errorf("it is no JSON: write %s", k.example())}
	}
	return k.set(dst, value, "")
}

func (k *kind) setBareText(dst reflect.Value, text string) []error {
	switch k.typ.Kind() {
	case reflect.String:
		return k.set(dst, text, "")
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.TrimSpace(text))
		if err != nil {
			return []error{errors.New("want true or false")}
		}
		dst.SetBool(b)
		return nil
	default:
		return k.set(dst, json.Number(strings.TrimSpace(text)), "")
	}
}

// set reads a value of a request.
func (k *kind) set(dst reflect.Value, over any, at string) []error {
	over, err := plainJSON(over)
	if err == nil {
		switch k.form {
		case objectForm:
			inner, ok := over.(map[string]any)
			if ok {
				return k.object.fill(dst, inner, at+".")
			}
			err = k.mismatch(over)
		case listForm:
			return k.setList(dst, over, at)
		case tableForm:
			return k.setTable(dst, over, at)
		case pointerForm:
			if over == nil {
				dst.SetZero()
				return nil
			}
			v := reflect.New(k.elem.typ)
			dst.Set(v)
			return k.elem.set(v.Elem(), over, at)
		default:
			err = k.setLeaf(dst, over)
		}
	}
	switch {
	case err == nil:
		return nil
	case at == "":
		return []error{err}
	}
	return []error{fmt.Errorf("%s: %w", at, err)}
}

func (k *kind) setList(dst reflect.Value, over any, at string) []error {
	list, ok := over.([]any)
	isArray := k.typ.Kind() == reflect.Array
	switch {
	case over == nil && !isArray:
		dst.SetZero()
		return nil
	case !ok:
		return []error{fmt.Errorf("%s: %w", at, k.mismatch(over))}
	case isArray && len(list) != k.typ.Len():
		return []error{fmt.Errorf("%s: it has %d entries, want %d", at, len(list), k.typ.Len())}
	case !isArray:
		dst.Set(reflect.MakeSlice(k.typ, len(list), len(list)))
	}
	var errs []error
	for i, entry := range list {
		errs = append(errs, k.elem.set(dst.Index(i), entry, fmt.Sprintf("%s[%d]", at, i))...)
	}
	return errs
}

func (k *kind) setTable(dst reflect.Value, over any, at string) []error {
	table, ok := over.(map[string]any)
	switch {
	case over == nil:
		dst.SetZero()
		return nil
	case !ok:
		return []error{fmt.Errorf("%s: %w", at, k.mismatch(over))}
	}
	dst.Set(reflect.MakeMapWithSize(k.typ, len(table)))
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(table)) {
		v := reflect.New(k.elem.typ).Elem()
		errs = append(errs, k.elem.set(v, table[key], fmt.Sprintf("%s[%q]", at, key))...)
		dst.SetMapIndex(reflect.ValueOf(key).Convert(k.typ.Key()), v)
	}
	return errs
}

// setLeaf reads what holds nothing else.
func (k *kind) setLeaf(dst reflect.Value, over any) error {
	switch k.form {
	case secretForm:
		return k.setSecret(dst, over)
	case durationForm:
		text, ok := over.(string)
		if !ok {
			return k.mismatch(over)
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("it is no duration, want %s", k.wanted())
		}
		dst.SetInt(int64(d))
		return nil
	case ownForm:
		doc, err := json.Marshal(over)
		if err != nil {
			return k.mismatch(over)
		}
		if err := fault.Guard(func() error { return json.Unmarshal(doc, dst.Addr().Interface()) }); err != nil {
			return fmt.Errorf("it is no %s: %w", k.typ, err)
		}
		return nil
	case anyForm:
		if over != nil {
			dst.Set(reflect.ValueOf(over))
		}
		return nil
	}
	switch value := over.(type) {
	case bool:
		if k.typ.Kind() == reflect.Bool {
			dst.SetBool(value)
			return nil
		}
	case string:
		if k.typ.Kind() == reflect.String {
			dst.SetString(value)
			return nil
		}
	case json.Number:
		return k.setNumber(dst, value.String())
	}
	return k.mismatch(over)
}

func (k *kind) setNumber(dst reflect.Value, text string) error {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("it is no number, want %s", k.wanted())
	}
	const exact = 1 << 53 // up to here a float names one whole number
	switch {
	case dst.CanFloat() && !dst.OverflowFloat(f):
		dst.SetFloat(f)
		return nil
	case dst.CanInt():
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil && f == math.Trunc(f) && math.Abs(f) <= exact {
			n, err = int64(f), nil
		}
		if err == nil && !dst.OverflowInt(n) {
			dst.SetInt(n)
			return nil
		}
	case dst.CanUint():
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil && f == math.Trunc(f) && f >= 0 && f <= exact {
			n, err = uint64(f), nil
		}
		if err == nil && !dst.OverflowUint(n) {
			dst.SetUint(n)
			return nil
		}
	}
	return k.mismatch(json.Number(text))
}

// setSecret takes {"env": "NAME"} only: a request is recorded.
func (k *kind) setSecret(dst reflect.Value, over any) error {
	ref, ok := over.(map[string]any)
	name, isText := ref["env"].(string)
	if !ok || !isText || len(ref) != 1 || name == "" {
		return errors.New(`it is a secret, and requests are recorded: name an environment variable in its place, {"env": "NAME"}`)
	}
	text, ok := os.LookupEnv(name)
	if !ok {
		return fmt.Errorf("environment variable %s is not set in the process that runs the step", name)
	}
	k.secrets.Set(dst, text)
	return nil
}

// plainJSON turns what a Go program writes into a request into what is left of it after the request
// was stored: nil, bool, json.Number, string, []any or map[string]any.
func plainJSON(over any) (any, error) {
	switch value := over.(type) {
	case nil, bool, string, json.Number, []any, map[string]any:
		return over, nil
	case time.Duration:
		return value.String(), nil
	}
	switch v := reflect.ValueOf(over); {
	case v.CanFloat() && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)):
		return nil, fmt.Errorf("it is %v, which no stored request can hold: give a number", over)
	case v.Kind() == reflect.Func || v.Kind() == reflect.Chan:
		return nil, fmt.Errorf("it is a %T, which no stored request can hold", over)
	}
	doc, err := json.Marshal(over)
	if err != nil {
		return nil, fmt.Errorf("it is a %T, which no stored request can hold: %w", over, err)
	}
	return parseJSON(doc)
}

func parseJSON(doc []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	if dec.More() {
		return nil, errors.New("reading JSON: there is more than one value")
	}
	return value, nil
}

func (k *kind) mismatch(over any) error {
	return fmt.Errorf("it is %s, want %s", jsonKind(over), k.wanted())
}

// wanted describes what a field takes.
func (k *kind) wanted() string {
	switch k.form {
	case durationForm:
		return `a text such as "10m" or "1h30m"`
	case objectForm, tableForm:
		return "an object"
	case listForm:
		return "a list"
	case pointerForm:
		return k.elem.wanted()
	}
	switch k.typ.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Uint, reflect.Uint64:
		return "a whole number of 0 or more"
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return fmt.Sprintf("a whole number between 0 and %d", uint64(1)<<k.typ.Bits()-1)
	case reflect.Int8, reflect.Int16, reflect.Int32:
		most := int64(1)<<(k.typ.Bits()-1) - 1
		return fmt.Sprintf("a whole number between %d and %d", -most-1, most)
	default:
		return "a whole number"
	}
}

// example is how a value is written in a default or an environment variable.
func (k *kind) example() string {
	if k.form == listForm {
		return `a list as ["a", "b"]`
	}
	return `an object as {"a": 1}`
}

// jsonKind is what a value is called in messages.
func jsonKind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "a truth value"
	case string:
		return "a text"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case json.Number:
		return "the number " + v.String()
	default:
		return fmt.Sprintf("a %T", v)
	}
}
