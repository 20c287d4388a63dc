package launch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Edit selects the assets and partitions whose recorded state an operator edits.
type Edit struct {
	// Selection names the assets, in the selection language; it must not be empty.
	Selection []string
	// Keys names partitions, Range a stretch of them; one of the two where an asset with partitions is
	// selected, or All for all of its partitions.
	Keys  []partition.Key
	Range partition.KeyRange
	All   bool
	// By is the operator, Reason the purpose; both are recorded.
	By, Reason string
	// Values also deletes the stored values, where an asset is wiped and its IO handler can.
	Values bool
	// DryRun reports the changes and makes none.
	DryRun bool
}

// EditResult is the outcome of an edit, or of a dry run.
type EditResult struct {
	// RunID is the run that records it; empty for a dry run, and where there was nothing to change.
	RunID string
	// Assets are those that are changed.
	Assets []EditedAsset
}

// EditedAsset is what is changed of one asset.
type EditedAsset struct {
	Asset string
	// Partitions are the changed partitions as people read them; empty for an unpartitioned asset.
	// Count is their number.
	Partitions string
	Count      int64
	// Values is how many stored values are deleted.
	Values int64

	set partition.Set
	of  partition.Slice
	out int32
	// read has what a materialization of now would record of what it read.
	read storage.Detail
}

// editTag is the tag of the runs that record edits; its value is the kind of the new state. Nothing
// here reads it. Runs of older versions have the tag rivers/by_hand.
const editTag = "rivers/manual"

// Edit records that assets, or some of their partitions, have another state: [storage.Wiped] or
// [storage.Materialized]. The edit is recorded as a run that has ended.
func (r *Runner) Edit(ctx context.Context, req Edit, kind storage.StateKind) (*EditResult, error) {
	if len(req.Selection) == 0 {
		return nil, errors.New("the request selects nothing: name the assets")
	}
	ed := editor{r, &req, kind}
	changes, err := ed.changes(ctx)
	if err != nil {
		return nil, err
	}
	res := &EditResult{Assets: changes}
	if req.DryRun || len(changes) == 0 {
		return res, nil
	}
	if req.Values {
		for i := range changes {
			if err := ed.deleteValues(ctx, &changes[i]); err != nil {
				return nil, err
			}
		}
	}
	res.RunID, err = ed.record(ctx, changes)
	return res, err
}

// editor makes one edit.
type editor struct {
	*Runner

	req  *Edit
	kind storage.StateKind
}

// changes finds what a request changes.
func (r editor) changes(ctx context.Context) ([]EditedAsset, error) {
	selected, err := r.Catalog.Select(r.req.Selection, catalog.Runnable)
	if err != nil {
		return nil, err
	}
	partitioning := r.PartitioningOf(ctx, plan.New(r.Catalog.Graph(), plan.Options{Selected: selected, Workers: 1}), time.Now())
	g := r.Catalog.Graph()
	items := g.Items()
	var changes []EditedAsset
	var errs []error
	for i := range items.Len() {
		v := items.Output(i)
		out, n := g.Output(v)
		if !selected[i] || !out.Asset || g.Node(n).Kind == graph.External {
			continue
		}
		c := EditedAsset{Asset: out.Name, out: v, Count: 1}
		if err := r.partitions(ctx, partitioning, out, &c); err != nil {
			errs = append(errs, fmt.Errorf("asset %q: %w", out.Name, err))
			continue
		}
		if c.Count > 0 {
			changes = append(changes, c)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fault.Mark(fault.ErrPartitionValidation, err)
	}
	return changes, nil
}

// partitions finds which partitions of an asset are changed: of those that are asked for, what is
// not so already.
func (r editor) partitions(ctx context.Context, partitioning *plan.Partitioning, out *graph.Output, c *EditedAsset) error {
	sets, err := r.Store.PartitionSets(ctx, []storage.AssetKey{r.Keys[c.out]})
	if err != nil {
		return err
	}
	known := sets[0].Materialized.Union(sets[0].Failed)
	given := len(r.req.Keys) > 0 || !r.req.Range.IsZero()
	switch {
	case given && !r.req.Range.IsZero() && len(r.req.Keys) > 0, given && r.req.All:
		return errors.New("give one of Keys, Range and All")
	case out.Partitions == nil && given:
		return errors.New("it has no partitions: leave out Keys and Range")
	case out.Partitions == nil:
		if r.kind == storage.Wiped && known.IsEmpty() {
			c.Count = 0
		}
		return nil
	case !given && !r.req.All:
		return fmt.Errorf("it is partitioned, %s: set Keys, Range or All", out.Partitions)
	}
	space, err := partitioning.Space(out.Partitions)
	if err != nil {
		return err
	}
	switch {
	case len(r.req.Keys) > 0:
		c.set, err = space.Set(r.req.Keys...)
	case !r.req.Range.IsZero():
		c.set, err = space.Range(r.req.Range)
	default:
		c.set = space.All()
	}
	if err != nil {
		return err
	}
	if r.kind == storage.Wiped {
		if c.set = c.set.Intersect(known); r.req.All {
			c.set = known // of former definitions too
		}
	}
	if c.of, err = partition.NewSlice(space, c.set); err != nil {
		return err
	}
	c.Count, c.Partitions = c.of.Len(), c.of.String()
	if c.Count == 0 && !c.set.IsEmpty() { // no longer defined, so nobody can count them
		c.Count, c.Partitions = 1, "partitions of a former definition"
	}
	return nil
}

// deleteValues deletes the stored values of what is wiped.
func (r editor) deleteValues(ctx context.Context, c *EditedAsset) error {
	out, _ := r.Catalog.Graph().Output(c.out)
	deleter, ok := out.Handler.(iohandler.Deleter)
	if !ok {
		return fmt.Errorf("asset %q: its IO handler, a %T, deletes no values: wipe it without Values, and delete them by yourself", c.Asset, out.Handler)
	}
	for key, err := range c.of.Keys() {
		if err != nil {
			return err
		}
		in := iohandler.InputContext{Name: c.Asset, Metadata: out.Attrs.Metadata}
		if !c.of.IsZero() {
			set, err := c.of.Space().Set(key)
			if err != nil {
				return err
			}
			in.Partition = partition.SliceOf(c.of.Space(), set, key)
		}
		if err := fault.Guard(func() error { return deleter.Delete(ctx, &in) }); err != nil {
			return fmt.Errorf("asset %q: deleting its value: %w", c.Asset, err)
		}
		c.Values++
	}
	return nil
}

// record records the changes as a run that is over when it begins.
func (r editor) record(ctx context.Context, changes []EditedAsset) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("making an id: %w", err)
	}
	now := time.Now().UTC()
	rec := storage.RunRecord{
		ID: id.String(), Location: r.Catalog.Location(), State: storage.Running, CreatedAt: now, StartedAt: now, Token: 1,
		Request: storage.RunRequest{Selection: r.req.Selection}, Tags: map[string]string{editTag: r.kind.String()},
	}
	for i := range changes {
		rec.Plan = append(rec.Plan, storage.PlanStep{Key: changes[i].Asset, Assets: []string{changes[i].Asset}, Partitions: changes[i].set})
	}
	if len(changes) == 1 {
		rec.Partition = changes[0].Partitions
	}
	first := storage.Batch{Runs: []storage.RunRecord{rec}}
	if err := r.Store.Commit(ctx, &first); err != nil {
		return "", fmt.Errorf("recording it: %w", err)
	}
	b := storage.Batch{Fence: storage.Fence{Run: first.Runs[0].Key, Token: 1}}
	at := storage.MicrosOf(now)
	event := func(e storage.Event) int64 {
		e.Run, e.N, e.At = b.Fence.Run, int64(len(b.Events)+1), at
		b.Events = append(b.Events, e)
		return e.N
	}
	event(storage.Event{Fact: storage.Fact{Kind: storage.RunStarted, Step: storage.NoStep}})
	for i := range changes {
		if r.kind == storage.Materialized {
			if err := r.readsNow(ctx, &changes[i], changes[:i]); err != nil {
				return "", err
			}
		}
	}
	for i := range changes {
		r.add(&b, int32(i), &changes[i], event)
	}
	event(storage.Event{Fact: storage.Fact{}.Ended(storage.Success)})
	b.RunUpdates = []storage.RunUpdate{{
		Run: b.Fence.Run, State: storage.Success, At: now, Counts: storage.StepCounts{Succeeded: len(changes)},
	}}
	if err := r.Store.Commit(context.WithoutCancel(ctx), &b); err != nil {
		return "", fmt.Errorf("recording it: %w", err)
	}
	return rec.ID, nil
}

