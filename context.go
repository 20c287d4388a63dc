package rivers

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// stepContext is what every context of a step is: a [context.Context] that knows the step.
type stepContext struct {
	inv *graph.Invocation
	// mu guards what a body's own goroutines may say at once.
	mu sync.Mutex
}

// Deadline returns when the step's timeout ends it, and false without a timeout.
func (c *stepContext) Deadline() (time.Time, bool) { return c.inv.Context.Deadline() }

// Done is closed when the run is cancelled or the step's timeout has passed.
func (c *stepContext) Done() <-chan struct{} { return c.inv.Context.Done() }

// Err explains why Done is closed, as [context.Context] does.
func (c *stepContext) Err() error { return c.inv.Context.Err() }

// Value returns what the context carries under key.
func (c *stepContext) Value(key any) any { return c.inv.Context.Value(key) }

// Log returns the step's logger; what it writes is kept with the run. It is never nil.
func (c *stepContext) Log() *slog.Logger {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inv.Log()
}

// Asset returns the name of the asset or task that the step belongs to: a graph asset's for its
// tasks, a multi-asset's own.
func (c *stepContext) Asset() string { return c.inv.Node.Definition }

// Step returns the step's key, such as "users" or "totals/total[3]".
func (c *stepContext) Step() string { return c.inv.Step }

// Attempt returns which attempt of the step this is, counting from 1.
func (c *stepContext) Attempt() int { return c.inv.Attempt }

// RunID returns the run's id.
func (c *stepContext) RunID() string { return c.inv.Run.ID }

// Job returns the name of the job that runs, empty outside one.
func (c *stepContext) Job() string { return c.inv.Run.Job }

// Tags returns the run's tags; they must not be changed.
func (c *stepContext) Tags() map[string]string { return c.inv.Run.Tags }

// Storage reads what is recorded: runs, events, assets.
func (c *stepContext) Storage() storage.Reader { return c.inv.Run.Storage }

// Load loads the value of an asset or task by its name into dst, a pointer. It makes no edge in
// the graph: what a function always reads belongs into its argument struct.
func (c *stepContext) Load(name string, dst any) error {
	return c.inv.Run.Load(graph.WithWrites(c, c.inv.Writes), name, partition.Key{}, dst)
}

// LoadPartition loads the value of one partition of an asset, as Load does that of an asset
// without.
func (c *stepContext) LoadPartition(name string, key partition.Key, dst any) error {
	return c.inv.Run.Load(graph.WithWrites(c, c.inv.Writes), name, key, dst)
}

// AssetContext is what an asset's function is told about its step. It is a [context.Context] that
// is cancelled with the run. It may be used from several goroutines until the function returns.
type AssetContext struct {
	stepContext
}

// Partition returns what the call is about: its key, window, range, and so on. A function that is
// called once for all partitions of a step gets all of them. It is the zero Slice for an asset
// without partitions.
func (c *AssetContext) Partition() partition.Slice { return c.inv.Partition }

// MarkPartitionFailed reports that one of the partitions that the call is about failed, and why.
// The others go on, and what is downstream is not run for it. The function should return nil for
// what it did make. A key that is not among the partitions of the call is an error, and so is a nil
// error.
func (c *AssetContext) MarkPartitionFailed(key partition.Key, err error) error {
	in, lookErr := c.inv.Partition.Contains(key)
	switch {
	case err == nil:
		return fmt.Errorf("marking partition %s as failed: the error is nil: say what went wrong", key)
	case c.inv.Partition.IsZero():
		return fmt.Errorf("marking partition %s as failed: %q has no partitions: return the error", key, c.inv.Node.Definition)
	case lookErr != nil:
		return fmt.Errorf("marking it as failed: %w", lookErr)
	case !in:
		return fmt.Errorf("marking partition %s as failed: it is not among those of this call, %s", key, c.inv.Partition)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.inv.Marked == nil {
		c.inv.Marked = map[partition.Key]error{}
	}
	c.inv.Marked[key] = err
	return nil
}

type contextKey struct{}

// FromContext returns the AssetContext that ctx is, or was derived from, so that helpers can keep
// a plain context in their signatures. Inside a task it is the one of the task's step.
func FromContext(ctx context.Context) (*AssetContext, bool) {
	c, ok := ctx.Value(contextKey{}).(*AssetContext)
	return c, ok
}

// Value returns what the context carries under key.
func (c *AssetContext) Value(key any) any {
	if key == (contextKey{}) {
		return c
	}
	return c.stepContext.Value(key)
}

// AddMetadata records a fact about what the function makes; plain Go values convert, as
// [metadata.Of] does. A later value of the same key wins, and what an [Output] carries wins over
// both. Of a step with several outputs it is recorded for each.
func (c *AssetContext) AddMetadata(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pos := range c.inv.Node.Outputs {
		c.inv.AddMetadata(pos, key, value)
	}
}

// AddOutputMetadata is AddMetadata for one output of a multi-asset. An output that the asset does
// not have is an error.
func (c *AssetContext) AddOutputMetadata(output, key string, value any) error {
	pos, err := c.output(output)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.AddMetadata(pos, key, value)
	return nil
}

// SetDataVersion names the content that the function makes, such as the hash or the etag of its
// source: what is downstream can tell from it whether anything changed. Of a step with several
// outputs it names each.
func (c *AssetContext) SetDataVersion(version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for pos := range c.inv.Node.Outputs {
		c.inv.FactsOf(pos).DataVersion = version
	}
}

// Selected reports whether the run wants that output: a multi-asset with only some of them selected
// is called once and need not make the others. It is false for a name that the asset does not have.
func (c *AssetContext) Selected(output string) bool {
	pos, err := c.output(output)
	return err == nil && c.inv.Wanted(pos)
}

// output finds an output of the step's node by name.
func (c *AssetContext) output(name string) (int, error) {
	outs := c.inv.Node.Outputs
	for i := range outs {
		if outs[i].Name == name {
			return i, nil
		}
	}
	return 0, fmt.Errorf("output %q: %q has no output of that name%s", name, c.inv.Node.Definition, fault.Suggestion(name, func(yield func(string) bool) {
		for i := range outs {
			if !yield(outs[i].Name) {
				return
			}
		}
	}))
}

// Metadata returns the metadata of the asset's definition; it must not be changed. A multi-asset
// has that of its first output.
func (c *AssetContext) Metadata() metadata.Map {
	outs := c.inv.Node.Outputs
	if len(outs) == 0 || outs[len(outs)-1].Attrs == nil {
		return nil
	}
	if c.inv.Node.Kind == graph.GraphTask {
		return outs[len(outs)-1].Attrs.Metadata
	}
	return outs[0].Attrs.Metadata
}

// TaskContext is what a task's function is told about its step. It is an [AssetContext]; where the
// task is part of a graph asset, Asset names that.
type TaskContext struct {
	AssetContext
}

// HookContext is what a hook is told about the step it follows. It is a [context.Context].
type HookContext struct {
	stepContext
	failure error
}

// Failure returns why the step failed, nil in a success hook.
func (c *HookContext) Failure() error { return c.failure }
