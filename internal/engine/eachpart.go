package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// PartitionsError means that some partitions of a step failed, and others did not.
type PartitionsError struct {
	// Failed is how many failed, Of how many the step had to make.
	Failed, Of int64
	// First is the first that failed.
	First partition.Key
	// errs are the first errors, that of First before all.
	errs []error
}

// mostErrors bounds how many errors of partitions are kept: each has its own event.
const mostErrors = 16

// Error reports how many failed, and why the first did.
func (e *PartitionsError) Error() string {
	if e.Of == 1 {
		return e.errs[0].Error()
	}
	return fmt.Sprintf("%d of %d partitions failed, first %s: %v", e.Failed, e.Of, e.First, e.errs[0])
}

// Unwrap returns the first errors, by which a retry is decided.
func (e *PartitionsError) Unwrap() []error { return e.errs }

func (e *PartitionsError) add(key partition.Key, err error) {
	if e.Failed++; e.Failed == 1 {
		e.First = key
	}
	if len(e.errs) < mostErrors {
		e.errs = append(e.errs, err)
	}
}

// byParts does an attempt of a step that is partitioned: in one call, or in one for each partition.
func (a *attempt) byParts() outcome {
	due, err := a.assignment.Slice(a.mapped, a.due)
	if err != nil {
		return a.failure(fmt.Errorf("its partitions: %w", err))
	}
	switch {
	case due.Len() == 0: // all of them had been made when the process died that did
		return outcome{kind: storage.StepSucceeded, apart: true}
	case a.unfolds():
		a.part = due
		return a.unfold()
	case a.of.Whole:
		return a.whole(due)
	case due.Len() == 1:
		return a.one(due)
	}
	return a.materializeEach(due)
}

// one makes the only partition that is left.
func (a *attempt) one(part partition.Slice) outcome {
	inv, _, err := a.call(part)
	if err == nil {
		err = inv.Marked[part.Key()]
	}
	if err != nil {
		o := a.failure(a.timedOut(err))
		o.part = part
		return o
	}
	return outcome{kind: storage.StepSucceeded, facts: inv.Facts, part: part}
}

// materializeEach makes the partitions one after the other, in the order of the definition, so that
// a body finds what it made of the one before.
func (a *attempt) materializeEach(due partition.Slice) outcome {
	failed := PartitionsError{Of: due.Len()}
	var lost partition.Gather
	lost.Add(a.blocked)
	for key, err := range due.Keys() {
		if err != nil {
			return a.failure(fmt.Errorf("its partitions: %w", err))
		}
		if a.ctx.Err() != nil {
			return a.failure(a.timedOut(context.Cause(a.ctx)))
		}
		part, err := a.assignment.SliceOf(a.mapped, key)
		if err != nil {
			return a.failure(fmt.Errorf("its partitions: %w", err))
		}
		if err := a.makeOne(part, &failed, &lost); err != nil {
			return a.failure(a.timedOut(err))
		}
	}
	return a.tally(&failed)
}

// readsLost returns the partitions of the asset itself that a partition reads and that were not
// made in this run.
func (a *attempt) readsLost(part partition.Slice, lost *partition.Gather) (gone partition.Set, err error) {
	if lost.IsEmpty() {
		return gone, nil
	}
	for k := range a.of.Inputs {
		if in := &a.of.Inputs[k]; in.Mode != graph.Self || in.Parts == nil {
			continue
		}
		edge, err := a.assignment.Edge(a.mapped, k)
		if err != nil {
			return gone, err
		}
		needs, _ := edge.Upstream(part.Set())
		gone = gone.Union(needs.Intersect(lost.Set()))
	}
	return gone, nil
}

// makeOne makes one of several partitions. Its error is the whole attempt's: that the run was
// canceled, say.
func (a *attempt) makeOne(part partition.Slice, failed *PartitionsError, lost *partition.Gather) error {
	gone, err := a.readsLost(part, lost)
	if err != nil {
		return err
	}
	if !gone.IsEmpty() {
		lost.Add(part.Set())
		a.logger().Info("the partition is not made: it reads its own partitions that were not made in this run", "partition", part.Key().String(), "reads", gone.String())
		return nil
	}
	inv, err := a.callGuarded(part)
	if err == nil {
		err = inv.Marked[part.Key()]
	}
	switch {
	case err == nil:
		a.locator.MadeOwn(part)
		return a.sink.partMade(a, part, inv.Facts)
	case a.ctx.Err() != nil:
		return err
	}
	lost.Add(part.Set())
	return lose(a, part, err, failed)
}

// lose records a partition that was not made. A skip is an outcome of its own, and no failure.
func lose(a *attempt, part partition.Slice, why error, failed *PartitionsError) error {
	if errors.Is(why, ErrSkip) {
		a.logger().Info("the partition is skipped", "partition", part.Key().String(), "reason", why.Error())
	} else {
		failed.add(part.Key(), why)
	}
	return a.sink.partLost(a, part, why)
}

// callGuarded calls the body for one of several partitions: a panic is the failure of that one.
func (a *attempt) callGuarded(part partition.Slice) (inv *graph.Invocation, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.NewPanicError(p)
		}
	}()
	a.emitted = nil
	inv, _, err = a.call(part)
	return inv, err
}

// tally is the outcome of an attempt whose partitions were recorded as they were made.
func (a *attempt) tally(failed *PartitionsError) outcome {
	if failed.Failed == 0 {
		return outcome{kind: storage.StepSucceeded, apart: true}
	}
	o := a.failure(a.timedOut(failed))
	o.apart = true
	return o
}

