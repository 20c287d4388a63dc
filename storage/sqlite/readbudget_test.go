package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// TestCountsOfNamedAssets asks for some of many assets by their names: what comes back is those, whatever else there is,
// in a statement for each 256 names.
func TestCountsOfNamedAssets(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	names := make([]string, 5000)
	for i := range names {
		names[i] = fmt.Sprintf("asset_%04d", i)
	}
	b := storage.Batch{Topologies: []storage.Topology{{Location: "here", Assets: names}}}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	reversed := slices.Clone(names)
	slices.Reverse(reversed)
	reads := countReads(t, s)
	for _, c := range []struct {
		q                      storage.AssetQuery
		statements, rows, want int
	}{
		{q: storage.AssetQuery{Names: []string{}}},
		{q: storage.AssetQuery{Names: []string{"nobody"}}, statements: 1},
		{q: storage.AssetQuery{Names: names[100:101]}, statements: 1, rows: 1, want: 1},
		{q: storage.AssetQuery{Names: names[:64]}, statements: 1, rows: 64, want: 64},
		{q: storage.AssetQuery{Names: names[4000:4065]}, statements: 1, rows: 65, want: 65},
		{q: storage.AssetQuery{Names: append(reversed[:300:300], reversed[:10]...)}, statements: 2, rows: 300, want: 300},
		{q: storage.AssetQuery{Names: names[:300], After: names[289]}, statements: 1, rows: 10, want: 10},
		{q: storage.AssetQuery{Names: names, Limit: 20}, statements: 1, rows: 20, want: 20},
		{q: storage.AssetQuery{Names: names, Limit: 300}, statements: 2, rows: 300, want: 300},
		{q: storage.AssetQuery{Names: append([]string{"a", "aa", "aaa"}, names[:9]...), Limit: 5}, statements: 2, rows: 5, want: 5},
		{q: storage.AssetQuery{Names: reversed}, statements: 20, rows: 5000, want: 5000},
		{q: storage.AssetQuery{}, statements: 1, rows: 5000, want: 5000},
	} {
		var list []storage.AssetRecord
		statements, rows := reads.since(func() { list, err = s.ListAssets(t.Context(), c.q) })
		what := fmt.Sprintf("%d names after %q, at the most %d", len(c.q.Names), c.q.After, c.q.Limit)
		if err != nil || len(list) != c.want {
			t.Fatalf("%s: %d assets, %v, want %d", what, len(list), err, c.want)
		}
		if statements != c.statements || rows != c.rows {
			t.Errorf("%s: %d statements and %d rows, want %d and %d", what, statements, rows, c.statements, c.rows)
		}
		if plans := reads.plans(t, s); c.q.Names != nil && strings.Contains(plans, "SCAN") {
			t.Errorf("%s: a table is read from its beginning to its end:\n%s", what, plans)
		}
	}
}

// TestCountsOfRunLists asks the common questions about runs with the answers behind a history of successes: who walks through it
// looks at ever more pages.
func TestCountsOfRunLists(t *testing.T) {
	t.Parallel()
	questions := []struct {
		what, index string
		q           storage.RunQuery
		want        int
	}{
		{"the newest", "", storage.RunQuery{}, 100},
		{"without an end", "run_open", storage.RunQuery{States: []storage.RunState{storage.Queued, storage.NotStarted, storage.Running}}, 4},
		{"queued", "run_open", storage.RunQuery{States: []storage.RunState{storage.Queued}}, 2},
		{"running", "run_open", storage.RunQuery{States: []storage.RunState{storage.Running}}, 2},
		{"failed", "run_unsuccessful", storage.RunQuery{States: []storage.RunState{storage.Failure}}, 3},
		{"failed before", "run_unsuccessful", storage.RunQuery{States: []storage.RunState{storage.Failure}, Before: 7}, 2},
		{"canceled", "run_unsuccessful", storage.RunQuery{States: []storage.RunState{storage.Canceled}}, 1},
		{"whatever is no success", "run_unsuccessful", storage.RunQuery{States: []storage.RunState{storage.Failure, storage.Canceled, storage.Queued}}, 6},
		{"of a job", "run_job", storage.RunQuery{Job: "rare"}, 3},
		{"successes of a job", "run_job", storage.RunQuery{Job: "rare", States: []storage.RunState{storage.Success}}, 1},
		{"failed of a job", "run_unsuccessful", storage.RunQuery{Job: "rare", States: []storage.RunState{storage.Failure}}, 2},
		{"of a backfill", "run_backfill", storage.RunQuery{Backfill: "fill"}, 2},
		{"failed of a backfill", "run_backfill", storage.RunQuery{Backfill: "fill", States: []storage.RunState{storage.Failure}}, 1},
		{"owned", "run_open", storage.RunQuery{Owned: true}, 2},
		{"abandoned", "run_open", storage.RunQuery{Abandoned: true}, 0},
	}
	pages := map[string][]int{}
	for _, successes := range []int{500, 5000} {
		s := storeWithHistory(t, successes)
		reads := countReads(t, s)
		for _, c := range questions {
			var list []storage.RunRecord
			var err error
			read := func() { list, err = s.ListRuns(t.Context(), c.q) }
			pages[c.what] = append(pages[c.what], reads.pages(t, read))
			reads.since(read)
			if err != nil || len(list) != c.want {
				t.Errorf("%s: %d runs, %v, want %d", c.what, len(list), err, c.want)
			}
			plans := reads.plans(t, s)
			if byAge := strings.Contains(plans, "PRIMARY KEY (rowid<?)"); !strings.Contains(plans, c.index) || byAge && c.index != "" {
				t.Errorf("%s: the index %s is not used throughout:\n%s", c.what, c.index, plans)
			}
		}
	}
	for _, c := range questions {
		// A tree of ten times as many rows may be a page deeper, which shows once a row.
		if n := pages[c.what]; n[1] > n[0]+c.want+5 {
			t.Errorf("%s: %d pages with 500 successes, %d with 5,000", c.what, n[0], n[1])
		}
	}
}

// storeWithHistory makes a store whose oldest runs are of all kinds, and all others successes.
func storeWithHistory(t *testing.T, successes int) *Store {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	b := storage.Batch{Lease: time.Hour, Runs: []storage.RunRecord{
		{ID: "1", State: storage.Queued},
		{ID: "2", State: storage.Queued, Job: "other"},
		{ID: "3", State: storage.Running, Owner: "a"},
		{ID: "4", State: storage.Running, Owner: "b"},
		{ID: "5", State: storage.Failure, Job: "rare"},
		{ID: "6", State: storage.Failure, Backfill: "fill"},
		{ID: "7", State: storage.Failure, Job: "rare"},
		{ID: "8", State: storage.Canceled},
		{ID: "9", State: storage.Success, Job: "rare"},
		{ID: "10", State: storage.Success, Backfill: "fill"},
	}}
	for i := range successes {
		b.Runs = append(b.Runs, storage.RunRecord{ID: fmt.Sprint("success ", i), State: storage.Success, Job: "other", Backfill: "others"})
	}
	if err := s.Commit(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return s
}
