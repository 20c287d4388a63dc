package checkstate_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// fataler is what testing.TB and rapid.T have in common.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

const (
	asset = "days"
	check = "days:good"
)

// event is one thing that happened to the asset or to its check.
type event struct {
	of    string // asset or check
	kind  storage.StateKind
	texts []string
	said  *storage.Verdict
	// version is what was made, or judged, by one run.
	version   string
	run       storage.RunKey
	seq, read int64
}

// world is a store with one check of an asset, and all that happened to them.
type world struct {
	fataler

	ctx     context.Context
	store   storage.Storage
	subject checkstate.Subject
	keys    map[string]storage.AssetKey
	events  []event
	n       int64
	// seen are the numbers that the feed had after each event, at which an attempt may have begun. A state's own may lie between two.
	seen []int64
}

func newWorld(t fataler, store storage.Storage, d partition.Definition, external bool) *world {
	w := &world{
		fataler: t, ctx: context.Background(), store: store, keys: map[string]storage.AssetKey{},
		subject: checkstate.Subject{Check: check, Asset: asset, Partitions: d, External: external},
	}
	names := []string{asset, check}
	w.commit(&storage.Batch{
		Topologies: []storage.Topology{{Location: "here", Hash: "1", Assets: names}},
		Keys:       []storage.KeyUpdate{{Add: []string{"a", "b", "c", "d"}}, {Table: "tenants", Add: []string{"x", "y", "z"}}},
	})
	keys, err := w.store.AssetKeys(w.ctx, names)
	if err != nil {
		t.Fatal(err)
	}
	w.keys[asset], w.keys[check] = keys[0], keys[1]
	w.seen = []int64{w.seq()}
	return w
}

func (w *world) commit(b *storage.Batch) {
	w.Helper()
	if err := w.store.Commit(w.ctx, b); err != nil {
		w.Fatal(err)
	}
}

// space is what exists now.
func (w *world) space() partition.Space {
	w.Helper()
	tables, err := storage.NewKeyCache(w.store, 0).Tables(w.ctx, w.subject.Partitions)
	if err != nil {
		w.Fatal(err)
	}
	space, err := partition.NewSpace(w.subject.Partitions, time.Now(), tables)
	if err != nil {
		w.Fatal(err)
	}
	return space
}

// texts are the keys that exist now.
func (w *world) texts() []string {
	w.Helper()
	space := w.space()
	var texts []string
	for key, err := range space.Keys(space.All()) {
		if err != nil {
			w.Fatal(err)
		}
		texts = append(texts, key.String())
	}
	return texts
}

func (w *world) set(texts ...string) partition.Set {
	w.Helper()
	space := w.space()
	var g partition.Gather
	for _, text := range texts {
		key, err := partition.ParseKey(text)
		if err != nil {
			w.Fatal(err)
		}
		set, err := space.Set(key)
		if err != nil {
			w.Fatal(err)
		}
		g.Add(set)
	}
	return g.Set()
}

func (w *world) seq() int64 {
	w.Helper()
	seq, err := w.store.ChangeSeq(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	return seq
}

// happen records an event.
func (w *world) happen(e event) {
	w.Helper()
	w.n++
	d := storage.Detail{Check: e.said, ReadSeq: e.read}
	u := storage.AssetUpdate{Asset: w.keys[e.of], Kind: e.kind, Run: e.run, N: w.n, At: 1}
	if len(e.texts) > 0 {
		if u.Partitions = w.set(e.texts...); len(e.texts) == 1 {
			u.Partition = e.texts[0]
		}
		d.Partitions = u.Partitions
	}
	switch {
	case e.of == asset:
		u.DataVersion = e.version
	case e.said != nil:
		d.Inputs = map[string]string{asset: e.version}
		if len(e.texts) > 1 && !w.subject.External {
			d.Inputs[asset] = "sum:" + strconv.FormatInt(w.n, 16)
		}
	}
	u.Detail = d.AppendJSON(nil)
	w.commit(&storage.Batch{Assets: []storage.AssetUpdate{u}})
	e.seq = w.seq()
	w.seen = append(w.seen, e.seq)
	w.events = append(w.events, e)
}

// model says of a partition by going through all that happened.
func (w *world) model(text string) (word string, outdated bool) {
	var said, made, seen *event
	for i := range w.events {
		e := &w.events[i]
		if e.of == asset && e.kind == storage.Observed {
			seen = e
			continue
		}
		if !slices.Contains(e.texts, text) {
			continue
		}
		switch {
		case e.of == check:
			said = e
		case e.kind == storage.Materialized:
			made = e
		case e.kind == storage.Wiped:
			made = nil
		}
	}
	switch {
	case said == nil:
		return "unchecked", false
	case said.kind == storage.Observed:
		return "skipped", false
	case said.said == nil:
		word = "crashed"
	case said.said.Passed:
		word = "passed"
	case said.said.Severity == storage.SeverityWarn:
		word = "warned"
	default:
		word = "failed"
	}
	knows := said.said != nil
	switch {
	case w.subject.External:
		present := ""
		if seen != nil {
			present = seen.version
		}
		return word, knows && said.version != present
	case made == nil:
		return word, true
	case knows && len(said.texts) == 1:
		return word, said.version != made.version
	}
	since := said.seq
	if said.read > 0 {
		since = min(since, said.read)
	}
	return word, made.seq > said.seq || made.seq > since && made.run != said.run
}

// requireModel compares what is read with what the model says of each partition that exists.
func (w *world) requireModel(read func(context.Context, checkstate.Params) ([]checkstate.Results, error)) {
	w.Helper()
	results, err := read(w.ctx, checkstate.Params{Location: "here", Store: w.store, Subjects: []checkstate.Subject{w.subject}})
	if err != nil {
		w.Fatal(err)
	}
	r := results[0]
	words := []string{"passed", "warned", "failed", "crashed", "skipped"}
	for _, text := range w.texts() {
		set := w.set(text)
		got := "unchecked"
		for i, in := range []partition.Set{r.Passed, r.Warned, r.Failed, r.Crashed, r.Skipped} {
			if !in.Contains(set) {
				continue
			}
			if got != "unchecked" {
				w.Fatalf("%s is %s and %s", text, got, words[i])
			}
			got = words[i]
		}
		word, outdated := w.model(text)
		if got != word || r.Outdated.Contains(set) != outdated {
			w.Fatalf("%s is %s, outdated %v; want %s, %v\n%s", text, got, r.Outdated.Contains(set), word, outdated, w.history())
		}
	}
}

func (w *world) history() string {
	text := ""
	for i := range w.events {
		e := &w.events[i]
		text += fmt.Sprintf("%s %s %v %+v version %q run %d seq %d read %d\n", e.of, e.kind, e.texts, e.said, e.version, e.run, e.seq, e.read)
	}
	return text
}
