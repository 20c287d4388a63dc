package rivers

import (
	"fmt"
	"iter"
	"reflect"
	"sync"

	"github.com/rivers-go/rivers/internal/config"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
)

// NoInput is the argument of a function that takes none.
type NoInput = struct{}

// face describes the field and result types of this package to package define.
var face = define.Face{
	Unwrap: unwrap,
	Result: resultOf,
	Secrets: &config.Secrets{
		Type:   reflect.TypeFor[Secret](),
		Set:    func(dst reflect.Value, text string) { dst.Set(reflect.ValueOf(NewSecret(text))) },
		Reveal: func(v reflect.Value) string { return v.Interface().(Secret).Reveal() },
	},
}

// argsOf inspects an argument struct.
func argsOf[In any]() *define.Args { return define.ArgsOf(reflect.TypeFor[In](), &face) }

// unwrap describes a field type that wraps a value, given the type's zero value.
func unwrap(zero reflect.Value) define.Wrapper {
	var w define.Wrapper
	if self, ok := reflect.TypeAssert[selfField](zero); ok {
		w.Self, w.Type = setSelf, self.selfType()
	}
	if many, ok := reflect.TypeAssert[partsField](zero); ok {
		w.Several, w.Err, w.Type = many.fromLoader, loadError, many.partType()
	}
	if optional, ok := reflect.TypeAssert[optionalField](zero); ok {
		w.Optional, w.Type = optional.optionalOf, optional.optionalType()
	}
	return w
}

// loadError returns the error that v, a Partitions, remembers.
func loadError(v any) error {
	if p, ok := v.(interface{ Err() error }); ok {
		return p.Err()
	}
	return nil
}

// setSelf sets dst, a SelfDependency, to the previous value.
func setSelf(dst reflect.Value, v any) error { return dst.Addr().Interface().(selfSetter).setSelf(v) }

// arguments returns an argument struct for one call. Every step runs through it; a function without
// fields needs no reflection.
func arguments[In any](f define.FieldSetters, inv *graph.Invocation, args []any) (in In, err error) {
	if len(f) > 0 {
		err = f.Fill(reflect.ValueOf(&in).Elem(), inv, args)
	}
	return in, err
}

// Partitions holds the values of several partitions, by key. A field of this type receives every
// upstream partition that the function reads: the 24 hours of a day, say. As a function's result it
// holds all partitions of the step, which the function then makes in one call.
//
// Values are loaded when they are read. [Partitions.Stream] loads one at a time and keeps none, so
// a year of hours need not fit in memory. [Partitions.All] and [Partitions.Get] keep the loaded
// values. The zero value has no partitions. Partitions are safe for concurrent use.
//
// A value that cannot be loaded reads as the zero value and fails the step once the function has
// returned, whatever it returns. [Partitions.Err] tells a function so earlier.
type Partitions[T any] struct{ s *partitionValues[T] }

// Part is the value of one partition.
type Part[T any] struct {
	Key   partition.Key
	Value T
}

// partitionValues are the values that copies of a Partitions share.
type partitionValues[T any] struct {
	// of and load are of values that are stored; yield is of values that a function makes.
	of    partition.Slice
	load  func(partition.Key) (any, error)
	yield iter.Seq2[Part[T], error]

	mu    sync.Mutex
	kept  map[partition.Key]T
	order []partition.Key // of all keys, once they were read
	err   error           // the first one of a method that returns none
}

// PartitionsOf returns the values of some partitions, as a function's result or for a test that
// calls one. They are in the order in which they are given; a key that is given again replaces what
// was there.
func PartitionsOf[T any](parts ...Part[T]) Partitions[T] {
	s := &partitionValues[T]{kept: make(map[partition.Key]T, len(parts)), order: []partition.Key{}}
	for _, p := range parts {
		if _, again := s.kept[p.Key]; !again {
			s.order = append(s.order, p.Key)
		}
		s.kept[p.Key] = p.Value
	}
	return Partitions[T]{s}
}

