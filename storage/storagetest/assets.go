package storagetest

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/storage"
)

func checkAssets(f *fixture) {
	fence, keys := f.run("r"), f.assets("users", "orders", "empty")
	d := storage.Detail{
		Data: "v1", Code: "c1", Metadata: metadata.Map{"rows": metadata.Int(3)}, Tags: map[string]string{"a": "b"},
		Inputs: map[string]string{"raw": "v0"},
	}
	at := storage.MicrosOf(epoch)
	f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{
		{Asset: keys[0], Run: fence.Run, N: 3, At: at, DataVersion: "v1", CodeVersion: "c1", Detail: d.AppendJSON(nil)},
		{Asset: keys[1], Kind: storage.Observed, At: at},
	}})
	get := func(rec storage.AssetRecord, err error) storage.AssetRecord {
		f.Helper()
		return withoutSeq(must[storage.AssetRecord](f)(rec, err))
	}
	users := storage.AssetRecord{Key: keys[0], Name: "users", Materialization: &storage.AssetState{
		RunID: "r", Run: fence.Run, N: 3, At: epoch, DataVersion: "v1", CodeVersion: "c1", Detail: d,
	}}
	f.equal("a materialization", get(f.GetAsset(f.ctx, "users")), users)
	orders := storage.AssetRecord{Key: keys[1], Name: "orders", Observation: &storage.AssetState{At: epoch}}
	f.equal("an observation outside a run", get(f.GetAsset(f.ctx, "orders")), orders)
	f.equal("an asset without a state", get(f.GetAsset(f.ctx, "empty")), storage.AssetRecord{Key: keys[2], Name: "empty"})
	_, err := f.GetAsset(f.ctx, "nobody")
	f.refused(err, storage.ErrNotFound)

	f.commit(&storage.Batch{Fence: fence, Assets: []storage.AssetUpdate{
		{Asset: keys[0], Run: fence.Run, N: 4, At: at + 1, DataVersion: "v2"},
		{Asset: keys[0], Run: fence.Run, N: 5, At: at + 2, DataVersion: "v3"},
		{Asset: keys[0], Kind: storage.Observed, Run: fence.Run, N: 6, At: at + 3, DataVersion: "o"},
	}})
	users.Materialization = &storage.AssetState{RunID: "r", Run: fence.Run, N: 5, At: (at + 2).Time(), DataVersion: "v3"}
	users.Observation = &storage.AssetState{RunID: "r", Run: fence.Run, N: 6, At: (at + 3).Time(), DataVersion: "o"}
	f.equal("the latest of several states", get(f.GetAsset(f.ctx, "users")), users)
	list := must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, storage.AssetQuery{}))
	for i := range list {
		list[i] = withoutSeq(list[i])
	}
	f.equal("the list", list,
		[]storage.AssetRecord{{Key: keys[2], Name: "empty"}, orders, users})
}

// withoutSeq leaves out numbers that mean nothing outside their store.
func withoutSeq(rec storage.AssetRecord) storage.AssetRecord {
	for _, st := range []*storage.AssetState{rec.Materialization, rec.Observation, rec.Failure, rec.Wipe} {
		if st != nil {
			st.Seq = 0
		}
	}
	return rec
}

func checkAssetLists(f *fixture) {
	names := []string{"d", "b", "é", "a", "c"}
	keys := f.assets(names...)
	again := must[[]storage.AssetKey](f)(f.AssetKeys(f.ctx, []string{"é", "nobody", "d", "é"}))
	f.equal("keys by name", again, []storage.AssetKey{keys[2], 0, keys[0], keys[2]})
	f.equal("keys of a second topology", f.assets("c", "x", "d")[0], keys[4])
	for _, c := range []struct {
		q    storage.AssetQuery
		want string
	}{
		{storage.AssetQuery{}, "abcdxé"},
		{storage.AssetQuery{Limit: 2}, "ab"},
		{storage.AssetQuery{After: "b", Limit: 2}, "cd"},
		{storage.AssetQuery{After: "é"}, ""},
		{storage.AssetQuery{Names: []string{"x", "a", "nobody", "a"}}, "ax"},
		{storage.AssetQuery{Names: []string{"x", "a", "c"}, After: "a", Limit: 1}, "c"},
		{storage.AssetQuery{Names: []string{}}, ""},
	} {
		var got strings.Builder
		for _, r := range must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, c.q)) {
			got.WriteString(r.Name)
		}
		f.equal(fmt.Sprintf("%+v", c.q), got.String(), c.want)
	}
}

// checkManyAssets has more names than one statement may take arguments.
func checkManyAssets(f *fixture) {
	const n = 3000
	fence := f.run("r")
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("asset_%04d", i)
	}
	keys := f.assets(names...)
	b := storage.Batch{Fence: fence}
	for i, key := range keys {
		b.Assets = append(b.Assets, storage.AssetUpdate{Asset: key, Run: fence.Run, N: int64(i + 1), At: 1, DataVersion: names[i]})
	}
	f.commit(&b)
	for _, q := range []storage.AssetQuery{{}, {Names: names}, {Names: names[:n/2], After: "asset_0009"}, {Names: names, Limit: n / 3}} {
		want := n
		switch {
		case q.Limit > 0:
			want = q.Limit
		case q.After != "":
			want = n/2 - 10
		}
		list := must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, q))
		f.equal("the number of assets", len(list), want)
		for i := range list {
			if list[i].Materialization == nil || list[i].Materialization.DataVersion != list[i].Name {
				f.Fatalf("asset %q has the state %+v", list[i].Name, list[i].Materialization)
			}
		}
	}
}
