package partition

import "testing"

// The keys of a dynamic definition of which many were removed end where they end. (What roaring says of the next value that
// is absent is wrong beyond the first 65,536.)
func TestKeysOfManyThatWereRemoved(t *testing.T) {
	t.Parallel()
	const n = 200_000
	tables := tenants(n)
	some := func(yield func(Ordinal) bool) {
		for o := Ordinal(0); o < n; o += 2 {
			if !yield(o) {
				return
			}
		}
	}
	tables.Dynamic["tenants"] = Registered{Keys: tables.Dynamic["tenants"].Keys, Live: DynamicSet("tenants", some)}
	s := ok(NewSpace(Dynamic("tenants"), benchNow, tables))
	count := 0
	for key, err := range s.KeysFrom(s.All(), ok(s.Key(10))) {
		if _ = ok(key, err); count%997 == 0 && ok(s.Index(key)) != int64(count+10) {
			t.Fatalf("%s is not partition %d", key, count+10)
		}
		count++
	}
	if count != n/2-10 {
		t.Errorf("there are %d keys, want %d", count, n/2-10)
	}
}
