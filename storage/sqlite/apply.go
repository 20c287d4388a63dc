package sqlite

import (
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
)

// runFence is what a transaction knows of a run: what it read once, and what it changed since.
type runFence struct {
	recorded bool
	token    int64
	state    storage.RunState
	era      int64
	targeted bool
}

// apply writes the requests in their order inside the open transaction. A refusal is left in its
// request and drops that alone, since it is found before anything of the request is written; an
// error is SQLite's and ends the transaction.
func (w *writer) apply(g *commit.Group, requests []commit.Request) error {
	for i := range requests {
		r := &requests[i]
		if r.Err != nil {
			continue
		}
		refusal, err := w.check(r)
		if err != nil {
			return err
		}
		if refusal != nil {
			r.Err = refusal
			continue
		}
		if r.Call != nil {
			if r.Err, err = r.Call.(leaseCall).do(w); err != nil {
				return err
			}
			continue
		}
		if err := w.add(g, r); err != nil {
			return err
		}
	}
	if err := w.parts.finish(); err != nil {
		return err
	}
	for _, in := range []*inserter{&w.events, &w.partedEvents, &w.logs} {
		if err := in.flush(); err != nil {
			return err
		}
	}
	return w.countMade()
}

const (
	// eraEvents is how many materializations and observations an era has before the next one
	// begins, countBy how many of them are counted at once. Who writes fewer is not counted: what
	// eras are good for is felt by those who write many.
	eraEvents = 8_192
	countBy   = 256
)

// countMade brings the store's era up to date.
func (w *writer) countMade() error {
	if w.made < countBy {
		return nil
	}
	_, err := w.run(&w.setEra, "UPDATE store SET era = era + (era_events + ?1 >= ?2), era_events = iif(era_events + ?1 >= ?2, 0, era_events + ?1)",
		w.made, int64(eraEvents))
	if err == nil {
		w.made = 0
	}
	return err
}

// check asks whether the request's fence and expectations hold.
func (w *writer) check(r *commit.Request) (refusal, err error) {
	if r.Fence != (storage.Fence{}) {
		if refusal, err = w.checkFence(r.Fence); refusal != nil || err != nil {
			return refusal, err
		}
	}
	if r.Batch == nil {
		return nil, nil
	}
	for _, e := range r.Batch.Expect {
		if refusal, err = w.checkNoRun(e.NoRun); refusal != nil || err != nil {
			return refusal, err
		}
	}
	for i := range r.Runs {
		id := r.Runs[i].Record.ID
		for j := range r.Runs[:i] {
			if r.Runs[j].Record.ID == id {
				return fmt.Errorf("run %q: %w: the batch has it twice", id, storage.ErrRunExists), nil
			}
		}
		if expects(r.Batch, id) {
			continue
		}
		if refusal, err = w.checkNoRun(id); refusal != nil || err != nil {
			return refusal, err
		}
	}
	return w.backfills.expect(r.Backfills)
}

func expects(b *storage.Batch, id string) bool {
	for _, e := range b.Expect {
		if e.NoRun == id {
			return true
		}
	}
	return false
}

func (w *writer) checkFence(f storage.Fence) (refusal, err error) {
	if f.Backfill != 0 {
		return w.backfills.checkFence(f)
	}
	known, err := w.look(f.Run)
	switch {
	case err != nil:
		return nil, err
	case !known.recorded:
		return fmt.Errorf("run %d: %w: it is not recorded", f.Run, storage.ErrFenced), nil
	case known.state.Terminal():
		return fmt.Errorf("run %d: %w: it ended in state %s", f.Run, storage.ErrFenced, known.state), nil
	case known.token != f.Token:
		return fmt.Errorf("run %d: %w: token %d, the owner's is %d", f.Run, storage.ErrFenced, f.Token, known.token), nil
	}
	return nil, nil
}

