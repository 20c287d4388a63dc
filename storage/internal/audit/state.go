package audit

import "github.com/rivers-go/rivers/storage"

// state is what is stored of an asset, or of one of its partitions, beside the event that it names.
type state struct {
	asset, kind, n int64
	name, run      *string // nil for an asset, or a run, that is not recorded
	partition      string
	hasNewer       int64
}

// states compares what is stored of assets as a whole with the events: one has the same, and no
// newer one of that run has otherwise, as far as the events are kept.
func (a *Audit) states() error {
	rows, err := list(a, func(r *state) []any { return []any{&r.asset, &r.name, &r.kind, &r.run, &r.n, &r.hasNewer} }, `
		WITH compared AS (
			SELECT asset_state.asset, asset.name, asset_state.kind, run.id AS run_id, asset_state.n,
				asset.key IS NULL AS stray,
				asset_state.run <> 0 AND run.key IS NULL AND pruned_run.key IS NULL AS runless,
				asset_state.run <> 0 AS has_run,
				run.lost & {lost} = 0 AND EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run) AS has_events,
				EXISTS (SELECT 1 FROM event WHERE event.run = asset_state.run AND event.n = asset_state.n AND event.at = asset_state.at
					AND ((event.asset = asset_state.asset AND asset_state.kind = {state_of_event})
						OR (asset_state.kind = 2 AND event.kind = {step_failed}))) AS has_event,
				EXISTS (SELECT 1 FROM {run_events} AND event.asset = asset_state.asset AND event.run = asset_state.run
					AND event.n > asset_state.n AND asset_state.kind < 2 AND asset_state.kind = {state_of_event}) AS has_newer
			FROM asset_state
				LEFT JOIN asset ON asset.key = asset_state.asset
				LEFT JOIN run ON run.key = asset_state.run
				LEFT JOIN pruned_run ON pruned_run.key = asset_state.run
		)
		SELECT asset, name, kind, run_id, n, CASE WHEN has_newer THEN 1 ELSE 0 END FROM compared
		WHERE stray OR runless OR (has_run AND has_events AND (NOT has_event OR has_newer))
		ORDER BY asset, kind`)
	for _, r := range rows {
		kind := storage.StateKind(r.kind)
		switch {
		case r.name == nil:
			a.Found("the %s state of asset %d: there is no such asset", kind, r.asset)
		case r.run == nil:
			a.Found("asset %q was last %s by a run that is not recorded", *r.name, kind)
		case r.hasNewer != 0:
			a.Found("asset %q was last %s by event %d of run %q, which has a newer one", *r.name, kind, r.n, *r.run)
		default:
			a.Found("asset %q was last %s by event %d of run %q, which differs or is missing", *r.name, kind, r.n, *r.run)
		}
	}
	return err
}

// missing is how many events say what no state does.
type missing struct {
	name, partition string
	kind, events    int64
}

// missingStates looks for assets without a state that events of theirs have left.
func (a *Audit) missingStates() error {
	rows, err := list(a, func(r *missing) []any { return []any{&r.name, &r.kind, &r.events} }, `
		SELECT asset.name, CASE WHEN event.kind = {asset_observed} THEN 1 ELSE 0 END, count(*)
		FROM event JOIN asset ON asset.key = event.asset
		WHERE event.kind NOT IN ({partition_failed}, {asset_wiped}, {check_evaluated}, {action_performed})
			AND NOT EXISTS (SELECT 1 FROM asset_state WHERE asset_state.asset = event.asset
				AND asset_state.kind IN (CASE WHEN event.kind = {asset_observed} THEN 1 ELSE 0 END, 3))
		GROUP BY asset.key, 2
		ORDER BY asset.name`)
	for _, r := range rows {
		a.Found("asset %q was %s by %d events, but has no such state", r.name, storage.StateKind(r.kind), r.events)
	}
	return err
}

// partitionStates compares what is stored of single partitions with the events, as far as they are
// kept.
func (a *Audit) partitionStates() error {
	rows, err := list(a, func(r *state) []any { return []any{&r.asset, &r.name, &r.kind, &r.partition, &r.n, &r.run} }, `
		SELECT partition_state.asset, asset.name, partition_state.kind, partition_state.partition, partition_state.n, run.id
		FROM partition_state
			LEFT JOIN asset ON asset.key = partition_state.asset
			LEFT JOIN run ON run.key = partition_state.run
			LEFT JOIN pruned_run ON pruned_run.key = partition_state.run
		WHERE asset.key IS NULL OR (partition_state.run <> 0 AND (run.key IS NULL AND pruned_run.key IS NULL OR partition_state.kind < 2
			AND run.lost & {lost} = 0 AND EXISTS (SELECT 1 FROM event WHERE event.run = partition_state.run)
			AND NOT EXISTS (SELECT 1 FROM event WHERE event.run = partition_state.run AND event.n = partition_state.n
				AND event.asset = partition_state.asset AND event.kind <> {partition_failed})))
		ORDER BY partition_state.asset, partition_state.kind, partition_state.partition
		LIMIT 100`)
	for _, r := range rows {
		kind := storage.StateKind(r.kind)
		switch {
		case r.name == nil:
			a.Found("the %s state of partition %q of asset %d: there is no such asset", kind, r.partition, r.asset)
		case r.run == nil:
			a.Found("partition %q of asset %q was last %s by a run that is not recorded", r.partition, *r.name, kind)
		default:
			a.Found("partition %q of asset %q was last %s by event %d of run %q, which differs or is missing", r.partition, *r.name, kind, r.n, *r.run)
		}
	}
	return err
}

// missingPartitions looks for partitions that were materialized, by their events, and have no
// state.
func (a *Audit) missingPartitions() error {
	rows, err := list(a, func(r *missing) []any { return []any{&r.name, &r.partition, &r.events} }, `
		SELECT asset.name, event.partition, count(*)
		FROM event JOIN asset ON asset.key = event.asset
		WHERE event.partition <> '' AND event.kind IN ({step_succeeded}, {asset_materialized})
			AND NOT EXISTS (SELECT 1 FROM partition_state
				WHERE partition_state.asset = event.asset AND partition_state.kind = 0 AND partition_state.partition = event.partition)
		GROUP BY asset.key, event.partition
		ORDER BY asset.name, event.partition
		LIMIT 100`)
	for _, r := range rows {
		a.Found("partition %q of asset %q was materialized by %d events, but has no such state", r.partition, r.name, r.events)
	}
	return err
}
