package bucket_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/internal/bucket"
	"github.com/rivers-go/rivers/partition"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for url, says := range map[string]string{
		"file:///data": "", "file://./lake": "", "file://../lake": "", "file://localhost/data": "", "mem://": "", "file:///data?sync=full": "",
		"":                         "is empty: want file:///absolute",
		"lake":                     "has no scheme: want file://./lake",
		"file:lake":                "want file://./lake",
		"file://lake/x":            `names the host "lake": want file://./lake/x`,
		"file:///":                 "names no directory",
		"file://":                  "names no directory",
		"file:///data?create=1":    `unknown parameter "create": only sync=full`,
		"file:///data?sync=maybe":  `sync is "maybe": want full or normal`,
		"file:///a#b":              "write %23",
		"s3://id:hunter2@bucket/x": `import _ "github.com/rivers-go/rivers/iohandler/blob/s3"`,
		"gs://bucket":              `import _ "github.com/rivers-go/rivers/iohandler/blob/gcs"`,
		"azblob://c?key=hunter2":   `import _ "github.com/rivers-go/rivers/iohandler/blob/azure"`,
		"ftp://me:hunter2@host/x":  "linked: file, mem",
		"flie://./lake":            `no driver of "flie://" is linked (did you mean "file://"?) (linked`,
		"s3://me:hunter2@[bad":     "may hold a password",
		"://hunter2":               "may hold a password",
	} {
		err := bucket.New(url, "").Validate()
		if says == "" && err != nil {
			t.Errorf("%q: got error %v, want none", url, err)
		}
		if says == "" {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got error %v, want one that says %q and no password", url, err, says)
		}
		if _, err := bucket.New(url, "").Open(t.Context(), "x"); err == nil {
			t.Errorf("%q: Open gave no error", url)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	b := bucket.New("mem://", "/etl//v1.2/../")
	for name, want := range map[string]string{
		"users":           "etl/v1.2/~2E./users.cbor",
		"totals/sorted":   "etl/v1.2/~2E./totals/sorted.cbor",
		"v1.0/x.y":        "etl/v1.2/~2E./v1~2E0/x.y.cbor",
		"totals/t[3]":     "etl/v1.2/~2E./totals/t~5B3~5D.cbor",
		"totals/t[a/b/c]": "etl/v1.2/~2E./totals/t~5Ba~2Fb~2Fc~5D.cbor",
	} {
		if got := b.Key(name, partition.Key{}, "", ".cbor"); got != want {
			t.Errorf("Key(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestKeyOfPartition(t *testing.T) {
	t.Parallel()
	b := bucket.New("mem://", "")
	product := func(day, shop string) partition.Key {
		return partition.MultiKey(map[string][]string{"shop": {shop}, "day": {day}})
	}
	for _, c := range []struct {
		name string
		key  partition.Key
		want string
	}{
		{"orders", partition.SingleKey("2026-01-31"), "orders/2026-01-31.cbor"},
		{"orders", partition.SingleKey("a/b"), "orders/a~2Fb.cbor"},
		{"orders", partition.SingleKey(".."), "orders/~2E..cbor"},
		{"orders", product("2026-01-31", "a"), "orders/day=2026-01-31/shop=a.cbor"},
		{"orders", product("1.2", "|,=\\"), "orders/day=1~2E2/shop=~7C~2C=~5C.cbor"},
		{"totals/t[a/b]", partition.SingleKey("k"), "totals/t~5Ba~2Fb~5D/k.cbor"},
	} {
		if got := b.Key(c.name, c.key, "", ".cbor"); got != c.want {
			t.Errorf("the key of %s@%s is %q, want %q", c.name, c.key, got, c.want)
		}
	}
}

var portable = regexp.MustCompile(`^[A-Za-z0-9=_~-][A-Za-z0-9=_.~-]*(/[A-Za-z0-9=_~-][A-Za-z0-9=_.~-]*)*$`)

// TestKeysAreApart draws pairs of names: their keys are portable, and equal only if the names are.
func TestKeysAreApart(t *testing.T) {
	t.Parallel()
	b := bucket.New("mem://", "")
	names := rapid.OneOf(rapid.StringMatching(`[a.~/\[\]]{0,6}`), rapid.String(), rapid.StringMatching(`[a~]{170,190}`))
	rapid.Check(t, func(t *rapid.T) {
		x, y := names.Draw(t, "x"), names.Draw(t, "y")
		kx, ky := b.Key(x, partition.Key{}, "", ".cbor"), b.Key(y, partition.Key{}, "", ".cbor")
		if (x == y) != (kx == ky) {
			t.Fatalf("names %q and %q have the keys %q and %q", x, y, kx, ky)
		}
		if strings.HasPrefix(kx, ky+"/") {
			t.Fatalf("the object of %q stands in the way of %q", y, x)
		}
		if !portable.MatchString(kx) {
			t.Fatalf("key %q of %q is not portable", kx, x)
		}
		for segment := range strings.SplitSeq(kx, "/") {
			if len(segment) > 200 {
				t.Fatalf("segment %q of %q is too long for a file name", segment, x)
			}
		}
	})
}

// TestKeysOfPartitionsAreApart draws pairs of partitions of one product.
func TestKeysOfPartitionsAreApart(t *testing.T) {
	t.Parallel()
	b := bucket.New("mem://", "")
	texts := rapid.OneOf(rapid.StringMatching(`[a.~/=|,\[\]\\]{1,6}`), rapid.StringMatching(`[a~]{170,190}`))
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) partition.Key {
			return partition.MultiKey(map[string][]string{"a": {texts.Draw(t, label+" a")}, "a=b": {texts.Draw(t, label+" b")}})
		}
		x, y := draw("x"), draw("y")
		kx, ky := b.Key("orders", x, "", ".cbor"), b.Key("orders", y, "", ".cbor")
		if (x == y) != (kx == ky) {
			t.Fatalf("partitions %q and %q have the keys %q and %q", x, y, kx, ky)
		}
		if !portable.MatchString(kx) {
			t.Fatalf("key %q of %q is not portable", kx, x)
		}
	})
}

var errBroken = errors.New("broken")

// TestUnfinished ends writes in every way but the right one: the old object stays, and nothing else does.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := bucket.New("file://"+dir+"?sync=full", "")
	write := func(text string, end func()) error {
		_, err := b.Write(t.Context(), "x.bin", "text/plain", func(w io.Writer) error {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
			end()
			return nil
		})
		return err
	}
	if err := write("old", func() {}); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = write("panicked", func() { panic(errBroken) })
	}()
	_, err := b.Write(t.Context(), "x.bin", "text/plain", func(w io.Writer) error {
		_, _ = io.WriteString(w, "failed")
		return errBroken
	})
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "file://"+dir+"/x.bin") {
		t.Errorf("got error %v, want errBroken with the URL", err)
	}
	object, err := b.Open(t.Context(), "x.bin")
	if err != nil {
		t.Fatal(err)
	}
	// A reader keeps what it opened through a replace and a delete.
	if err := errors.Join(write("a newer one", func() {}), b.Delete(t.Context(), "x.bin")); err != nil {
		t.Fatal(err)
	}
	if data, err := io.ReadAll(object.Reader()); err != nil || string(data) != "old" {
		t.Errorf("read %q, error %v, want the old object", data, err)
	}
	if err := object.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the directory holds %v, error %v, want nothing", left, err)
	}
}

func TestRelativeAndUnreadable(t *testing.T) {
	t.Chdir(t.TempDir())
	b := bucket.New("file://./lake", "p")
	if _, err := b.Open(t.Context(), "x.bin"); !errors.Is(err, iohandler.ErrNoValue) {
		t.Errorf("got error %v, want ErrNoValue", err)
	}
	if _, err := os.Stat("lake"); err == nil {
		t.Error("a read made the directory")
	}
	if _, err := b.Write(t.Context(), b.Key("x", partition.Key{}, "", ".bin"), "", func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("lake", "p", "x.bin")); err != nil {
		t.Error(err)
	}
	if err := os.Mkdir("lake/dir.bin", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), "dir.bin"); err == nil || errors.Is(err, iohandler.ErrNoValue) || !strings.Contains(err.Error(), "found a directory, want a file") {
		t.Errorf("got error %v, want one that says it is no file", err)
	}
}
