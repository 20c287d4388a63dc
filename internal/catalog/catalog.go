// Package catalog holds a checked set of definitions: what a repository knows before a store is
// opened.
//
//	definitions, jobs, resources ─▶ Build ─▶ Catalog ─▶ graph, jobs, selections, actions, topology
//	                                  └────▶ all mistakes, in the order of the definitions
//
// [Build] visits all definitions once: it follows references, resolves partitions, builds the nodes
// and the graph, plans the jobs, and checks that values survive the processes that make them. It
// reports every mistake at once.
//
// A [Catalog] keeps the names and partitions that Build found. So an action on one asset builds the
// nodes of that asset only. [Step] builds what the process of one step needs, and nothing else.
//
// A Catalog never changes, and may be used from any goroutine.
package catalog

import (
	"iter"
	"runtime"
	"slices"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Config is what a catalog is built of.
type Config struct {
	// Location is the name of the code location, Position where its repository stands in the source.
	Location string
	Position fault.Position
	// Definitions yields the definitions, or nil and the mistake in the place of one. Count is about
	// how many.
	Definitions iter.Seq2[*define.Definition, fault.Fault]
	Count       int
	Jobs        []JobSpec
	// DefaultExecutor is for runs that say none, DefaultHandler for outputs without one; nil is
	// Fallback, or Memory for a type that Fallback cannot store.
	DefaultExecutor                  executor.Executor
	DefaultHandler, Fallback, Memory iohandler.Handler
	Resources                        Resources
	// Retry is the policy of nodes and jobs that have none, Retries are those that others name.
	Retry   retry.Policy
	Retries map[string]retry.Policy
	// Pools are the limits of pools, Partitions the definitions that assets refer to by name.
	Pools       map[string]int
	PoolTimeout time.Duration
	Partitions  map[string]partition.Definition
	// Retention is how long history is kept.
	Retention storage.Retention
}

// Catalog is a valid set of definitions.
type Catalog struct {
	conf  Config
	scope define.Scope
	defs  []*define.Definition
	graph *graph.Graph
	// outputs are the values by their index in the graph; nil for a task inside a graph asset.
	outputs []*define.Output
	jobs    map[string]*Job
	retry   retry.Policy
	// schemas are the JSON Schemas of configs, by definition.
	schemas map[string][]byte
	// shadowed are resources that no field can receive, since an asset has the name.
	shadowed  []string
	exclusive exclusive
	// inMemory are the outputs that Fallback cannot store, with the reason. isolated tells that some
	// node has a process of its own.
	inMemory map[string]string
	isolated bool
}

// Location returns the name of the code location.
func (c *Catalog) Location() string { return c.conf.Location }

// Graph returns the graph of all definitions.
func (c *Catalog) Graph() *graph.Graph { return c.graph }

// Retry returns the policy of nodes and jobs that have none.
func (c *Catalog) Retry() retry.Policy { return c.retry }

// Executor returns the executor of runs that say none; zero is parallel with [Workers] workers.
func (c *Catalog) Executor() executor.Executor { return c.conf.DefaultExecutor }

// Shadowed returns the resources that no field can receive, since an asset has the name.
func (c *Catalog) Shadowed() []string { return c.shadowed }

// Isolated reports whether some step runs in a process of its own.
func (c *Catalog) Isolated() bool { return c.isolated }

// InMemory returns the outputs whose type the default IO handler cannot store in files, so that
// their values stay in memory, each with the reason.
func (c *Catalog) InMemory() map[string]string { return c.inMemory }

// Workers returns the default number of concurrent steps.
func Workers() int { return runtime.GOMAXPROCS(0) }

// ConfigName returns what a request calls the config of a node: a task inside a graph asset goes by
// its step key.
func ConfigName(node *graph.Node) string {
	if node.Kind == graph.GraphTask {
		return node.Name
	}
	return node.Definition
}

// keepValues remembers the values by their index in the graph, which knows their names. A map would
// take six times as much memory for as long as the repository lives.
func (c *Catalog) keepValues(values map[string]*define.Output) {
	c.outputs = make([]*define.Output, c.graph.Outputs())
	for i := range c.outputs {
		out, _ := c.graph.Output(int32(i))
		c.outputs[i] = values[out.Name]
	}
	c.scope.Value = c.value
}

// value finds the value of a name; nil where there is none.
func (c *Catalog) value(name string) *define.Output {
	if i, ok := c.graph.Find(name); ok {
		return c.outputs[i]
	}
	return nil
}

// BackfillStrategy returns the strategy of the definition of a node, or of the asset of an action.
// The zero strategy is unspecified.
func (c *Catalog) BackfillStrategy(node *graph.Node) storage.BackfillStrategy {
	name := node.Definition
	if node.Action != nil {
		name = node.Action.Asset
	}
	var def *define.Definition
	if out := c.value(name); out != nil {
		def = out.Def
	} else if at := slices.IndexFunc(c.defs, func(d *define.Definition) bool { return d.Name == name }); at >= 0 {
		def = c.defs[at] // a multi-asset, whose own name is no value
	}
	if def == nil || def.Backfill == nil {
		return storage.BackfillStrategy{}
	}
	return *def.Backfill
}
