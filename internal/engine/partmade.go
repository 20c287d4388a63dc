package engine

import (
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// partMade records partitions that an attempt made while it continues with others.
func (r *run) partMade(a *attempt, part partition.Slice, facts []graph.Facts) error {
	if r.isCheck(a.mapped) {
		return r.partEvaluated(a, part, r.evaluate(a.mapped, facts, part))
	}
	if r.isAction(a.mapped) {
		return r.partActed(a, part, r.newActionResult(a.mapped, facts, part))
	}
	var few [2]materialization
	made := few[:0]
	if !a.of.Emits { // what it handed over was recorded then
		made = r.encodeAll(a.mapped, part, facts, made)
	}
	r.mu.Lock()
	defer r.unlock()
	if !r.d.Running(a.job.step, a.job.attempt) {
		return fmt.Errorf("partition %s: %w", part, ErrCanceled)
	}
	at := now()
	for i := range made {
		f := storage.Fact{Kind: storage.AssetMaterialized, Step: a.job.step, Attempt: a.job.attempt, At: at}
		r.setMaterialized(&made[i], r.recordMade(f, &made[i]), at)
	}
	if len(made) == 0 && !a.of.Emits { // no event records it yet
		r.d.Apply(decide.Event{Fact: storage.Fact{Kind: decide.StepMade, Step: a.job.step, Attempt: a.job.attempt, At: at}, Partitions: part.Set()})
	}
	r.flush()
	return nil
}

// partEvaluated records the result of a check for one of several partitions.
func (r *run) partEvaluated(a *attempt, part partition.Slice, e *evaluation) error {
	r.mu.Lock()
	defer r.unlock()
	if !r.d.Running(a.job.step, a.job.attempt) {
		return fmt.Errorf("partition %s: %w", part, ErrCanceled)
	}
	r.recordEvaluation(a.mapped, storage.Fact{Step: a.job.step, Attempt: a.job.attempt, At: now()}, e)
	r.flush()
	return nil
}

// partActed records what an action did to one of several partitions.
func (r *run) partActed(a *attempt, part partition.Slice, e *actionResult) error {
	r.mu.Lock()
	defer r.unlock()
	if !r.d.Running(a.job.step, a.job.attempt) {
		return fmt.Errorf("partition %s: %w", part, ErrCanceled)
	}
	r.recordAction(storage.Fact{Step: a.job.step, Attempt: a.job.attempt, At: now()}, e)
	r.flush()
	return nil
}

// partLost records that one of several partitions failed in this attempt, or that the step has
// nothing to do for it.
func (r *run) partLost(a *attempt, part partition.Slice, err error) error {
	d, skipped := failureDetailOf(err), errors.Is(err, ErrSkip)
	if r.isCheck(a.mapped) {
		state := storage.CheckExecutionFailed
		if skipped {
			state = storage.CheckSkipped
		}
		return r.partEvaluated(a, part, r.failedEvaluation(a.mapped, state, part, d))
	}
	d.Partitions = part.Set()
	detail := d.AppendJSON(nil)
	reason := classified(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.d.Running(a.job.step, a.job.attempt) {
		return fmt.Errorf("partition %s: %w", part, ErrCanceled)
	}
	at := now()
	f := storage.Fact{Kind: storage.PartitionSkipped, Step: a.job.step, Attempt: a.job.attempt, At: at}
	if skipped { // the state of its asset stays
		r.recordEvent(storage.Event{Fact: f, Partition: part.Key().String(), Detail: detail}, decide.Event{Fact: f, Partitions: part.Set()})
		r.flush()
		return nil
	}
	f = f.FailedPartition(reason)
	for _, asset := range failing(r, a.mapped) {
		e := r.recordEvent(storage.Event{Fact: f, Asset: asset, Partition: part.Key().String(), Detail: detail}, decide.Event{Fact: f, Partitions: part.Set()})
		r.batch.Assets = append(r.batch.Assets, storage.AssetUpdate{
			Asset: asset, Kind: storage.Failed, Partition: part.Key().String(), Partitions: part.Set(), Run: r.key, N: e, At: at, Detail: detail,
		})
	}
	r.flush()
	return nil
}

// setFailed makes a failure the present state of the assets, or of those of their partitions,
// that a step did not make. Called with the lock held.
func (r *run) setFailed(step int32, key partition.Key, set partition.Set, n int64, at storage.Micros, detail []byte) {
	s := r.d.Planned(step)
	if r.partitioned(s) == set.IsEmpty() {
		return // its partitions failed one by one, or never had their turn
	}
	for _, asset := range failing(r, s) {
		r.batch.Assets = append(r.batch.Assets, storage.AssetUpdate{
			Asset: asset, Kind: storage.Failed, Partition: key.String(), Partitions: set, Run: r.key, N: n, At: at, Detail: detail,
		})
	}
}

// failing are the keys of the assets that fail with a step of the plan: what it makes, or inside a
// graph asset what it works for.
func failing(r *run, s int32) []storage.AssetKey {
	var keys []storage.AssetKey
	n := r.plan.Steps[s].Node
	node := r.graph.Node(n)
	for o := range node.Outputs {
		if key := r.assetKey(r.graph.OutputAt(n, o)); key != 0 && r.plan.Wanted(s, o) {
			keys = append(keys, key)
		}
	}
	if len(keys) > 0 || node.Kind != graph.GraphTask {
		return keys
	}
	if v, ok := r.graph.Find(node.Definition); ok {
		if key := r.assetKey(v); key != 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// failedWith is what failed with an attempt that could no longer report it: its body panicked, its
// process died. It is all that one call was about; of several calls nobody knows which one it was.
// Called with the lock held.
func (r *run) failedWith(s int32) partition.Slice {
	if !r.partitioned(s) {
		return partition.Slice{}
	}
	left, _, err := r.d.Partitions().Left(s)
	if err != nil {
		return partition.Slice{}
	}
	part, err := r.assignment.Slice(s, left)
	if err != nil || part.Len() > 1 && !r.graph.Node(r.plan.Steps[s].Node).Whole {
		return partition.Slice{}
	}
	return part
}

// encodeAll appends the records of all wanted outputs of a step, for the partitions that were made.
func (r *run) encodeAll(s int32, part partition.Slice, facts []graph.Facts, made []materialization) []materialization {
	node := r.graph.Node(r.plan.Steps[s].Node)
	for pos := range node.Outputs {
		if !r.plan.Wanted(s, pos) || node.Outputs[pos].Inner {
			continue
		}
		var f *graph.Facts
		if pos < len(facts) {
			f = &facts[pos]
		}
		made = append(made, r.encode(s, pos, f, part))
	}
	return made
}
