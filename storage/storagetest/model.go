package storagetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"pgregory.net/rapid"
)

// checkModel drives random batches at the backend and the memory store. After each the refusals
// must agree, and at the end all answers.
func checkModel(t *testing.T, open func(*testing.T) storage.Storage) {
	rapid.Check(t, func(rt *rapid.T) {
		backend := open(t)
		p := pair{
			stores: [2]storage.Storage{backend, memory.New()}, ctx: t.Context(),
			ended: map[int]bool{}, next: map[int]int64{}, tokens: map[int]int64{}, filled: map[int]int64{},
		}
		p.topology(rt)
		for range rapid.IntRange(1, 25).Draw(rt, "batches") {
			p.step(rt)
		}
		p.flush(rt)
		p.compare(rt)
		p.check(rt)
		if err := backend.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// pair is a backend and its model. Runs and assets are numbers here: a key means nothing outside
// its store.
type pair struct {
	stores [2]storage.Storage
	ctx    context.Context
	runs   [2][]storage.RunKey
	assets [2][]storage.AssetKey
	ids    []string // of the runs
	ended  map[int]bool
	next   map[int]int64 // the next event number of a run
	tokens map[int]int64 // the present token of a run

	// prunes is set while history is pruned in one of the stores.
	prunes *prunes

	backfills   [2][]storage.BackfillKey
	backfillIDs []string
	filled      map[int]int64 // the present token of a backfill
}

var modelAssets = []string{"a", "b", "ü", "d"}

func (p *pair) topology(t *rapid.T) {
	for i, s := range p.stores {
		if err := s.Commit(p.ctx, &storage.Batch{Topologies: []storage.Topology{{Location: "model", Assets: modelAssets}}}); err != nil {
			t.Fatal(err)
		}
		keys, err := s.AssetKeys(p.ctx, modelAssets)
		if err != nil {
			t.Fatal(err)
		}
		p.assets[i] = keys
	}
}

// plan is a batch before it knows keys.
type plan struct {
	run    int // -1: no fence of a run
	fill   int // -1: no fence of a backfill
	token  int64
	noRun  string
	create []string
	end    storage.RunState
	events []planEvent
	kv     []storage.KVPair
	later  bool // append, do not commit
	// retryOf and ofBackfill are of the runs that are created.
	retryOf, ofBackfill string

	releases []int32
	pools    []storage.PoolUpdate
	cancel   int // -1: nobody asks

	targets, retargets []planTarget
	states             []planState
	keys               []storage.KeyUpdate
	begin              []string // backfills
	progress           *storage.BackfillUpdate
	stop               int // -1: nobody asks a backfill to stop
}

type planEvent struct {
	n       int64
	kind    storage.EventKind
	step    int32
	asset   int // -1: none
	detail  []byte
	withLog bool
}

func (p *pair) draw(t *rapid.T) plan {
	pl := plan{run: -1, fill: -1, cancel: -1, stop: -1}
	if n := len(p.runs[0]); n > 0 {
		pl.run = rapid.IntRange(-1, n-1).Draw(t, "run")
	}
	pl.token = p.tokens[pl.run]
	if n := len(p.backfillIDs); n > 0 && pl.run < 0 {
		pl.fill = rapid.IntRange(-1, n-1).Draw(t, "backfill")
		pl.token = p.filled[pl.fill]
	}
	if rapid.IntRange(0, 15).Draw(t, "stale") == 0 {
		pl.token = rapid.Int64Range(1, 4).Draw(t, "token")
	}
	pl.later = pl.run >= 0 && rapid.Bool().Draw(t, "later")
	pl.drawSlots(t, len(p.runs[0]))
	if pl.run >= 0 {
		for range rapid.IntRange(0, 12).Draw(t, "events") {
			pl.events = append(pl.events, p.drawEvent(t, pl.run))
		}
	}
	pl.drawStates(t)
	if pl.later {
		return pl
	}
	p.drawBackfill(t, &pl)
	pl.drawKeys(t)
	ids := rapid.SampledFrom([]string{"x", "y", "z", "ü", "v", "w"})
	if rapid.Bool().Draw(t, "expects") {
		pl.noRun = ids.Draw(t, "no run")
	}
	if pl.run < 0 || rapid.Bool().Draw(t, "creates") {
		pl.create = rapid.SliceOfN(ids, 0, 2).Draw(t, "create")
	}
	if pl.run >= 0 && rapid.IntRange(0, 5).Draw(t, "ends") == 0 {
		pl.end = rapid.SampledFrom([]storage.RunState{storage.Running, storage.Success, storage.Failure}).Draw(t, "state")
		pl.retargets = drawTargets(t, "retargets")
	}
	pl.targets = drawTargets(t, "targets")
	p.prunes.freshen(t, p, &pl)
	for range rapid.IntRange(0, 2).Draw(t, "values") {
		value := rapid.SampledFrom([][]byte{nil, {}, []byte("1"), {0, 255}}).Draw(t, "value")
		pl.kv = append(pl.kv, storage.KVPair{Key: rapid.SampledFrom([]string{"k", "k/1", "l", ""}).Draw(t, "key"), Value: value})
	}
	return pl
}

// drawKind draws the evaluation of a check as often as all that is about assets.
func drawKind(t *rapid.T) storage.EventKind {
	if rapid.IntRange(0, 3).Draw(t, "evaluation") == 0 {
		return storage.CheckEvaluated
	}
	return storage.EventKind(rapid.IntRange(1, 13).Draw(t, "kind"))
}

func (p *pair) drawEvent(t *rapid.T, run int) planEvent {
	e := planEvent{
		kind:    drawKind(t),
		step:    rapid.Int32Range(-1, 3).Draw(t, "step"),
		asset:   rapid.IntRange(-1, len(modelAssets)-1).Draw(t, "asset"),
		withLog: rapid.Bool().Draw(t, "log"),
	}
	if rapid.IntRange(0, 5).Draw(t, "repeat") == 0 && p.next[run] > 0 {
		e.n = rapid.Int64Range(1, p.next[run]).Draw(t, "n")
	} else {
		p.next[run] += rapid.Int64Range(1, 2).Draw(t, "advance")
		e.n = p.next[run]
	}
	d := storage.Detail{Error: rapid.StringN(0, 4, -1).Draw(t, "error")}
	e.detail = d.AppendJSON(nil)
	return e
}

// batch is the plan in the keys of one store.
func (p *pair) batch(store int, pl plan) storage.Batch {
	b := storage.Batch{KV: pl.kv, Pools: pl.pools, Lease: long}
	if pl.cancel >= 0 {
		b.Cancels = []storage.CancelRequest{{Run: p.runs[store][pl.cancel], At: epoch, By: "ann"}}
	}
	if pl.noRun != "" {
		b.Expect = []storage.Expectation{{NoRun: pl.noRun}}
	}
	p.backfillBatch(store, pl, &b)
	b.Keys = pl.keys
	for _, id := range pl.create {
		rec := storage.RunRecord{ID: id, Token: 1, CreatedAt: epoch, Targets: p.targetsOf(store, pl.targets), Backfill: pl.ofBackfill}
		rec.Request.RetryOf = pl.retryOf
		if id > "x" {
			rec.Owner = "a"
		}
		b.Runs = append(b.Runs, rec)
	}
	for _, st := range pl.states {
		b.Assets = append(b.Assets, p.stateOf(store, pl.run, st))
	}
	if pl.run < 0 {
		return b
	}
	key := p.runs[store][pl.run]
	b.Fence = storage.Fence{Run: key, Token: pl.token}
	if pl.end != 0 {
		b.RunUpdates = []storage.RunUpdate{{Run: key, State: pl.end, At: p.prunes.now(), Error: "e", Targets: p.targetsOf(store, pl.retargets)}}
	}
	for _, step := range pl.releases {
		b.Releases = append(b.Releases, storage.SlotRelease{Run: key, Step: step})
	}
	for _, e := range pl.events {
		ev := storage.Event{Run: key, N: e.n, Fact: storage.Fact{At: storage.Micros(e.n), Step: e.step, Kind: e.kind}, Detail: e.detail}
		if e.asset >= 0 {
			ev.Asset = p.assets[store][e.asset]
			kind := storage.Materialized
			if e.kind == storage.AssetObserved {
				kind = storage.Observed
			}
			b.Assets = append(b.Assets, storage.AssetUpdate{
				Asset: ev.Asset, Kind: kind, Run: key, N: e.n, At: ev.At, DataVersion: fmt.Sprint(e.n), Detail: e.detail,
			})
		}
		if e.withLog {
			b.Logs = append(b.Logs, storage.LogLine{Run: key, N: e.n, Step: e.step, At: epoch, Message: string(e.detail)})
		}
		b.Events = append(b.Events, ev)
	}
	return b
}

func (p *pair) step(t *rapid.T) {
	if len(p.runs[0]) > 0 && rapid.IntRange(0, 2).Draw(t, "call") == 0 {
		p.lease(t)
		return
	}
	if len(p.backfillIDs) > 0 && rapid.IntRange(0, 7).Draw(t, "call of a backfill") == 0 {
		p.claimBackfill(t)
		return
	}
	pl := p.draw(t)
	if pl.later {
		for i, s := range p.stores {
			b := p.batch(i, pl)
			_ = s.Append(&b) // a refusal may come now or later: flush compares it
		}
		return
	}
	var errs [2]error
	var keys [2][]storage.RunKey
	var begun [2][]storage.BackfillKey
	for i, s := range p.stores {
		b := p.batch(i, pl)
		errs[i] = s.Commit(p.ctx, &b)
		for _, r := range b.Runs {
			keys[i] = append(keys[i], r.Key)
		}
		for _, r := range b.Backfills {
			begun[i] = append(begun[i], r.Key)
		}
	}
	p.agree(t, fmt.Sprintf("%+v", pl), errs)
	if errs[0] == nil {
		for i := range p.stores {
			p.runs[i] = append(p.runs[i], keys[i]...)
		}
		for _, id := range pl.create {
			p.tokens[len(p.ids)] = 1
			p.ids = append(p.ids, id)
		}
		p.begun(pl.begin, begun)
	}
}

// flush commits nothing under every fence, which writes what was appended and tells its refusal.
func (p *pair) flush(t *rapid.T) {
	for run := range p.runs[0] {
		for token := int64(1); token <= max(4, p.tokens[run]); token++ {
			var errs [2]error
			for i, s := range p.stores {
				errs[i] = s.Commit(p.ctx, &storage.Batch{Fence: storage.Fence{Run: p.runs[i][run], Token: token}})
			}
			p.agree(t, fmt.Sprintf("flush of run %d", run), errs)
		}
	}
	for i := range p.stores { // what was appended without a fence
		if err := p.stores[i].Commit(p.ctx, &storage.Batch{}); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *pair) agree(t *rapid.T, what string, errs [2]error) {
	if p.prunes != nil && errors.Is(errs[0], storage.ErrNotFound) && errors.Is(errs[1], storage.ErrRunEnded) {
		return // it has ended, and is gone
	}
	for _, kind := range []error{
		storage.ErrFenced, storage.ErrRunExists, storage.ErrBackfillExists, storage.ErrRunEnded, storage.ErrOwned, storage.ErrNotFound, storage.ErrPoolTooSmall,
	} {
		if errors.Is(errs[0], kind) != errors.Is(errs[1], kind) {
			t.Fatalf("%s: got error %v, the model gives %v", what, errs[0], errs[1])
		}
	}
	if (errs[0] == nil) != (errs[1] == nil) {
		t.Fatalf("%s: got error %v, the model gives %v", what, errs[0], errs[1])
	}
}

func (p *pair) compare(t *rapid.T) {
	var answers [2]map[string]any
	for i := range p.stores {
		answers[i] = p.answers(t, i)
	}
	for what, want := range answers[1] {
		p.same(t, "at the end", what, [2]any{answers[0][what], want})
	}
}

// check asks a backend that can be checked: whatever was written, what it keeps beside its records
// agrees with them. (What is drawn here has events without their states, and counts of nothing.)
func (p *pair) check(t *rapid.T) {
	c, ok := p.stores[0].(interface {
		Check(ctx context.Context) ([]string, error)
	})
	if !ok {
		return
	}
	found, err := c.Check(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range found {
		for _, derived := range []string{"the set of what is", "the group of partitions", "in flight", "key table", "feed of changes", "damaged"} {
			if strings.Contains(text, derived) {
				t.Fatalf("check: %s", text)
			}
		}
	}
}

// same ends the test unless the backend answers as the model does.
func (p *pair) same(t *rapid.T, after, what string, answers [2]any) {
	if !reflect.DeepEqual(answers[0], answers[1]) {
		t.Fatalf("%s: %s:\n got %+v\nwant %+v", after, what, answers[0], answers[1])
	}
}

// answers asks one store everything, with keys turned into numbers that both stores share.
func (p *pair) answers(t *rapid.T, store int) map[string]any {
	s, all := p.stores[store], map[string]any{}
	get := func(what string, v any, err error) {
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		all[what] = v
	}
	numberOf := map[storage.RunKey]storage.RunKey{}
	for run, key := range p.runs[store] {
		numberOf[key] = storage.RunKey(run + 1)
	}
	assetOf := map[storage.AssetKey]storage.AssetKey{}
	for i, key := range p.assets[store] {
		assetOf[key] = storage.AssetKey(i + 1)
	}
	plain := func(events []storage.Event) []storage.Event {
		for i := range events {
			events[i].Run, events[i].Asset = numberOf[events[i].Run], assetOf[events[i].Asset]
		}
		return events
	}
	for run, key := range p.runs[store] {
		events, err := s.ListEvents(p.ctx, storage.EventQuery{Run: key})
		get(fmt.Sprintf("events of run %d", run), plain(events), err)
		lines, err := s.ListLogs(p.ctx, storage.LogQuery{Run: key})
		for i := range lines {
			lines[i].Run = numberOf[key]
		}
		get(fmt.Sprintf("lines of run %d", run), lines, err)
	}
	runs, err := s.ListRuns(p.ctx, storage.RunQuery{})
	for i := range runs {
		runs[i].Key = numberOf[runs[i].Key]
		if c := runs[i].Cancel; c != nil {
			asked := *c
			asked.Run = runs[i].Key
			runs[i].Cancel = &asked
		}
		runs[i] = withoutLease(runs[i])
	}
	get("runs", runs, err)
	assets, err := s.ListAssets(p.ctx, storage.AssetQuery{})
	for i := range assets {
		assets[i].Key = assetOf[assets[i].Key]
		for _, st := range []*storage.AssetState{assets[i].Materialization, assets[i].Observation, assets[i].Failure, assets[i].Wipe} {
			if st != nil {
				st.Run = numberOf[st.Run]
			}
		}
		assets[i] = withoutSeq(assets[i])
	}
	get("assets", assets, err)
	for i, key := range p.assets[store] {
		events, err := s.ListAssetEvents(p.ctx, storage.AssetEventQuery{Asset: key, Limit: 5})
		get("history of "+modelAssets[i], plain(events), err)
	}
	all["pools"], all["slots"] = p.slotAnswers(t, store, numberOf)
	p.partitionAnswers(t, store, numberOf, all)
	p.backfillAnswers(t, store, all)
	pairs, err := s.ListKV(p.ctx, "k")
	get("values", pairs, err)
	topologies, err := s.ListTopologies(p.ctx)
	get("topologies", topologies, err)
	return all
}
