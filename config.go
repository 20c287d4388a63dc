package rivers

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/fault"
)

// configSpec is a config struct, looked at once, when a function with it is defined.
type configSpec struct {
	typ    reflect.Type
	fields []configField
	broken []fault.Fault
}

// configField is one field of a config struct.
type configField struct {
	name  string // in JSON
	index []int
	kind  *configType
	env   string
	// preset is the default's text, given says that there is one.
	preset string
	given  bool
	rules  []rule
	doc    string
}

// configForm is how values of a type are written in a request.
type configForm uint8

const (
	bareForm configForm = iota // a truth, a number or a text
	durationForm
	secretForm
	ownForm // whatever the type's own decoder reads
	anyForm
	objectForm
	listForm
	tableForm
	pointerForm
)

// configType is a type that occurs in a config struct.
type configType struct {
	typ  reflect.Type
	form configForm
	// elem is the type of what a list, a table or a pointer holds; object are a struct's fields.
	elem   *configType
	object *configSpec
}

var (
	secretType   = reflect.TypeFor[Secret]()
	durationType = reflect.TypeFor[time.Duration]()
)

// configOf looks at a config struct.
func configOf(t reflect.Type) *configSpec {
	r := &configReader{known: map[reflect.Type]*configType{}}
	spec := r.object(t, "")
	spec.broken = r.broken
	return spec
}

// faults are the mistakes in the struct itself.
func (c *configSpec) faults() []fault.Fault { return c.broken }

// configReader looks at a config struct and the types in it.
type configReader struct {
	// known are the structs met, so that a type may hold a list of itself.
	known  map[reflect.Type]*configType
	broken []fault.Fault
}

func (r *configReader) fault(at, format string, v ...any) {
	r.broken = append(r.broken, fault.Fault{At: "config field " + at, Message: fmt.Sprintf(format, v...), Kind: ErrConfig})
}

// object looks at the fields of a struct; path is where it stands.
func (r *configReader) object(t reflect.Type, path string) *configSpec {
	c := &configSpec{typ: t}
	r.fields(c, t, nil, path)
	return c
}

// fields adds the fields of t to c; those of an embedded struct count as the outer one's, as in JSON.
func (r *configReader) fields(c *configSpec, t reflect.Type, index []int, path string) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at, place := path+sf.Name, append(slices.Clip(index), i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		switch {
		case name == "-" && sf.Tag.Get("json") == "-":
		case sf.Anonymous && name == "" && sf.Type.Kind() == reflect.Struct && sf.Type != secretType && !decodesItself(sf.Type):
			r.fields(c, sf.Type, place, at+".")
		case !sf.IsExported():
			r.fault(at, "it is not exported, so nothing can be set in it: begin it with a capital, or remove it")
		default:
			if name == "" {
				name = fault.SnakeCase(sf.Name)
			}
			r.field(c, configField{name: name, index: place, env: sf.Tag.Get("env"), doc: sf.Tag.Get("doc")}, sf, at)
		}
	}
}

func (r *configReader) field(c *configSpec, f configField, sf reflect.StructField, at string) {
	if c.has(f.name) {
		r.fault(at, "its name %q is that of another field: give it a json tag of its own", f.name)
	}
	if f.kind = r.typeOf(sf.Type, at); f.kind == nil {
		return
	}
	f.preset, f.given = sf.Tag.Lookup("default")
	var err error
	if f.rules, err = rulesOf(sf.Tag.Get("validate"), f.kind); err != nil {
		r.fault(at, "its rules %q: %s", sf.Tag.Get("validate"), err)
	}
	switch {
	case f.kind.form == objectForm && (f.given || f.env != ""):
		r.fault(at, "it is a struct with a default or env of its own: give them to its fields")
	case f.given && f.kind.holdsSecret():
		r.fault(at, "it is a Secret with a default, which the program's source would show: set it through env")
	case f.given:
		v := reflect.New(sf.Type).Elem()
		if errs := append(f.kind.setText(v, f.preset), f.broken(v)...); len(errs) > 0 {
			r.fault(at, "its default %q: %s", f.preset, errors.Join(errs...))
		}
	}
	c.fields = append(c.fields, f)
}

// typeOf looks at a type, and returns nil after reporting one that no request can give.
func (r *configReader) typeOf(t reflect.Type, at string) *configType {
	k := &configType{typ: t}
	switch {
	case t == secretType:
		k.form = secretForm
		return k
	case t == durationType:
		k.form = durationForm
		return k
	case decodesItself(t), t == reflect.TypeFor[[]byte](): // bytes are base64 in JSON
		k.form = ownForm
		return k
	}
	switch t.Kind() {
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32,
		reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return k
	case reflect.Struct:
		if known, ok := r.known[t]; ok {
			return known
		}
		k.form = objectForm
		r.known[t] = k
		k.object = r.object(t, at+".")
		return k
	case reflect.Interface:
		if t.NumMethod() == 0 {
			k.form = anyForm
			return k
		}
	case reflect.Pointer:
		k.form = pointerForm
		return r.holder(k, at)
	case reflect.Slice, reflect.Array:
		k.form = listForm
		return r.holder(k, at+"[]")
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			k.form = tableForm
			return r.holder(k, at+"[]")
		}
	}
	r.fault(at, "a %s has no form in JSON: use numbers, texts, lists, structs, or maps with text keys", t)
	return nil
}

func (r *configReader) holder(k *configType, at string) *configType {
	if k.elem = r.typeOf(k.typ.Elem(), at); k.elem == nil {
		return nil
	}
	return k
}

// holdsSecret reports whether a value is a secret, or a list, table or pointer of some.
func (k *configType) holdsSecret() bool {
	for k.elem != nil {
		k = k.elem
	}
	return k.form == secretForm
}

// decodesItself reports whether a type says by itself how it is read.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t != secretType && t.Kind() != reflect.Pointer &&
		(p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()))
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
