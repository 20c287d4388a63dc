package config

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

// Secrets tells which type of the config structs holds secrets, and how to handle its values.
type Secrets struct {
	// Type is the secret's type.
	Type reflect.Type
	// Set makes dst, of that type, hold a text.
	Set func(dst reflect.Value, text string)
	// Reveal returns the text that v holds.
	Reveal func(v reflect.Value) string
}

// Spec is a config struct, inspected once, when a function that takes it is defined. It is safe for
// concurrent use.
type Spec struct {
	typ    reflect.Type
	fields []field
	broken []fault.Fault
}

// field is one field of a config struct.
type field struct {
	name  string // in JSON
	index []int
	kind  *kind
	env   string
	// preset is the default's text, given is set if the field has one.
	preset string
	given  bool
	rules  []rule
	doc    string
}

// form is how values of a type are written in a request.
type form uint8

const (
	bareForm form = iota // a truth, a number or a text
	durationForm
	secretForm
	ownForm // whatever the type's own decoder reads
	anyForm
	objectForm
	listForm
	tableForm
	pointerForm
)

// kind is a type that occurs in a config struct.
type kind struct {
	typ     reflect.Type
	form    form
	secrets *Secrets
	// elem is the type of what a list, a table or a pointer holds; object are a struct's fields.
	elem   *kind
	object *Spec
}

var durationType = reflect.TypeFor[time.Duration]()

// Of inspects a config struct. Mistakes in the struct itself are reported by [Spec.Faults].
func Of(t reflect.Type, secrets *Secrets) *Spec {
	r := &reader{known: map[reflect.Type]*kind{}, secrets: secrets}
	spec := r.object(t, "")
	spec.broken = r.broken
	return spec
}

// Faults returns the mistakes in the struct itself.
func (c *Spec) Faults() []fault.Fault { return c.broken }

// reader looks at a config struct and the types in it.
type reader struct {
	// known are the structs met, so that a type may hold a list of itself.
	known   map[reflect.Type]*kind
	secrets *Secrets
	broken  []fault.Fault
}

func (r *reader) fault(at, format string, v ...any) {
	r.broken = append(r.broken, fault.Fault{At: "config field " + at, Message: fmt.Sprintf(format, v...), Kind: fault.ErrConfig})
}

// object looks at the fields of a struct; path is where it stands.
func (r *reader) object(t reflect.Type, path string) *Spec {
	c := &Spec{typ: t}
	r.fields(c, t, nil, path)
	return c
}

// fields adds the fields of t to c; those of an embedded struct count as the outer one's, as in
// JSON.
func (r *reader) fields(c *Spec, t reflect.Type, index []int, path string) {
	for i := range t.NumField() {
		sf := t.Field(i)
		at, place := path+sf.Name, append(slices.Clip(index), i)
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		switch {
		case name == "-" && sf.Tag.Get("json") == "-":
		case sf.Anonymous && name == "" && sf.Type.Kind() == reflect.Struct && sf.Type != r.secrets.Type && !r.decodesItself(sf.Type):
			r.fields(c, sf.Type, place, at+".")
		case !sf.IsExported():
			r.fault(at, "it is not exported, so nothing can be set in it: begin it with a capital, or remove it")
		default:
			if name == "" {
				name = fault.SnakeCase(sf.Name)
			}
			r.field(c, field{name: name, index: place, env: sf.Tag.Get("env"), doc: sf.Tag.Get("doc")}, sf, at)
		}
	}
}

func (r *reader) field(c *Spec, f field, sf reflect.StructField, at string) {
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
func (r *reader) typeOf(t reflect.Type, at string) *kind {
	k := &kind{typ: t, secrets: r.secrets}
	switch {
	case t == r.secrets.Type:
		k.form = secretForm
		return k
	case t == durationType:
		k.form = durationForm
		return k
	case r.decodesItself(t), t == reflect.TypeFor[[]byte](): // bytes are base64 in JSON
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

func (r *reader) holder(k *kind, at string) *kind {
	if k.elem = r.typeOf(k.typ.Elem(), at); k.elem == nil {
		return nil
	}
	return k
}

// holdsSecret reports whether a value is a secret, or a list, table or pointer of some.
func (k *kind) holdsSecret() bool {
	for k.elem != nil {
		k = k.elem
	}
	return k.form == secretForm
}

// decodesItself reports whether a type reports by itself how it is read.
func (r *reader) decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t != r.secrets.Type && t.Kind() != reflect.Pointer &&
		(p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]()))
}

func (c *Spec) has(name string) bool {
	return slices.ContainsFunc(c.fields, func(f field) bool { return f.name == name })
}

func (c *Spec) names(yield func(string) bool) {
	for i := range c.fields {
		if !yield(c.fields[i].name) {
			return
		}
	}
}
