// Package iohandler defines how values leave and enter rivers. A [Handler] writes the value of an
// asset and loads it again; storage never holds values, only what is known about them. What only
// some handlers can do is an optional interface of its own ([Converter], [Acceptor], [Releaser],
// [Deleter], [ProcessCrosser], [Holder], [WriteKeeper], [Validator]), asked for and never guessed.
//
// A value has an identity: the name of its write, which the record of the materialization has. A
// [WriteKeeper] keeps each write apart, so what a record points at stays as it is, whatever other
// attempts, runs or former owners write. Any other handler keeps the last write of a name and a
// partition.
//
// A write is atomic: a reader sees the old value or the new one, never half, and a crash in the
// middle leaves the old one readable. Handlers are called from many goroutines at once.
//
// An output that names no handler is kept in files beside the store of its records, or in memory
// where the store is; docs/values.md has the places. [Memory] keeps values in the process. Packages
// below this one bring handlers for disks and object stores (iohandler/blob) and for Parquet
// (iohandler/parquet); iohandler/iohandlertest checks any handler.
package iohandler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"time"

	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// Handler writes and loads values. Implementations must be safe for concurrent use.
type Handler interface {
	// HandleOutput stores value under out.Name, out.Partition and, for a [WriteKeeper], out.Write. It
	// replaces what was there.
	HandleOutput(ctx context.Context, out *OutputContext, value any) error
	// LoadInput returns the value stored under in.Name, in.Partition and in.Write as a value
	// assignable to in.Type. An absent value is an error that wraps [ErrNoValue] and names where it
	// was looked for.
	LoadInput(ctx context.Context, in *InputContext) (any, error)
}

// ErrNoValue is wrapped by the error of a load that finds nothing stored.
var ErrNoValue = errors.New("no value is stored")

// NotRecorded returns the error of a load of a partition that no record of its present definition
// has: an [ErrNoValue].
func NotRecorded(name string, of partition.Slice) error {
	return fmt.Errorf("%w: no record tells that partition %s of %q was materialized by its present definition", ErrNoValue, of, name)
}

// Converter is implemented by handlers that can load a value as other types than the one it was
// stored as, such as a stream of rows for a slice. CanLoad is asked when definitions are validated.
type Converter interface {
	CanLoad(stored, wanted reflect.Type) bool
}

// Acceptor is implemented by handlers that cannot store every type. CanStore is asked when
// definitions are validated; its error gives the remedy.
type Acceptor interface {
	CanStore(t reflect.Type) error
}

// Releaser is implemented by handlers that hold values only as long as somebody reads them.
// Release is called for a mapped instance's value after its last reader.
type Releaser interface {
	Release(name string, partition partition.Key)
}

// Deleter is implemented by handlers that can delete a stored value. Deleting what is not there is
// no error.
type Deleter interface {
	Delete(ctx context.Context, in *InputContext) error
}

// ProcessCrosser is implemented by handlers whose values outlive the process that wrote them.
// A handler that does not implement it is taken to cross processes; [Memory] returns false.
type ProcessCrosser interface {
	CrossesProcesses() bool
}

// Holder is implemented by handlers whose values end with the process, so that a value which is
// recorded and not there counts as missing. Held calls f with the name of each value that is there
// and the text of its partition's key, empty for a value without partitions. f calls no handler.
type Holder interface {
	Held(f func(name, partition string))
}

// WriteKeeper is implemented by handlers that can keep several writes of one name and partition
// apart, by [OutputContext.Write]. A handler that does not implement it is taken to keep the last
// write alone.
type WriteKeeper interface {
	KeepsWrites() bool
}

// KeepsWrites reports whether a handler keeps writes of one name and partition apart.
func KeepsWrites(h Handler) bool {
	k, ok := h.(WriteKeeper)
	return ok && k.KeepsWrites()
}

