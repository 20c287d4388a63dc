package engine

import (
	"context"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// actionResult is what an action did to its asset, or to partitions of it, encoded for storage.
type actionResult struct {
	output        int32
	asset         storage.AssetKey
	part          partition.Slice
	acted         iohandler.Effect
	version, code string
	write         string
	detail        []byte
}

// isAction reports whether a step of the plan is an action.
func (r *run) isAction(s int32) bool {
	return int(s) < len(r.plan.Steps) && r.graph.Node(r.plan.Steps[s].Node).Kind == graph.Action
}

// actionResultOf is what the outcome of an attempt of an action did; nil for other steps, and for
// one whose partitions were recorded one by one.
func (r *run) actionResultOf(j job, o *outcome) *actionResult {
	if s := j.step; r.isAction(s) && o.kind == storage.StepSucceeded && !o.apart {
		return r.newActionResult(s, o.facts, o.part)
	}
	return nil
}

// newActionResult encodes what an action did, in the goroutine of its step.
func (r *run) newActionResult(s int32, facts []graph.Facts, part partition.Slice) *actionResult {
	act := r.graph.Node(r.plan.Steps[s].Node).Action
	e := &actionResult{part: part}
	if v, ok := r.graph.Find(act.Asset); ok {
		e.output, e.asset = v, r.assetKey(v)
	}
	d := storage.Detail{Action: act.Name}
	if !part.IsZero() {
		d.Partitions = part.Set()
	}
	if len(facts) > 0 {
		e.acted, e.version, d.Write, d.Tags = facts[0].Did, facts[0].DataVersion, facts[0].Write, facts[0].Tags
		d.Metadata, d.Error = normalized(facts[0].Metadata)
	}
	switch e.acted {
	case iohandler.MayMaterialize:
		// It is still made of what it was made of, and by that code.
		if was := r.presentState(act.Asset, e.asset, part); was != nil {
			e.code, d.Inputs, d.ReadSeq = was.CodeVersion, was.Inputs, was.ReadSeq
			if d.Write == "" { // it was changed where it lies
				d.Write = was.Write
			}
			if facts[0].SameData {
				e.version = was.DataVersion
			}
		}
		if e.version == "" {
			e.version = newVersion()
		}
	case iohandler.ChangesNothing, iohandler.Forgets:
		e.version = ""
	}
	d.Data, d.Code, e.write = e.version, e.code, d.Write
	e.detail = d.AppendJSON(nil)
	return e
}

// presentState is the materialization that the store has of an asset, or of one partition; nil
// where it has none, and for several partitions.
func (r *run) presentState(name string, asset storage.AssetKey, part partition.Slice) *storage.AssetState {
	ctx := context.WithoutCancel(r.ctx) // what was done is recorded all the same
	switch {
	case part.IsZero():
		if records, err := r.Store.ListAssets(ctx, storage.AssetQuery{Names: []string{name}}); err == nil && len(records) == 1 {
			return records[0].Materialization
		}
	case part.Len() == 1:
		states, err := storage.PartitionStates(ctx, r.Store, asset, storage.Materialized, part.Space(), []string{part.Key().String()})
		if err == nil && len(states) == 1 {
			return &states[0]
		}
	}
	return nil
}

// recordAction writes what an action did, and what has become of the asset by it. Called with the
// lock held.
func (r *run) recordAction(f storage.Fact, e *actionResult) {
	r.noticeActed(f, e)
	f = f.Performed(uint8(e.acted))
	u := storage.AssetUpdate{Asset: e.asset, Run: r.key, At: f.At, DataVersion: e.version, CodeVersion: e.code, Detail: e.detail}
	changes := true
	switch e.acted {
	case iohandler.MayMaterialize:
		f.Kind, u.Kind = storage.AssetMaterialized, storage.Materialized
		if e.part.IsZero() {
			r.table.Set(e.output, e.write)
		} else {
			r.table.SetPartitions(e.output, e.part, e.write)
		}
	case iohandler.Forgets:
		f.Kind, u.Kind = storage.AssetWiped, storage.Wiped
	case iohandler.Observes:
		f.Kind, u.Kind = storage.AssetObserved, storage.Observed
	default:
		changes = false
	}
	of := decide.Event{Fact: f, Partitions: setOf(e.part)}
	u.N = r.recordEvent(storage.Event{Fact: f, Asset: e.asset, Partition: e.part.Key().String(), Detail: e.detail}, of)
	if !changes || e.asset == 0 {
		return
	}
	if !e.part.IsZero() {
		u.Partition, u.Partitions = e.part.Key().String(), e.part.Set()
	}
	r.batch.Assets = append(r.batch.Assets, u)
}