// whole makes all partitions in one call of the body.
func (a *attempt) whole(due partition.Slice) outcome {
	failed := PartitionsError{Of: due.Len()}
	due, err := a.failLacking(due, &failed)
	if err != nil {
		return a.failure(a.timedOut(err))
	}
	if due.Len() == 0 {
		return a.tally(&failed)
	}
	inv, res, err := a.call(due)
	if err != nil {
		o := a.failure(a.timedOut(err))
		o.part = due
		return o
	}
	if res.Parts != nil {
		return a.storeParts(inv, res, due, &failed)
	}
	if len(inv.Marked) == 0 && failed.Failed == 0 {
		return outcome{kind: storage.StepSucceeded, facts: inv.Facts, part: due}
	}
	made, err := a.failMarked(inv, due, &failed)
	if err == nil && made.Len() > 0 {
		err = a.sink.partMade(a, made, inv.Facts)
	}
	if err != nil {
		return a.failure(a.timedOut(err))
	}
	return a.tally(&failed)
}

// failLacking records the failures of the partitions that read what does not exist, and returns the
// others: a function that is called for one at a time meets them one by one.
func (a *attempt) failLacking(due partition.Slice, failed *PartitionsError) (partition.Slice, error) {
	lacking, err := a.assignment.Lacking(a.mapped, due.Set())
	if lacking.IsEmpty() {
		return due, err
	}
	without, err := a.assignment.Slice(a.mapped, lacking)
	if err != nil {
		return due, err
	}
	for key, err := range without.Keys() {
		if err != nil {
			return due, err
		}
		part, err := a.assignment.SliceOf(a.mapped, key)
		if err != nil {
			return due, err
		}
		_, why := a.assignment.Lacking(a.mapped, part.Set())
		if err := lose(a, part, why, failed); err != nil {
			return due, err
		}
	}
	return a.assignment.Slice(a.mapped, due.Set().Minus(lacking))
}

// failMarked records the failures of the partitions that the body marked, and returns the others.
func (a *attempt) failMarked(inv *graph.Invocation, due partition.Slice, failed *PartitionsError) (partition.Slice, error) {
	rest := due.Set()
	for key, why := range inv.Marked {
		part, err := a.assignment.SliceOf(a.mapped, key)
		if err != nil {
			return due, err
		}
		rest = rest.Minus(part.Set())
		if err := lose(a, part, why, failed); err != nil {
			return due, err
		}
	}
	return a.assignment.Slice(a.mapped, rest)
}

// storeParts writes the values of the partitions that the body returned, each as soon as it is
// there.
func (a *attempt) storeParts(inv *graph.Invocation, res graph.Result, due partition.Slice, failed *PartitionsError) outcome {
	rest, err := a.failMarked(inv, due, failed)
	if err != nil {
		return a.failure(a.timedOut(err))
	}
	said := inv.Facts
	left := rest.Set()
	for key, value := range res.Parts {
		part, err := a.storePart(inv, key, value, left, said, failed)
		if err != nil {
			return a.failure(a.timedOut(err))
		}
		left = left.Minus(part)
	}
	if err := a.failMissing(left, failed); err != nil {
		return a.failure(a.timedOut(err))
	}
	return a.tally(failed)
}

// storePart writes one value and records its partition, which it returns.
func (a *attempt) storePart(inv *graph.Invocation, key partition.Key, value graph.PartValue, left partition.Set, said []graph.Facts, failed *PartitionsError) (partition.Set, error) {
	if a.ctx.Err() != nil {
		return partition.Set{}, context.Cause(a.ctx)
	}
	part, err := a.assignment.SliceOf(a.mapped, key)
	switch {
	case value.Err != nil && key.IsZero():
		return partition.Set{}, value.Err
	case err != nil:
		return partition.Set{}, fmt.Errorf("the function returned a value for an unknown partition: %w", err)
	case !left.Contains(part.Set()):
		return partition.Set{}, fmt.Errorf("the function returned a value for partition %s, which is not among those of this step, or was returned or marked as failed before", key)
	case value.Err != nil:
		return part.Set(), lose(a, part, value.Err, failed)
	}
	a.part = part
	inv.Facts = copied(said)
	if err := a.write1(inv, 0, value.Value); err != nil {
		return part.Set(), lose(a, part, err, failed)
	}
	return part.Set(), a.sink.partMade(a, part, inv.Facts)
}

// copied is what the body said of all partitions, for one of them to be added to; nil if it said
// nothing.
func copied(said []graph.Facts) []graph.Facts {
	if len(said) == 0 {
		return nil
	}
	own := make([]graph.Facts, len(said))
	for i := range said {
		own[i] = said[i]
		own[i].Metadata = maps.Clone(said[i].Metadata)
	}
	return own
}

// failMissing fails the partitions that the body returned nothing for.
func (a *attempt) failMissing(left partition.Set, failed *PartitionsError) error {
	if left.IsEmpty() {
		return nil
	}
	rest, err := a.assignment.Slice(a.mapped, left)
	if err != nil {
		return err
	}
	for key, err := range rest.Keys() {
		if err != nil {
			return err
		}
		part, err := a.assignment.SliceOf(a.mapped, key)
		if err != nil {
			return err
		}
		why := errors.New("the function returned no value for it: return one for each partition, or say why not with ctx.MarkPartitionFailed")
		if err := lose(a, part, why, failed); err != nil {
			return err
		}
	}
	return nil
}
