package memory

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// apply folds an admitted batch into the store. It cannot fail.
func (s *Store) apply(b *storage.Batch) {
	defer s.tell(s.seq)
	for i := range b.Runs {
		s.addRun(&b.Runs[i], b.Lease)
	}
	for i := range b.RunUpdates {
		s.updateRun(&b.RunUpdates[i])
	}
	for i := range b.Backfills {
		s.addBackfill(&b.Backfills[i], b.Lease)
	}
	for i := range b.BackfillUpdates {
		s.updateBackfill(&b.BackfillUpdates[i])
	}
	for i := range b.Cancels {
		s.cancel(&b.Cancels[i])
	}
	for i := range b.Events {
		s.addEvent(&b.Events[i])
	}
	for i := range b.Assets {
		s.updateAsset(&b.Assets[i])
	}
	for i := range b.Logs {
		s.addLog(&b.Logs[i])
	}
	for _, r := range b.Releases {
		s.release(r)
	}
	for i := range b.Pools {
		s.updatePool(&b.Pools[i])
	}
	for i := range b.Keys {
		s.updateKeys(&b.Keys[i])
	}
	for _, p := range b.KV {
		if p.Value == nil {
			delete(s.kv, p.Key)
			continue
		}
		s.kv[p.Key] = p.Value
	}
	for i := range b.Topologies {
		s.addTopology(b.Topologies[i])
	}
	for i := range b.RunUpdates {
		if u := &b.RunUpdates[i]; u.State.Terminal() {
			s.clearInFlight(s.run(u.Run), u.At)
		}
	}
}

func (s *Store) addRun(rec *storage.RunRecord, lease time.Duration) {
	rec.Key = storage.RunKey(len(s.runs) + 1)
	r := &run{record: *rec, events: make([]storage.Event, 0, 2*len(rec.Plan)+2)} // most runs have two a step
	r.record.CreatedAt = micros(rec.CreatedAt)
	r.record.StartedAt = micros(rec.StartedAt)
	r.record.EndedAt = micros(rec.EndedAt)
	if r.record.LeaseUntil = (time.Time{}); rec.Owner != "" && !rec.State.Terminal() {
		r.record.LeaseUntil = micros(time.Now().Add(lease))
	}
	r.record.Targets = nil // not read back
	s.runs = append(s.runs, r)
	s.runByID[rec.ID] = r
	if !rec.State.Terminal() {
		s.target(r, rec.Targets, rec.CreatedAt)
	}
}

func (s *Store) updateRun(u *storage.RunUpdate) {
	r := s.run(u.Run) // the fence was of this run, so it is there
	rec := &r.record
	rec.State, rec.Error, rec.Counts = u.State, u.Error, u.Counts
	if u.Plan != nil {
		rec.Plan = u.Plan
	}
	if u.Targets != nil && !u.State.Terminal() {
		s.clearInFlight(r, u.At)
		s.target(r, u.Targets, u.At)
	}
	switch {
	case u.State == storage.Running:
		rec.StartedAt = micros(u.At)
	case u.State.Terminal():
		rec.EndedAt, rec.LeaseUntil = micros(u.At), time.Time{}
	}
}

// addEvent puts an event at its place; the same key again replaces what is there. Events of a run
// that is not recorded, which no fence guards, are kept nowhere: nobody could ask for them.
func (s *Store) addEvent(e *storage.Event) {
	r := s.run(e.Run)
	if r == nil {
		return
	}
	ev := *e
	if len(ev.Detail) == 0 {
		ev.Detail = nil
	}
	if last := len(r.events); last == 0 || r.events[last-1].N < ev.N {
		r.events = append(r.events, ev)
	} else if i, found := slices.BinarySearchFunc(r.events, ev.N, func(e storage.Event, n int64) int { return cmp.Compare(e.N, n) }); found {
		s.forget(r.events[i].Asset, eventKey{ev.Run, ev.N})
		r.events[i] = ev
	} else {
		r.events = slices.Insert(r.events, i, ev)
	}
	if a := s.asset(ev.Asset); a != nil {
		a.remember(eventKey{ev.Run, ev.N})
	}
}

// remember keeps the history sorted; nearly always the new key is the last.
func (a *asset) remember(k eventKey) {
	at := len(a.history)
	for at > 0 && k.before(a.history[at-1]) {
		at--
	}
	a.history = slices.Insert(a.history, at, k)
}

func (s *Store) forget(key storage.AssetKey, k eventKey) {
	if a := s.asset(key); a != nil {
		if i := slices.Index(a.history, k); i >= 0 {
			a.history = slices.Delete(a.history, i, i+1)
		}
	}
}

func (k eventKey) before(o eventKey) bool { return k.run < o.run || k.run == o.run && k.n < o.n }

func (s *Store) addLog(l *storage.LogLine) {
	r := s.run(l.Run)
	if r == nil {
		return
	}
	line := *l
	line.At = micros(l.At)
	i := sort.Search(len(r.logs), func(i int) bool { return r.logs[i].N >= line.N })
	if i < len(r.logs) && r.logs[i].N == line.N {
		r.logs[i] = line
		return
	}
	r.logs = slices.Insert(r.logs, i, line)
}

func (s *Store) addTopology(t storage.Topology) {
	for _, name := range t.Assets {
		if s.assetByKey[name] == 0 {
			s.assets = append(s.assets, &asset{name: name})
			s.assetByKey[name] = storage.AssetKey(len(s.assets))
		}
	}
	t.Assets = nil // not read back
	t.At = micros(t.At)
	if len(t.Doc) == 0 {
		t.Doc = nil
	}
	s.topologies[t.Location] = t
}

// asset returns the asset of a key, nil where there is none.
func (s *Store) asset(key storage.AssetKey) *asset {
	if key <= 0 || int64(key) > int64(len(s.assets)) {
		return nil
	}
	return s.assets[key-1]
}

// micros is what a store keeps of a time.
func micros(t time.Time) time.Time { return storage.MicrosOf(t).Time() }
