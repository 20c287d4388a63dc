package launch

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// assigner assigns partitions to the steps of one request. It reads the clock once.
type assigner struct {
	*Runner

	now     time.Time
	leftOut []string        // partitioned assets of a request that is Unpartitioned
	stale   *staleSelection // nil for a request that is not for what is stale
}

// assigner begins with a request. It turns a request for unpartitioned or stale assets into one
// that names them, which is the request that is recorded.
func (r *Runner) assigner(ctx context.Context, job *catalog.Job, req *storage.RunRequest) (a assigner, err error) {
	a = assigner{Runner: r, now: time.Now()}
	if req.Unpartitioned {
		if job != nil {
			return a, fmt.Errorf("unpartitioned selection does not apply to job %q: select its assets instead", job.Name)
		}
		if a.leftOut, err = r.Catalog.LeaveOutPartitioned(req); err != nil {
			return a, err
		}
	}
	if req.Stale {
		a.stale, err = r.selectStale(ctx, job, req, a.now)
	}
	return a, err
}

// assign assigns partitions to each step of a plan. For a request for stale assets it leaves only
// the partitions that are stale or missing.
func (a assigner) assign(ctx context.Context, p *plan.Plan, req *storage.RunRequest) (*plan.Assignment, error) {
	asked := *req
	if a.stale != nil && !p.HasPartitions() { // what is asked for was checked, and nothing that has partitions is stale
		asked.Partition, asked.Range, asked.Partitions = partition.Key{}, partition.KeyRange{}, partition.Set{}
	}
	c, err := a.assignRequested(ctx, p, &asked, a.now)
	if err != nil || c == nil || a.stale == nil {
		return c, err
	}
	for s := range p.Steps {
		if p.Graph.Node(p.Steps[s].Node).Partitions == nil {
			continue
		}
		var need partition.Set
		for _, v := range outputsFor(p, int32(s)) {
			need = need.Union(a.stale.needs[v])
		}
		c.Sets[s] = c.Sets[s].Intersect(need)
	}
	return c, nil
}

// assignRequested assigns the requested partitions to the steps of a plan; nil if nothing is
// partitioned.
func (r *Runner) assignRequested(ctx context.Context, p *plan.Plan, req *storage.RunRequest, now time.Time) (*plan.Assignment, error) {
	given := givenWays(req)
	partitioned := p.HasPartitions()
	switch {
	case len(given) > 1:
		return nil, fmt.Errorf("%w: the request has %s: give one", fault.ErrPartitionValidation, strings.Join(given, " and "))
	case !partitioned && len(given) > 0:
		return nil, fmt.Errorf("%w: nothing that is selected has partitions: leave %s out, or select an asset that has some", fault.ErrPartitionValidation, partitionText(req))
	case !p.ReadsPartitions():
		return nil, nil //nolint:nilnil // nothing to cut is no error
	case !partitioned:
		return r.PartitioningOf(ctx, p, now).Of(partition.Set{}), nil
	}
	if first, second, two := p.TwoKinds(); two && len(given) > 0 {
		return nil, fmt.Errorf("%w: %s is not the same for %q (%s) and %q (%s): run one after the other", fault.ErrPartitionValidation,
			partitionText(req), first.Definition, first.Partitions, second.Definition, second.Partitions)
	}
	c, err := r.PartitioningOf(ctx, p, now).Assign(func(space partition.Space) (partition.Set, error) { return ask(req, space) })
	if err != nil {
		return nil, fault.Mark(fault.ErrPartitionValidation, err)
	}
	err = c.Mapped()
	return c, err
}

// givenWays lists the fields in which a request names partitions.
func givenWays(req *storage.RunRequest) (given []string) {
	if !req.Partition.IsZero() {
		given = append(given, "Partition")
	}
	if !req.Range.IsZero() {
		given = append(given, "Range")
	}
	if !req.Partitions.IsEmpty() {
		given = append(given, "Partitions")
	}
	return given
}

// PartitioningOf finds the partitions that the assets of a plan have at an instant.
func (r *Runner) PartitioningOf(ctx context.Context, p *plan.Plan, now time.Time) *plan.Partitioning {
	return plan.NewPartitioning(p, now, r.tables(ctx))
}

// tables finds key tables in the store, or without one in the definitions.
func (r *Runner) tables(ctx context.Context) plan.Tables { return TablesOf(ctx, r.Tables) }

// TablesOf returns a function that finds key tables through a cache. With a nil cache it finds
// static keys, and returns an error for dynamic ones.
func TablesOf(ctx context.Context, cache *storage.KeyCache) plan.Tables {
	return func(d partition.Definition) (partition.Tables, error) {
		if cache != nil {
			return cache.Tables(ctx, d)
		}
		if names := partition.NeedsOf(d).Dynamic; len(names) > 0 {
			return partition.Tables{}, fmt.Errorf("the keys of %q are in the store, which is not open: call Resolve first", names[0])
		}
		return partition.Tables{}, nil
	}
}

// space returns the partitions that a definition has now.
func (r *Runner) space(ctx context.Context, d partition.Definition) (partition.Space, error) {
	tables, err := r.tables(ctx)(d)
	if err != nil {
		return partition.Space{}, err
	}
	return partition.NewSpace(d, time.Now(), tables)
}

// ask returns the partitions of a space that a request names.
func ask(req *storage.RunRequest, space partition.Space) (set partition.Set, err error) {
	switch {
	case !req.Partition.IsZero():
		set, err = space.Set(req.Partition)
	case !req.Range.IsZero():
		set, err = space.Range(req.Range)
	case !req.Partitions.IsEmpty():
		set = space.Within(req.Partitions)
		if n := space.Count(set); !set.Equal(req.Partitions) {
			err = fmt.Errorf("only %d of the requested partitions exist", n)
		}
	default:
		return set, fmt.Errorf("it is partitioned, %s: set Partition to one key, or Range to several", space.Definition())
	}
	if err == nil && set.IsEmpty() {
		err = fmt.Errorf("%s names no partition of %s", partitionText(req), space.Definition())
	}
	return set, err
}

// partitionText returns the partitions of a request, as messages name them.
func partitionText(req *storage.RunRequest) string {
	switch {
	case !req.Partition.IsZero():
		return fmt.Sprintf("partition %s", req.Partition)
	case !req.Range.IsZero():
		return fmt.Sprintf("range %s", req.Range)
	default:
		return "the set of partitions"
	}
}

// recorded returns the assignment of a recorded run; nil if nothing is partitioned.
func (r *Runner) recorded(ctx context.Context, p *plan.Plan, steps []storage.PlanStep, now time.Time) *plan.Assignment {
	if !p.ReadsPartitions() || len(steps) != len(p.Steps) {
		return nil
	}
	c := r.PartitioningOf(ctx, p, now).Of(partition.Set{})
	for s := range steps {
		c.Sets[s] = steps[s].Partitions
	}
	return c
}

// label returns the partitions of a run's first partitioned step, as people read them.
func label(c *plan.Assignment) string {
	if c == nil {
		return ""
	}
	for s := range c.Sets {
		if c.Sets[s].IsEmpty() {
			continue
		}
		if slice, err := c.Slice(int32(s), c.Sets[s]); err == nil {
			return slice.String()
		}
	}
	return ""
}