// Collector is implemented by a [WriteKeeper] that can list and delete what it has written, so that
// values which no record means are deleted.
type Collector interface {
	// StoredWrites calls f with each stored write below a name: of the value, of its partitions, and
	// of the values inside a graph asset of that name. Values without a write are left out.
	StoredWrites(ctx context.Context, name string, f func(StoredWrite) error) error
	// RemoveWrite deletes a stored write; one that is absent is no error.
	RemoveWrite(ctx context.Context, w StoredWrite) error
}

// StoredWrite is one write of a value.
type StoredWrite struct {
	// Value is the same for all writes of one value, Location is where this one lies. Both have
	// meaning for the handler alone.
	Value, Location string
	// Write is its name.
	Write string
	// Size is its bytes, Written its instant.
	Size    int64
	Written time.Time
}

// Outlives reports whether the values of a handler outlive the process that wrote them.
func Outlives(h Handler) bool {
	c, ok := h.(ProcessCrosser)
	return !ok || c.CrossesProcesses()
}

// Validator is implemented by handlers whose settings can be wrong, such as a URL. Validate is
// called with the definitions; it opens nothing.
type Validator interface {
	Validate() error
}

// OutputContext describes the value a handler is asked to store, and takes what the handler has
// to say about it. It belongs to one call.
type OutputContext struct {
	// Name is what the value is stored under: an asset's name, or a step key such as
	// "totals/sorted" or "totals/total[3]" for values inside a graph asset. It may hold any
	// UTF-8 text inside the brackets: a handler that maps it to paths must escape it.
	Name string
	// Partition is the partition that the value is of; the zero Slice for what has none.
	Partition partition.Slice
	// Write names the write: lower-case letters and digits, in front a letter. A [WriteKeeper] makes
	// it part of where the value lies. It is empty for other handlers and outside a run.
	Write string
	// Present is the Write of the value that an action is about; empty for a value that was stored
	// without one.
	Present string
	// RunID, Step and Attempt name the writer; empty outside a run.
	RunID, Step string
	Attempt     int
	// Type is the type of the value by its definition; nil when not known.
	Type reflect.Type
	// Metadata is the asset's, as defined.
	Metadata metadata.Map
	// Logger makes the step's logger when it is first asked for; nil logs nowhere.
	Logger func() *slog.Logger
	// DataVersion names the content, set by a handler that can tell (a hash of a
	// deterministic encoding); empty when it cannot.
	DataVersion string
	// Added is what the handler recorded with AddMetadata.
	Added metadata.Map
}

// AddMetadata records a fact about the stored value, such as "size_bytes"; plain Go values convert.
func (c *OutputContext) AddMetadata(key string, value any) {
	if c.Added == nil {
		c.Added = metadata.Map{}
	}
	c.Added[key] = value
}

// Log returns the step's logger; it is never nil.
func (c *OutputContext) Log() *slog.Logger { return logger(c.Logger) }

// InputContext describes the value a handler is asked to load. It belongs to one call.
type InputContext struct {
	// Name is what the value is stored under, as in [OutputContext.Name], Partition the partition it
	// is of.
	Name      string
	Partition partition.Slice
	// Write is that of the [OutputContext] with which the value was stored; empty for a value that was
	// stored without one.
	Write string
	// Consumer is the asset or step that reads; empty for a read from outside a run.
	Consumer string
	// RunID is the reading run; empty outside a run.
	RunID string
	// Type is the type that is wanted; nil means the type it was stored as, where the handler knows.
	Type reflect.Type
	// Metadata is the edge's where the dependency gives any, else the upstream asset's.
	Metadata metadata.Map
	// Logger makes the step's logger when it is first asked for; nil logs nowhere.
	Logger func() *slog.Logger
}

// String names the value in messages: "orders", or "orders" of 2026-01-31.
func (c *InputContext) String() string {
	if c.Partition.IsZero() {
		return strconv.Quote(c.Name)
	}
	return strconv.Quote(c.Name) + " of " + c.Partition.String()
}

// Log returns the reading step's logger; it is never nil.
func (c *InputContext) Log() *slog.Logger { return logger(c.Logger) }

func logger(mk func() *slog.Logger) *slog.Logger {
	if mk == nil {
		return slog.New(slog.DiscardHandler)
	}
	return mk()
}
