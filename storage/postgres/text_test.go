package postgres

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTextIsKept(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "plain ü 日本 😀": "plain ü 日本 😀", "\x00": "\x01\x01", "\x01": "\x01\x02", "a\x00b\x01": "a\x01\x01b\x01\x02",
		"\xff": "\x01\x03ff", "ü\xc3": "ü\x01\x03c3", "\xed\xa0\x80": "\x01\x03ed\x01\x03a0\x01\x0380", "\uFFFD": "\uFFFD", "\x02\x7f": "\x02\x7f",
	} {
		if got := kept(text); got != want || original(got) != text {
			t.Errorf("%q is kept as %q, want %q, and comes back as %q", text, got, want, original(got))
		}
	}
	anything := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(anything, rapid.String(), rapid.StringMatching("[\x00-\x03aü]*")).Draw(t, "text")
		k := kept(text)
		if !utf8.ValidString(k) || strings.ContainsRune(k, 0) || original(k) != text || string(originalBytes([]byte(k))) != text {
			t.Fatalf("%q is kept as %q and comes back as %q", text, k, original(k))
		}
		if string(appendText([]byte("x"), []byte(text))) != "x"+k {
			t.Fatalf("%q as bytes is kept as %q, as a string as %q", text, appendText(nil, []byte(text)), k)
		}
	})
}

// The order of texts stays what it was, and so does what begins with what.
func TestTextIsKeptInOrder(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching("[\x00-\x03aü]*"))
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if strings.Compare(a, b) != strings.Compare(kept(a), kept(b)) {
			t.Fatalf("%q and %q stand in another order as %q and %q", a, b, kept(a), kept(b))
		}
		if first := kept(a); strings.HasPrefix(b, a) != strings.HasPrefix(kept(b), first) {
			t.Fatalf("%q begins with %q: not as %q and %q", b, a, kept(b), first)
		}
		first := kept(a)
		past := pastPrefix(first)
		if within := kept(b) >= first && (past == "" || kept(b) < past); within != strings.HasPrefix(b, a) {
			t.Fatalf("%q is between %q and %q: %t", kept(b), first, past, within)
		}
	})
}

func TestPastPrefix(t *testing.T) {
	t.Parallel()
	for prefix, want := range map[string]string{
		"": "", "a": "b", "a/": "a0", "a\x7f": "a\u0080", "ü": "ý", "\ud7ff": "\ue000", "a\U0010ffff": "b", "\U0010ffff": "",
	} {
		if got := pastPrefix(prefix); got != want {
			t.Errorf("past %q is %q, want %q", prefix, got, want)
		}
	}
	for s, want := range map[string]string{"aü": "aü", "a\xc3": "a", "\xff": "", "\uFFFD\xff": "\uFFFD"} {
		if got := validPrefix(s); got != want {
			t.Errorf("the text at the beginning of %q is %q, want %q", s, got, want)
		}
	}
}
