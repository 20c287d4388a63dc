package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

var (
	january = partition.Date(2026, 1, 1)
	// tenDays are the first days of January.
	tenDays = partition.Daily(january, partition.Until(partition.Date(2026, 1, 11)))
	aKey    = partition.SingleKey
)

// day is the key of a day of January 2026.
func day(n int) partition.Key { return aKey(fmt.Sprintf("2026-01-%02d", n)) }

// soon is an instant at which all windows of the tests have ended.
var soon = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// countingHandler keeps values in memory and counts how often they are loaded.
type countingHandler struct {
	iohandler.MemoryHandler

	loads atomic.Int64
}

func (h *countingHandler) LoadInput(ctx context.Context, in *iohandler.InputContext) (any, error) {
	h.loads.Add(1)
	return h.MemoryHandler.LoadInput(ctx, in)
}

// notebook collects what functions say, from any goroutine.
type notebook struct {
	mu   sync.Mutex
	said []string
}

func (n *notebook) add(format string, v ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.said = append(n.said, fmt.Sprintf(format, v...))
}

func (n *notebook) take() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	text := strings.Join(n.said, " ")
	n.said = nil
	return text
}

// made reads which partitions of an asset the store says were materialized, and which failed.
func made(t *testing.T, repo *rivers.CodeRepository, asset string) (materialized, failed string) {
	t.Helper()
	keys, err := repo.Storage().AssetKeys(t.Context(), []string{asset})
	if err != nil {
		t.Fatal(err)
	}
	sets, err := repo.Storage().PartitionSets(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	if !sets[0].InFlight.IsEmpty() {
		t.Errorf("%s has partitions in flight, and nothing runs: %s", asset, sets[0].InFlight)
	}
	doc, err := repo.Topology()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(doc.Nodes, func(n storage.TopologyNode) bool { return n.Name == asset })
	space := spaceOf(t, repo, doc.Nodes[at].Partitions)
	text := func(set partition.Set) string {
		var texts []string
		for one, err := range space.Texts(set) {
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, strings.ReplaceAll(one, "2026-01-", ""))
		}
		return strings.Join(texts, " ")
	}
	return text(sets[0].Materialized), text(sets[0].Failed)
}

func spaceOf(t *testing.T, repo *rivers.CodeRepository, described *partition.Description) partition.Space {
	t.Helper()
	d, err := described.Definition()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := storage.NewKeyCache(repo.Storage(), 0).Tables(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	space, err := partition.NewSpace(d, soon, tables)
	if err != nil {
		t.Fatal(err)
	}
	return space
}

func expectMade(t *testing.T, repo *rivers.CodeRepository, asset, materialized, failed string) {
	t.Helper()
	if m, f := made(t, repo, asset); m != materialized || f != failed {
		t.Errorf("%s: materialized %q, failed %q; want %q and %q", asset, m, f, materialized, failed)
	}
}

// A function that returns a value is called for each partition, in their order, and sees its own.
func TestFunctionIsCalledForEachPartition(t *testing.T) {
	var n notebook
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays},
		func(ctx *rivers.AssetContext, _ none) (string, error) {
			p := ctx.Partition()
			n.add("%s/%d/%s", p, p.Len(), p.Window().Duration())
			return p.Key().String(), nil
		})
	repo := resolved(t, assets(days))
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-03", "2026-01-05")})
	if err != nil || !res.Success() {
		t.Fatal(err)
	}
	if got := n.take(); got != "2026-01-03/1/24h0m0s 2026-01-04/1/24h0m0s 2026-01-05/1/24h0m0s" {
		t.Error(got)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Partition: aKey("2026-01-08", "2026-01-01")}); err != nil {
		t.Error(err)
	}
	expectMade(t, repo, "days", "01,03..05,08", "")
	v, err := days.Load(t.Context(), repo, rivers.LoadOptions{Partition: day(8)})
	if err != nil || v != "2026-01-08" {
		t.Errorf("the value of the 8th is %q, %v", v, err)
	}
}

