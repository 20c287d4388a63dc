package rivers

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-playground/validator/v10"
)

// configSpec is a config struct, looked at once, when a function with it is defined.
type configSpec struct {
	typ    reflect.Type
	fields []configField
	broken []fault
}

// configField is one field of a config struct; nested structs have fields of their own.
type configField struct {
	name   string // in JSON
	index  int
	typ    reflect.Type
	env    string
	preset string // the default's text
	nested *configSpec
	rules  string
	doc    string
}

var (
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

// validating makes the validator when the first config with rules is decoded: it costs more than a
// whole small program otherwise.
var validating = sync.OnceValue(func() *validator.Validate {
	return validator.New(validator.WithRequiredStructEnabled())
})

// configOf looks at a config struct.
func configOf(t reflect.Type) *configSpec { return describeConfig(t, "") }

func describeConfig(t reflect.Type, prefix string) *configSpec {
	c := &configSpec{typ: t}
	for i := range t.NumField() {
		sf := t.Field(i)
		at := "config field " + prefix + sf.Name
		if !sf.IsExported() {
			c.fault(at, "it is not exported, so nothing can be set in it: begin it with a capital, or remove it")
			continue
		}
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = snakeCase(sf.Name)
		}
		f := configField{
			name: name, index: i, typ: sf.Type, env: sf.Tag.Get("env"), preset: sf.Tag.Get("default"),
			rules: sf.Tag.Get("validate"), doc: sf.Tag.Get("doc"),
		}
		c.add(f, at, prefix+sf.Name+".")
	}
	return c
}

func (c *configSpec) add(f configField, at, prefix string) {
	for _, other := range c.fields {
		if other.name == f.name {
			c.fault(at, "its name %q is that of another field: give it a json tag of its own", f.name)
		}
	}
	if f.typ.Kind() == reflect.Struct && f.typ != secretType && f.typ != timeType && !decodesItself(f.typ) {
		f.nested = describeConfig(f.typ, prefix)
		c.broken = append(c.broken, f.nested.broken...)
	}
	if f.preset != "" {
		if f.typ == secretType {
			c.fault(at, "it is a Secret with a default, which the program's source would show: set it through env")
		} else if err := setText(reflect.New(f.typ).Elem(), f.preset); err != nil {
			c.fault(at, "its default %q: %s", f.preset, err)
		}
	}
	if err := checkRules(f); err != nil {
		c.fault(at, "its rules %q: %s", f.rules, err)
	}
	c.fields = append(c.fields, f)
}

func (c *configSpec) fault(at, format string, v ...any) {
	c.broken = append(c.broken, fault{at: at, message: fmt.Sprintf(format, v...), kind: ErrConfig})
}

// faults are the mistakes in the struct itself.
func (c *configSpec) faults() []fault { return c.broken }

