package storagetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"pgregory.net/rapid"
)

// checkPruneModel writes random batches to the backend and to two memory stores, and prunes at
// random moments, by random policies, the backend and one of them. What is true now must be the
// same in the backend and in the store that was never pruned, whatever was written since; and what
// is left of history the same as in the one that was.
func checkPruneModel(t *testing.T, open func(*testing.T) storage.Storage) {
	rapid.Check(t, func(rt *rapid.T) {
		backend, whole, twin := open(t), memory.New(), memory.New()
		p := pair{
			stores: [2]storage.Storage{backend, &mirror{Storage: whole, twin: twin}}, ctx: t.Context(),
			ended: map[int]bool{}, next: map[int]int64{}, tokens: map[int]int64{}, filled: map[int]int64{},
			prunes: &prunes{twin: twin, retried: map[string]string{}},
		}
		p.topology(rt)
		for range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			for range rapid.IntRange(1, 15).Draw(rt, "batches") {
				p.prunes.clock += rapid.IntRange(0, 1).Draw(rt, "days")
				p.step(rt)
			}
			p.flush(rt)
			p.prune(rt)
		}
		p.stores[1] = twin
		p.sameHistory(rt)
		p.check(rt)
		if err := backend.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// mirror has a second store written like the first, which gives the same keys.
type mirror struct {
	storage.Storage

	twin storage.Storage
}

func (m *mirror) Commit(ctx context.Context, b *storage.Batch) error {
	again := copied(b)
	err := m.Storage.Commit(ctx, b)
	_ = m.twin.Commit(ctx, &again) // what is refused there is refused here, or was pruned there
	return err
}

func (m *mirror) Append(b *storage.Batch) error {
	_ = m.twin.Append(b)
	return m.Storage.Append(b)
}

func (m *mirror) ClaimRun(ctx context.Context, c storage.RunClaim) (storage.RunRecord, error) {
	_, _ = m.twin.ClaimRun(ctx, c)
	return m.Storage.ClaimRun(ctx, c)
}

func (m *mirror) ClaimBackfill(ctx context.Context, c storage.RunClaim) (storage.BackfillRecord, error) {
	_, _ = m.twin.ClaimBackfill(ctx, c)
	return m.Storage.ClaimBackfill(ctx, c)
}

func (m *mirror) ClaimSlots(ctx context.Context, c storage.SlotClaim) (storage.SlotAnswer, error) {
	_, _ = m.twin.ClaimSlots(ctx, c)
	return m.Storage.ClaimSlots(ctx, c)
}

// prunes is what a pair knows whose history is pruned; nil for one whose is not.
type prunes struct {
	twin storage.Storage
	// clock counts days, made is how many IDs there were.
	clock, made int
	// retried has, by the ID of a run, the one that it retries, which had lost nothing when it began.
	retried map[string]string
}

func (r *prunes) now() time.Time {
	if r == nil {
		return epoch
	}
	return epoch.Add(time.Duration(r.clock) * 24 * time.Hour)
}

// freshen gives what begins an ID that nothing had before: what is gone would be refused in the one
// store and not in the other. Some runs retry one that has lost nothing, some belong to a backfill
// that goes on.
func (r *prunes) freshen(t *rapid.T, p *pair, pl *plan) {
	if r == nil {
		return
	}
	pl.noRun = ""
	for _, ids := range [][]string{pl.create, pl.begin} {
		for i := range ids {
			r.made++
			ids[i] += fmt.Sprint(r.made)
		}
	}
	if len(pl.create) == 0 {
		return
	}
	if n := len(p.ids); n > 0 && rapid.Bool().Draw(t, "retries") {
		id := p.ids[rapid.IntRange(0, n-1).Draw(t, "retried")]
		if run, err := p.stores[0].GetRun(p.ctx, id); err == nil && run.Lost == 0 && run.State.Terminal() {
			pl.retryOf = id
			for _, made := range pl.create {
				r.retried[made] = id
			}
		}
	}
	if n := len(p.backfillIDs); n > 0 && rapid.Bool().Draw(t, "belongs") {
		id := p.backfillIDs[rapid.IntRange(0, n-1).Draw(t, "belongs to")]
		if of, err := p.stores[0].GetBackfill(p.ctx, id); err == nil && !of.State.Terminal() {
			pl.ofBackfill = id
		}
	}
}

// drawPrune draws a policy.
func (r *prunes) drawPrune(t *rapid.T) storage.PruneRequest {
	age := func(what string) time.Duration {
		days := rapid.IntRange(-1, 5).Draw(t, what)
		if days < 0 {
			return storage.Forever
		}
		return time.Duration(days)*24*time.Hour + 1
	}
	return storage.PruneRequest{
		Retention: storage.Retention{
			Logs: age("logs"), Steps: age("steps"), AssetEvents: age("events of assets"), Runs: age("runs"), Backfills: age("backfills"), Changes: age("changes"),
			NewestAssetEvents: rapid.SampledFrom([]int{-1, 1, 2, 5}).Draw(t, "newest"),
			Evaluations:       age("evaluations"), NewestEvaluations: rapid.SampledFrom([]int{-1, 1, 2, 5}).Draw(t, "newest evaluations"),
		},
		Now:   r.now().Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "later")) * 24 * time.Hour),
		Chunk: rapid.SampledFrom([]int{0, 1, 2, 7}).Draw(t, "chunk"), Limit: int64(rapid.SampledFrom([]int{0, 0, 3}).Draw(t, "limit")),
	}
}

