package graph

import (
	"context"
	"log/slog"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Run is what every step of a run shares. It does not change while the run goes on.
type Run struct {
	ID, Job, Location string
	Tags              map[string]string
	Storage           storage.Reader
	// Isolated means that the step has a process of its own, with a group that ends with it.
	Isolated bool
	// Load loads the value of an asset or task, of a partition where it has some, into dst, a pointer.
	Load func(ctx context.Context, name string, key partition.Key, dst any) error
}

// Invocation is one call of a function: what it sees and what it leaves. It belongs to the
// goroutine of the step until the call returned.
type Invocation struct {
	// Context is cancelled with the run and with the step's timeout.
	Context context.Context
	Run     *Run
	Node    *Node
	// Step is the step's key, with the instance's name for a mapped one.
	Step    string
	Attempt int
	// Partition is what the call is about; the zero Slice for a node that is not partitioned.
	Partition partition.Slice
	// Config is the decoded config struct, nil where the node takes none.
	Config any
	// Persist defines which outputs are wanted, by position; nil means all.
	Persist []bool
	// NewLogger makes the step's logger on first use.
	NewLogger func() *slog.Logger
	// Write copies a line of a process's output into the step's log.
	Write func(stream storage.LogStream, line string)
	// Emit hands over output pos while the body runs; only for nodes that emit.
	Emit func(pos int, value any) error
	// Writes returns the name of the write of a value that the run made or reads, false for others.
	// Nil knows none.
	Writes Writes
	// Present returns the name of the write of the value that an action is about, NewWrite that of
	// what it writes; both are nil for other nodes.
	Present  func() (string, error)
	NewWrite func() string
	// Marked are the partitions that the body said to have failed, and why.
	Marked map[partition.Key]error
	// Facts are what the body and the handlers said about the outputs, made when needed.
	Facts []Facts

	logger *slog.Logger
}

// Facts is what is reported about one output beside its value.
type Facts struct {
	Metadata    metadata.Map
	Tags        map[string]string
	DataVersion string
	// Write names the write of the value, see [iohandler.OutputContext]; empty for none.
	Write string
	// Did is what an action did to the state of its asset.
	Did iohandler.Effect
	// SameData means that the new value of an action has the same content as before.
	SameData bool
	// Verdict is what a check said; nil for everything else.
	Verdict *storage.Verdict
}

// Log returns the step's logger.
func (inv *Invocation) Log() *slog.Logger {
	if inv.logger == nil {
		if inv.NewLogger == nil {
			inv.logger = slog.New(slog.DiscardHandler)
		} else {
			inv.logger = inv.NewLogger()
		}
	}
	return inv.logger
}

// FactsOf returns the facts of output pos, to be added to.
func (inv *Invocation) FactsOf(pos int) *Facts {
	if inv.Facts == nil {
		inv.Facts = make([]Facts, max(len(inv.Node.Outputs), pos+1))
	}
	return &inv.Facts[pos]
}

// AddMetadata adds one entry to output pos; a later one of the same key wins.
func (inv *Invocation) AddMetadata(pos int, key string, value any) {
	f := inv.FactsOf(pos)
	if f.Metadata == nil {
		f.Metadata = metadata.Map{}
	}
	f.Metadata[key] = value
}

// Wanted reports whether output pos is to be kept.
func (inv *Invocation) Wanted(pos int) bool { return inv.Persist == nil || inv.Persist[pos] }

// Writes returns the name of the write of a stored value, of a partition if it has some, and false
// if it does not know it.
type Writes func(name string, of partition.Slice) (write string, known bool)

type writesKey struct{}

// WithWrites gives a context what a run knows of writes, for loads inside its steps: its records
// may not be in the store yet.
func WithWrites(ctx context.Context, w Writes) context.Context {
	if w == nil {
		return ctx
	}
	return context.WithValue(ctx, writesKey{}, w)
}

// WritesOf returns what [WithWrites] gave, nil for nothing.
func WritesOf(ctx context.Context) Writes {
	w, _ := ctx.Value(writesKey{}).(Writes)
	return w
}
