package partition

import (
	_ "embed"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition/internal/sets"
)

// someSets are sets of every shape and form.
func someSets() []Set {
	now := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	days := ok(NewSpace(Daily(Date(2026, time.January, 1)), now, Tables{}))
	every := func(n int) Set {
		return DynamicSet("t", func(yield func(Ordinal) bool) {
			for o := range Ordinal(5000) {
				if int(o)%n == 0 && !yield(o) {
					return
				}
			}
		})
	}
	tables := Tables{Dynamic: map[string]Registered{"t": {NewTable(wideTexts()...), DynamicSet("t", func(yield func(Ordinal) bool) {
		for o := range Ordinal(wideKeys) {
			if o%3 != 0 && !yield(o) {
				return
			}
		}
	})}}}
	product := ok(NewSpace(Multi(map[string]Definition{"day": Daily(Date(2026, time.January, 1)), "t": Dynamic("t"), "r": Static("a", "b", "c")}), now, tables))
	return []Set{
		{},
		Whole(), days.All(), ok(days.Select("2026-01-05..2026-01-07,2026-02-01")), every(1), every(2), every(300),
		product.All(), ok(product.Select("day=2026-01-05..2026-01-07,2026-02-01|r=b", "r=a|t=tenant-001,tenant-004")),
		Whole().Union(days.All()).Union(every(2)).Union(product.All()),
	}
}

// The form of version 1, byte by byte: it is stored, so it stays.
func TestBinaryFormStays(t *testing.T) {
	t.Parallel()
	golden := map[string]string{
		"nothing":    "0100",
		"everything": "01010100",
		"a day":      "01011d010100" + "19" + hex.EncodeToString([]byte("every 24h0m0s as %Y-%m-%d")) + "0001" + "80d8e78edc03" + "80a305" + "01",
		"a shop":     "0101090103000573686f7073" + "0001" + "0a" + "01" + "01",
	}
	day := ok(ok(NewSpace(Daily(Date(2026, time.January, 1)), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Tables{})).Set(SingleKey("2026-01-05")))
	shop := DynamicSet("shops", slices.Values([]Ordinal{5, NoOrdinal}))
	for name, s := range map[string]Set{"nothing": {}, "everything": Whole(), "a day": day, "a shop": shop} {
		if data := ok(s.AppendBinary(nil)); hex.EncodeToString(data) != golden[name] {
			t.Errorf("%s is stored as %x\nwant %s", name, data, golden[name])
		}
		if again, err := ParseSet(ok(hex.DecodeString(golden[name]))); err != nil || !again.Equal(s) {
			t.Errorf("%s is read as %s (%v)", name, again, err)
		}
	}
}

// Sets as version 1 has stored them: they are read as what they were, and written so
// again. The file is never edited; another version gets one of its own.
//
//go:embed testdata/sets.v1.txt
var storedSets string

func TestStoredSetsAreRead(t *testing.T) {
	t.Parallel()
	lines := strings.Fields(storedSets)
	for i, want := range someSets() {
		data := ok(hex.DecodeString(lines[i]))
		if got, err := ParseSet(data); err != nil || !got.Equal(want) {
			t.Errorf("stored set %d is read as %s (%v), want %s", i+1, got, err, want)
		}
		if again := ok(want.AppendBinary(nil)); !slices.Equal(again, data) {
			t.Errorf("%s is written as %x", want, again)
		}
	}
}

// Every proper beginning of a blob, and every blob with one byte changed, is refused or
// is a set that can be worked with.
func TestDamagedBlobs(t *testing.T) {
	t.Parallel()
	for _, s := range someSets() {
		data := ok(s.AppendBinary(nil))
		for n := range min(len(data), 600) {
			if got, err := ParseSet(data[:n]); err == nil {
				t.Errorf("%d of %d bytes of %s are read as %s", n, len(data), s, got)
			}
			damaged := slices.Clone(data)
			for _, b := range []byte{0, 1, 0x7f, 0xff, data[n] + 1} {
				damaged[n] = b
				if got, err := ParseSet(damaged); err == nil {
					useSet(t, got)
				}
			}
		}
		if _, err := ParseSet(append(slices.Clone(data), 0)); err == nil {
			t.Errorf("%s with a byte more is read", s)
		}
	}
}

// useSet does with a set what storage does.
func useSet(t *testing.T, s Set) {
	t.Helper()
	data := ok(s.AppendBinary(nil))
	again, err := ParseSet(data)
	if err != nil || !again.Equal(s) || !s.Minus(again).IsEmpty() || !s.Union(again).Equal(s) || !s.SymmetricDifference(again).IsEmpty() {
		t.Fatalf("%s came back as %s (%v)", s, again, err)
	}
	if s.String() == "" {
		t.Fatal("a set has no text")
	}
	now := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	for of := range s.in.All() {
		if len(of.Axes) == 1 && of.Axes[0].Kind == sets.Time {
			days := ok(NewSpace(Daily(Date(2026, time.January, 1)), now, Tables{}))
			_, _ = days.Count(s), days.Part(s, 1, 2)
		}
	}
}

func TestBlobErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, err string }{
		{"", "stored set of partitions: ends too early"},
		{"0200", "stored set of partitions: is of version 2 where 1 is read: a newer version may have written it"},
		{"01", "stored set of partitions: ends too early"},
		{"0101050109000000", "stored set of partitions: a dimension is of kind 9, which a newer version may have written"},
		{"010105010102ff0000", "stored set of partitions: ends too early"},
		{"01010501010 1ff00" + "00", "stored set of partitions: a dimension is described by what is not UTF-8"},
		{"0101040102000000" + "00" + "0101", "stored set of partitions: a dimension has no intervals, or more than are kept as such"},
		{"01010401020000" + "0001020101" + "01", "stored set of partitions: is followed by something else"},
		{"01010401020000" + "07", "stored set of partitions: a dimension has form 7, which is none"},
		{"01010401020000" + "01" + "03" + "010203", "stored set of partitions: a bitmap is damaged"},
		{"01010401020000" + "00" + "01" + "01" + "01" + "01", "stored set of partitions: an interval lies beyond all labels"},
		{"01010401020000" + "00" + "01" + "02" + "01" + "00", "stored set of partitions: an interval makes no sense"},
		{"0102" + "0401020000" + "0001020101" + "0401020000" + "0001020101", "stored set of partitions: the kinds of partitions are out of order"},
		{"0101" + "0b" + "02" + "020161" + "00" + "020161" + "00", "stored set of partitions: ends too early"},
	} {
		data, err := hex.DecodeString(removeSpaces(c.data))
		if err != nil {
			t.Fatal(err)
		}
		if s, err := ParseSet(data); err == nil || err.Error() != c.err {
			t.Errorf("%s: %v\nwant %s\n got %s", c.data, err, c.err, s)
		}
	}
}

func removeSpaces(s string) string {
	return string(slices.DeleteFunc([]byte(s), func(b byte) bool { return b == ' ' }))
}

func FuzzParseSet(f *testing.F) {
	for _, s := range someSets() {
		f.Add(ok(s.AppendBinary(nil)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ParseSet(data)
		if err != nil {
			return
		}
		useSet(t, s)
	})
}
