package ledger

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// Call is a request that keeps its own answer: a claim, a renewal or an announcement. The types of
// this package are all there are.
type Call interface {
	// needs adds the facts that decide will ask for.
	needs(n *Needs)
	// decide returns the caller's refusal, or an error that ends the transaction. It may be called
	// again for another transaction.
	decide(t *transaction) (refusal, err error)
}

// transaction is the decision under way.
type transaction struct {
	*Facts
	*Effects
}

// Decide applies the requests in their order and leaves what to write in e, which is empty before.
// A refusal is left in its request. An error is one of the facts, and ends the transaction.
func Decide(g *commit.Group, requests []commit.Request, f *Facts, e *Effects) error {
	t := &transaction{f, e}
	for i := range requests {
		r := &requests[i]
		if r.Err != nil || r.Withdrawn {
			continue
		}
		var err error
		if r.Err, err = t.decide(g, r); err != nil {
			return err
		}
	}
	return t.settle()
}

func (t *transaction) decide(g *commit.Group, r *commit.Request) (refusal, err error) {
	if refusal, err = t.check(r); refusal != nil || err != nil {
		return refusal, err
	}
	if r.Call != nil {
		return r.Call.(Call).decide(t)
	}
	cancels, refusal := encodeCancels(r.Batch)
	if refusal != nil {
		return refusal, nil
	}
	return nil, t.apply(g, r, cancels)
}

// check returns why the request is refused: its fence or an expectation does not hold.
func (t *transaction) check(r *commit.Request) (refusal, err error) {
	if refusal, err = t.checkFence(r.Fence); refusal != nil || err != nil {
		return refusal, err
	}
	if r.Batch == nil {
		return nil, nil
	}
	if refusal, err = t.checkNewRuns(r); refusal != nil || err != nil {
		return refusal, err
	}
	return t.checkNewBackfills(r.Backfills)
}

// checkFence returns why a fence does not hold; the zero fence guards nothing.
func (t *transaction) checkFence(f storage.Fence) (refusal, err error) {
	switch {
	case f.Backfill != 0:
		return t.checkBackfillFence(f)
	case f.Run != 0:
		return t.checkRunFence(f)
	case f.Token != 0:
		return fmt.Errorf("run %d: %w: it is not recorded", f.Run, storage.ErrFenced), nil
	}
	return nil, nil
}

// apply gives an admitted request its effects.
func (t *transaction) apply(g *commit.Group, r *commit.Request, cancels [][]byte) error {
	if r.Batch != nil {
		if err := t.applyBatch(r, cancels); err != nil {
			return err
		}
	}
	for i := range r.Starts {
		if err := t.updateRun(&r.Starts[i]); err != nil {
			return err
		}
	}
	events, assets, logs, releases := g.Records(r)
	for _, release := range releases {
		if err := t.release(release); err != nil {
			return err
		}
	}
	if err := t.addEvents(events); err != nil {
		return err
	}
	for i := range assets {
		if err := t.updateAsset(&assets[i]); err != nil {
			return err
		}
	}
	if err := t.addLines(logs); err != nil {
		return err
	}
	if r.Batch == nil {
		return nil
	}
	return t.clearEnded(r.Batch.RunUpdates)
}

// applyBatch applies what only committed batches have.
func (t *transaction) applyBatch(r *commit.Request, cancels [][]byte) error {
	b := r.Batch
	for i := range r.Runs {
		if err := t.addRun(&r.Runs[i], b.Lease); err != nil {
			return err
		}
	}
	for i := range b.RunUpdates {
		if err := t.updateRun(&b.RunUpdates[i]); err != nil {
			return err
		}
	}
	for i := range r.Backfills {
		if err := t.addBackfill(&r.Backfills[i], b.Lease); err != nil {
			return err
		}
	}
	for i := range r.Progress {
		if err := t.updateBackfill(&r.Progress[i]); err != nil {
			return err
		}
	}
	for i := range b.Cancels {
		if err := t.cancel(&b.Cancels[i], cancels[i]); err != nil {
			return err
		}
	}
	for i := range b.Pools {
		if err := t.updatePool(&b.Pools[i]); err != nil {
			return err
		}
	}
	for i := range b.Keys {
		if err := t.updateKeys(&b.Keys[i]); err != nil {
			return err
		}
	}
	for i := range b.KV {
		t.Values.Put(&b.KV[i])
	}
	for i := range b.Topologies {
		t.Names = append(t.Names, b.Topologies[i].Assets...)
		t.Topologies.Put(&b.Topologies[i])
	}
	return nil
}

// addEvents tells events with the highest number of their run, which are new, from those that may
// replace one. Events of a run that is not recorded are dropped.
func (t *transaction) addEvents(events []storage.Event) error {
	var r *Run
	for i := range events {
		ev := &events[i]
		if r == nil || r.Key != ev.Run {
			var err error
			if r, err = t.Runs.Run(ev.Run); err != nil {
				return err
			}
		}
		switch {
		case r == nil:
		case ev.N > r.LastEvent:
			r.LastEvent = ev.N
			t.NewEvents = append(t.NewEvents, ev)
		default:
			t.Events.Put(ev)
		}
	}
	return nil
}

// addLines is addEvents for log lines.
func (t *transaction) addLines(lines []storage.LogLine) error {
	var r *Run
	for i := range lines {
		l := &lines[i]
		if r == nil || r.Key != l.Run {
			var err error
			if r, err = t.Runs.Run(l.Run); err != nil {
				return err
			}
		}
		switch {
		case r == nil:
		case l.N > r.LastLine:
			r.LastLine = l.N
			t.NewLines = append(t.NewLines, l)
		default:
			t.Lines.Put(l)
		}
	}
	return nil
}

// after returns an instant from now by the store's clock.
func (t *transaction) after(d time.Duration) storage.Micros {
	return t.Now() + storage.Micros(d.Microseconds())
}
