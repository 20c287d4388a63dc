package staleness_test

import (
	"path/filepath"
	"testing"

	"github.com/rivers-go/rivers/internal/feed/feedtest"
	"github.com/rivers-go/rivers/partition"
)

// Snapshots are stored: their bytes stay what they were, or the format gets another number.
func TestSnapshotBytesStayAsTheyWere(t *testing.T) {
	t.Parallel()
	letters := partition.Static("a", "b", "c")
	w := newWorld(t,
		spec{name: "one", code: "c1"},
		spec{name: "two", code: "c2", reads: []dep{{on: "one"}}},
		spec{name: "parts", def: letters, code: "c3", reads: []dep{{on: "one", by: partition.AllPartitions()}}},
	)
	for _, name := range []string{"one", "two"} {
		w.end(w.begin(w.run(), name, false, ""), "v1")
	}
	w.end(w.begin(w.run(), "parts", true, "a", "b"), "v2")
	w.end(w.begin(w.run(), "one", false, ""), "v4")
	if err := w.view.Update(w.ctx, w.now); err != nil {
		t.Fatal(err)
	}
	w.save()
	feedtest.Snapshot(t, w.store, "staleness", filepath.Join("testdata", "snapshot.golden"))
}
