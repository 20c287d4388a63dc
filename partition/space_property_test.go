package partition

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSpaceAgainstItsList(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		if n := m.space.Len(); n != int64(len(m.keys)) {
			t.Fatalf("%s has %d partitions, want %d", m.space.def, n, len(m.keys))
		}
		m.requireKeys(t, "all", m.space.All(), func(Key) bool { return true })
		for i, want := range m.keys {
			key, err := m.space.Key(int64(i))
			if err != nil || key != want {
				t.Fatalf("partition %d of %s is %q (%v), want %q", i, m.space.def, key, err, want)
			}
			if index, err := m.space.Index(key); err != nil || index != int64(i) {
				t.Fatalf("%q of %s is partition %d (%v), want %d", key, m.space.def, index, err, i)
			}
			if is, err := m.space.Contains(key); !is || err != nil {
				t.Fatalf("%q of %s does not exist (%v)", key, m.space.def, err)
			}
		}
		for _, i := range []int64{-1, int64(len(m.keys))} {
			if _, err := m.space.Key(i); err == nil {
				t.Fatalf("%s has a partition %d", m.space.def, i)
			}
		}
		if later := m.space.At(m.space.now); later.Len() != m.space.Len() || !later.All().Equal(m.space.All()) {
			t.Fatalf("%s has something else at the same instant", m.space.def)
		}
	})
}

func TestSetsAgainstTheirLists(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		a, hasA := m.drawSet(t, "a")
		b, hasB := m.drawSet(t, "b")
		m.requireKeys(t, "a", a, func(k Key) bool { return hasA[k] })
		m.requireKeys(t, "union", a.Union(b), func(k Key) bool { return hasA[k] || hasB[k] })
		m.requireKeys(t, "intersection", a.Intersect(b), func(k Key) bool { return hasA[k] && hasB[k] })
		m.requireKeys(t, "difference", a.Minus(b), func(k Key) bool { return hasA[k] && !hasB[k] })
		m.requireKeys(t, "symmetric difference", a.SymmetricDifference(b), func(k Key) bool { return hasA[k] != hasB[k] })
		m.requireKeys(t, "complement", m.space.Complement(a), func(k Key) bool { return !hasA[k] })
		equal := slices.Equal(m.listOf(t, a), m.listOf(t, b))
		if a.Equal(b) != equal {
			t.Fatalf("%s and %s: equal is %v", a, b, !equal)
		}
		if a.Contains(b) != slices.Equal(m.want(func(k Key) bool { return hasB[k] }), m.want(func(k Key) bool { return hasA[k] && hasB[k] })) {
			t.Fatalf("%s contains %s: %v", a, b, a.Contains(b))
		}
		if a.IsEmpty() != (m.space.Count(a) == 0) {
			t.Fatalf("%s is empty: %v", a, a.IsEmpty())
		}
		checkAlgebra(t, a, b, m.space)
		checkBinary(t, a, b)
	})
}

// checkAlgebra checks laws that hold without knowing what is in the sets.
func checkAlgebra(t fataler, a, b Set, s Space) {
	t.Helper()
	for law, holds := range map[string]bool{
		"union commutes":            a.Union(b).Equal(b.Union(a)),
		"intersection commutes":     a.Intersect(b).Equal(b.Intersect(a)),
		"symmetric by difference":   a.SymmetricDifference(b).Equal(a.Minus(b).Union(b.Minus(a))),
		"absorption":                a.Union(a.Intersect(b)).Equal(a),
		"de Morgan":                 s.Complement(a.Union(b)).Equal(s.Complement(a).Intersect(s.Complement(b))),
		"nothing with itself":       a.SymmetricDifference(a).IsEmpty() && a.Minus(a).IsEmpty(),
		"difference and the common": a.Minus(b).Union(a.Intersect(b)).Equal(a),
		"complement of complement":  s.Complement(s.Complement(a)).Equal(s.Within(a)),
		"the empty set":             a.Union(Set{}).Equal(a) && a.Intersect(Set{}).IsEmpty() && a.Minus(Set{}).Equal(a),
	} {
		if !holds {
			t.Fatalf("%s: %s and %s", law, a, b)
		}
	}
}

