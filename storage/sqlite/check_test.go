package sqlite_test

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
)

// tenants is a set of keys of a dynamic definition.
func tenants(numbers ...int) partition.Set {
	return partition.DynamicSet("tenants", func(yield func(partition.Ordinal) bool) {
		for _, n := range numbers {
			if !yield(partition.Ordinal(n)) {
				return
			}
		}
	})
}

// commit applies a batch that must be accepted.
func commit(t *testing.T, s storage.Storage, b *storage.Batch) {
	t.Helper()
	if err := s.Commit(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// single is a materialization of one partition that no run made.
func single(asset storage.AssetKey, n int) storage.AssetUpdate {
	return storage.AssetUpdate{Asset: asset, Partitions: tenants(n), Partition: strconv.Itoa(n), At: 1}
}

// TestRepairIsSeen has a handle that goes on after another one has mended what it remembers.
func TestRepairIsSeen(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	_, keys := loadtest.NewRun(t, s, "r", 1)
	update := func(n int) {
		t.Helper()
		commit(t, s, &storage.Batch{Assets: []storage.AssetUpdate{single(keys[0], n)}})
	}
	update(10) // the sets are remembered now
	data, _ := tenants(1).AppendBinary(nil)
	execute(t, s.Path(), "UPDATE partition_set SET labels = "+blob(data))
	other := open(t, s.Path())
	defer other.Close()
	changes := s.Watch(t.Context(), storage.TopicChanges)
	if done, err := other.Repair(t.Context()); err != nil || len(done) != 1 {
		t.Fatalf("%q, %v", done, err)
	}
	update(11)
	sets, err := s.PartitionSets(t.Context(), keys)
	if want := tenants(10, 11); err != nil || !sets[0].Materialized.Equal(want) {
		t.Errorf("%v, %v, want %v", sets[0].Materialized, err, want)
	}
	<-changes
}

// TestTheNewestStays: keys and numbers go on from the newest row, which so must not be deleted.
func TestTheNewestStays(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	for i := range 2 {
		_, keys := loadtest.NewRun(t, s, fmt.Sprint("r", i), 1)
		commit(t, s, &storage.Batch{Assets: []storage.AssetUpdate{single(keys[0], i)}, Backfills: []storage.BackfillRecord{{ID: fmt.Sprint("b", i)}}})
	}
	db, err := sql.Open("sqlite", s.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, table := range []string{"run", "change", "backfill"} {
		rowid := table + " WHERE rowid = (SELECT max(rowid) FROM " + table + ")"
		if _, err := db.ExecContext(t.Context(), "DELETE FROM "+rowid); err == nil || !strings.Contains(err.Error(), "the newest "+table+" stays") {
			t.Errorf("the newest row of %s was deleted: %v", table, err)
		}
		if _, err := db.ExecContext(t.Context(), "DELETE FROM "+strings.Replace(rowid, "max", "min", 1)); err != nil {
			t.Errorf("an older row of %s: %v", table, err)
		}
	}
}

// TestCheckOfTheFeed has a feed of changes that ends before the states: numbers would be given twice.
func TestCheckOfTheFeed(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	_, keys := loadtest.NewRun(t, s, "r", 2)
	for _, key := range keys {
		commit(t, s, &storage.Batch{Assets: []storage.AssetUpdate{single(key, 1), single(key, 2)}})
	}
	execute(t, s.Path(), "DROP TRIGGER change_newest_stays; DELETE FROM change WHERE id = (SELECT max(id) FROM change)")
	found, err := s.Check(t.Context())
	if all := strings.Join(found, "\n"); err != nil || !strings.Contains(all, "a state of asset 2 has number 3, which is beyond the feed of changes") {
		t.Errorf("found %v:\n%s", err, all)
	}
	if done, err := s.Repair(t.Context()); err != nil || len(done) != 1 || done[0] != "the feed of changes tells of asset 2 again" {
		t.Errorf("mended %q, %v", done, err)
	}
	list, err := s.ListChanges(t.Context(), storage.ChangeQuery{})
	if err != nil || len(list) != 2 || list[1].Seq != 3 || list[1].Assets[0] != keys[1] {
		t.Errorf("the feed: %+v, %v", list, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Repair(t.Context()); err == nil {
		t.Error("a closed store was repaired")
	}
}
