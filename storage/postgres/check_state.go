package postgres

import (
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres/internal/db"
)

func (c *checker) states() error {
	rows, err := c.q.CheckStates(c.ctx, db.CheckStatesParams{
		ObservedKind: int16(storage.AssetObserved), PartitionFailedKind: int16(storage.PartitionFailed),
		WipedKind: int16(storage.AssetWiped), EvaluatedKind: int16(storage.CheckEvaluated), ActedKind: int16(storage.ActionPerformed), FailedKind: int16(storage.StepFailed),
	})
	for _, r := range rows {
		what := storage.StateKind(r.Kind)
		switch {
		case !r.Name.Valid:
			c.report("the %s state of asset %d: there is no such asset", what, r.Asset)
		case !r.RunID.Valid:
			c.report("asset %q was last %s by a run that is not recorded", r.Name.String, what)
		case r.HasNewer:
			c.report("asset %q was last %s by event %d of run %q, which has a newer one", r.Name.String, what, r.N, r.RunID.String)
		default:
			c.report("asset %q was last %s by event %d of run %q, which says otherwise or is not there", r.Name.String, what, r.N, r.RunID.String)
		}
	}
	return err
}

func (c *checker) missingStates() error {
	rows, err := c.q.CheckMissingStates(c.ctx, db.CheckMissingStatesParams{
		ObservedKind: int16(storage.AssetObserved), PartitionFailedKind: int16(storage.PartitionFailed), WipedKind: int16(storage.AssetWiped), EvaluatedKind: int16(storage.CheckEvaluated), ActedKind: int16(storage.ActionPerformed),
	})
	for _, r := range rows {
		c.report("asset %q was %s by %d events, but has no such state", r.Name, storage.StateKind(r.Kind), r.Events)
	}
	return err
}

func (c *checker) partitionStates() error {
	rows, err := c.q.CheckPartitionStates(c.ctx, int16(storage.PartitionFailed))
	for _, r := range rows {
		what := storage.StateKind(r.Kind)
		switch {
		case !r.Name.Valid:
			c.report("the %s state of partition %q of asset %d: there is no such asset", what, r.Partition, r.Asset)
		case !r.RunID.Valid:
			c.report("partition %q of asset %q was last %s by a run that is not recorded", r.Partition, r.Name.String, what)
		default:
			c.report("partition %q of asset %q was last %s by event %d of run %q, which says otherwise or is not there", r.Partition, r.Name.String, what, r.N, r.RunID.String)
		}
	}
	return err
}

func (c *checker) missingPartitions() error {
	rows, err := c.q.CheckMissingPartitions(c.ctx, db.CheckMissingPartitionsParams{
		Succeeded: int16(storage.StepSucceeded), Materialized: int16(storage.AssetMaterialized),
	})
	for _, r := range rows {
		c.report("partition %q of asset %q was materialized by %d events, but has no such state", r.Partition, r.Name, r.Events)
	}
	return err
}
