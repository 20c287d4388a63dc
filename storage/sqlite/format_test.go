package sqlite_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

var record = flag.Bool("record", false, "write a store of this program's schema into testdata/formats, for later programs to read")

// TestFormats reads the stores that programs of all schema versions have left, each made by one of its time, and finds in
// them what that program found. The files are never changed.
func TestFormats(t *testing.T) {
	if *record {
		recordFormat(t)
	}
	for version := 1; version <= sqlite.SchemaVersion(); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			name := fmt.Sprintf("testdata/formats/v%d", version)
			want, err := os.ReadFile(name + ".txt")
			if err != nil {
				t.Fatalf("%v: go test ./storage/sqlite -run TestFormats -record makes it", err)
			}
			data, err := os.ReadFile(name + ".db")
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(t.TempDir(), "old.db")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if from, to, err := sqlite.Migrate(t.Context(), file); err != nil || from != version || to != sqlite.SchemaVersion() {
				t.Fatalf("migrated from %d to %d, %v", from, to, err)
			}
			s := open(t, file)
			defer s.Close()
			if got := contents(t, s, version); got != string(want) {
				t.Errorf("the store of version %d reads as\n%s\nwant\n%s", version, got, want)
			}
			goOn(t, s)
			found, err := s.Check(t.Context())
			if err != nil || len(found) > 0 {
				t.Errorf("check: %q, %v", found, err)
			}
		})
	}
}

// goOn writes a run, and goes on with the one that was left open.
func goOn(t *testing.T, s *sqlite.Store) {
	t.Helper()
	keys, err := s.AssetKeys(t.Context(), []string{"users"})
	if err != nil {
		t.Fatal(err)
	}
	plainRun(t, s, "new", keys[0])
	rec, err := s.GetRun(t.Context(), "open")
	if err != nil {
		t.Fatal(err)
	}
	fence := storage.Fence{Run: rec.Key, Token: rec.Token}
	commit(t, s, &storage.Batch{
		Fence: fence, Events: []storage.Event{{Run: fence.Run, N: 1, Fact: storage.Fact{Kind: storage.RunEnded, Status: uint8(storage.Canceled), Step: storage.NoStep}}},
		RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Canceled, At: time.Unix(1_800_000_000, 0)}},
	})
	sets, err := s.PartitionSets(t.Context(), keys)
	if err != nil || !sets[0].Materialized.Contains(partition.Whole()) {
		t.Errorf("the sets of an asset from before there were any: %+v, %v", sets, err)
	}
}

// plainRun writes a run of one step.
func plainRun(t *testing.T, s *sqlite.Store, id string, asset storage.AssetKey) {
	t.Helper()
	begin := storage.Batch{Runs: []storage.RunRecord{{ID: id, State: storage.Running, Token: 1, Plan: []storage.PlanStep{{Key: "users", Assets: []string{"users"}}}}}}
	commit(t, s, &begin)
	run := begin.Runs[0].Key
	const at = 1_700_000_000_000_000
	commit(t, s, &storage.Batch{
		Fence: storage.Fence{Run: run, Token: 1},
		Events: []storage.Event{
			{Run: run, N: 1, Fact: storage.Fact{At: at, Kind: storage.StepSucceeded, Attempt: 1}, Asset: asset},
			{Run: run, N: 2, Fact: storage.Fact{At: at, Kind: storage.RunEnded, Status: uint8(storage.Success), Step: storage.NoStep}},
		},
		Assets:     []storage.AssetUpdate{{Asset: asset, Run: run, N: 1, At: at, DataVersion: "v1"}},
		RunUpdates: []storage.RunUpdate{{Run: run, State: storage.Success, At: time.Unix(1_700_000_000, 0), Counts: storage.StepCounts{Succeeded: 1}}},
	})
}