// A function whose result is Partitions is called once, and reads and returns several.
func TestFunctionIsCalledForAllPartitions(t *testing.T) {
	var n notebook
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays},
		func(ctx *rivers.AssetContext, _ none) (int, error) { return ctx.Partition().Window().Start.Day(), nil })
	double := rivers.NewAsset(rivers.AssetSpec{Name: "double", Partitions: tenDays},
		func(ctx *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (rivers.Partitions[int], error) {
			n.add("%s of %d", ctx.Partition(), in.Days.Len())
			return rivers.StreamPartitions(func(yield func(rivers.Part[int], error) bool) {
				for p, err := range in.Days.Stream() {
					if p.Key == day(4) {
						err = errors.New("no fourth")
					}
					if !yield(rivers.Part[int]{Key: p.Key, Value: 2 * p.Value}, err) {
						return
					}
				}
			}), nil
		})
	after := rivers.NewAsset(rivers.AssetSpec{Name: "after", Partitions: tenDays},
		func(_ *rivers.AssetContext, in struct{ Double int }) (int, error) { return in.Double + 1, nil })
	repo := resolved(t, assets(days, double, after))
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-03", "2026-01-06")})
	if err == nil || res == nil || res.Status != storage.Failure || !strings.Contains(err.Error(), "1 of 4 partitions failed, first 2026-01-04: no fourth") {
		t.Errorf("%+v, %v", res, err)
	}
	if got := n.take(); got != "2026-01-03..2026-01-06 of 4" {
		t.Error(got)
	}
	expectMade(t, repo, "double", "03,05..06", "04")
	expectMade(t, repo, "after", "03,05..06", "")
	all, err := double.Load(t.Context(), repo, rivers.LoadOptions{Partition: aKey("2026-01-05", "2026-01-03")})
	if err != nil {
		t.Fatal(err)
	}
	if got := maps.Collect(all.All()); len(got) != 2 || got[day(3)] != 6 || got[day(5)] != 10 {
		t.Errorf("loaded %v", got)
	}
}

// What a handler says of a value that one call made for all is said of its partition alone.
func TestPartitionsOfOneCallAreStoredApart(t *testing.T) {
	t.Chdir(t.TempDir())
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays, IOHandler: blob.New("file://./values", blob.Options{})},
		func(ctx *rivers.AssetContext, _ none) (rivers.Partitions[string], error) {
			if err := ctx.MarkPartitionFailed(day(2), errors.New("late")); err != nil {
				return rivers.Partitions[string]{}, err
			}
			return rivers.PartitionsOf(rivers.Part[string]{Key: day(1), Value: "one"}, rivers.Part[string]{Key: day(3), Value: "three"}), nil
		})
	repo := resolved(t, assets(days))
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-01", "2026-01-03")})
	if err == nil || res.Status != storage.Failure || !strings.Contains(err.Error(), "1 of 3 partitions failed, first 2026-01-02: late") {
		t.Errorf("%+v, %v", res, err)
	}
	expectMade(t, repo, "days", "01,03", "02")
	rec, err := repo.Storage().GetAsset(t.Context(), "days")
	if err != nil {
		t.Fatal(err)
	}
	if path, _ := rec.Materialization.Metadata.Text("path"); !strings.HasSuffix(path, "2026-01-03.cbor") {
		t.Errorf("the latest is at %q", path)
	}
}

