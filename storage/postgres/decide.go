package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// call is a claim or a renewal: it is decided inside the transaction of whatever group it came with, and
// keeps its own answer.
type call interface {
	needs(n *needs)
	// decide returns the caller's refusal. It may be called again for another transaction.
	decide(f *facts, e *effects) (refusal error)
}

// decide goes through the requests in their order: a refusal is left in its request and drops that
// alone, since it is found before anything of the request has an effect.
func decide(g *commit.Group, requests []commit.Request, f *facts, e *effects) {
	for i := range requests {
		r := &requests[i]
		if r.Err != nil || r.Withdrawn {
			continue
		}
		if r.Err = f.check(r); r.Err != nil {
			continue
		}
		if r.Call != nil {
			r.Err = r.Call.(call).decide(f, e)
			continue
		}
		if r.Err = f.apply(g, r, e); r.Err != nil {
			continue
		}
	}
}

// check asks whether the request's fence and expectations hold.
func (f *facts) check(r *commit.Request) error {
	if r.Fence != (storage.Fence{}) {
		if err := f.checkFence(r.Fence); err != nil {
			return err
		}
	}
	if r.Batch == nil {
		return nil
	}
	for _, e := range r.Batch.Expect {
		if f.taken[e.NoRun] {
			return fmt.Errorf("run %q: %w", e.NoRun, storage.ErrRunExists)
		}
	}
	for i := range r.Runs {
		id := r.Runs[i].Record.ID
		if f.taken[id] {
			return fmt.Errorf("run %q: %w", id, storage.ErrRunExists)
		}
		if slices.ContainsFunc(r.Runs[:i], func(o commit.Run) bool { return o.Record.ID == id }) {
			return fmt.Errorf("run %q: %w: the batch has it twice", id, storage.ErrRunExists)
		}
	}
	return f.expectBackfills(r.Backfills)
}

func (f *facts) checkFence(fence storage.Fence) error {
	if fence.Backfill != 0 {
		return f.checkBackfill(fence)
	}
	r := f.runs[fence.Run]
	switch {
	case r == nil:
		return fmt.Errorf("run %d: %w: it is not recorded", fence.Run, storage.ErrFenced)
	case r.state.Terminal():
		return fmt.Errorf("run %q: %w: it ended in state %s", r.id, storage.ErrFenced, r.state)
	case r.token != fence.Token:
		return fmt.Errorf("run %q: %w: token %d, the owner's is %d", r.id, storage.ErrFenced, fence.Token, r.token)
	}
	return nil
}

// apply gives a request that was admitted its effects.
func (f *facts) apply(g *commit.Group, r *commit.Request, e *effects) error {
	if b := r.Batch; b != nil {
		if err := f.applyCommitted(b, r, e); err != nil {
			return err
		}
	}
	for i := range r.Starts {
		f.update(&r.Starts[i], e)
	}
	events, assets, logs, releases := g.Records(r)
	for i := range releases {
		f.release(releases[i], e)
	}
	for i := range events {
		f.addEvent(&events[i], e)
	}
	for i := range assets {
		f.updateAsset(&assets[i], e)
	}
	for i := range logs {
		f.addLine(&logs[i], e)
	}
	if r.Batch != nil {
		f.landEnded(r.Batch.RunUpdates, e)
	}
	return nil
}

// landEnded drops what runs that ended leave in flight.
func (f *facts) landEnded(updates []storage.RunUpdate, e *effects) {
	for i := range updates {
		if u := &updates[i]; u.State.Terminal() {
			f.drop(u.Run, storage.MicrosOf(u.At), e)
		}
	}
}

