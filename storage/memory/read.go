package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/prune"
)

// defaultLimit bounds the lists whose query has no limit.
const defaultLimit = 100

// read takes the lock for reading; the caller unlocks unless there is an error.
func (s *Store) read(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return storage.ErrClosed
	}
	return nil
}

// GetRun returns one run with its plan, or [storage.ErrNotFound].
func (s *Store) GetRun(ctx context.Context, id string) (storage.RunRecord, error) {
	if err := s.read(ctx); err != nil {
		return storage.RunRecord{}, err
	}
	defer s.mu.RUnlock()
	r := s.runByID[id]
	if r == nil {
		return storage.RunRecord{}, fmt.Errorf("run %q: %w", id, storage.ErrNotFound)
	}
	return r.present(), nil
}

// present is the run's record with what it has lost.
func (r *run) present() storage.RunRecord {
	rec := r.record
	rec.Lost = prune.LostOf(r.lost)
	return rec
}

// ListRuns returns runs without their plans, newest first.
func (s *Store) ListRuns(ctx context.Context, q storage.RunQuery) ([]storage.RunRecord, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	limit, now := cmp.Or(q.Limit, defaultLimit), time.Now()
	end := len(s.runs)
	if q.Before > 0 {
		end = min(end, int(q.Before)-1)
	}
	var list []storage.RunRecord
	for i := end - 1; i >= 0 && len(list) < limit; i-- {
		if s.runs[i] == nil {
			continue
		}
		rec := s.runs[i].present()
		if q.Location != "" && rec.Location != q.Location || q.Job != "" && rec.Job != q.Job || q.Backfill != "" && rec.Backfill != q.Backfill ||
			len(q.States) > 0 && !slices.Contains(q.States, rec.State) ||
			(q.Owned || q.Abandoned) && rec.LeaseUntil.IsZero() || q.Abandoned && rec.LeaseUntil.After(now) {
			continue
		}
		rec.Plan = nil
		list = append(list, rec)
	}
	return list, nil
}

// ListEvents returns the events of a run in order.
func (s *Store) ListEvents(ctx context.Context, q storage.EventQuery) ([]storage.Event, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	r := s.run(q.Run)
	if r == nil {
		return nil, nil
	}
	from := sort.Search(len(r.events), func(i int) bool { return r.events[i].N > q.After })
	return append([]storage.Event(nil), page(r.events[from:], q.Limit)...), nil // nil where there is none
}

// ListAssetEvents returns the materializations and observations of an asset, newest first.
func (s *Store) ListAssetEvents(ctx context.Context, q storage.AssetEventQuery) ([]storage.Event, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	a := s.asset(q.Asset)
	if a == nil {
		return nil, nil
	}
	limit := cmp.Or(q.Limit, defaultLimit)
	before := eventKey{q.BeforeRun, q.BeforeN}
	var list []storage.Event
	for _, k := range slices.Backward(a.history) {
		if len(list) == limit {
			break
		}
		if before.run != 0 && !k.before(before) {
			continue
		}
		events := s.run(k.run).events
		i := sort.Search(len(events), func(i int) bool { return events[i].N >= k.n })
		if q.Partition == "" || events[i].Partition == q.Partition {
			list = append(list, events[i])
		}
	}
	return list, nil
}

// AssetKeys returns the keys of the names, in their order, zero where a name has none.
func (s *Store) AssetKeys(ctx context.Context, names []string) ([]storage.AssetKey, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	keys := make([]storage.AssetKey, len(names))
	for i, name := range names {
		keys[i] = s.assetByKey[name]
	}
	return keys, nil
}

// GetAsset returns one asset's record, or [storage.ErrNotFound].
func (s *Store) GetAsset(ctx context.Context, name string) (storage.AssetRecord, error) {
	if err := s.read(ctx); err != nil {
		return storage.AssetRecord{}, err
	}
	defer s.mu.RUnlock()
	key := s.assetByKey[name]
	if key == 0 {
		return storage.AssetRecord{}, fmt.Errorf("asset %q: %w", name, storage.ErrNotFound)
	}
	return s.assetRecord(key)
}