// look reads a run once a transaction.
func (w *writer) look(run storage.RunKey) (runFence, error) {
	known, ok := w.fences[run]
	if ok {
		return known, nil
	}
	// The first of a transaction learns the last number of the feed of changes too, which the updates behind it go on from.
	st, sql, columns := &w.firstFence, "SELECT token, state, era, targeted, (SELECT coalesce(max(id), 0) FROM change) FROM run WHERE key = ?", 5
	if w.parts.known {
		st, sql, columns = &w.fence, "SELECT token, state, era, targeted FROM run WHERE key = ?", 4
	}
	row, err := w.first(st, sql, columns, int64(run))
	if err != nil {
		return runFence{}, err
	}
	if row != nil {
		token, _ := row[0].(int64) // STRICT tables: an INTEGER column has nothing else
		state, _ := row[1].(int64)
		era, _ := row[2].(int64)
		targeted, _ := row[3].(int64)
		known = runFence{recorded: true, token: token, state: storage.RunState(state), era: era, targeted: targeted != 0}
		if columns == 5 {
			seq, _ := row[4].(int64)
			w.parts.number(seq >> seqShift)
		}
	}
	w.fences[run] = known
	return known, nil
}

func (w *writer) checkNoRun(id string) (refusal, err error) {
	row, err := w.first(&w.hasRun, "SELECT 1 FROM run WHERE id = ?", 1, id)
	if err != nil || row == nil {
		return nil, err
	}
	return fmt.Errorf("run %q: %w", id, storage.ErrRunExists), nil
}

// add writes what later requests of the group may ask about at once, and collects the rest.
func (w *writer) add(g *commit.Group, r *commit.Request) error {
	if b := r.Batch; b != nil {
		if err := w.addCommitted(b, r); err != nil {
			return err
		}
	}
	for i := range r.Starts {
		if err := w.updateRun(&r.Starts[i]); err != nil {
			return err
		}
	}
	events, assets, logs, releases := g.Records(r)
	for i := range releases {
		if err := w.release(releases[i]); err != nil {
			return err
		}
	}
	parted, err := w.areParted(events)
	if err != nil {
		return err
	}
	for i := range events {
		if err := w.addEvent(&events[i], parted); err != nil {
			return err
		}
	}
	for i := range assets {
		if err := w.addAsset(&assets[i]); err != nil {
			return err
		}
	}
	for i := range logs {
		if err := w.addLog(&logs[i]); err != nil {
			return err
		}
	}
	return nil
}

