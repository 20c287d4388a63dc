package rivers

import (
	"context"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// cut finds which partitions each step of a plan is of, nil where nothing is divided. Now is read by the caller,
// once a request.
func (r *CodeRepository) cut(ctx context.Context, p *plan.Plan, req *RunRequest, now time.Time) (*plan.Cut, error) {
	given := 0
	for _, has := range []bool{!req.Partition.IsZero(), !req.Range.IsZero(), !req.Partitions.IsEmpty()} {
		if has {
			given++
		}
	}
	divided := p.Divided()
	switch {
	case given > 1:
		return nil, fmt.Errorf("%w: the request has Partition, Range and Partitions, %d of them: give one", ErrPartitionValidation, given)
	case !divided && given > 0:
		return nil, fmt.Errorf("%w: nothing that is selected has partitions: leave %s out, or select an asset that has some", ErrPartitionValidation, partitionText(req))
	case !p.ReadsPartitions():
		return nil, nil //nolint:nilnil // nothing to cut is no error
	case !divided:
		return plan.Divide(p, now, r.tables(ctx)).Of(partition.Set{}), nil
	}
	c, err := plan.Divide(p, now, r.tables(ctx)).Cut(func(space partition.Space) (partition.Set, error) { return ask(req, space) })
	if err != nil {
		return nil, &partitionError{err}
	}
	err = c.Mapped()
	return c, err
}

// ask returns what a request names of what there is.
func ask(req *RunRequest, space partition.Space) (set partition.Set, err error) {
	switch {
	case !req.Partition.IsZero():
		set, err = space.Set(req.Partition)
	case !req.Range.IsZero():
		set, err = space.Range(req.Range)
	case !req.Partitions.IsEmpty():
		set = space.Within(req.Partitions)
		if n := space.Count(set); !set.Equal(req.Partitions) {
			err = fmt.Errorf("of the partitions that are asked for %d exist, and others do not", n)
		}
	default:
		return set, fmt.Errorf("it has partitions, %s, and none is given: give one as Partition, or several as a Range", space.Definition())
	}
	if err == nil && set.IsEmpty() {
		err = fmt.Errorf("%s names no partition of %s", partitionText(req), space.Definition())
	}
	return set, err
}

// partitionText is what a request says about partitions.
func partitionText(req *RunRequest) string {
	switch {
	case !req.Partition.IsZero():
		return fmt.Sprintf("partition %s", req.Partition)
	case !req.Range.IsZero():
		return fmt.Sprintf("range %s", req.Range)
	default:
		return "the set of partitions"
	}
}

// partitionError is a request for partitions that there are not.
type partitionError struct{ err error }

func (e *partitionError) Error() string   { return e.err.Error() }
func (e *partitionError) Unwrap() []error { return []error{ErrPartitionValidation, e.err} }

// recordedCut is the cut of a run that is recorded.
func (r *CodeRepository) recordedCut(ctx context.Context, p *plan.Plan, steps []storage.PlanStep, now time.Time) *plan.Cut {
	if !p.ReadsPartitions() || len(steps) != len(p.Steps) {
		return nil
	}
	c := plan.Divide(p, now, r.tables(ctx)).Of(partition.Set{})
	for s := range steps {
		c.Sets[s] = steps[s].Partitions
	}
	return c
}

// cutLabel says for people which partitions a run is of: those of its first step that has any.
func cutLabel(c *plan.Cut) string {
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