// contents writes what a store has, as far as the version knew of it.
func contents(t *testing.T, s *sqlite.Store, version int) string {
	t.Helper()
	d := &dump{t: t, ctx: t.Context(), s: s, names: map[storage.AssetKey]string{}}
	d.runs()
	d.assets()
	d.values()
	if version >= 4 {
		d.partitions()
		d.backfills()
	}
	return d.text.String()
}

type dump struct {
	t     *testing.T
	ctx   context.Context
	s     *sqlite.Store
	names map[storage.AssetKey]string
	text  strings.Builder
}

func (d *dump) printf(format string, args ...any) { fmt.Fprintf(&d.text, format, args...) }

// must ends the test on an error.
func must[T any](d *dump) func(T, error) T {
	return func(v T, err error) T {
		d.t.Helper()
		if err != nil {
			d.t.Fatal(err)
		}
		return v
	}
}

func (d *dump) runs() {
	for _, a := range must[[]storage.AssetRecord](d)(d.s.ListAssets(d.ctx, storage.AssetQuery{})) {
		d.names[a.Key] = a.Name
	}
	runs := must[[]storage.RunRecord](d)(d.s.ListRuns(d.ctx, storage.RunQuery{}))
	for _, listed := range slices.Backward(runs) {
		r := must[storage.RunRecord](d)(d.s.GetRun(d.ctx, listed.ID))
		request := must[[]byte](d)(json.Marshal(r.Request))
		d.printf("run %s location=%s job=%q state=%s token=%d created=%d started=%d ended=%d error=%q counts={Succeeded:%d Failed:%d Skipped:%d Canceled:%d} tags=%v request=%s plan=%s\n",
			r.ID, r.Location, r.Job, r.State, r.Token, storage.MicrosOf(r.CreatedAt), storage.MicrosOf(r.StartedAt), storage.MicrosOf(r.EndedAt), r.Error,
			r.Counts.Succeeded, r.Counts.Failed, r.Counts.Skipped, r.Counts.Canceled, r.Tags, request, storage.AppendPlan(nil, r.Plan))
		for _, e := range must[[]storage.Event](d)(d.s.ListEvents(d.ctx, storage.EventQuery{Run: r.Key})) {
			d.printf("event %s/%d at=%d %s step=%d attempt=%d retry_at=%d cause=%d status=%d asset=%q detail=%s\n",
				r.ID, e.N, e.At, e.Kind, e.Step, e.Attempt, e.RetryAt, e.Cause, e.Status, d.names[e.Asset], e.Detail)
		}
		for _, l := range must[[]storage.LogLine](d)(d.s.ListLogs(d.ctx, storage.LogQuery{Run: r.Key})) {
			d.printf("log %s/%d at=%d step=%d attempt=%d %s %d %q %s\n", r.ID, l.N, storage.MicrosOf(l.At), l.Step, l.Attempt, l.Level, l.Stream, l.Message, l.Attrs)
		}
	}
}

func (d *dump) assets() {
	for _, a := range must[[]storage.AssetRecord](d)(d.s.ListAssets(d.ctx, storage.AssetQuery{})) {
		d.printf("asset %s\n", a.Name)
		d.state("materialized", a.Materialization)
		d.state("observed", a.Observation)
		d.state("failed", a.Failure)
		d.state("wiped", a.Wipe)
		for _, e := range must[[]storage.Event](d)(d.s.ListAssetEvents(d.ctx, storage.AssetEventQuery{Asset: a.Key})) {
			d.printf("  history %d %s\n", e.N, e.Kind)
		}
	}
}

func (d *dump) state(word string, st *storage.AssetState) {
	if st != nil {
		d.printf("  %s by %q/%d at=%d version=%q code=%q detail=%s\n", word, st.RunID, st.N, storage.MicrosOf(st.At), st.DataVersion, st.CodeVersion, st.Detail.AppendJSON(nil))
	}
}

