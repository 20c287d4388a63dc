package rivers

import (
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// Dep describes a dependency beyond what a field of the argument struct can.
type Dep struct {
	// On is the name of the asset or task that is depended on.
	On string
	// Field is the Go field that receives the value, where its name does not say On. Several Deps
	// may name one field of type map[string]T: it receives their values by name.
	Field string
	// IOHandler loads the value in place of the upstream's own handler; nil does not replace it.
	IOHandler iohandler.Handler
	// Metadata is handed to the handler in place of the upstream's; nil does not replace it.
	Metadata metadata.Map
	// Mapping defines which partitions of the upstream a partition reads; zero is what follows from
	// the two definitions, see [partition.Mapping].
	Mapping partition.Mapping
	// OrderOnly waits for the upstream and loads nothing.
	OrderOnly bool
}

// depsOf returns the dependencies as package define takes them.
func depsOf(deps []Dep) []define.Dep {
	if len(deps) == 0 {
		return nil
	}
	all := make([]define.Dep, len(deps))
	for i := range deps {
		all[i] = define.Dep(deps[i])
	}
	return all
}

// Pool is slots of a concurrency pool that a step holds while it runs, across all runs of all
// processes that share a store: a step with several pools starts when it has all of them, and while
// it waits it takes no worker. [RepositoryConfig.PoolLimits] describes how many slots a pool has.
type Pool struct {
	// Name is the pool's.
	Name string
	// Slots is how many are held; zero is one.
	Slots int
}

// poolsOf returns the pools as package define takes them.
func poolsOf(pools []Pool) []define.Pool {
	if len(pools) == 0 {
		return nil
	}
	all := make([]define.Pool, len(pools))
	for i := range pools {
		all[i] = define.Pool(pools[i])
	}
	return all
}
