package storagetest

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/rivers-go/rivers/storage"
)

func checkLogs(f *fixture) {
	fence := f.run("r")
	want := []storage.LogLine{
		{Run: fence.Run, N: 1, Step: storage.NoStep, At: epoch, Message: "a"},
		{Run: fence.Run, N: 2, Step: 1, Attempt: 2, At: epoch.Add(time.Second), Level: slog.LevelError, Message: "b\nc", Attrs: `{"k":1}`},
		{Run: fence.Run, N: 3, Step: 2, At: epoch, Level: slog.LevelDebug - 100, Stream: storage.StreamStderr},
		{Run: fence.Run, N: 4, Step: 1, Stream: storage.StreamStdout, Message: "ü"},
	}
	f.commit(&storage.Batch{Fence: fence, Logs: want})
	f.commit(&storage.Batch{Fence: fence, Logs: want[1:3]}) // the same key again leaves one
	one, zero := int32(1), int32(0)
	for _, c := range []struct {
		q    storage.LogQuery
		want []storage.LogLine
	}{
		{storage.LogQuery{Run: fence.Run}, want},
		{storage.LogQuery{Run: fence.Run, After: 2}, want[2:]},
		{storage.LogQuery{Run: fence.Run, After: 1, Limit: 1}, want[1:2]},
		{storage.LogQuery{Run: fence.Run, Step: &one}, []storage.LogLine{want[1], want[3]}},
		{storage.LogQuery{Run: fence.Run, Step: &one, Limit: 1}, want[1:2]},
		{storage.LogQuery{Run: fence.Run, Step: &zero}, nil},
		{storage.LogQuery{Run: fence.Run + 1}, nil},
	} {
		f.equal(fmt.Sprintf("%+v", c.q), must[[]storage.LogLine](f)(f.ListLogs(f.ctx, c.q)), c.want)
	}
}

func checkKV(f *fixture) {
	pair := func(k, v string) storage.KVPair { return storage.KVPair{Key: k, Value: []byte(v)} }
	f.commit(&storage.Batch{KV: []storage.KVPair{
		pair("a/1", "one"), pair("a/2", "two"), pair("a0", "x"), pair("b", ""), pair("ü/1", "u"), pair("a%_", "wild"), pair("a/1", "1"),
	}})
	get := must[[]byte](f)
	f.equal("a value", get(f.GetKV(f.ctx, "a/1")), []byte("1"))
	f.equal("an empty value", get(f.GetKV(f.ctx, "b")), []byte{})
	_, err := f.GetKV(f.ctx, "a/3")
	f.refused(err, storage.ErrNotFound)
	list := must[[]storage.KVPair](f)
	f.equal("a prefix", list(f.ListKV(f.ctx, "a/")), []storage.KVPair{pair("a/1", "1"), pair("a/2", "two")})
	f.equal("a prefix that could be a pattern", list(f.ListKV(f.ctx, "a%")), []storage.KVPair{pair("a%_", "wild")})
	f.equal("a prefix beyond ASCII", list(f.ListKV(f.ctx, "ü")), []storage.KVPair{pair("ü/1", "u")})
	f.equal("no prefix", len(list(f.ListKV(f.ctx, ""))), 6)
	f.equal("a prefix of nothing", list(f.ListKV(f.ctx, "z")), []storage.KVPair(nil))

	f.commit(&storage.Batch{KV: []storage.KVPair{{Key: "a/1"}, {Key: "nobody"}, {Key: "b"}, pair("b", "again")}})
	_, err = f.GetKV(f.ctx, "a/1")
	f.refused(err, storage.ErrNotFound)
	f.equal("a value deleted and written", get(f.GetKV(f.ctx, "b")), []byte("again"))
}

func checkTopologies(f *fixture) {
	_, err := f.GetTopology(f.ctx, "shop")
	f.refused(err, storage.ErrNotFound)
	list := must[[]storage.Topology](f)
	f.equal("no topologies", list(f.ListTopologies(f.ctx)), []storage.Topology(nil))

	doc := []byte(`{"nodes":["ü"]}`)
	f.commit(&storage.Batch{Topologies: []storage.Topology{
		{Location: "shop", Hash: "h1", At: epoch, Assets: []string{"users"}, Doc: doc},
		{Location: "bank", Hash: "h2"},
	}})
	get := must[storage.Topology](f)
	f.equal("a topology", get(f.GetTopology(f.ctx, "shop")), storage.Topology{Location: "shop", Hash: "h1", At: epoch, Doc: doc})
	f.equal("a topology of nothing", get(f.GetTopology(f.ctx, "bank")), storage.Topology{Location: "bank", Hash: "h2"})
	f.equal("the list", list(f.ListTopologies(f.ctx)), []storage.Topology{{Location: "bank", Hash: "h2"}, {Location: "shop", Hash: "h1", At: epoch}})

	f.commit(&storage.Batch{Topologies: []storage.Topology{{Location: "shop", Hash: "h3", Assets: []string{"users", "orders"}, Doc: []byte(`{}`)}}})
	f.equal("a topology written again", get(f.GetTopology(f.ctx, "shop")), storage.Topology{Location: "shop", Hash: "h3", Doc: []byte(`{}`)})
	f.equal("the number of assets", len(must[[]storage.AssetRecord](f)(f.ListAssets(f.ctx, storage.AssetQuery{}))), 2)
}