func (d *dump) values() {
	for _, p := range must[[]storage.KVPair](d)(d.s.ListKV(d.ctx, "")) {
		d.printf("value %s=%q\n", p.Key, p.Value)
	}
	for _, l := range must[[]storage.Topology](d)(d.s.ListTopologies(d.ctx)) {
		t := must[storage.Topology](d)(d.s.GetTopology(d.ctx, l.Location))
		d.printf("topology %s hash=%s at=%d %s\n", t.Location, t.Hash, storage.MicrosOf(t.At), t.Doc)
	}
}

// set is a set as it is stored.
func (d *dump) set(set partition.Set) []byte { return must[[]byte](d)(set.MarshalText()) }

func (d *dump) partitions() {
	for _, a := range must[[]storage.AssetRecord](d)(d.s.ListAssets(d.ctx, storage.AssetQuery{})) {
		sets := must[[]storage.PartitionSets](d)(d.s.PartitionSets(d.ctx, []storage.AssetKey{a.Key}))[0]
		d.printf("sets %s materialized=%s failed=%s in_flight=%s\n", a.Name, d.set(sets.Materialized), d.set(sets.Failed), d.set(sets.InFlight))
		for kind := range storage.StateKind(storage.StateKinds) {
			for _, p := range must[[]storage.PartitionState](d)(d.s.ListPartitions(d.ctx, storage.PartitionQuery{Asset: a.Key, Kind: kind})) {
				d.printf("partition %s %q seq=%d", a.Name, p.Partition, p.Seq)
				d.state(kind.String(), &p.AssetState)
			}
			for _, g := range must[[]storage.PartitionGroup](d)(d.s.ListPartitionGroups(d.ctx, a.Key, kind)) {
				d.printf("group %s %s seq=%d", a.Name, d.set(g.Partitions), g.Seq)
				d.state(kind.String(), &g.AssetState)
			}
		}
	}
	for _, name := range []string{"", "tenants"} {
		table := must[storage.KeyTable](d)(d.s.GetKeyTable(d.ctx, name))
		d.printf("key table %q live=%s", name, d.set(table.Live))
		for o := range table.Size {
			_, keys, err := d.s.LookUpKeys(d.ctx, storage.KeyQuery{Table: name, Ordinals: []partition.Ordinal{partition.Ordinal(o)}})
			d.printf(" %q", must[[]string](d)(keys, err))
		}
		d.printf("\n")
	}
	for _, c := range must[[]storage.Change](d)(d.s.ListChanges(d.ctx, storage.ChangeQuery{})) {
		d.printf("change %d %s run=%d assets=%v partitions=%s keys=%q\n", c.Seq, c.Kind, c.Run, c.Assets, d.set(c.Partitions), c.Keys)
	}
}

func (d *dump) backfills() {
	for _, l := range must[[]storage.BackfillRecord](d)(d.s.ListBackfills(d.ctx, storage.BackfillQuery{})) {
		rec := must[storage.BackfillRecord](d)(d.s.GetBackfill(d.ctx, l.ID))
		d.printf("backfill token=%d %s\n", rec.Token, must[[]byte](d)(json.Marshal(rec)))
	}
}

