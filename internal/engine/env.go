package engine

import (
	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// runEnv is what an attempt reads of its run. It is the same whether the attempt is a goroutine of
// the run's process or has a process of its own.
type runEnv struct {
	plan    *plan.Plan
	graph   *graph.Graph
	runID   string
	shared  *graph.Run
	configs map[int32]any
	retry   retry.Policy
	maps    mapTable
	// writes knows where values lie.
	writes writes.Source
	// assignment is nil for a run in which nothing is partitioned.
	assignment *plan.Assignment
}

// attemptSink is who an attempt tells what happens while it is at work.
type attemptSink interface {
	// logLine keeps one line of the step's log.
	logLine(step, attempt int32, key string, line storage.LogLine)
	// handOver records an output that was written while the body runs.
	handOver(a *attempt, pos int) error
	// partMade records partitions that were made while the attempt continues with others, partLost one
	// that failed or, with an [ErrSkip], was skipped.
	partMade(a *attempt, part partition.Slice, facts []graph.Facts) error
	partLost(a *attempt, part partition.Slice, err error) error
	// history returns how many attempts of the step have failed before, and whether one of its bodies
	// has handed over an output.
	history(step int32) (failures int, emitted bool)
	// finished takes the outcome of an attempt whose function has ended the goroutine that it ran on.
	finished(j job, o outcome)
	// order returns the instances of a mapped step in the order in which they succeeded.
	order(mapped int32) []int
}

// stepRef is where a step stands in the plan.
type stepRef struct {
	// mapped is the step of the plan; pos is the position of an instance of it.
	mapped   int32
	pos      int
	instance bool
	key      string
}

// node returns the node of a place.
func (s *runEnv) node(at stepRef) *graph.Node { return s.graph.Node(s.plan.Steps[at.mapped].Node) }
