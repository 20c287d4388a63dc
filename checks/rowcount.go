package checks

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
)

// Count bounds the number of rows.
type Count struct {
	// Min and Max are bounds; a Max of zero is none.
	Min, Max int64
	// Last compares with the median of what this check counted the last so many times that the asset
	// passed; zero does not. Until it has passed once there is nothing to compare with.
	Last int
	// Deviation is how far from that median the count may be, as a part of it: 0.5 is half as many
	// again, or half of it. Zero is 0.5.
	Deviation float64
}

func (c *Count) validate() error {
	switch {
	case c.Min < 0 || c.Max < 0 || c.Last < 0 || c.Deviation < 0:
		return fmt.Errorf("the count is %+v: no number of it may be less than zero", *c)
	case c.Max > 0 && c.Min > c.Max:
		return fmt.Errorf("at least %d and at most %d rows: exchange them", c.Min, c.Max)
	case c.Min == 0 && c.Max == 0 && c.Last == 0:
		return errors.New("any number of rows passes: give Min, Max or Last")
	case c.Deviation > 0 && c.Last == 0:
		return errors.New("a Deviation is from the last counts: give Last")
	}
	return nil
}

// RowCount passes where the number of rows is within bounds, and near to what it was the last
// times.
func RowCount[V any](s Spec, count Count) *rivers.Check {
	return define[V](s, "row_count", nil, func([]column) (func() *judge, error) {
		if err := count.validate(); err != nil {
			return nil, err
		}
		return func() *judge { return &judge{end: count.judge} }, nil
	})
}

// judge reports whether a number of rows passes.
func (c *Count) judge(ctx *rivers.CheckContext, res *rivers.CheckResult, rows int64) error {
	switch {
	case rows < c.Min:
		res.Passed, res.Description = false, fmt.Sprintf("%d rows, want at least %d", rows, c.Min)
	case c.Max > 0 && rows > c.Max:
		res.Passed, res.Description = false, fmt.Sprintf("%d rows, want at most %d", rows, c.Max)
	}
	if c.Last == 0 {
		return nil
	}
	before, err := c.before(ctx)
	if err != nil || len(before) == 0 {
		return err
	}
	slices.Sort(before)
	median := before[len(before)/2]
	res.Metadata["rows_before"] = median
	deviation := c.Deviation
	if deviation == 0 {
		deviation = 0.5
	}
	low, high := float64(median)*(1-deviation), float64(median)*(1+deviation)
	if res.Passed && (float64(rows) < low || float64(rows) > high) {
		res.Passed = false
		res.Description = fmt.Sprintf("%d rows, and the median of the last %d counts is %d: want %.0f to %.0f", rows, len(before), median, low, high)
	}
	return nil
}

// before are the last counts with which the asset passed, whichever partitions these were of: a day
// is like the days before it.
func (c *Count) before(ctx *rivers.CheckContext) ([]int64, error) {
	name := storage.CheckName(ctx.Asset(), ctx.Check())
	keys, err := ctx.Storage().AssetKeys(ctx, []string{name})
	if err != nil {
		return nil, fmt.Errorf("reading the last counts: %w", err)
	}
	if keys[0] == 0 {
		return nil, nil
	}
	var before []int64
	q := storage.AssetEventQuery{Asset: keys[0], Limit: 100}
	for len(before) < c.Last {
		events, err := ctx.Storage().ListAssetEvents(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("reading the last counts: %w", err)
		}
		for i := range events {
			if events[i].Kind != storage.CheckEvaluated || events[i].CheckState() != storage.CheckSucceeded {
				continue
			}
			d, err := storage.ParseDetail(events[i].Detail)
			if err != nil {
				return nil, fmt.Errorf("reading the last counts: %w", err)
			}
			if rows, ok := d.Metadata.Int("rows"); ok && len(before) < c.Last {
				before = append(before, rows)
			}
		}
		if len(events) < q.Limit {
			break
		}
		last := events[len(events)-1]
		q.BeforeRun, q.BeforeN = last.Run, last.N
	}
	return before, nil
}
