package staleness_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestFollowStaysWithinWhatIsMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := spec{name: "own", def: rapid.SampledFrom(definitions[1:]).Draw(t, "definition")}
		s.reads = drawSelf(t, s)
		w := newWorld(t, s)
		if err := w.view.Update(w.ctx, w.now); err != nil {
			t.Fatal(err)
		}
		texts := w.texts(&s)
		some := func(label string) []string {
			return slices.DeleteFunc(slices.Clone(texts), func(string) bool { return rapid.IntRange(0, 2).Draw(t, label) == 0 })
		}
		from, within := some("not made first"), some("not made after")
		var found []string
		for before := -1; before < len(found); {
			before = len(found)
			for _, text := range within {
				if slices.Contains(found, text) || len(s.reads) == 0 {
					continue
				}
				if slices.ContainsFunc(w.upstream(&s, &s.reads[0], text), func(up string) bool { return up != text && slices.Contains(slices.Concat(from, found), up) }) {
					found = append(found, text)
				}
			}
		}
		space := w.space(s.def)
		got := w.view.Follow("own", w.setOf(space, from...), w.setOf(space, within...)).Minus(w.setOf(space, from...))
		if want := w.setOf(space, found...).Minus(w.setOf(space, from...)); !got.Equal(want) {
			t.Fatalf("of %q within %q follow %v, want %v", from, within, w.textsOf(space, got), found)
		}
	})
}