// StreamPartitions returns values that are made while they are stored, one at a time. An error
// beside a key is that partition's failure, one beside the zero Key that of the whole step.
func StreamPartitions[T any](seq iter.Seq2[Part[T], error]) Partitions[T] {
	return Partitions[T]{&partitionValues[T]{yield: seq}}
}

// All yields each partition's key and value, in the order of the definition. It ends before a value
// that cannot be loaded; see [Partitions.Err].
func (p Partitions[T]) All() iter.Seq2[partition.Key, T] {
	return func(yield func(partition.Key, T) bool) {
		for key := range p.Keys() {
			value, ok := p.Get(key)
			if !ok || !yield(key, value) {
				return
			}
		}
	}
}

// Stream yields each partition, in the order of the definition, loading one at a time and keeping
// none. A partition that cannot be loaded is yielded with its error, and the next ones follow as
// long as the caller goes on. An error that names no partition, of keys that cannot be read, is the
// last.
func (p Partitions[T]) Stream() iter.Seq2[Part[T], error] {
	return func(yield func(Part[T], error) bool) {
		if p.s == nil {
			return
		}
		if p.s.yield != nil {
			p.s.yield(yield)
			return
		}
		for key, err := range p.s.keys() {
			if err != nil {
				yield(Part[T]{}, err)
				return
			}
			part := Part[T]{Key: key}
			part.Value, err = p.s.value(key, false)
			if !yield(part, err) {
				return
			}
		}
	}
}

// Get returns the value of one partition. It returns false if the partition is not part of the
// input, or if its value cannot be loaded; see [Partitions.Err].
func (p Partitions[T]) Get(key partition.Key) (T, bool) {
	var none T
	switch {
	case p.s == nil:
		return none, false
	case p.s.load == nil:
		p.s.collect()
		value, ok := p.s.kept[key]
		return value, ok
	}
	if in, err := p.s.of.Contains(key); err != nil || !in {
		return none, false
	}
	value, err := p.s.value(key, true)
	if err != nil {
		p.s.fail(err)
		return none, false
	}
	return value, true
}

// Keys yields the key of each partition, in the order of the definition.
func (p Partitions[T]) Keys() iter.Seq[partition.Key] {
	return func(yield func(partition.Key) bool) {
		if p.s == nil {
			return
		}
		for key, err := range p.s.keys() {
			if err != nil {
				p.s.fail(err)
				return
			}
			if !yield(key) {
				return
			}
		}
	}
}

// Len returns how many partitions there are.
func (p Partitions[T]) Len() int {
	switch {
	case p.s == nil:
		return 0
	case p.s.load != nil:
		return int(p.s.of.Len())
	}
	p.s.collect()
	return len(p.s.order)
}

// Err returns the first error of [Partitions.Get], [Partitions.All], [Partitions.Keys] and
// [Partitions.Len], which return none themselves. It is nil while all values could be loaded.
func (p Partitions[T]) Err() error {
	if p.s == nil {
		return nil
	}
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.s.err
}

// fail remembers the first error.
func (s *partitionValues[T]) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

func (s *partitionValues[T]) keys() iter.Seq2[partition.Key, error] {
	if s.load != nil {
		return s.of.Keys()
	}
	s.collect()
	return func(yield func(partition.Key, error) bool) {
		for _, key := range s.order {
			if !yield(key, nil) {
				return
			}
		}
	}
}

// collect keeps what a stream yields, for those who ask for more than the stream.
func (s *partitionValues[T]) collect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.order != nil || s.yield == nil {
		return
	}
	s.kept, s.order = map[partition.Key]T{}, []partition.Key{}
	for part, err := range s.yield {
		if err != nil {
			if s.err == nil {
				s.err = err
			}
			return
		}
		if _, again := s.kept[part.Key]; !again {
			s.order = append(s.order, part.Key)
		}
		s.kept[part.Key] = part.Value
	}
}