// checkRules tries the rules of a field, since the validator panics on one that it does not know.
func checkRules(f configField) (err error) {
	if f.rules == "" {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	var broken validator.ValidationErrors
	if err := validating().Var(reflect.Zero(f.typ).Interface(), f.rules); err != nil && !errors.As(err, &broken) {
		return err
	}
	return nil
}

func decodesItself(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// decode makes the config of a run: defaults, then the environment, then what the request says,
// and checks it. The result is the struct itself. All mistakes are reported together.
func (c *configSpec) decode(overrides map[string]any) (any, error) {
	v := reflect.New(c.typ).Elem()
	errs := c.fill(v, overrides, "")
	if len(errs) == 0 {
		errs = c.check(v, "")
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("%w: %w", ErrConfig, errors.Join(errs...))
	}
	return v.Interface(), nil
}

func (c *configSpec) fill(v reflect.Value, overrides map[string]any, path string) []error {
	var errs []error
	for i := range c.fields {
		f := &c.fields[i]
		dst, at := v.Field(f.index), path+f.name
		over, given := overrides[f.name]
		if f.nested != nil {
			inner, ok := over.(map[string]any)
			if given && !ok {
				errs = append(errs, fmt.Errorf("%s: it is a %s, want an object", at, jsonKind(over)))
			}
			errs = append(errs, f.nested.fill(dst, inner, at+".")...)
			continue
		}
		if err := f.set(dst, over, given); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(overrides)) {
		if !c.has(key) {
			errs = append(errs, fmt.Errorf("%s%s: there is no such field%s", path, key, suggestion(key, c.names)))
		}
	}
	return errs
}

// set gives one field its value from the nearest source that has one.
func (f *configField) set(dst reflect.Value, over any, given bool) error {
	if f.typ == secretType && given {
		return setSecret(dst, over)
	}
	if given {
		return setJSON(dst, over)
	}
	if f.env != "" {
		if text, ok := os.LookupEnv(f.env); ok {
			if f.typ == secretType {
				dst.Set(reflect.ValueOf(NewSecret(text)))
				return nil
			}
			if err := setText(dst, text); err != nil {
				return fmt.Errorf("environment variable %s: %w", f.env, err)
			}
			return nil
		}
	}
	if f.preset != "" {
		return setText(dst, f.preset)
	}
	return nil
}

// setSecret takes {"env": "NAME"} only: what a request says is recorded.
func setSecret(dst reflect.Value, over any) error {
	ref, ok := over.(map[string]any)
	name, isText := ref["env"].(string)
	if !ok || !isText || len(ref) != 1 || name == "" {
		return errors.New(`it is a secret, and requests are recorded: name an environment variable in its place, {"env": "NAME"}`)
	}
	text, ok := os.LookupEnv(name)
	if !ok {
		return fmt.Errorf("environment variable %s is not set in the process that runs the step", name)
	}
	dst.Set(reflect.ValueOf(NewSecret(text)))
	return nil
}

// setText reads a default or an environment variable: durations and plain texts as they are,
// everything else as JSON.
func setText(dst reflect.Value, text string) error {
	switch {
	case dst.Type() == durationType:
		return setJSON(dst, text)
	case dst.Kind() == reflect.String && !decodesItself(dst.Type()):
		dst.SetString(text)
		return nil
	}
	if err := json.Unmarshal([]byte(text), dst.Addr().Interface()); err != nil {
		if quoted, encodeErr := json.Marshal(text); encodeErr == nil && json.Unmarshal(quoted, dst.Addr().Interface()) == nil {
			return nil // a type that is written as text, such as a time
		}
		return fmt.Errorf("%q is no %s", text, dst.Type())
	}
	return nil
}

// setJSON reads a value of a request.
func setJSON(dst reflect.Value, over any) error {
	if dst.Type() == durationType {
		text, ok := over.(string)
		if !ok {
			return fmt.Errorf(`it is a %s, want a duration as text, such as "10m"`, jsonKind(over))
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf(`%q is no duration: write one as "10m" or "1h30m"`, text)
		}
		dst.SetInt(int64(d))
		return nil
	}
	doc, err := json.Marshal(over)
	if err != nil {
		return fmt.Errorf("a %T does not encode as JSON: %w", over, err)
	}
	dec := json.NewDecoder(strings.NewReader(string(doc)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(dst.Addr().Interface()); err != nil {
		return fmt.Errorf("it is a %s, want a %s", jsonKind(over), dst.Type())
	}
	return nil
}

// check applies the rules of a filled struct.
func (c *configSpec) check(v reflect.Value, path string) []error {
	var errs []error
	for i := range c.fields {
		f := &c.fields[i]
		at, value := path+f.name, v.Field(f.index)
		if f.nested != nil {
			errs = append(errs, f.nested.check(value, at+".")...)
		}
		if f.rules == "" || f.nested != nil {
			continue
		}
		if err := f.obeys(value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", at, err))
		}
	}
	return errs
}

func (f *configField) obeys(value reflect.Value) error {
	shown := value.Interface()
	checked := shown
	if s, ok := shown.(Secret); ok {
		checked = s.Reveal()
	}
	var broken validator.ValidationErrors
	if err := validating().Var(checked, f.rules); !errors.As(err, &broken) || len(broken) == 0 {
		return err
	}
	rule := broken[0].Tag()
	if p := broken[0].Param(); p != "" {
		rule += "=" + p
	}
	if rule == "required" && f.env != "" {
		return fmt.Errorf("it is not set: set the environment variable %s", f.env)
	}
	return fmt.Errorf("it is %v, which breaks the rule %s", shown, rule)
}

func (c *configSpec) has(name string) bool {
	return slices.ContainsFunc(c.fields, func(f configField) bool { return f.name == name })
}

func (c *configSpec) names(yield func(string) bool) {
	for i := range c.fields {
		if !yield(c.fields[i].name) {
			return
		}
	}
}

// jsonKind is what a value is called in JSON.
func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "text"
	case map[string]any:
		return "object"
	case []any:
		return "list"
	case float64, int, int64, json.Number:
		return "number"
	default:
		return fmt.Sprintf("%T", v)
	}
}