// What a call that panicked was about has failed: its one partition, or all of them. Of several calls the others go on.
func TestPanicFailsThePartitionsOfItsCall(t *testing.T) {
	repo := resolved(t, assets(
		rivers.NewAsset(rivers.AssetSpec{Name: "each", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (int, error) {
			if ctx.Partition().Key() == day(2) {
				panic("the second")
			}
			return 1, nil
		}),
		rivers.NewAsset(rivers.AssetSpec{Name: "whole", Partitions: tenDays}, func(ctx *rivers.AssetContext, _ none) (rivers.Partitions[int], error) {
			return rivers.StreamPartitions(func(yield func(rivers.Part[int], error) bool) {
				yield(rivers.Part[int]{Key: day(1), Value: 1}, nil)
				panic("after the first")
			}), nil
		}),
	))
	for _, keys := range [][]string{{"2026-01-02"}, {"2026-01-01", "2026-01-02", "2026-01-03"}} {
		res, err := repo.Materialize(t.Context(), rivers.RunRequest{Partition: aKey(keys...)})
		if err == nil || res.Status != storage.Failure {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	expectMade(t, repo, "each", "01,03", "02")
	expectMade(t, repo, "whole", "01", "02..03")
}

// What is loaded of several partitions is loaded when it is asked for, and not kept by a stream.
func TestPartitionsAreLoadedWhenAskedFor(t *testing.T) {
	handler := &countingHandler{}
	var n notebook
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays, IOHandler: handler},
		func(ctx *rivers.AssetContext, _ none) (int, error) { return ctx.Partition().Window().Start.Day(), nil })
	sum := rivers.NewAsset(rivers.AssetSpec{Name: "sum"},
		func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (int, error) {
			n.add("%d before", handler.loads.Load())
			total := 0
			for p, err := range in.Days.Stream() {
				if err != nil {
					return 0, err
				}
				if total += p.Value; p.Key == day(3) {
					break
				}
			}
			n.add("%d after three", handler.loads.Load())
			first, ok := in.Days.Get(day(1))
			again, _ := in.Days.Get(day(1))
			_, there := in.Days.Get(day(20))
			n.add("%d for a kept one, %d %v %d %v", handler.loads.Load(), first, ok, again, there)
			return total, nil
		})
	repo := resolved(t, assets(days, sum))
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"days"}, Range: partition.Range("", "")}); err == nil {
		t.Error("an empty range names nothing, and nothing is said about it")
	}
	res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"days"}, Strategy: rivers.SingleRun()})
	if err != nil || res.Completed != 10 || res.Runs != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"sum"}}); err != nil {
		t.Fatal(err)
	}
	if got := n.take(); got != "0 before 3 after three 4 for a kept one, 1 true 1 false" {
		t.Error(got)
	}
	if v, err := sum.Load(t.Context(), repo, rivers.LoadOptions{}); err != nil || v != 6 {
		t.Errorf("the sum is %d, %v", v, err)
	}
}

// TestStreamGoesOnBehindAMissingPartition streams ten days. Two were never made: the stream yields an error for each
// of them, and the values of the other eight.
func TestStreamGoesOnBehindAMissingPartition(t *testing.T) {
	t.Parallel()
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays},
		func(ctx *rivers.AssetContext, _ none) (int, error) { return ctx.Partition().Window().Start.Day(), nil })
	var missing notebook
	sum := rivers.NewAsset(rivers.AssetSpec{Name: "sum"}, func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (int, error) {
		total := 0
		for p, err := range in.Days.Stream() {
			if errors.Is(err, iohandler.ErrNoValue) {
				missing.add("%s", p.Key)
				continue
			}
			if err != nil {
				return 0, err
			}
			total += p.Value
		}
		return total, nil
	})
	config := assets(days, sum)
	config.DefaultIOHandler = blob.New("file://"+t.TempDir(), blob.Options{})
	repo := resolved(t, config)
	for _, keys := range []partition.KeyRange{partition.Range("2026-01-01", "2026-01-02"), partition.Range("2026-01-05", "2026-01-10")} {
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"days"}, Range: keys}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"sum"}}); err != nil {
		t.Fatal(err)
	}
	if got := valueOf[int](t, repo, "sum"); got != 1+2+5+6+7+8+9+10 {
		t.Errorf("the sum is %d, want that of all that was made", got)
	}
	if got := missing.take(); got != "2026-01-03 2026-01-04" {
		t.Errorf("missing were %q", got)
	}
}

