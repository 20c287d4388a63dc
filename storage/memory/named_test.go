package memory

import (
	"fmt"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// TestNamedAssetsAreLookedUp takes away all assets but those that are asked for: who passes the others on the way to them
// finds that they are not there.
func TestNamedAssetsAreLookedUp(t *testing.T) {
	t.Parallel()
	s := New()
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("asset_%03d", i)
	}
	if err := s.Commit(t.Context(), &storage.Batch{Topologies: []storage.Topology{{Location: "here", Assets: names}}}); err != nil {
		t.Fatal(err)
	}
	asked := []string{"asset_500", "nobody", "asset_001", "asset_500", "asset_999"}
	kept := map[string]bool{}
	for _, name := range asked {
		kept[name] = true
	}
	for i, a := range s.assets {
		if !kept[a.name] {
			s.assets[i] = nil
		}
	}
	for _, c := range []struct {
		q    storage.AssetQuery
		want string
	}{
		{storage.AssetQuery{Names: asked}, "[asset_001 asset_500 asset_999]"},
		{storage.AssetQuery{Names: asked, After: "asset_001", Limit: 1}, "[asset_500]"},
		{storage.AssetQuery{Names: []string{}}, "[]"},
	} {
		list, err := s.ListAssets(t.Context(), c.q)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range list {
			got = append(got, list[i].Name)
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%+v: %v, want %s", c.q, got, c.want)
		}
	}
}
