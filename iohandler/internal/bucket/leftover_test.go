package bucket

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// age makes a file look as if it was written so long ago.
func age(t *testing.T, path string, by time.Duration) {
	t.Helper()
	at := time.Now().Add(-by)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, b *Bucket, key string) {
	t.Helper()
	if _, err := b.Write(t.Context(), key, "", func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err }); err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// TestLeftovers puts files of all kinds beside objects: only those go that are old and nobody's.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const id = ".ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp"
	dead, young, other := ".users.cbor"+id, ".orders.cbor"+id, ".notes.tmp"
	for _, name := range []string{dead, young, other, "users.cbor" + id} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if name != young {
			age(t, filepath.Join(dir, name), 2*leftoverAge)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".dir"+id), 0o700); err != nil {
		t.Fatal(err)
	}
	age(t, filepath.Join(dir, ".dir"+id), 2*leftoverAge)

	// Somebody who has been writing for hours.
	slow := &disk{dir: dir}
	slow.leftover.done = map[string]bool{dir + "/": true}
	pending, err := slow.Create(context.Background(), "slow.cbor", "")
	if err != nil {
		t.Fatal(err)
	}
	held := pending.(*diskObject).Name()
	age(t, held, 3*leftoverAge)

	b := New("file://"+dir, "")
	write(t, b, "orders.cbor")
	want := []string{filepath.Base(held), ".dir" + id, young, other, "orders.cbor", "users.cbor" + id}
	slices.Sort(want)
	if got := list(t, dir); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	if err := pending.Commit(); err != nil {
		t.Errorf("the slow writer: %v", err)
	}
}

// TestLeftoversAreLookedForOnce keeps a write as cheap in a directory of thousands as in an empty one.
func TestLeftoversAreLookedForOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := New("file://"+dir, "")
	write(t, b, "one.cbor")
	dead := filepath.Join(dir, ".users.cbor.ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp")
	if err := os.WriteFile(dead, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, dead, 2*leftoverAge)
	write(t, b, "two.cbor")
	if _, err := os.Stat(dead); err != nil {
		t.Errorf("a second write looked again: %v", err)
	}
	write(t, New("file://"+dir, ""), "three.cbor")
	if _, err := os.Stat(dead); err == nil {
		t.Error("another handler did not look")
	}
}

// TestTemporaryNames requires that what is made is recognised, whatever the object is called.
func TestTemporaryNames(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"users.cbor", "a", "x.tmp", "~2e.cbor"} {
		if name := temporary(base); !temporaryName.MatchString(name) {
			t.Errorf("%s is not recognised", name)
		}
	}
}
