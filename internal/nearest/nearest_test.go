package nearest_test

import (
	"slices"
	"testing"

	"github.com/rivers-go/rivers/internal/nearest"
	"pgregory.net/rapid"
)

func TestName(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		want string
		have []string
		near string
	}{
		{"usres", []string{"users", "orders"}, "users"},            // neighbours swapped
		{"user", []string{"orders", "users"}, "users"},             // a letter too few
		{"userss", []string{"orders", "users"}, "users"},           // a letter too many
		{"Users", []string{"users", "userz"}, "users"},             // case costs nothing
		{"active-users", []string{"active_users"}, "active_users"}, // another separator
		{"raw_ordesr_daily", []string{"raw_orders_daily"}, "raw_orders_daily"},
		{"cat", []string{"car", "bat", "hat"}, "bat"}, // a tie goes by the alphabet
		{"cat", []string{"hat", "bat", "car"}, "bat"}, // in whatever order they come
		{"ÜBER", []string{"über"}, "über"},            // letters, not bytes
		{"a", []string{"b"}, ""},                      // everything differs
		{"A", []string{"a"}, "a"},                     // only the case differs
		{"a", []string{"ab"}, ""},                     // twice as long
		{"users", []string{"users"}, ""},              // no suggestion
		{"users", []string{""}, ""},
		{"users", []string{"payments", "flights"}, ""},
		{"", []string{"a", "b"}, ""},
		{"users", nil, ""},
	} {
		got, ok := nearest.Name(c.want, slices.Values(c.have))
		if got != c.near || ok != (c.near != "") {
			t.Errorf("Name(%q, %q) = %q, %v; want %q", c.want, c.have, got, ok, c.near)
		}
	}
}

// The suggestion is the same whatever the order of the names, and one slip in a
// long enough name is always found again if nothing else is near.
func TestNameProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		have := rapid.SliceOfN(rapid.StringMatching(`[a-z_]{3,9}`), 1, 8).Draw(t, "have")
		want := rapid.StringMatching(`[a-z_]{1,9}`).Draw(t, "want")
		first, ok := nearest.Name(want, slices.Values(have))
		slices.Reverse(have)
		second, again := nearest.Name(want, slices.Values(have))
		if first != second || ok != again {
			t.Fatalf("%q one way, %q the other", first, second)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		name := []rune(rapid.StringMatching(`[a-z]{4,12}`).Draw(t, "name"))
		at := rapid.IntRange(0, len(name)-2).Draw(t, "at")
		slip := slices.Clone(name)
		slip[at], slip[at+1] = slip[at+1], slip[at]
		if string(slip) == string(name) {
			return
		}
		got, ok := nearest.Name(string(slip), slices.Values([]string{string(name)}))
		if !ok || got != string(name) {
			t.Fatalf("%q was not found for %q", string(name), string(slip))
		}
	})
}