// applyCommitted has what is never appended.
func (f *facts) applyCommitted(b *storage.Batch, req *commit.Request, e *effects) error {
	cancels, err := encodeCancels(b.Cancels) // before anything has an effect
	if err != nil {
		return err
	}
	for i := range req.Runs {
		f.insertRun(&req.Runs[i], b.Lease, e)
	}
	for i := range b.RunUpdates {
		f.update(&b.RunUpdates[i], e)
	}
	for i := range req.Backfills {
		f.insertBackfill(&req.Backfills[i], b.Lease, e)
	}
	for i := range req.Progress {
		f.updateBackfill(&req.Progress[i], e)
	}
	for i := range b.Cancels {
		f.cancel(b.Cancels[i].Run, cancels[i], e)
		f.cancelBackfill(b.Cancels[i].Backfill, cancels[i], e)
	}
	for i := range b.Pools {
		f.setPool(&b.Pools[i], e)
	}
	for i := range b.Keys {
		e.keys = append(e.keys, &keyChange{KeyUpdate: &b.Keys[i], table: f.tables[b.Keys[i].Table]})
	}
	for i := range b.KV {
		e.values.put(&b.KV[i])
	}
	for i := range b.Topologies {
		e.names = append(e.names, b.Topologies[i].Assets...)
		e.topologies.put(&b.Topologies[i])
	}
	return nil
}

func (f *facts) insertRun(run *commit.Run, lease time.Duration, e *effects) {
	r := &newRun{Run: run, id: run.Record.ID}
	rec := r.Record
	if rec.Owner != "" && !rec.State.Terminal() {
		r.until = f.after(lease)
	}
	f.taken[r.id] = true
	e.runs = append(e.runs, r)
	if len(f.runKeys) > 0 { // some run of the transaction needs its key now, and keys grow in the order of runs
		r.key, f.runKeys = storage.RunKey(f.runKeys[0]), f.runKeys[1:]
	}
	if !rec.State.Terminal() {
		f.fly(r.key, rec.Targets, storage.MicrosOf(rec.CreatedAt), e)
	}
}

// after is an instant from now by the server's clock.
func (f *facts) after(d time.Duration) storage.Micros {
	return f.now + storage.Micros(d.Microseconds())
}

// change notes that a run's row is to be written.
func (e *effects) change(r *run) {
	if !r.changed {
		r.changed = true
		e.changes = append(e.changes, r)
	}
}

func (f *facts) update(u *storage.RunUpdate, e *effects) {
	r := f.runs[u.Run] // the fence was of this run, so it is there
	r.state, r.update = u.State, u
	if u.Plan != nil {
		if r.plan = storage.AppendPlan(nil, u.Plan); len(r.plan) == 0 {
			r.plan = []byte("[]")
		}
	}
	at := storage.MicrosOf(u.At)
	switch {
	case u.State == storage.Running:
		r.started = &at
	case u.State.Terminal():
		r.ended, r.until = &at, 0
	}
	if u.Targets != nil && !u.State.Terminal() {
		f.drop(u.Run, at, e)
		f.fly(u.Run, u.Targets, at, e)
	}
	e.change(r)
}

// encodeCancels makes the documents that runs keep of requests to stop them.
func encodeCancels(list []storage.CancelRequest) ([][]byte, error) {
	docs := make([][]byte, len(list))
	for i, c := range list {
		c.At = storage.MicrosOf(c.At).Time()
		var err error
		if docs[i], err = json.Marshal(c); err != nil {
			return nil, fmt.Errorf("a request to cancel: %w", err)
		}
	}
	return docs, nil
}

// cancel notes the first who asks a run to stop.
func (f *facts) cancel(key storage.RunKey, doc []byte, e *effects) {
	r := f.runs[key]
	if r == nil || r.state.Terminal() || len(r.cancel) > 0 {
		return
	}
	r.cancel, r.canceling = doc, doc
	e.topics |= storage.TopicCancel
	e.change(r)
}

// addEvent tells what is new, since its number is the highest of its run, from what may replace something.
// Events of a run that is not recorded, which no fence guards, are kept nowhere: nobody could ask for them.
func (f *facts) addEvent(ev *storage.Event, e *effects) {
	r := f.runs[ev.Run]
	switch {
	case r == nil:
	case ev.N > r.lastEvent:
		r.lastEvent = ev.N
		e.newEvents = append(e.newEvents, ev)
	default:
		e.events.put(ev)
	}
}

// addLine is addEvent for a line of a log.
func (f *facts) addLine(l *storage.LogLine, e *effects) {
	r := f.runs[l.Run]
	switch {
	case r == nil:
	case l.N > r.lastLine:
		r.lastLine = l.N
		e.newLines = append(e.newLines, l)
	default:
		e.lines.put(l)
	}
}
