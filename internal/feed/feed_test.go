package feed_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// document is a snapshot of the tests.
type document struct {
	feed.Head

	Text  string           `cbor:"3,keyasint,omitempty"`
	Parts map[string]int64 `cbor:"4,keyasint,omitempty"`
}

type world struct {
	*testing.T

	store *memory.Store
	n     int
}

func newWorld(t *testing.T) *world { return &world{T: t, store: memory.New()} }

func (w *world) commit(b *storage.Batch) {
	w.Helper()
	if err := w.store.Commit(w.Context(), b); err != nil {
		w.Fatal(err)
	}
}

// change adds a key: one change of the feed.
func (w *world) change() {
	w.Helper()
	w.n++
	w.commit(&storage.Batch{Keys: []storage.KeyUpdate{{Table: "keys", Add: []string{strconv.Itoa(w.n)}}}})
}

func (w *world) consumer() *feed.Consumer {
	return &feed.Consumer{Name: "test", Location: "here", Format: 7, Store: w.store, Page: 2}
}

// read returns how many changes a consumer finds.
func (w *world) read(c *feed.Consumer) (found int) {
	w.Helper()
	for page, err := range c.Since(w.Context()) {
		if err != nil {
			w.Fatal(err)
		}
		found += len(page)
	}
	return found
}

func TestConsumerReadsEachChangeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 5 {
		w.change()
	}
	c := w.consumer()
	if found := w.read(c); found != 5 {
		t.Errorf("found %d changes, want 5", found)
	}
	if found := w.read(c); found != 0 {
		t.Errorf("found %d changes again", found)
	}
	w.change()
	if err := c.Save(t.Context(), w.store, &document{Text: "saved"}, nil); err != nil {
		t.Fatal(err)
	}
	next, main := w.consumer(), document{}
	if _, ok, err := next.Open(t.Context(), &main); !ok || err != nil || main.Text != "saved" {
		t.Fatalf("%v %v %+v", ok, err, main)
	}
	if found := w.read(next); found != 1 {
		t.Errorf("found %d changes after the restart, want 1", found)
	}
}

func TestConsumerStopsAtAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 6 {
		w.change()
	}
	c, first := w.consumer(), 0
	for page, err := range c.Since(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		first = len(page)
		break
	}
	if rest := w.read(c); first+rest < 6 || rest == 0 {
		t.Errorf("read %d changes, then %d", first, rest)
	}
}

func TestConsumerSeesThatChangesAreLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.consumer()
	w.change()
	if lost, err := c.Lost(t.Context()); lost || err != nil {
		t.Errorf("nothing was pruned: %v %v", lost, err)
	}
	if err := c.MoveToEnd(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct {
		pruned int64
		lost   bool
	}{{c.Cursor(), false}, {c.Cursor() + 1, true}} {
		w.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.FeedPruned, Value: strconv.AppendInt(nil, of.pruned, 10)}}})
		if lost, err := c.Lost(t.Context()); lost != of.lost || err != nil || c.Pruned() != of.pruned {
			t.Errorf("pruned up to %d of %d: %v %v", of.pruned, c.Cursor(), lost, err)
		}
	}
	w.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.FeedPruned, Value: []byte("x")}}})
	if _, err := c.Lost(t.Context()); err == nil || err.Error() != `the value "feed/pruned" is "x": want a number` {
		t.Error(err)
	}
}

func TestSnapshotsHaveParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.consumer()
	c.MoveTo(5)
	main := &document{Parts: map[string]int64{"one": 5, "two": 5}}
	parts := []feed.Part{{Name: "one", Document: &document{Text: "one"}}, {Name: "two", Document: &document{Text: "two"}}}
	if err := c.Save(t.Context(), w.store, main, parts); err != nil {
		t.Fatal(err)
	}
	c.MoveTo(8)
	main.Parts["one"] = 8 // its document is another process's, which is yet to be written
	if err := c.Save(t.Context(), w.store, main, nil); err != nil {
		t.Fatal(err)
	}
	w.commit(&storage.Batch{KV: []storage.KVPair{{Key: `test-parts/"here"/damaged`, Value: []byte("x")}}})
	next, read := w.consumer(), document{}
	found, ok, err := next.Open(t.Context(), &read)
	if !ok || err != nil || next.Cursor() != 8 || found.Len() != 3 {
		t.Fatalf("%v %v at %d with %d parts", ok, err, next.Cursor(), found.Len())
	}
	var current []string
	for i := range found.Len() {
		if p := new(document); found.Read(i, p) && p.IsCurrent(read.Parts, p.Text) {
			current = append(current, p.Text)
		}
	}
	if len(current) != 1 || current[0] != "two" {
		t.Errorf("current are %q, want two", current)
	}
	if value, err := w.store.GetKV(t.Context(), storage.FeedPrefix+"test/here"); err != nil || string(value) != "8" {
		t.Errorf("pruning finds %q, %v", value, err)
	}
	next = w.consumer()
	next.Format++
	if _, ok, err := next.Open(t.Context(), &read); ok || err != nil || next.Cursor() != 0 {
		t.Errorf("another format: %v %v at %d", ok, err, next.Cursor())
	}
}

func TestErrorsOfTheStoreAreReturned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := w.consumer()
	_, _, opened := c.Open(ctx, &document{})
	_, lost := c.Lost(ctx)
	for _, err := range []error{opened, lost, c.MoveToEnd(ctx), c.Save(ctx, w.store, &document{}, nil)} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	for _, err := range c.Since(ctx) {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

func TestTouchedGathersByAsset(t *testing.T) {
	t.Parallel()
	whole := partition.Whole()
	only, all := feed.Only([]storage.AssetKey{2, 0}), &feed.Touched{}
	for _, touched := range []*feed.Touched{only, all} {
		touched.Add(&storage.Change{Assets: []storage.AssetKey{0, 1, 2}, Partitions: whole})
	}
	for key, want := range map[storage.AssetKey]bool{0: false, 1: false, 2: true, 3: false} {
		if got := only.Of(key); got.Equal(whole) != want {
			t.Errorf("only: asset %d is %s", key, got)
		}
	}
	if got := all.Of(1); !got.Equal(whole) || !all.Of(3).IsEmpty() {
		t.Errorf("all: %s and %s", got, all.Of(3))
	}
}

// The landing rule: what landed later was missed, and so was what another run landed while the step read.
func TestLandingRule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(label string) feed.Landing {
			return feed.Landing{
				Seq: rapid.Int64Range(1, 6).Draw(t, label+" seq"), Read: rapid.Int64Range(0, 6).Draw(t, label+" read"),
				Run: storage.RunKey(rapid.IntRange(0, 2).Draw(t, label+" run")),
			}
		}
		s, u := draw("state"), draw("upstream")
		read := s.Read
		if read == 0 {
			read = s.Seq
		}
		want := u.Seq > s.Seq || u.Run != s.Run && u.Seq > min(read, s.Seq)
		if got := s.Missed(&u); got != want {
			t.Fatalf("%+v missed %+v: %v, want %v", s, u, got, want)
		}
	})
}
