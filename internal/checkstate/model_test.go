package checkstate_test

import (
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

var definitions = []partition.Definition{
	partition.Static("a", "b", "c", "d"),
	partition.Daily(partition.Date(2026, time.January, 1), partition.Until(partition.Date(2026, time.January, 6))),
	partition.Dynamic("tenants"),
	partition.Multi(map[string]partition.Definition{"key": partition.Static("a", "b"), "tenant": partition.Dynamic("tenants")}),
}

// drawTexts draws some of the keys that exist, one or several that follow one another.
func drawTexts(t *rapid.T, w *world) []string {
	texts := w.texts()
	if len(texts) == 0 {
		return nil
	}
	from := rapid.IntRange(0, len(texts)-1).Draw(t, "from")
	return texts[from : rapid.IntRange(from, len(texts)-1).Draw(t, "to")+1]
}

// drawEvaluation draws what a check says, perhaps of what it began to read a while ago.
func drawEvaluation(t *rapid.T, w *world) event {
	e := event{of: check, texts: drawTexts(t, w), run: storage.RunKey(rapid.IntRange(1, 3).Draw(t, "run")), version: rapid.SampledFrom([]string{"", "v1", "v2"}).Draw(t, "judged")}
	switch rapid.IntRange(0, 5).Draw(t, "says") {
	case 0, 1:
		e.kind, e.said = storage.Materialized, &storage.Verdict{Passed: true}
	case 2:
		e.kind, e.said = storage.Failed, &storage.Verdict{Severity: storage.SeverityWarn}
	case 3:
		e.kind, e.said = storage.Failed, &storage.Verdict{Severity: storage.SeverityError}
	case 4:
		e.kind = storage.Failed
	default:
		e.kind = storage.Observed
	}
	if e.said != nil && rapid.Bool().Draw(t, "reads before") {
		e.read = w.seen[len(w.seen)-1-rapid.IntRange(0, min(3, len(w.seen)-1)).Draw(t, "behind")]
	}
	return e
}

// What is kept by what lands is what all that happened says, whatever that is, however it is read, and in a store of either kind.
func TestReadIsWhatAllEventsSay(t *testing.T) {
	t.Parallel()
	dir, files := t.TempDir(), 0
	rapid.Check(t, func(t *rapid.T) {
		var store storage.Storage = memory.New()
		if rapid.IntRange(0, 7).Draw(t, "store") == 0 {
			files++
			file, err := sqlite.Open(context.Background(), filepath.Join(dir, strconv.Itoa(files)))
			if err != nil {
				t.Fatal(err)
			}
			store = file
		}
		defer func() { _ = store.Close() }()
		w := newWorld(t, store, rapid.SampledFrom(definitions).Draw(t, "definition"), rapid.IntRange(0, 4).Draw(t, "external") == 0)
		read := checkstate.Read
		if rapid.Bool().Draw(t, "tiny") {
			read = checkstate.ReadTiny
		}
		t.Repeat(map[string]func(*rapid.T){
			"judge": func(t *rapid.T) {
				if e := drawEvaluation(t, w); len(e.texts) > 0 {
					w.happen(e)
				}
			},
			"make": func(t *rapid.T) {
				e := event{of: asset, texts: drawTexts(t, w), run: storage.RunKey(rapid.IntRange(1, 3).Draw(t, "run")), version: rapid.SampledFrom([]string{"v1", "v2"}).Draw(t, "version")}
				switch {
				case w.subject.External:
					e.kind, e.texts = storage.Observed, nil
				case len(e.texts) == 0:
					return
				}
				w.happen(e)
			},
			"wipe": func(t *rapid.T) {
				if texts := drawTexts(t, w); len(texts) > 0 && !w.subject.External {
					w.happen(event{of: asset, kind: storage.Wiped, texts: texts})
				}
			},
			"keys": func(t *rapid.T) {
				u := storage.KeyUpdate{Table: "tenants", Add: []string{rapid.SampledFrom([]string{"x", "y", "z", "new"}).Draw(t, "add")}}
				if rapid.Bool().Draw(t, "remove") {
					u = storage.KeyUpdate{Table: "tenants", Remove: u.Add}
				}
				w.commit(&storage.Batch{Keys: []storage.KeyUpdate{u}})
			},
			"prune": func(*rapid.T) {
				w.commit(&storage.Batch{KV: []storage.KVPair{{Key: storage.FeedPruned, Value: strconv.AppendInt(nil, w.seq(), 10)}}})
			},
			"": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "look") { // what is not looked at piles up
					w.requireModel(read)
				}
			},
		})
		w.requireModel(read)
	})
}
