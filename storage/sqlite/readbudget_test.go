package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
