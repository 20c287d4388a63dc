package checkstate_test

import (
	"path/filepath"
	"testing"

	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/internal/feed/feedtest"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// Snapshots are stored: their bytes stay what they were, or the format gets another number.
func TestSnapshotBytesStayAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t, memory.New(), definitions[0], true)
	w.happen(event{of: asset, kind: storage.Observed, version: "v2"})
	w.happen(event{of: check, kind: storage.Materialized, texts: []string{"a"}, said: &storage.Verdict{Passed: true}, version: "v1", run: 1})
	w.happen(event{of: check, kind: storage.Failed, texts: []string{"b", "c"}, run: 2})
	if _, err := checkstate.Read(w.ctx, checkstate.Params{Location: "here", Store: w.store, Subjects: []checkstate.Subject{w.subject}}); err != nil {
		t.Fatal(err)
	}
	feedtest.Snapshot(t, w.store, "verdicts", filepath.Join("testdata", "snapshot.golden"))
}