// A value that cannot be loaded while a function reads it fails the step as any input does.
func TestPartitionThatIsNotThereFailsItsReader(t *testing.T) {
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays}, func(*rivers.AssetContext, none) (int, error) { return 1, nil })
	sum := rivers.NewAsset(rivers.AssetSpec{Name: "sum"}, func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (int, error) {
		n := 0
		for _, v := range in.Days.All() {
			n += v
		}
		return n, nil
	})
	share := rivers.NewAsset(
		rivers.AssetSpec{Name: "share", Partitions: tenDays, Deps: []rivers.Dep{{On: "days", Mapping: partition.AllPartitions()}}},
		func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (n int, err error) {
			for range in.Days.All() {
				n++
			}
			return n, nil
		})
	repo := resolved(t, assets(days, sum, share))
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"days"}, Partition: day(1)}); err != nil {
		t.Fatal(err)
	}
	_, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"sum"}})
	var step *rivers.StepError
	if !errors.As(err, &step) || !strings.Contains(err.Error(), `input "days" of 2026-01-02: no value is stored`) || strings.Contains(err.Error(), "panic") ||
		!strings.Contains(step.Hint, `materialize "days" first`) {
		t.Errorf("%v, hint %q", err, step.Hint)
	}
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"share"}, Partition: day(4)}); err == nil {
		t.Error("a share of days that are not there was made")
	}
	expectMade(t, repo, "share", "", "04")
}

// A partition that a function marks fails alone, and what is downstream is not run for it.
func TestMarkedPartitionFailsAlone(t *testing.T) {
	var n notebook
	written := rivers.NewAsset(rivers.AssetSpec{Name: "written", Partitions: tenDays},
		func(ctx *rivers.AssetContext, _ none) (rivers.Materialization, error) {
			err := errors.Join(ctx.MarkPartitionFailed(day(2), errors.New("late")), ctx.MarkPartitionFailed(day(3), errors.New("empty")))
			for _, wrong := range []error{
				ctx.MarkPartitionFailed(day(9), errors.New("not mine")), ctx.MarkPartitionFailed(day(2), nil), ctx.MarkPartitionFailed(aKey("x"), errors.New("no key")),
			} {
				if wrong == nil {
					err = errors.Join(err, errors.New("a mark that makes no sense was taken"))
				}
			}
			return rivers.Materialization{DataVersion: "v1"}, err
		})
	read := rivers.NewAsset(rivers.AssetSpec{Name: "read", Partitions: tenDays, Deps: []rivers.Dep{{On: "written", OrderOnly: true}}},
		func(ctx *rivers.AssetContext, _ none) (int, error) { n.add("%s", ctx.Partition()); return 1, nil })
	repo := resolved(t, assets(written, read))
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-01", "2026-01-04")})
	if err == nil || res.Status != storage.Failure || !strings.Contains(err.Error(), "2 of 4 partitions failed") {
		t.Errorf("%+v, %v", res, err)
	}
	expectMade(t, repo, "written", "01,04", "02..03")
	expectMade(t, repo, "read", "01,04", "")
	if got := n.take(); got != "2026-01-01 2026-01-04" {
		t.Error(got)
	}
	// What is retried is what was not made, in a run of its own.
	again, err := repo.Materialize(t.Context(), rivers.RunRequest{RetryOf: res.RunID})
	if err == nil || again == nil {
		t.Fatalf("%+v, %v", again, err)
	}
	rec, err := repo.Storage().GetRun(t.Context(), again.RunID)
	if err != nil || rec.Partition != "2026-01-02..2026-01-03" {
		t.Errorf("the retry is of %q, %v", rec.Partition, err)
	}
}

