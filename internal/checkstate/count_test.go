package checkstate_test

import (
	"context"
	"testing"
	"time"

	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// countedStore counts what is read of single partitions, and of the feed.
type countedStore struct {
	storage.Storage

	rows, asked, changes int
}

func (s *countedStore) ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error) {
	rows, err := s.Storage.ListPartitions(ctx, q)
	s.rows, s.asked = s.rows+len(rows), s.asked+len(q.Partitions)
	return rows, err
}

func (s *countedStore) ListChanges(ctx context.Context, q storage.ChangeQuery) ([]storage.Change, error) {
	changes, err := s.Storage.ListChanges(ctx, q)
	s.changes += len(changes)
	return changes, err
}

// What is read follows from what changed since it was last read, not from what there is; what many got at once is read as one,
// however many they are.
func TestReadRowsCount(t *testing.T) {
	t.Parallel()
	hours := partition.Hourly(partition.Date(1990, time.January, 1), partition.Until(partition.Date(2020, time.January, 1)))
	w := newWorld(t, memory.New(), hours, false)
	all := w.space().All()
	passed := storage.Detail{Check: &storage.Verdict{Passed: true}}
	at := func(name, text string, d storage.Detail, set partition.Set) {
		t.Helper()
		w.commit(&storage.Batch{Assets: []storage.AssetUpdate{{Asset: w.keys[name], At: 1, Run: 1, Partition: text, Partitions: set, DataVersion: "v1", Detail: d.AppendJSON(nil)}}})
	}
	at(asset, "", storage.Detail{}, all)
	at(check, "", passed, all)
	const singles = 300
	for _, text := range w.texts()[:singles] {
		passed.Inputs = map[string]string{asset: "v1"}
		at(check, text, passed, w.set(text))
	}
	store := &countedStore{Storage: w.store}
	read := func(want checkstate.Results, rows, asked int) {
		t.Helper()
		store.rows, store.asked = 0, 0
		results, err := checkstate.Read(w.ctx, checkstate.Params{Location: "here", Store: store, Subjects: []checkstate.Subject{w.subject}})
		if err != nil {
			t.Fatal(err)
		}
		if got := results[0]; !got.Passed.Equal(want.Passed) || !got.Failed.Equal(want.Failed) || !got.Outdated.Equal(want.Outdated) {
			t.Errorf("passed %s\nfailed %s\noutdated %s", got.Passed, got.Failed, got.Outdated)
		}
		if store.rows != rows || store.asked != asked {
			t.Errorf("%d rows, for %d keys that were asked for; want %d and %d", store.rows, store.asked, rows, asked)
		}
	}
	read(checkstate.Results{Passed: all}, singles, 0)
	read(checkstate.Results{Passed: all}, 0, 0)
	one := w.set("2011-11-11-11:00")
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{{Asset: w.keys[check], Kind: storage.Failed, At: 1, Partition: "2011-11-11-11:00", Partitions: one, Detail: storage.Detail{Check: &storage.Verdict{}, Inputs: map[string]string{asset: "v1"}}.AppendJSON(nil)}}})
	read(checkstate.Results{Passed: all.Minus(one), Failed: one}, 1, 4) // of three kinds of states, and of the asset
	at(asset, "", storage.Detail{}, one)
	read(checkstate.Results{Passed: all.Minus(one), Failed: one}, 1, 4) // the same version again
	store.changes = 0
	read(checkstate.Results{Passed: all.Minus(one), Failed: one}, 0, 0)
	if store.changes != 0 {
		t.Errorf("%d changes were read again", store.changes)
	}
}

// A check about which nothing changed is kept as it is when another is written.
func TestReadKeepsOthersCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, memory.New(), definitions[0], false)
	names := []string{"other", "other:good"}
	w.commit(&storage.Batch{Topologies: []storage.Topology{{Location: "here", Hash: "2", Assets: names}}})
	keys, err := w.store.AssetKeys(w.ctx, names)
	if err != nil {
		t.Fatal(err)
	}
	subjects := []checkstate.Subject{w.subject, {Check: "other:good", Asset: "other", Partitions: definitions[0]}}
	store := &countedStore{Storage: w.store}
	read := func(rows int) {
		t.Helper()
		store.rows = 0
		results, err := checkstate.Read(w.ctx, checkstate.Params{Location: "here", Store: store, Subjects: subjects})
		if err != nil || !results[1].Passed.Equal(w.set("a")) {
			t.Fatalf("%+v %v", results, err)
		}
		if store.rows != rows {
			t.Errorf("%d rows, want %d", store.rows, rows)
		}
	}
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{{Asset: keys[1], At: 1, Partition: "a", Partitions: w.set("a"), Detail: storage.Detail{Check: &storage.Verdict{Passed: true}}.AppendJSON(nil)}}})
	read(1)
	for range 3 {
		w.happen(event{of: check, kind: storage.Materialized, texts: []string{"b"}, said: &storage.Verdict{Passed: true}, version: "v1"})
		read(1)
	}
}