func (p *pair) prune(t *rapid.T) {
	if rapid.Bool().Draw(t, "a consumer") {
		pair := storage.KVPair{Key: "feed/x/y", Value: strconv.AppendInt(nil, rapid.Int64Range(0, 50).Draw(t, "cursor"), 10)}
		for _, s := range p.stores {
			if err := s.Commit(p.ctx, &storage.Batch{KV: []storage.KVPair{pair}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	req := p.prunes.drawPrune(t)
	feed := p.feed(t)
	dry := req
	dry.DryRun = true
	var reports [3]storage.PruneReport
	var errs [3]error
	reports[0], errs[0] = p.stores[0].Prune(p.ctx, dry)
	reports[1], errs[1] = p.stores[0].Prune(p.ctx, req)
	reports[2], errs[2] = p.prunes.twin.Prune(p.ctx, req)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	if reports[0] != reports[1] {
		t.Fatalf("%+v:\n told %+v\n did  %+v", req, reports[0], reports[1])
	}
	for k := range storage.PruneKindCount {
		if k == storage.PruneChanges { // of the feed a store may keep more entries than another
			continue
		}
		did, want := reports[1].Kinds[k], reports[2].Kinds[k]
		if did.Rows != want.Rows || did.Runs != want.Runs {
			t.Fatalf("%+v:\n %s: %d rows of %d runs went\n want %d of %d", req, k, did.Rows, did.Runs, want.Rows, want.Runs)
		}
	}
	p.sameFeed(t, feed)
	p.samePresent(t, fmt.Sprintf("pruned by %+v", req))
}

func (p *pair) feed(t *rapid.T) []storage.Change {
	list, err := p.stores[0].ListChanges(p.ctx, storage.ChangeQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sameFeed asserts that the feed lost what it reports that it has lost.
func (p *pair) sameFeed(t *rapid.T, before []storage.Change) {
	cut := int64(0)
	if value, err := p.stores[0].GetKV(p.ctx, storage.FeedPruned); err == nil {
		if cut, err = strconv.ParseInt(string(value), 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	before = slices.DeleteFunc(before, func(c storage.Change) bool { return c.Seq <= cut })
	if after := p.feed(t); len(after)+len(before) > 0 && !reflect.DeepEqual(after, before) {
		t.Fatalf("behind %d the feed is\n %+v\nwant\n %+v", cut, after, before)
	}
}

// samePresent asserts that two stores agree in what is true now.
func (p *pair) samePresent(t *rapid.T, after string) {
	var answers [2]map[string]any
	for i := range p.stores {
		answers[i] = p.present(t, i)
	}
	for _, what := range slices.Sorted(maps.Keys(answers[1])) {
		p.same(t, after, what, [2]any{answers[0][what], answers[1][what]})
	}
}

// present are the answers about what is true now, and about what is still needed of history.
func (p *pair) present(t *rapid.T, store int) map[string]any {
	all := p.answers(t, store)
	open, needed := map[string]bool{}, map[string]bool{}
	for _, id := range p.backfillIDs {
		rec, err := p.stores[store].GetBackfill(p.ctx, id)
		if err == nil && !rec.State.Terminal() {
			open[id] = true
		}
	}
	listed, err := p.stores[store].ListRuns(p.ctx, storage.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range listed {
		if r := &listed[i]; !r.State.Terminal() {
			needed[r.ID], needed[p.prunes.retried[r.ID]] = true, true
		} else if open[r.Backfill] {
			needed[r.ID] = true
		}
	}
	runs, _ := all["runs"].([]storage.RunRecord) // see answers
	runs = slices.DeleteFunc(slices.Clone(runs), func(r storage.RunRecord) bool { return !needed[r.ID] })
	for i := range runs {
		runs[i].Lost = 0 // by the time when nobody needed it
	}
	all["runs"] = runs
	for run, id := range p.ids {
		if !needed[id] {
			delete(all, fmt.Sprintf("events of run %d", run))
			delete(all, fmt.Sprintf("lines of run %d", run))
		}
	}
	delete(all, "backfills")
	delete(all, "changes")
	for what := range all {
		if id, ok := strings.CutPrefix(what, "backfill "); ok && !open[id] || strings.HasPrefix(what, "history ") {
			delete(all, what)
		}
	}
	return all
}

// sameHistory asserts that two stores that were pruned agree in everything but how much of the feed
// they keep.
func (p *pair) sameHistory(t *rapid.T) {
	var answers [2]map[string]any
	for i := range p.stores {
		answers[i] = p.answers(t, i)
		delete(answers[i], "changes")
	}
	for _, what := range slices.Sorted(maps.Keys(answers[1])) {
		p.same(t, "pruned alike", what, [2]any{answers[0][what], answers[1][what]})
	}
}
