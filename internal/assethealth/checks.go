package assethealth

import (
	"context"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// checks counts what the checks of a subject said last. A check that judges partitions counts by
// the worst of those that exist, whatever of them was not judged.
func (v *view) checks(ctx context.Context, sub *Subject) (Checks, error) {
	c := Checks{Defined: len(sub.Checks)}
	for _, check := range sub.Checks {
		rec := v.records[check.Name]
		if rec == nil {
			continue
		}
		if !check.Partitioned {
			c.count(rec.CheckState())
			continue
		}
		if err := v.countPartitions(ctx, &c, sub, rec); err != nil {
			return c, err
		}
	}
	c.Unknown = c.Defined - c.Passed - c.Warned - c.Failed - c.Crashed
	return c, nil
}

// count adds a check of an asset as a whole.
func (c *Checks) count(state storage.CheckState, latest *storage.AssetState) {
	switch {
	case state == storage.CheckSucceeded:
		c.Passed++
	case state == storage.CheckFailed && !latest.Check.Bad():
		c.Warned++
	case state == storage.CheckFailed:
		c.Failed++
	case state == storage.CheckExecutionFailed:
		c.Crashed++
	}
}

// countPartitions adds a check that judges partitions.
func (v *view) countPartitions(ctx context.Context, c *Checks, sub *Subject, rec *storage.AssetRecord) error {
	sets := v.sets[rec.Key]
	if sets == nil {
		return nil
	}
	space, err := v.space(ctx, sub.Partitions)
	if err != nil {
		return err
	}
	some := func(set partition.Set) bool { return !space.Within(set).IsEmpty() }
	if rec.Observation == nil && !some(sets.Failed) {
		if some(sets.Materialized) {
			c.Passed++
		}
		return nil
	}
	if v.verdicts == nil {
		if v.verdicts, err = v.ask(ctx); err != nil {
			return err
		}
	}
	said := v.verdicts[rec.Name]
	switch {
	case said == nil:
	case some(said.Crashed):
		c.Crashed++
	case some(said.Failed):
		c.Failed++
	case some(said.Warned):
		c.Warned++
	case some(said.Passed):
		c.Passed++
	}
	return nil
}
