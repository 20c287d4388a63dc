package pgtext

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestTextsAreEncoded(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "plain ü 日本 😀": "plain ü 日本 😀", "\x00": "\x01\x01", "\x01": "\x01\x02", "a\x00b\x01": "a\x01\x01b\x01\x02",
		"\xff": "\x01\x03ff", "ü\xc3": "ü\x01\x03c3", "\xed\xa0\x80": "\x01\x03ed\x01\x03a0\x01\x0380", "\uFFFD": "\uFFFD", "\x02\x7f": "\x02\x7f",
	} {
		if got := Encode(text); got != want || Decode(got) != text {
			t.Errorf("%q is encoded as %q, want %q, and decoded as %q", text, got, want, Decode(got))
		}
	}
	anything := rapid.Custom(func(t *rapid.T) string { return string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) })
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(anything, rapid.String(), rapid.StringMatching("[\x00-\x03aü]*")).Draw(t, "text")
		k := Encode(text)
		if !utf8.ValidString(k) || strings.ContainsRune(k, 0) || Decode(k) != text || string(DecodeBytes([]byte(k))) != text {
			t.Fatalf("%q is encoded as %q and decoded as %q", text, k, Decode(k))
		}
		if string(Append([]byte("x"), []byte(text))) != "x"+k {
			t.Fatalf("%q as bytes is encoded as %q, as a string as %q", text, Append(nil, []byte(text)), k)
		}
	})
}

// The order of texts stays what it was, and so does what begins with what.
func TestEncodedTextsKeepTheirOrder(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching("[\x00-\x03aü]*"))
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if strings.Compare(a, b) != strings.Compare(Encode(a), Encode(b)) {
			t.Fatalf("%q and %q stand in another order as %q and %q", a, b, Encode(a), Encode(b))
		}
		if first := Encode(a); strings.HasPrefix(b, a) != strings.HasPrefix(Encode(b), first) {
			t.Fatalf("%q begins with %q: not as %q and %q", b, a, Encode(b), first)
		}
		first := Encode(a)
		past := pastPrefix(first)
		if within := Encode(b) >= first && (past == "" || Encode(b) < past); within != strings.HasPrefix(b, a) {
			t.Fatalf("%q is between %q and %q: %t", Encode(b), first, past, within)
		}
	})
}

// A range has all texts with the prefix, also those that are not UTF-8.
func TestRangeHasAllWithPrefix(t *testing.T) {
	t.Parallel()
	bytes := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 2, 3, 'a', 0x7f, 0xc3, 0xbc, 0xff}), 0, 5)
	rapid.Check(t, func(t *rapid.T) {
		prefix, rest := string(bytes.Draw(t, "prefix")), string(bytes.Draw(t, "rest"))
		first, past := Range(prefix)
		if text := prefix + rest; Compare(text, first) < 0 || past != "" && Compare(text, past) >= 0 {
			t.Fatalf("%q begins with %q and is not between %q and %q", text, prefix, first, past)
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
