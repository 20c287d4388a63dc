// Package catalog holds a checked set of definitions.
package catalog

import (
	"runtime"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Catalog is a valid set of definitions. It never changes, and may be used from any goroutine.
type Catalog struct{ Parts }

// Parts are what a catalog is made of.
type Parts struct {
	Name        string
	Whole       *graph.Graph
	Definitions []Definition
	Planned     map[string]*Job
	Policy      retry.Policy
	Default     executor.Executor
	Schemas     map[string][]byte
	Shadows     []string
	Exclusive   map[string]bool
	PlanOf      func(ActionRequest) (*plan.Plan, error)
	ActionsOf   func(selected []bool) []Action
}

// Definition is what a catalog asks of a definition.
type Definition interface {
	Title() string
	KindName() string
	OutputNames() []string
	Strategy() storage.BackfillStrategy
	At() fault.Position
	IsCheck() bool
}

// Location returns the name of the code location.
func (c *Catalog) Location() string { return c.Name }

// Graph returns the graph of all definitions.
func (c *Catalog) Graph() *graph.Graph { return c.Whole }

// Retry returns the policy of nodes and jobs that have none.
func (c *Catalog) Retry() retry.Policy { return c.Policy }

// Executor returns the executor of runs that say none; zero is parallel with [Workers] workers.
func (c *Catalog) Executor() executor.Executor { return c.Default }

// Shadowed returns the resources that no field can receive, since an asset has the name.
func (c *Catalog) Shadowed() []string { return c.Shadows }

// Workers returns how many steps run at once where nothing says it.
func Workers() int { return runtime.GOMAXPROCS(0) }

// ConfigName returns what a request calls the config of a node: a task inside a graph asset goes by its step key.
func ConfigName(node *graph.Node) string {
	if node.Kind == graph.GraphTask {
		return node.Name
	}
	return node.Definition
}

// BackfillStrategy returns the strategy of the definition of a node, or of the asset that an action is done to; zero
// where it says none.
func (c *Catalog) BackfillStrategy(node *graph.Node) storage.BackfillStrategy {
	for _, d := range c.Definitions {
		if d.Title() == node.Definition || node.Action != nil && provides(d, node.Action.Asset) {
			if s := d.Strategy(); !s.IsZero() {
				return s
			}
		}
	}
	return storage.BackfillStrategy{}
}

func provides(d Definition, name string) bool {
	for _, out := range d.OutputNames() {
		if out == name {
			return true
		}
	}
	return false
}