// recordFormat makes a store of today's schema.
func recordFormat(t *testing.T) {
	t.Helper()
	const years = 100 * 365 * 24 * time.Hour
	dir := t.TempDir()
	s := open(t, dir)
	names := []string{"users", "parted", "wiped"}
	b := storage.Batch{
		Lease: years, Topologies: []storage.Topology{{Location: "recorded", Hash: "h", Assets: names, Doc: []byte(`{}`)}},
		KV: []storage.KVPair{{Key: "k", Value: []byte{0, 255}}}, Pools: []storage.PoolUpdate{{Name: "db", Slots: 2}},
		Keys: []storage.KeyUpdate{{Table: "tenants", Add: []string{"ann", "ü|=", "bob"}, Remove: []string{"ann"}}, {Add: []string{"de", "fr"}}},
		Backfills: []storage.BackfillRecord{{
			ID: "fill", Location: "recorded", State: storage.BackfillInProgress, Token: 1, Owner: "somebody", Assets: []string{"parted"}, Partitions: tenants(0, 1, 2), Total: 3,
			CreatedAt: time.Unix(1_700_000_000, 0), Request: storage.BackfillRequest{
				Selection: []string{"parted"}, Keys: []partition.Key{partition.SingleKey("ann")}, Strategy: storage.SingleRun(), Tags: map[string]string{"team": "ü"},
			},
		}},
	}
	commit(t, s, &b)
	keys, err := s.AssetKeys(t.Context(), names)
	if err != nil {
		t.Fatal(err)
	}
	plainRun(t, s, "first", keys[0])
	fill := storage.Fence{Backfill: b.Backfills[0].Key, Token: 1}
	runs := storage.Batch{
		Fence: fill, Lease: years,
		Runs: []storage.RunRecord{
			{ID: "parted", Backfill: "fill", Partition: "3 partitions", State: storage.Running, Token: 1, Owner: "somebody", Targets: []storage.Target{{Asset: keys[1], Partitions: tenants(0, 1, 2)}}},
			{ID: "open", State: storage.Running, Token: 3, Targets: []storage.Target{{Asset: keys[1], Partitions: tenants(5)}}},
		},
		BackfillUpdates: []storage.BackfillUpdate{{
			Backfill: fill.Backfill, State: storage.BackfillInProgress, At: time.Unix(1_700_000_001, 0),
			Progress: storage.BackfillProgress{Submitted: tenants(0, 1, 2), Runs: 1, Completed: tenants(0), CompletedCount: 1},
		}},
	}
	commit(t, s, &runs)
	recordParts(t, s, storage.Fence{Run: runs.Runs[0].Key, Token: 1}, keys)
	text := contents(t, s, sqlite.SchemaVersion())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "rivers.db"))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("testdata/formats/v%d", sqlite.SchemaVersion())
	for file, content := range map[string][]byte{name + ".db": data, name + ".txt": []byte(text)} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// recordParts has states of all kinds.
func recordParts(t *testing.T, s *sqlite.Store, fence storage.Fence, keys []storage.AssetKey) {
	t.Helper()
	d := storage.Detail{Data: "v1", By: "ann", Reason: "wrong day"}
	b := storage.Batch{Fence: fence}
	add := func(event storage.EventKind, asset storage.AssetKey, kind storage.StateKind, text string, set partition.Set) {
		n := int64(len(b.Events) + 1)
		at := storage.Micros(1_700_000_000_000_000 + n)
		b.Events = append(b.Events, storage.Event{Run: fence.Run, N: n, Fact: storage.Fact{At: at, Kind: event, Step: 1, Attempt: 1}, Asset: asset, Partition: text})
		b.Assets = append(b.Assets, storage.AssetUpdate{
			Asset: asset, Kind: kind, Partition: text, Partitions: set, Run: fence.Run, N: n, At: at, DataVersion: "v1", CodeVersion: "c", Detail: d.AppendJSON(nil),
		})
	}
	daily, err := partition.NewSpace(partition.Daily(partition.Date(2026, 1, 1)), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	add(storage.AssetMaterialized, keys[1], storage.Materialized, "ann", tenants(0))
	add(storage.AssetMaterialized, keys[1], storage.Materialized, "", daily.Part(daily.All(), 3, 20))
	add(storage.PartitionFailed, keys[1], storage.Failed, "bob", tenants(2))
	add(storage.AssetWiped, keys[1], storage.Wiped, "", daily.Part(daily.All(), 5, 2))
	add(storage.AssetMaterialized, keys[2], storage.Materialized, "", partition.Set{})
	add(storage.AssetWiped, keys[2], storage.Wiped, "", partition.Set{})
	commit(t, s, &b)
}