// value loads the value of a partition, and keeps it if it is asked to.
func (s *partitionValues[T]) value(key partition.Key, keep bool) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if value, ok := s.kept[key]; ok {
		return value, nil
	}
	var value T
	var loaded any
	err := fault.Guard(func() (err error) { // the caller may be a goroutine of the user's
		loaded, err = s.load(key)
		return err
	})
	if err != nil {
		return value, err
	}
	value, ok := loaded.(T)
	if !ok && loaded != nil { // a nil of an interface type has no type of its own, and is a value
		return value, fmt.Errorf("partition %s: the value that was loaded is a %T, want %s", key, loaded, reflect.TypeFor[T]())
	}
	if keep {
		if s.kept == nil {
			s.kept = map[partition.Key]T{}
		}
		s.kept[key] = value
	}
	return value, nil
}

// partsField is how a field or a result is known to be a Partitions, and how it is filled and taken
// apart.
type partsField interface {
	partType() reflect.Type
	fromLoader(p graph.PartitionLoader) any
	values() iter.Seq2[partition.Key, graph.PartValue]
}

func (Partitions[T]) partType() reflect.Type { return reflect.TypeFor[T]() }

func (Partitions[T]) fromLoader(p graph.PartitionLoader) any {
	return Partitions[T]{&partitionValues[T]{of: p.Of, load: p.Load}}
}

// values yields the values to be stored.
func (p Partitions[T]) values() iter.Seq2[partition.Key, graph.PartValue] {
	return func(yield func(partition.Key, graph.PartValue) bool) {
		for part, err := range p.Stream() {
			if !yield(part.Key, graph.PartValue{Value: part.Value, Err: err}) {
				return
			}
		}
	}
}

// Optional is the type of a field that receives the value of one partition where there is one to
// read: a mapping such as [partition.ForKeys] or [partition.Subset] may leave it out. The zero
// value is none.
type Optional[T any] struct {
	value T
	ok    bool
}

// Some returns an Optional that holds value, for tests that call a function by themselves.
func Some[T any](value T) Optional[T] { return Optional[T]{value: value, ok: true} }

// Get returns the value, and false if there is none.
func (o Optional[T]) Get() (T, bool) { return o.value, o.ok }

// optionalField is how a field is known to be an Optional, and how it is filled.
type optionalField interface {
	optionalType() reflect.Type
	optionalOf(v any, ok bool) any
}

func (Optional[T]) optionalType() reflect.Type { return reflect.TypeFor[T]() }

// optionalOf makes the value for the field. What is no T is handed on, to be refused where fields
// are set.
func (Optional[T]) optionalOf(v any, ok bool) any {
	if !ok {
		return Optional[T]{}
	}
	value, right := v.(T)
	if !right && v != nil {
		return v
	}
	return Optional[T]{value: value, ok: true}
}

// SelfDependency is the type of a field of an argument struct that receives the asset's own
// previous value. It makes no edge in the graph, so it makes no cycle. The zero value is none.
type SelfDependency[T any] struct {
	value T
	ok    bool
}

// Previous returns a SelfDependency that holds value, for tests that call a function by themselves.
func Previous[T any](value T) SelfDependency[T] { return SelfDependency[T]{value: value, ok: true} }

// Get returns the previous value, and false if there is none.
func (s SelfDependency[T]) Get() (T, bool) { return s.value, s.ok }

// selfField is how a field is known to be a SelfDependency, selfSetter how it is filled.
type (
	selfField  interface{ selfType() reflect.Type }
	selfSetter interface{ setSelf(v any) error }
)

func (SelfDependency[T]) selfType() reflect.Type { return reflect.TypeFor[T]() }

func (s *SelfDependency[T]) setSelf(v any) error {
	value, ok := v.(T)
	if !ok && v != nil { // a nil of an interface type has no type of its own, and is a value
		return fmt.Errorf("the previous value is a %T, want %s", v, reflect.TypeFor[T]())
	}
	s.value, s.ok = value, true
	return nil
}