// checkBinary checks that sets come back, and that equal sets have equal bytes however
// they came about.
func checkBinary(t fataler, a, b Set) {
	t.Helper()
	data := ok(a.AppendBinary(nil))
	again, err := ParseSet(data)
	if err != nil || !again.Equal(a) {
		t.Fatalf("%s came back as %s (%v)", a, again, err)
	}
	other := again.SymmetricDifference(b).Minus(b).Union(again.Intersect(b)) // a, by a detour
	if !other.Equal(a) {
		t.Fatalf("%s by a detour is %s", a, other)
	}
	if bytes := ok(other.AppendBinary(nil)); !slices.Equal(bytes, data) {
		t.Fatalf("%s has two binary forms:\n%x\n%x", a, data, bytes)
	}
}

func TestReadingSetsAgainstTheirLists(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := drawModel(t)
		set, has := m.drawSet(t, "set")
		want := m.want(func(k Key) bool { return has[k] })

		skip, n := rapid.IntRange(0, len(want)+1).Draw(t, "skip"), rapid.IntRange(0, len(want)+1).Draw(t, "part")
		part := want[min(skip, len(want)):min(skip+n, len(want))]
		m.requireKeys(t, fmt.Sprintf("%d after %d", n, skip), m.space.Part(set, int64(skip), int64(n)), func(k Key) bool { return slices.Contains(part, k) })
		m.requireKeys(t, "the last", m.space.Last(set, int64(n)), func(k Key) bool { return slices.Contains(want[max(len(want)-n, 0):], k) })
		if first, err := m.space.First(set, n); err != nil || !slices.Equal(first, want[:min(n, len(want))]) {
			t.Fatalf("the first %d are %v (%v), want %v", n, first, err, want[:min(n, len(want))])
		}
		if len(m.keys) > 0 {
			from := rapid.IntRange(0, len(m.keys)-1).Draw(t, "from")
			var got []Key
			for key, err := range m.space.KeysFrom(set, m.keys[from]) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, key)
			}
			if rest := slices.DeleteFunc(slices.Clone(want), func(k Key) bool { return m.at[k] < from }); !slices.Equal(got, rest) {
				t.Fatalf("from %q: %v, want %v", m.keys[from], got, rest)
			}
		}
		m.checkRanges(t, set)
		m.checkTexts(t, set)
	})
}

// checkRanges checks that the ranges of a set are the set, in order, each as long as
// it can be.
func (m *model) checkRanges(t fataler, set Set) {
	t.Helper()
	union, total, n := Set{}, int64(0), 0
	var last, previous Key // the last of all partitions, the first of a range
	for stretch, err := range m.space.Ranges(set) {
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseKeyRange(stretch.Range.String())
		if err != nil || again != stretch.Range {
			t.Fatalf("range %q came back as %q (%v)", stretch.Range, again, err)
		}
		part := ok(m.space.Range(stretch.Range))
		if !union.Intersect(part).IsEmpty() || m.space.Count(part) != stretch.Count {
			t.Fatalf("range %q has %d partitions, says %d, or was there before", stretch.Range, m.space.Count(part), stretch.Count)
		}
		first := ok(m.space.First(part, 1))[0]
		if n > 0 && m.at[first] <= m.at[previous] {
			t.Fatalf("range %q comes after %q", stretch.Range, previous)
		}
		if len(m.dims) == 1 && n > 0 && m.at[first] == m.at[last]+1 {
			t.Fatalf("range %q is no range of its own", stretch.Range)
		}
		previous, last = first, ok(m.space.First(m.space.Last(part, 1), 1))[0]
		union, total, n = union.Union(part), total+stretch.Count, n+1
	}
	if !union.Equal(set) || total != m.space.Count(set) {
		t.Fatalf("the ranges of %s are %s, %d partitions", set, union, total)
	}
}

// checkTexts checks that the texts of a set select it.
func (m *model) checkTexts(t fataler, set Set) {
	t.Helper()
	var texts []string
	for text, err := range m.space.Texts(set) {
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if again, err := m.space.Select(texts...); err != nil || !again.Equal(set) {
		t.Fatalf("%s is %q, which is %s (%v)", set, texts, again, err)
	}
	if len(m.dims) == 1 && len(texts) > 1 {
		t.Fatalf("%s takes %q", set, texts)
	}
}