// add adds what happens to one asset.
func (r editor) add(b *storage.Batch, step int32, c *EditedAsset, event func(storage.Event) int64) {
	d := storage.Detail{By: r.req.By, Reason: r.req.Reason, Partitions: c.set}
	u := storage.AssetUpdate{Asset: r.Keys[c.out], Kind: r.kind, Partitions: c.set, Partition: c.of.Key().String(), Run: b.Fence.Run}
	what := storage.AssetWiped
	if r.kind == storage.Materialized {
		what = storage.AssetMaterialized
		d.Data, d.Code, d.Inputs, d.ReadSeq = c.read.Data, c.read.Code, c.read.Inputs, c.read.ReadSeq
		u.DataVersion, u.CodeVersion = d.Data, d.Code
	}
	event(storage.Event{Fact: storage.Fact{Kind: storage.StepStarted, Step: step, Attempt: 1}})
	u.Detail = d.AppendJSON(nil)
	u.N = event(storage.Event{
		Fact: storage.Fact{Kind: what, Step: step, Attempt: 1}, Asset: u.Asset, Partition: u.Partition, Detail: u.Detail,
	})
	u.At = b.Events[len(b.Events)-1].At
	b.Assets = append(b.Assets, u)
	event(storage.Event{Fact: storage.Fact{Kind: storage.StepSucceeded, Step: step, Attempt: 1}})
}

// readsNow notes what a materialization of now would record of the code and of what it read, so
// that what is marked is fresh until one of them changes. What was marked before, of the same
// request, is read as it is marked.
func (r editor) readsNow(ctx context.Context, c *EditedAsset, before []EditedAsset) error {
	out, _ := r.Catalog.Graph().Output(c.out)
	c.read = storage.Detail{Data: uuid.NewString(), Code: out.Attrs.CodeVersion}
	var err error
	if c.read.ReadSeq, err = r.Store.ChangeSeq(ctx); err != nil {
		return fmt.Errorf("asset %q: asking for the last change: %w", c.Asset, err)
	}
	view, err := r.Staleness(ctx)
	if err != nil {
		return err
	}
	if c.read.Inputs, err = view.Inputs(ctx, c.Asset, c.marked()); err != nil {
		return err
	}
	for i := range before {
		up := &before[i]
		if _, reads := c.read.Inputs[up.Asset]; reads && !view.Downstream(c.Asset, up.Asset, up.marked()).Intersect(c.marked()).IsEmpty() {
			c.read.Inputs[up.Asset] = up.read.Data
		}
	}
	return nil
}

// marked are the partitions that are changed, the whole of an asset without.
func (c *EditedAsset) marked() partition.Set {
	if c.of.IsZero() {
		return partition.Whole()
	}
	return c.set
}
