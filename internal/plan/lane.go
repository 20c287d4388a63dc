package plan

import (
	"slices"

	"github.com/rivers-go/rivers/executor"
)

// Lane bounds how many steps run at once. Each executor has a lane, and each lane a capacity of its
// own.
type Lane uint8

// The lanes of a run.
const (
	// Parallel steps run up to the executor's number of workers at once.
	Parallel Lane = iota
	// InProcess steps run one at a time, in the order of the plan.
	InProcess
	// Subprocess steps run in processes of their own, up to the executor's number of workers at once.
	Subprocess
	// Lanes is the number of lanes.
	Lanes
)

// laneRule is how the steps of an executor run.
type laneRule struct {
	kind executor.Kind
	// isolated gives each step a process of its own.
	isolated bool
	// single runs one step at a time, whatever the number of workers.
	single bool
}

// laneRules has the executor of each lane. A new executor is a lane above and an entry here.
var laneRules = [Lanes]laneRule{
	Parallel:   {kind: executor.KindParallel},
	InProcess:  {kind: executor.KindInProcess, single: true},
	Subprocess: {kind: executor.KindSubprocess, isolated: true},
}

// LaneOf returns the lane of an executor; the zero executor runs steps in parallel.
func LaneOf(e executor.Executor) Lane {
	at := slices.IndexFunc(laneRules[:], func(r laneRule) bool { return r.kind == e.Kind() })
	return Lane(max(at, int(Parallel)))
}

// Isolated reports whether each step of the lane has a process of its own.
func (l Lane) Isolated() bool { return laneRules[l].isolated }

// capacity returns how many steps of each lane run at once. A step that names another executor than
// the run's has that executor's lane, with as many workers as a run that names none.
func capacity(o Options) [Lanes]int {
	var of [Lanes]int
	for l, rule := range laneRules {
		of[l] = max(o.Workers, 1)
		if rule.single {
			of[l] = 1
		}
	}
	if lane := LaneOf(o.Executor); !laneRules[lane].single && o.Executor.Workers() > 0 {
		of[lane] = o.Executor.Workers()
	}
	return of
}

// Isolates reports whether a step of the plan has a process of its own.
func (p *Plan) Isolates() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Lane.Isolated() })
}
