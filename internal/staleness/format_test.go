package staleness_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
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
	var b strings.Builder
	for _, prefix := range []string{"staleness", storage.FeedPrefix} {
		pairs, err := w.store.ListKV(w.ctx, prefix)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pairs {
			fmt.Fprintf(&b, "%s %s\n", p.Key, hex.EncodeToString(p.Value))
		}
	}
	want, err := os.ReadFile(filepath.Join("testdata", "snapshot.golden"))
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
}
