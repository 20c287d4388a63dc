package storagetest

import (
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// register adds and removes keys of a table.
func (f *fixture) register(table string, add, remove []string) {
	f.Helper()
	f.commit(&storage.Batch{Keys: []storage.KeyUpdate{{Table: table, Add: add, Remove: remove}}})
}

// table asserts how many keys a table has, and which are registered.
func (f *fixture) table(name string, size int64, live ...int) {
	f.Helper()
	got := must[storage.KeyTable](f)(f.GetKeyTable(f.ctx, name))
	want := partition.DynamicSet(name, func(yield func(partition.Ordinal) bool) {
		for _, n := range live {
			if !yield(partition.Ordinal(n)) {
				return
			}
		}
	})
	f.equal("table "+name, fmt.Sprint(got.Name, got.Size, setText(got.Live)), fmt.Sprint(name, size, setText(want)))
}

// ordinals looks keys up.
func (f *fixture) ordinals(table string, keys ...string) []partition.Ordinal {
	f.Helper()
	ordinals, texts, err := f.LookUpKeys(f.ctx, storage.KeyQuery{Table: table, Keys: keys})
	if err != nil || len(texts) > 0 {
		f.Fatalf("looking up %q: keys %q, %v", keys, texts, err)
	}
	return ordinals
}

func checkKeys(f *fixture) {
	f.table("tenants", 0)
	f.equal("keys of no table", f.ordinals("tenants", "x", "y"), []partition.Ordinal{partition.NoOrdinal, partition.NoOrdinal})
	f.register("tenants", []string{"x", "y", "x", "z"}, nil)
	f.table("tenants", 3, 0, 1, 2)
	f.equal("the order of registration", f.ordinals("tenants", "z", "nobody", "x", "z"), []partition.Ordinal{2, partition.NoOrdinal, 0, 2})
	f.register("tenants", []string{"y", "w"}, []string{"x", "nobody", "x"})
	f.table("tenants", 4, 1, 2, 3)
	f.equal("a removed key keeps its ordinal", f.ordinals("tenants", "x"), []partition.Ordinal{0})
	f.register("tenants", []string{"v", "x"}, []string{"v"})
	f.table("tenants", 5, 0, 1, 2, 3)
	f.register("tenants", []string{"v"}, nil)
	f.table("tenants", 5, 0, 1, 2, 3, 4)

	_, texts, err := f.LookUpKeys(f.ctx, storage.KeyQuery{Table: "tenants", Ordinals: []partition.Ordinal{4, 0, 4}})
	f.equal("keys by ordinal", fmt.Sprint(texts, err), "[v x v] <nil>")
	for _, o := range []partition.Ordinal{5, partition.NoOrdinal} {
		if _, _, err := f.LookUpKeys(f.ctx, storage.KeyQuery{Table: "tenants", Ordinals: []partition.Ordinal{0, o}}); err == nil {
			f.Errorf("ordinal %d has a key", o)
		}
	}

	f.register("", []string{"de", "fr"}, nil)
	f.register("other", []string{"y"}, nil)
	f.table("", 2)
	f.equal("the static table", f.ordinals("", "fr", "x"), []partition.Ordinal{1, partition.NoOrdinal})
	f.equal("another table", f.ordinals("other", "y", "x"), []partition.Ordinal{0, partition.NoOrdinal})
	for what, u := range map[string]storage.KeyUpdate{
		"a static key is removed": {Remove: []string{"de"}}, "an empty key": {Table: "t", Add: []string{"a", ""}}, "no key is removed": {Table: "t", Remove: []string{""}},
	} {
		if f.Commit(f.ctx, &storage.Batch{Keys: []storage.KeyUpdate{u}}) == nil {
			f.Errorf("%s: committed", what)
		}
	}
	f.table("t", 0)
	for i, text := range []string{"a\x00b", "日本語", "'; DROP TABLE run; --", " ", "\xff", "ü"} {
		f.register(text, []string{text}, nil)
		f.equal("the ordinal of a strange key", f.ordinals(text, text), []partition.Ordinal{0})
		f.register("strange", []string{text}, nil)
		_, texts, err := f.LookUpKeys(f.ctx, storage.KeyQuery{Table: "strange", Ordinals: []partition.Ordinal{partition.Ordinal(i)}})
		f.equal("a strange key", fmt.Sprintf("%q %v", texts, err), fmt.Sprintf("%q <nil>", []string{text}))
	}
}

// checkManyKeys has more keys than one statement may take arguments, some of them twice.
func checkManyKeys(f *fixture) {
	const n = 40_000
	keys, ordinals := make([]string, n), make([]partition.Ordinal, n)
	for i := range keys {
		keys[i], ordinals[i] = fmt.Sprintf("key_%06d", i), partition.Ordinal(i)
	}
	f.register("many", []string{"key_000007"}, nil)
	f.register("many", append(keys[:n:n], keys[:n/2]...), keys[:10])
	got := must[storage.KeyTable](f)(f.GetKeyTable(f.ctx, "many"))
	f.equal("the number of keys", got.Size, int64(n))
	ordinals[7], ordinals[0] = 0, 1 // what was there comes first
	for i := 1; i < 7; i++ {
		ordinals[i] = partition.Ordinal(i + 1)
	}
	f.equal("their ordinals", f.ordinals("many", keys...), ordinals)
	_, texts, err := f.LookUpKeys(f.ctx, storage.KeyQuery{Table: "many", Ordinals: ordinals})
	if err != nil {
		f.Fatal(err)
	}
	f.equal("their texts", texts, keys)
	want := partition.DynamicSet("many", func(yield func(partition.Ordinal) bool) {
		for o := partition.Ordinal(10); o < n; o++ {
			if !yield(o) {
				return
			}
		}
	})
	f.equal("what is registered", setText(got.Live), setText(want))
	f.register("many", nil, keys[:n/2])
	f.register("many", keys[n/4:n/2], nil)
	f.equal("registered again", f.ordinals("many", keys[n/3]), []partition.Ordinal{n / 3})
	f.equal("the number of keys ever", must[storage.KeyTable](f)(f.GetKeyTable(f.ctx, "many")).Size, int64(n))
}
