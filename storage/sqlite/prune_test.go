package sqlite_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/loadtest"
)

// TestPruneBesideAWriter deletes 100,000 events while runs are recorded. The file has no more pages afterwards, states are as they
// were, and no transaction deleted more than it may.
func TestPruneBesideAWriter(t *testing.T) {
	t.Parallel()
	const events = 100_000
	s := open(t, t.TempDir())
	defer s.Close()
	keys := loadtest.AgedRuns(t, s, events)
	before, size := s.Stats(), pages(t, s)
	done, stopped, written := make(chan struct{}), make(chan struct{}), 0
	go func() {
		defer close(stopped)
		written, _ = loadtest.RecordRuns(t, s, "beside", keys[1], func(n int) bool {
			select {
			case <-done:
				return true
			default:
				return n == 1000
			}
		})
	}()
	report, err := s.Prune(t.Context(), loadtest.Everything)
	close(done)
	<-stopped
	if err != nil {
		t.Fatal(err)
	}
	steps, assets, runs := report.Kinds[storage.PruneSteps], report.Kinds[storage.PruneAssetEvents], report.Kinds[storage.PruneRuns]
	if steps.Rows != events/2+100 || assets.Rows != events/2 || runs.Rows != 100 || steps.Runs != 100 || report.More {
		t.Errorf("%+v", report)
	}
	if written == 0 {
		t.Error("nobody wrote meanwhile")
	}
	if now := pages(t, s); now > size+size/10 {
		t.Errorf("the file grew from %d to %d pages", size, now)
	}
	did := s.Stats()
	if least := int64(events / storage.DefaultPruneChunk); did.Commits-before.Commits < least+int64(written) {
		t.Errorf("%d transactions for %d rows and %d runs beside: want %d for the rows", did.Commits-before.Commits, report.Rows(), written, least)
	}
	rec, err := s.GetAsset(t.Context(), "asset_00000")
	if err != nil || !strings.HasPrefix(rec.Materialization.RunID, "aged") {
		t.Errorf("%+v, %v", rec.Materialization, err)
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("check: %q, %v", found, err)
	}
	if _, err := s.Vacuum(t.Context()); err != nil {
		t.Error(err)
	}
	if now := pages(t, s); now > size/2 {
		t.Errorf("made smaller, the file has %d pages of %d", now, size)
	}
}

// TestVacuumOfAClosedStore is refused like any call.
func TestVacuumOfAClosedStore(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Vacuum(t.Context()); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// TestPruneCounts says what pruning costs: spans, not rows, are statements.
func TestPruneCounts(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	loadtest.AgedRuns(t, s, 20_000)
	before := s.Stats().Statements
	report, err := s.Prune(t.Context(), loadtest.Everything)
	if err != nil || report.Rows() < 20_000 {
		t.Fatalf("%+v, %v", report, err)
	}
	// 5 spans of a chunk each, 20 runs of which each gets marks twice at most, and is looked at, named and deleted in 4.
	if n := s.Stats().Statements - before; n > 200 {
		t.Errorf("%d statements for %d rows", n, report.Rows())
	}
}
