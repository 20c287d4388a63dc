package health

import (
	"context"

	"github.com/rivers-go/rivers/storage"
)

// ReadChecks counts what the checks of an asset, by their names, said last. A check that judges partitions counts by its
// worst: it failed as long as one of them has not passed since.
func ReadChecks(ctx context.Context, s Reader, asset string, checks []string) (Checks, error) {
	c := Checks{Defined: len(checks)}
	if len(checks) == 0 {
		return c, nil
	}
	names := make([]string, len(checks))
	for i, check := range checks {
		names[i] = storage.CheckName(asset, check)
	}
	records, err := s.ListAssets(ctx, storage.AssetQuery{Names: names})
	if err != nil {
		return c, err
	}
	for i := range records {
		sets, err := s.PartitionSets(ctx, []storage.AssetKey{records[i].Key})
		if err != nil {
			return c, err
		}
		count(&c, &records[i], !sets[0].Failed.IsEmpty())
	}
	c.Unknown = c.Defined - c.Passed - c.Warned - c.Failed - c.Crashed
	return c, nil
}

// count adds one check; failing says that an evaluation of it that failed is not outdone yet.
func count(c *Checks, rec *storage.AssetRecord, failing bool) {
	state, latest := rec.CheckState()
	if failing && state != storage.CheckExecutionFailed && rec.Failure != nil {
		state, latest = storage.CheckFailed, rec.Failure
		if latest.Check == nil {
			state = storage.CheckExecutionFailed
		}
	}
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