// ListAssets returns records in the order of their names.
func (s *Store) ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	names := s.assetNames(&q)
	var list []storage.AssetRecord
	for _, name := range page(names, q.Limit) {
		rec, err := s.assetRecord(s.assetByKey[name])
		if err != nil {
			return nil, err
		}
		list = append(list, rec)
	}
	return list, nil
}

// assetNames returns the names that a query selects, in order, before its limit. Names that were
// asked for are looked up: what else there is costs nothing.
func (s *Store) assetNames(q *storage.AssetQuery) []string {
	var names []string
	if q.Names == nil {
		for _, a := range s.assets {
			if a.name > q.After {
				names = append(names, a.name)
			}
		}
	} else {
		for _, name := range q.Names {
			if name > q.After && s.assetByKey[name] != 0 {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (s *Store) assetRecord(key storage.AssetKey) (storage.AssetRecord, error) {
	a := s.assets[key-1]
	rec := storage.AssetRecord{Key: key, Name: a.name}
	for kind, to := range [storage.StateKinds]**storage.AssetState{&rec.Materialization, &rec.Observation, &rec.Failure, &rec.Wipe} {
		if a.states[kind] == nil {
			continue
		}
		st, err := s.assetState(a.states[kind])
		if err != nil {
			return storage.AssetRecord{}, fmt.Errorf("asset %q: %w", a.name, err)
		}
		*to = &st
	}
	return rec, nil
}

func (s *Store) assetState(u *state) (storage.AssetState, error) {
	d, err := storage.ParseDetail(u.Detail)
	if err != nil {
		return storage.AssetState{}, err
	}
	st := storage.AssetState{
		Seq: u.seq, Run: u.Run, N: u.N, At: u.At.Time(), Partition: u.Partition,
		DataVersion: u.DataVersion, CodeVersion: u.CodeVersion, Detail: d,
	}
	if r := s.run(u.Run); r != nil {
		st.RunID = r.record.ID
	} else {
		st.RunID = s.names[u.Run]
	}
	return st, nil
}

// ListLogs returns the log lines of a run in order.
func (s *Store) ListLogs(ctx context.Context, q storage.LogQuery) ([]storage.LogLine, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	r := s.run(q.Run)
	if r == nil {
		return nil, nil
	}
	var list []storage.LogLine
	for _, l := range r.logs {
		if l.N > q.After && (q.Step == nil || *q.Step == l.Step) {
			list = append(list, l)
		}
	}
	return page(list, q.Limit), nil
}

// GetKV returns the value of a key, or [storage.ErrNotFound].
func (s *Store) GetKV(ctx context.Context, key string) ([]byte, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	v, ok := s.kv[key]
	if !ok {
		return nil, fmt.Errorf("value %q: %w", key, storage.ErrNotFound)
	}
	return v, nil
}

// ListKV returns the pairs whose keys begin with prefix, in the order of their keys.
func (s *Store) ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	var list []storage.KVPair
	for k, v := range s.kv {
		if strings.HasPrefix(k, prefix) {
			list = append(list, storage.KVPair{Key: k, Value: v})
		}
	}
	slices.SortFunc(list, func(a, b storage.KVPair) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// GetTopology returns one location's topology, or [storage.ErrNotFound].
func (s *Store) GetTopology(ctx context.Context, location string) (storage.Topology, error) {
	if err := s.read(ctx); err != nil {
		return storage.Topology{}, err
	}
	defer s.mu.RUnlock()
	t, ok := s.topologies[location]
	if !ok {
		return storage.Topology{}, fmt.Errorf("topology of %q: %w", location, storage.ErrNotFound)
	}
	return t, nil
}

// ListTopologies returns all topologies without their documents, by location.
func (s *Store) ListTopologies(ctx context.Context) ([]storage.Topology, error) {
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	var list []storage.Topology
	for _, t := range s.topologies {
		t.Doc = nil
		list = append(list, t)
	}
	slices.SortFunc(list, func(a, b storage.Topology) int { return strings.Compare(a.Location, b.Location) })
	return list, nil
}

// page returns the first limit records; zero means all.
func page[T any](records []T, limit int) []T {
	if limit > 0 && len(records) > limit {
		return records[:limit]
	}
	return records
}
