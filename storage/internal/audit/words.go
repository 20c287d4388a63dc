package audit

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/storage"
)

// words replaces the words in braces in the SQL of all checks: kinds and states by their numbers,
// {lost} by the bits of a run that has lost events to pruning, {state_of_event} by the kind of
// state that an event leaves, the rest by the dialect's expressions.
func (d *Dialect) words() *strings.Replacer {
	number := func(n uint8) string { return fmt.Sprint(n) }
	event := func(k storage.EventKind) string { return number(uint8(k)) }
	return strings.NewReplacer(
		"{now}", d.Now, "{run_events}", d.RunEvents, "{ordinal}", d.Ordinal, "{misplaced}", d.Misplaced,
		"{ended}", number(uint8(storage.Success)), "{lost}", fmt.Sprint(lostEvents),
		"{run_ended}", event(storage.RunEnded),
		"{step_succeeded}", event(storage.StepSucceeded), "{step_expanded}", event(storage.StepExpanded),
		"{step_reused}", event(storage.StepReused), "{step_failed}", event(storage.StepFailed),
		"{step_skipped}", event(storage.StepSkipped), "{step_canceled}", event(storage.StepCanceled),
		"{asset_materialized}", event(storage.AssetMaterialized), "{asset_observed}", event(storage.AssetObserved),
		"{asset_wiped}", event(storage.AssetWiped), "{partition_failed}", event(storage.PartitionFailed),
		"{check_evaluated}", event(storage.CheckEvaluated), "{action_performed}", event(storage.ActionPerformed),
		"{state_of_event}", stateOfEvent(),
	)
}

// lostEvents are the bits of run.lost for which the events that are left say nothing.
const lostEvents = 70

// stateOfEvent is an expression for the [storage.StateKind] of an event of an asset; a check's is
// that of its result, and an action leaves none.
func stateOfEvent() string {
	return fmt.Sprintf(`CASE event.kind WHEN %d THEN 1 WHEN %d THEN 2 WHEN %d THEN 3
		WHEN %d THEN CASE event.status WHEN 2 THEN 0 WHEN 5 THEN 1 ELSE 2 END WHEN %d THEN -1 ELSE 0 END`,
		storage.AssetObserved, storage.PartitionFailed, storage.AssetWiped, storage.CheckEvaluated, storage.ActionPerformed)
}
