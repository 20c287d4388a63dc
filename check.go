package rivers

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Severity describes how bad it is that an asset did not pass a check; see [storage.Severity].
type Severity = storage.Severity

// The severities of a [CheckResult].
const (
	// SeverityError is the default: with it a blocking check stops what is downstream.
	SeverityError = storage.SeverityError
	// SeverityWarn never stops anything.
	SeverityWarn = storage.SeverityWarn
)

// CheckSpec describes what a check is beside its function. Name and Asset are needed.
type CheckSpec struct {
	// Name is what the check is called, for ever; each check of an asset has another.
	Name string
	// Asset is the name of the asset that it judges.
	Asset string
	// Blocking stops what reads the asset, in the same run, where the asset does not pass with
	// SeverityError and where the check itself fails. The asset's own materialization stays.
	Blocking bool
	// BlockLater has a blocking check stop later runs too: one that loads what did not pass is
	// refused, until the asset passes or the run is asked for without checks.
	BlockLater bool
	// Description is for people; Markdown is shown as such.
	Description string
	// Metadata is for people. "rivers/executor" overrides the executor of a run.
	Metadata metadata.Map
	// CodeVersion names the version of the function; it is recorded with each evaluation.
	CodeVersion string
	// Deps say more about what the check reads, and add what it only waits for.
	Deps []Dep
	// Partitions has each partition judged by itself: it is the asset's own definition. Nil judges the
	// asset as a whole.
	Partitions partition.Definition
	// Retry is the policy for attempts that failed; zero takes the job's or the repository's. An asset
	// that did not pass is no failed attempt.
	Retry retry.Policy
	// Timeout bounds one attempt; zero does not.
	Timeout time.Duration
	// Hooks are called after the check's step ended.
	Hooks []Hook
	// Pools are the concurrency slots that the step holds while it runs.
	Pools []Pool
	// Compute bounds what an attempt may use; executors that run steps as goroutines do not hold it to
	// that.
	Compute executor.Compute
}

// Check judges an asset; see [NewCheck].
type Check struct {
	d     *define.Definition
	asset string
	name  string
}

// CheckResult is the verdict of a check on its asset, or of one partition of it.
type CheckResult struct {
	// Passed reports whether the asset is as it should be.
	Passed bool
	// Severity is how bad it is where it is not; empty is SeverityError.
	Severity Severity
	// Description is for people: what was found; Markdown is shown as such.
	Description string
	// Metadata is recorded with the evaluation; plain Go values convert, see [metadata.Of].
	Metadata metadata.Map
}

// NewCheck defines a check of an asset. The fields of In are its inputs, as those of an asset are:
// the value of the asset that is judged, of others, resources, a config. A check that has no field
// for its asset waits for it and looks at it by its own means. It is a step like any other, with
// the key asset:check, and runs whenever its asset is materialized. An error is that the check
// failed, and a blocking one stops what is downstream by it too.
func NewCheck[In any](spec CheckSpec, fn func(*CheckContext, In) (CheckResult, error)) *Check {
	check := define.Check{
		Common: define.Common{
			Name: spec.Name, Pos: fault.Here(), Deps: depsOf(spec.Deps), Partitions: spec.Partitions,
			Attrs:    graph.Attrs{Description: spec.Description, Metadata: spec.Metadata, CodeVersion: spec.CodeVersion},
			Settings: settingsOf(spec.Retry, spec.Timeout, spec.Hooks, spec.Pools, spec.Compute),
			Args:     argsOf[In](), NoFunction: fn == nil,
		},
		Asset: spec.Asset, Blocking: spec.Blocking, Later: spec.BlockLater,
		Call: func(f define.FieldSetters) graph.Call { return checkCall(fn, f) },
	}
	return &Check{d: check.Define(), asset: spec.Asset, name: spec.Name}
}

// InvalidCheck is a check that cannot be, for packages that make checks of what they are told:
// Validate reports the error as a mistake of its definition, each line by itself.
func InvalidCheck(spec CheckSpec, err error) *Check {
	c := NewCheck(spec, func(*CheckContext, NoInput) (CheckResult, error) { return CheckResult{}, err })
	c.d.Pos = fault.Here()
	for _, one := range fault.Each(err) {
		c.d.Fault("", "%s", one)
	}
	return c
}

// checkCall closes over the function of a check.
func checkCall[In any](fn func(*CheckContext, In) (CheckResult, error), f define.FieldSetters) graph.Call {
	return func(inv *graph.Invocation, args []any) (graph.Result, error) {
		in, err := arguments[In](f, inv, args)
		if err != nil {
			return graph.Result{}, err
		}
		said, err := fn(&CheckContext{stepContext{inv: inv}}, in)
		if err != nil {
			return graph.Result{}, err
		}
		if said.Severity != "" && said.Severity != SeverityError && said.Severity != SeverityWarn {
			return graph.Result{}, fmt.Errorf("the severity is %q: want %q or %q", said.Severity, SeverityError, SeverityWarn)
		}
		verdict := &storage.Verdict{Passed: said.Passed, Severity: said.Severity, Description: said.Description}
		if verdict.Severity == "" && !verdict.Passed {
			verdict.Severity = SeverityError
		}
		fact := inv.FactsOf(0)
		for k, v := range said.Metadata {
			inv.AddMetadata(0, k, v)
		}
		fact.Verdict = verdict
		return graph.Result{Recorded: true}, nil
	}
}

// Name returns the check's own name.
func (c *Check) Name() string { return c.name }

// Asset returns the name of the asset that it judges.
func (c *Check) Asset() string { return c.asset }

// CheckContext is what a check's function is told about its step. It is a [context.Context] that is
// cancelled with the run.
type CheckContext struct {
	stepContext
}

// Asset returns the name of the asset that is judged.
func (c *CheckContext) Asset() string { return c.inv.Node.Check.Asset }

// Check returns the check's own name.
func (c *CheckContext) Check() string {
	_, name, _ := storage.SplitCheck(c.inv.Node.Name)
	return name
}

// Partition returns which partition is judged: the zero Slice for a check of the asset as a whole.
func (c *CheckContext) Partition() partition.Slice { return c.inv.Partition }

// AddMetadata records a fact with the evaluation, as [AssetContext.AddMetadata] does with a
// materialization. What the result carries wins over it.
func (c *CheckContext) AddMetadata(key string, value any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inv.AddMetadata(0, key, value)
}
