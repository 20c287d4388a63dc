package checkstate_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/internal/checkstate"
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
	var b strings.Builder
	for _, prefix := range []string{"verdicts", storage.FeedPrefix} {
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
