// Package feedtest holds what tests of the consumers of the feed share.
package feedtest

import (
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage"
)

// Store reads the pairs of the key-value table below a prefix.
type Store interface {
	ListKV(ctx context.Context, prefix string) ([]storage.KVPair, error)
}

// Snapshot compares the stored bytes of a consumer with a golden file: its own pairs and its place
// in the feed. Bytes that change need another format number.
func Snapshot(t *testing.T, store Store, prefix, golden string) {
	t.Helper()
	var b strings.Builder
	for _, p := range []string{prefix, storage.FeedPrefix} {
		pairs, err := store.ListKV(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pairs {
			fmt.Fprintf(&b, "%s %s\n", p.Key, hex.EncodeToString(p.Value))
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
}