// addCommitted writes what is never appended.
func (w *writer) addCommitted(b *storage.Batch, r *commit.Request) error {
	for i := range r.Runs {
		if err := w.insertRun(&r.Runs[i], b.Lease); err != nil {
			return err
		}
	}
	for i := range b.RunUpdates {
		if err := w.updateRun(&b.RunUpdates[i]); err != nil {
			return err
		}
	}
	for i := range r.Backfills {
		if err := w.backfills.insert(&r.Backfills[i], b.Lease); err != nil {
			return err
		}
	}
	for i := range r.Progress {
		if err := w.backfills.update(&r.Progress[i]); err != nil {
			return err
		}
	}
	for i := range b.Cancels {
		if err := w.writeCancel(&b.Cancels[i]); err != nil {
			return err
		}
	}
	for i := range b.Pools {
		if err := w.writePool(&b.Pools[i]); err != nil {
			return err
		}
	}
	for i := range b.Keys {
		if err := w.keys.update(&b.Keys[i]); err != nil {
			return err
		}
	}
	for i := range b.KV {
		if err := w.writeKV(&b.KV[i]); err != nil {
			return err
		}
	}
	for i := range b.Topologies {
		if err := w.writeTopology(&b.Topologies[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertRun(r *commit.Run, lease time.Duration) error {
	rec := r.Record
	var until storage.Micros
	if rec.Owner != "" && !rec.State.Terminal() {
		until = storage.MicrosOf(time.Now().Add(lease))
	}
	plan, longPlan := shortPlan(r.Plan)
	const columns = "id, location, job, state, token, created_at, started_at, ended_at, succeeded, failed, skipped, canceled, error, " +
		"request, tags, plan, owner, lease_until"
	w.values = append(w.values[:0], rec.ID, rec.Location, rec.Job, int64(rec.State), rec.Token,
		int64(storage.MicrosOf(rec.CreatedAt)), int64(storage.MicrosOf(rec.StartedAt)), int64(storage.MicrosOf(rec.EndedAt)),
		int64(rec.Counts.Succeeded), int64(rec.Counts.Failed), int64(rec.Counts.Skipped), int64(rec.Counts.Canceled),
		rec.Error, r.Request, r.Tags, plan, rec.Owner, int64(until))
	st, sql := &w.addRun, "INSERT INTO run ("+columns+", era) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,(SELECT era FROM store))"
	flies := !rec.State.Terminal() && targets(rec.Targets)
	if flies || rec.Backfill != "" || rec.Partition != "" || rec.Request.RetryOf != "" {
		w.values = append(w.values, rec.Backfill, rec.Partition, flies, rec.Request.RetryOf)
		st, sql = &w.addPartedRun, "INSERT INTO run ("+columns+", backfill, partition, targeted, retry_of, era) "+
			"VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,(SELECT era FROM store))"
	}
	res, err := w.run(st, sql, w.values...)
	clear(w.values)
	if err != nil {
		return err
	}
	key, err := res.LastInsertId()
	if err != nil {
		return err
	}
	r.Key = storage.RunKey(key)
	if longPlan != nil {
		_, err = w.run(&w.addPlan, "INSERT INTO long_plan (run, doc) VALUES (?,?)", key, longPlan)
	}
	if err == nil && flies {
		err = w.parts.fly(r.Key, rec.Targets, storage.MicrosOf(rec.CreatedAt))
	}
	return err
}

// shortPlan tells a plan that goes into the run's row from one that has a row of its own.
func shortPlan(doc []byte) (short, long []byte) {
	if len(doc) > longPlanAt {
		return nil, doc
	}
	return doc, nil
}

// replacePlan gives a run the plan that it begins with.
func (w *writer) replacePlan(run storage.RunKey, steps []storage.PlanStep) error {
	short, long := shortPlan(storage.AppendPlan(nil, steps))
	_, err := w.run(&w.setPlan, "UPDATE run SET plan = ? WHERE key = ?", short, int64(run))
	if err == nil && long != nil {
		_, err = w.run(&w.setLongPlan, "INSERT OR REPLACE INTO long_plan (run, doc) VALUES (?,?)", int64(run), long)
	}
	return err
}

func (w *writer) updateRun(u *storage.RunUpdate) error {
	at := int64(storage.MicrosOf(u.At))
	var started, ended any // nil leaves what is there
	switch {
	case u.State == storage.Running:
		started = at
	case u.State.Terminal():
		ended = at
	}
	_, err := w.run(&w.setRun, "UPDATE run SET state = ?1, started_at = coalesce(?2, started_at), ended_at = coalesce(?3, ended_at), "+
		"lease_until = iif(?3 IS NULL, lease_until, 0), succeeded = ?4, failed = ?5, skipped = ?6, canceled = ?7, error = ?8 WHERE key = ?9",
		int64(u.State), started, ended, int64(u.Counts.Succeeded), int64(u.Counts.Failed), int64(u.Counts.Skipped),
		int64(u.Counts.Canceled), u.Error, int64(u.Run))
	if err != nil {
		return err
	}
	if u.Plan != nil {
		if err := w.replacePlan(u.Run, u.Plan); err != nil {
			return err
		}
	}
	known := w.fences[u.Run] // the fence was of this run, so it is there
	switch {
	case u.State.Terminal():
		if known.targeted {
			w.parts.ended = append(w.parts.ended, landing{u.Run, storage.Micros(at)})
		}
	case u.Targets != nil:
		if err := w.parts.retarget(u, known.targeted); err != nil {
			return err
		}
		known.targeted = known.targeted || targets(u.Targets)
	}
	known.state = u.State
	w.fences[u.Run] = known
	return nil
}

func (w *writer) writeKV(p *storage.KVPair) error {
	if p.Value == nil {
		_, err := w.run(&w.dropKV, "DELETE FROM kv WHERE key = ?", p.Key)
		return err
	}
	_, err := w.run(&w.putKV, "INSERT OR REPLACE INTO kv (key, value) VALUES (?, coalesce(?, zeroblob(0)))", p.Key, p.Value)
	return err
}

func (w *writer) writeTopology(t *storage.Topology) error {
	for _, name := range t.Assets {
		row, err := w.names.row()
		if err != nil {
			return err
		}
		row[0].Value = name
	}
	if err := w.names.flush(); err != nil {
		return err
	}
	_, err := w.run(&w.topology, "INSERT OR REPLACE INTO topology (location, hash, at, doc) VALUES (?,?,?,?)",
		t.Location, t.Hash, int64(storage.MicrosOf(t.At)), document(t.Doc))
	return err
}

// areParted reports whether events are written with the partitions that they are about. Most transactions have none, and
// are spared a column; from the first one on all of a transaction's are written alike, in their order.
func (w *writer) areParted(events []storage.Event) (bool, error) {
	if w.partedEvents.rows > 0 {
		return true, nil
	}
	for i := range events {
		if events[i].Partition != "" {
			return true, w.events.flush()
		}
	}
	return false, nil
}

func (w *writer) addEvent(e *storage.Event, parted bool) error {
	in := &w.events
	if parted {
		in = &w.partedEvents
	}
	row, err := in.row()
	if err != nil {
		return err
	}
	row[0].Value = w.boxes.of(int64(e.Run))
	row[1].Value = w.boxes.of(e.N)
	row[2].Value = w.boxes.of(int64(e.At))
	row[3].Value = int64(e.Kind)
	row[4].Value = w.boxes.of(int64(e.Step))
	row[5].Value = int64(e.Attempt)
	row[6].Value = int64(e.RetryAt)
	row[7].Value = int64(e.Cause)
	row[8].Value = int64(e.Status)
	row[9].Value, row[10].Value = nil, int64(0)
	if e.Asset != 0 {
		run, err := w.look(e.Run)
		if err != nil {
			return err
		}
		row[9].Value, row[10].Value = w.boxes.of(int64(e.Asset)), w.boxes.of(run.era)
		w.made++
	}
	row[11].Value = document(e.Detail)
	if parted {
		row[12].Value = e.Partition
	}
	return nil
}

func (w *writer) addAsset(u *storage.AssetUpdate) error {
	if u.Partitioned() {
		return w.parts.update(u)
	}
	seq, err := w.parts.whole(u)
	if err != nil {
		return err
	}
	_, err = w.addState(&w.assets, u, seq)
	return err
}

// addState makes an update the present state of the asset as a whole.
func (w *writer) addState(in *inserter, u *storage.AssetUpdate, seq int64) ([]driver.NamedValue, error) {
	if err := in.share(seq); err != nil {
		return nil, err
	}
	row, err := in.row()
	if err != nil {
		return nil, err
	}
	row[0].Value = w.boxes.of(int64(u.Asset))
	row[1].Value = int64(u.Kind)
	row[2].Value = w.boxes.of(int64(u.Run))
	row[3].Value = w.boxes.of(u.N)
	row[4].Value = w.boxes.of(int64(u.At))
	row[5].Value = u.DataVersion
	row[6].Value = u.CodeVersion
	row[7].Value = document(u.Detail)
	return row, nil
}

func (w *writer) addLog(l *storage.LogLine) error {
	row, err := w.logs.row()
	if err != nil {
		return err
	}
	row[0].Value = w.boxes.of(int64(l.Run))
	row[1].Value = w.boxes.of(l.N)
	row[2].Value = w.boxes.of(int64(l.Step))
	row[3].Value = int64(l.Attempt)
	row[4].Value = w.boxes.of(int64(storage.MicrosOf(l.At)))
	row[5].Value = int64(l.Level)
	row[6].Value = int64(l.Stream)
	row[7].Value = l.Message
	row[8].Value = l.Attrs
	return nil
}

// document is a JSON document as an argument: NULL where there is none, without boxing a nil slice.
func document(doc []byte) any {
	if len(doc) == 0 {
		return nil
	}
	return doc
}
