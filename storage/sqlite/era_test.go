package sqlite_test

import (
	"database/sql"
	"fmt"
	"reflect"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// TestAssetEventsAcrossEras pages through an asset's events with an era's end behind every other run,
// and runs that write after later ones have begun.
func TestAssetEventsAcrossEras(t *testing.T) {
	t.Parallel()
	s, model := open(t, t.TempDir()), memory.New()
	defer s.Close()
	var keys []storage.AssetKey
	for _, store := range []storage.Storage{s, model} {
		var fences []storage.Fence
		for i := range 7 {
			fence, k := loadtest.NewRun(t, store, fmt.Sprint("r", i), 3)
			fences, keys = append(fences, fence), k
			if store == storage.Storage(s) && i%2 == 1 {
				execute(t, s.Path(), "UPDATE store SET era = era + 1")
			}
		}
		for i := range 40 {
			fence := fences[i*5%7]
			fact := storage.Fact{Kind: storage.StepSucceeded, Step: int32(i), Attempt: 1, At: 1}
			e := storage.Event{Run: fence.Run, N: int64(40 - i), Fact: fact, Asset: keys[i%3]}
			if err := store.Commit(t.Context(), &storage.Batch{Fence: fence, Events: []storage.Event{e}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, limit := range []int{1, 3, 0} {
		q := storage.AssetEventQuery{Asset: keys[1], Limit: limit}
		for range 14 {
			want, err := model.ListAssetEvents(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.ListAssetEvents(t.Context(), q)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Fatalf("%+v: %v\ngot  %v\nwant %v", q, err, got, want)
			}
			if len(want) == 0 {
				break
			}
			q.BeforeRun, q.BeforeN = want[len(want)-1].Run, want[len(want)-1].N
		}
	}
}

// eraOf reads the era of a run; for none, the one that the store is in.
func eraOf(t *testing.T, s *sqlite.Store, run string) (era int64) {
	t.Helper()
	db, err := sql.Open("sqlite", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT coalesce((SELECT era FROM run WHERE id = ?), era) FROM store", run).Scan(&era); err != nil {
		t.Fatal(err)
	}
	return era
}

// TestErasBegin fills an era: the run that fills it stays in it, and the next one begins the next.
func TestErasBegin(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	write := func(run string, assets int) {
		t.Helper()
		fence, keys := loadtest.NewRun(t, s, run, assets)
		var b storage.Batch
		for i, key := range keys {
			loadtest.Step(&b, fence, int32(i), int64(2*i+1), 1, key)
			if err := s.Append(&b); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Commit(t.Context(), &storage.Batch{Fence: fence}); err != nil {
			t.Fatal(err)
		}
	}
	write("first", 10)
	execute(t, s.Path(), "UPDATE store SET era_events = 8000")
	write("last", 1000)
	write("next", 10)
	if first, last, next := eraOf(t, s, "first"), eraOf(t, s, "last"), eraOf(t, s, "next"); first != 1 || last != 1 || next != 2 {
		t.Errorf("the runs are in the eras %d, %d and %d, want 1, 1 and 2", first, last, next)
	}
	if era := eraOf(t, s, ""); era != 2 {
		t.Errorf("the store is in era %d, want 2", era)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("%q, %v", found, err)
	}
}
