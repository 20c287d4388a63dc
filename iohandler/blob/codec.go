package blob

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
)

// Codec turns values into bytes and back. The package brings [CBOR], [JSON], [Gob] and [Raw]; a
// program may bring its own. It must be safe for concurrent use.
type Codec interface {
	// Extension ends the objects' names, with its dot, such as ".cbor".
	Extension() string
	// ContentType is the media type that object stores are told.
	ContentType() string
	// Deterministic reports whether equal values always give equal bytes, so that a hash of them
	// names the content.
	Deterministic() bool
	// CanStore returns why a value of type t cannot be written, and what would be right; else nil.
	CanStore(t reflect.Type) error
	// CanLoad reports whether a value stored as one type can be read as another.
	CanLoad(stored, wanted reflect.Type) bool
	// Write writes value, which may be nil.
	Write(w io.Writer, value any) error
	// Read returns a value assignable to t from exactly the bytes of one Write. Bytes that are too
	// few, too many or of another kind are an error. t is nil where the wanted type is not known.
	// The object stays open only behind a *Stream that is returned.
	Read(s *Stream, t reflect.Type) (any, error)
}

// errNoType is the error of a codec without Go types that is asked for "what was stored".
var errNoType = errors.New("the bytes say nothing about their Go type: load with a wanted type, such as LoadNode with a pointer to one")

// decoded makes a new value of type t, has it filled, and returns it. An interface without methods
// is filled with the codec's own forms.
func decoded(t reflect.Type, fill func(pointer any) error) (any, error) {
	if t == nil {
		return nil, errNoType
	}
	into := reflect.New(t)
	if err := fill(into.Interface()); err != nil {
		return nil, err
	}
	return into.Elem().Interface(), nil
}

// fault is a part of a type that a codec cannot write.
type fault struct {
	at    string // the path of fields to it
	t     reflect.Type
	why   string
	right string // what would be right
}

// rules are what a codec cannot write, beside channels and functions, which none can.
type rules struct {
	name    string
	complex bool                      // complex numbers can be written
	self    func(t reflect.Type) bool // t writes itself, so that its inside does not matter
	mapKey  func(t reflect.Type) bool // t can be a map's key
	typed   bool                      // values in interfaces keep their type
}

// check walks a type and returns the first part that cannot be written.
func (r rules) check(t reflect.Type) error {
	if t == nil {
		return fmt.Errorf("%s has no type to look at: give the asset a result type", r.name)
	}
	found := r.walk(t, "", map[reflect.Type]bool{})
	if found == nil {
		return nil
	}
	where := t.String()
	if found.at != "" {
		where += " (" + found.at + " " + found.t.String() + ")"
	}
	return fmt.Errorf("%s does not store %s: %s: %s", r.name, where, found.why, found.right)
}

func (r rules) walk(t reflect.Type, at string, seen map[reflect.Type]bool) *fault {
	switch {
	case seen[t]:
		return nil
	case r.self(t):
		return promoted(t, at)
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Uintptr:
		return &fault{at, t, "it holds no value that outlives a process", "want plain data (a stream of rows: iohandler/parquet, a stream of bytes: the raw codec)"}
	case reflect.Complex64, reflect.Complex128:
		if !r.complex {
			return &fault{at, t, "the format has no complex numbers", "want two floats, or the gob codec"}
		}
	case reflect.Interface:
		if t.NumMethod() > 0 && !r.typed || at == "" && r.typed {
			return &fault{at, t, "the bytes would not say which type to make again", "want a concrete type"}
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return r.walk(t.Elem(), at, seen)
	case reflect.Map:
		if !r.mapKey(t.Key()) {
			return &fault{at, t, "its keys cannot be keys in this format", "want string or integer keys"}
		}
		if found := r.walk(t.Key(), at, seen); found != nil {
			return found
		}
		return r.walk(t.Elem(), at, seen)
	case reflect.Struct:
		return r.walkFields(t, at, seen)
	}
	return nil
}

func (r rules) walkFields(t reflect.Type, at string, seen map[reflect.Type]bool) *fault {
	visible := 0
	hidden := ""
	for field := range t.Fields() {
		if !field.IsExported() && !field.Anonymous {
			if hidden == "" && field.Name != "_" && carries(field.Type) {
				hidden = field.Name
			}
			continue
		}
		visible++
		if field.Tag.Get("json") == "-" || field.Tag.Get("cbor") == "-" {
			continue
		}
		if found := r.walk(field.Type, at+"."+field.Name, seen); found != nil {
			return found
		}
	}
	if visible == 0 && t.NumField() > 0 {
		return &fault{at, t, "all its fields are unexported, so nothing of it would be written", "want exported fields, or a type that marshals itself"}
	}
	if hidden != "" {
		return &fault{
			at, t, fmt.Sprintf("its field %s is unexported, so it would be lost", hidden),
			"export it, or give the type a marshaler",
		}
	}
	return nil
}

// carries reports whether an unexported field of a type may hold something of a value. What only
// guards the others, such as a mutex, does not.
func carries(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() != "sync" && t.PkgPath() != "sync/atomic" && t.Size() > 0
}

// marshalers are the methods by which a type writes itself.
var marshalers = []string{"MarshalCBOR", "MarshalBinary", "MarshalText", "MarshalJSON", "GobEncode"}

// promoted returns the fault of a struct that writes itself only by a method of an embedded field,
// such as time.Time: what else it has would be lost.
func promoted(t reflect.Type, at string) *fault {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var from reflect.Type
	others := 0
	for field := range t.Fields() {
		if field.Anonymous && slices.ContainsFunc(marshalers, func(name string) bool { return hasMethod(field.Type, name) }) {
			from = field.Type
		} else if field.Name != "_" {
			others++
		}
	}
	if from == nil || others == 0 || slices.ContainsFunc(marshalers, func(name string) bool { return declares(t, name) }) {
		return nil
	}
	return &fault{
		at, t, fmt.Sprintf("it embeds %s, whose methods write the whole, so its other fields would be lost", from),
		"give the field a name, or the type a marshaler of its own",
	}
}

func hasMethod(t reflect.Type, name string) bool {
	_, ok := t.MethodByName(name)
	_, pointer := reflect.PointerTo(t).MethodByName(name)
	return ok || pointer
}

// declares reports whether a type has a method of its own: the compiler writes those that it gets
// from an embedded field.
func declares(t reflect.Type, name string) bool {
	for _, of := range []reflect.Type{t, reflect.PointerTo(t)} {
		m, ok := of.MethodByName(name)
		if !ok {
			continue
		}
		pc := m.Func.Pointer()
		if file, _ := runtime.FuncForPC(pc).FileLine(pc); file != "<autogenerated>" {
			return true
		}
	}
	return false
}