// An asset reads its own previous window; before the first there is none. Of days in one run each finds the one
// before, and a day that fails stops those behind it.
func TestSelfDependencyOverPartitions(t *testing.T) {
	broken := true
	running := rivers.NewAsset(rivers.AssetSpec{Name: "running", Partitions: tenDays},
		func(ctx *rivers.AssetContext, in struct{ Self rivers.SelfDependency[int] }) (int, error) {
			if broken && ctx.Partition().Key() == day(6) {
				return 0, errors.New("the sixth is broken")
			}
			before, ok := in.Self.Get()
			if ok != (ctx.Partition().Key() != day(1)) {
				return 0, fmt.Errorf("a value before %s: %v", ctx.Partition(), ok)
			}
			return before + ctx.Partition().Window().Start.Day(), nil
		})
	for name, strategy := range map[string]rivers.BackfillStrategy{"one run": rivers.SingleRun(), "a run for each": rivers.MultiRun()} {
		t.Run(name, func(t *testing.T) {
			broken = true
			repo := resolved(t, assets(running))
			res, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Strategy: strategy, MaxConcurrency: 8})
			if !errors.Is(err, rivers.ErrBackfillFailed) || res.Completed != 5 || res.Failed+res.Canceled != 5 || res.Failed == 0 {
				t.Errorf("%+v, %v", res, err)
			}
			expectMadeOnly(t, repo, "running", "01..05")
			broken = false
			again, err := repo.RerunBackfill(t.Context(), res.ID, rivers.RerunOptions{})
			if err != nil || again.Completed != 5 || again.State != storage.BackfillCompleted {
				t.Errorf("%+v, %v", again, err)
			}
			if v, err := running.Load(t.Context(), repo, rivers.LoadOptions{Partition: day(10)}); err != nil || v != 55 {
				t.Errorf("the tenth is %d, %v", v, err)
			}
			status, err := repo.BackfillStatus(t.Context(), again.ID)
			if err != nil || status.RerunOf != res.ID || status.Request.Tags["rivers/rerun_of"] != res.ID {
				t.Errorf("%+v, %v", status, err)
			}
		})
	}
}

func expectMadeOnly(t *testing.T, repo *rivers.CodeRepository, asset, materialized string) {
	t.Helper()
	if m, _ := made(t, repo, asset); m != materialized {
		t.Errorf("%s: materialized %q, want %q", asset, m, materialized)
	}
}

// A changed definition keeps what was made where the keys mean the same.
func TestChangedDefinitionKeepsWhatWasMade(t *testing.T) {
	store := memory.New()
	run := func(d partition.Definition, f func(*rivers.CodeRepository)) {
		t.Helper()
		repo := rivers.NewCodeRepository(assets(divided[none]("a", d)))
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		f(repo)
		if err := repo.Close(); err != nil {
			t.Error(err)
		}
	}
	materialize := func(key partition.Key) func(*rivers.CodeRepository) {
		return func(repo *rivers.CodeRepository) {
			if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Partition: key}); err != nil {
				t.Fatal(err)
			}
		}
	}
	has := func(want string) func(*rivers.CodeRepository) {
		return func(repo *rivers.CodeRepository) { t.Helper(); expectMadeOnly(t, repo, "a", want) }
	}
	run(tenDays, materialize(day(5)))
	run(partition.Daily(partition.Date(2025, 12, 1), partition.Until(partition.Date(2026, 3, 1))), has("05"))
	run(partition.Hourly(january, partition.Until(partition.Date(2026, 1, 11))), has(""))
	run(partition.Static("x", "y"), materialize(aKey("y")))
	run(partition.Static("new", "y", "x"), has("y"))
	run(tenDays, has("05"))
}

func collectParts(parts iter.Seq2[rivers.Part[int], error]) string {
	var texts []string
	for p, err := range parts {
		texts = append(texts, fmt.Sprintf("%s=%d", p.Key, p.Value))
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	return strings.Join(texts, " ")
}

// Steps of partitions are the same one at a time.
func TestPartitionsInProcess(t *testing.T) {
	c := assets(divided[none]("a", tenDays), divided[struct{ A int }]("b", tenDays))
	c.DefaultExecutor = executor.InProcess()
	repo := resolved(t, c)
	if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-01", "2026-01-03")}); err != nil {
		t.Fatal(err)
	}
	expectMade(t, repo, "b", "01..03", "")
}
