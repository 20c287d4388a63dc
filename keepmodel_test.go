package rivers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// kept is a pipeline whose history is pruned: feed is external and raw has no partitions, daily reads raw, copied reads daily, total
// reads all of copied. Checks judge raw and total as a whole, and each day of daily. What bodies and checks come to is drawn.
type kept struct {
	store  storage.Storage
	values *iohandler.MemoryHandler
	repo   *rivers.CodeRepository
	days   partition.Definition

	version string          // of the data that is made
	fails   map[string]bool // assets that fail, and checks that do
	says    rivers.CheckResult
}

var keptAssets = []string{"feed", "raw", "daily", "copied", "total"}

func (k *kept) define() *rivers.CodeRepository {
	made := func(name string) (int, error) {
		if k.fails[name] {
			return 0, errors.New("broken")
		}
		return 1, nil
	}
	window := freshness.TimeWindow(36 * time.Hour).WarnAfter(12 * time.Hour)
	feed := rivers.NewExternalAsset(rivers.ExternalAssetSpec{Name: "feed", Freshness: window, Observe: func(*rivers.AssetContext) (rivers.Observation, error) {
		return rivers.Observation{DataVersion: k.version}, nil
	}})
	raw := rivers.NewAsset(rivers.AssetSpec{Name: "raw", Freshness: window, Deps: []rivers.Dep{{On: "feed", OrderOnly: true}}},
		func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			ctx.SetDataVersion(k.version)
			ctx.Log().Info("at work")
			return made("raw")
		})
	daily := rivers.NewAsset(rivers.AssetSpec{Name: "daily", Partitions: k.days}, func(ctx *rivers.AssetContext, _ readsRaw) (int, error) {
		ctx.SetDataVersion(k.version)
		return made("daily")
	})
	copied := rivers.NewAsset(rivers.AssetSpec{Name: "copied", Partitions: k.days}, func(*rivers.AssetContext, struct{ Daily int }) (int, error) { return made("copied") })
	total := rivers.NewAsset(rivers.AssetSpec{Name: "total", Freshness: window}, func(*rivers.AssetContext, struct{ Copied rivers.Partitions[int] }) (int, error) {
		return made("total")
	})
	check := func(spec rivers.CheckSpec) *rivers.Check {
		return rivers.NewCheck(spec, func(*rivers.CheckContext, rivers.NoInput) (rivers.CheckResult, error) {
			_, err := made(spec.Name)
			return k.says, err
		})
	}
	return rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "kept", Assets: []rivers.Asset{feed, raw, daily, copied, total}, DefaultIOHandler: k.values,
		Checks: []*rivers.Check{
			check(rivers.CheckSpec{Name: "whole", Asset: "raw"}), check(rivers.CheckSpec{Name: "each", Asset: "daily", Partitions: k.days}),
			check(rivers.CheckSpec{Name: "right", Asset: "total", Blocking: true}),
		},
	})
}

// act is one of the things that leave history, and how much time passes then. What goes wrong with it is history too.
type act struct {
	verb, asset, version string
	from, to             int
	fails                map[string]bool
	says                 rivers.CheckResult
	passes               time.Duration
}

func drawAct(t *rapid.T) act {
	a := act{
		verb:    rapid.SampledFrom([]string{"make", "make", "make", "check", "observe", "wipe", "mark", "backfill", "stale"}).Draw(t, "act"),
		asset:   rapid.SampledFrom(keptAssets[1:]).Draw(t, "asset"),
		version: rapid.SampledFrom([]string{"1", "2"}).Draw(t, "version"),
		fails:   map[string]bool{},
		says:    rivers.CheckResult{Passed: rapid.Bool().Draw(t, "passed"), Severity: rapid.SampledFrom([]rivers.Severity{"", storage.SeverityWarn}).Draw(t, "severity")},
		passes:  time.Duration(rapid.IntRange(1, 30).Draw(t, "hours")) * time.Hour,
	}
	for range rapid.IntRange(0, 2).Draw(t, "failures") {
		a.fails[rapid.SampledFrom([]string{"raw", "daily", "copied", "total", "whole", "each", "right"}).Draw(t, "fails")] = true
	}
	a.from = rapid.IntRange(1, 4).Draw(t, "from")
	a.to = rapid.IntRange(a.from, 4).Draw(t, "to")
	return a
}

func (k *kept) act(ctx context.Context, a *act) {
	k.version, k.fails, k.says = a.version, a.fails, a.says
	days := partition.Range(fmt.Sprint("2026-01-0", a.from), fmt.Sprint("2026-01-0", a.to))
	req := rivers.RunRequest{Selection: []string{a.asset}}
	if a.asset == "daily" || a.asset == "copied" {
		req.Range = days
	}
	hand := rivers.StateEdit{Selection: req.Selection, Range: req.Range}
	switch a.verb {
	case "make":
		_, _ = k.repo.Materialize(ctx, req)
	case "check":
		req.Checks = storage.ChecksOnly
		_, _ = k.repo.Materialize(ctx, req)
	case "observe":
		_, _ = k.repo.Observe(ctx, "feed")
	case "wipe":
		_, _ = k.repo.Wipe(ctx, hand)
	case "mark":
		_, _ = k.repo.MarkMaterialized(ctx, hand)
	case "backfill":
		_, _ = k.repo.Backfill(ctx, rivers.BackfillRequest{Selection: []string{"daily", "copied"}, Range: days})
	case "stale":
		_, _ = k.repo.Materialize(ctx, rivers.RunRequest{Selection: keptAssets[1:], Stale: true})
	}
	time.Sleep(a.passes)
}

// answers is everything that can be asked about the present, in words; what goes wrong with a question is its answer.
func (k *kept) answers(ctx context.Context, repo *rivers.CodeRepository) string {
	var text strings.Builder
	say := func(what string, v any, err error) {
		doc, wrong := json.Marshal(v)
		fmt.Fprintf(&text, "%s %s %v\n", what, doc, errors.Join(err, wrong))
	}
	statuses, err := repo.Status(ctx, rivers.StatusRequest{})
	say("status", statuses, err)
	for i := range statuses {
		s := &statuses[i]
		sets := []rivers.PartitionCount{s.Materialized, s.Missing, s.Stale, s.UpstreamStale, s.Failed, s.InFlight}
		for _, cause := range s.Causes {
			sets = append(sets, cause.PartitionCount)
		}
		for _, set := range sets {
			data, err := set.Partitions.AppendBinary(nil)
			say(s.Asset, data, err)
		}
	}
	checks, err := repo.CheckStatus(ctx)
	say("checks", checks, err)
	fresh, err := repo.Freshness(ctx, rivers.FreshnessRequest{})
	say("freshness", fresh, err)
	plan, err := repo.Plan(rivers.RunRequest{Selection: keptAssets[1:], Stale: true})
	say("what is stale", plan, err)
	healths, err := repo.Health(ctx, rivers.HealthRequest{})
	say("health", healths, err)
	return text.String()
}

// askers answers from three sides: the repository, a new one, and a new one that finds nothing remembered.
func (k *kept) askers(ctx context.Context) ([]string, error) {
	all := []string{k.answers(ctx, k.repo)}
	for _, forgets := range []bool{false, true} {
		if forgets {
			pairs, err := k.store.ListKV(ctx, "staleness")
			verdicts, wrong := k.store.ListKV(ctx, "verdicts")
			pairs, err = append(pairs, verdicts...), errors.Join(err, wrong)
			for i := range pairs {
				pairs[i].Value = nil
			}
			if err := errors.Join(err, k.store.Commit(ctx, &storage.Batch{KV: pairs})); err != nil {
				return nil, err
			}
		}
		repo := k.define()
		if err := repo.Resolve(ctx, k.store); err != nil {
			return nil, err
		}
		all = append(all, k.answers(ctx, repo))
		if err := repo.Close(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// keptRound is what happens until history is pruned, and how.
type keptRound struct {
	acts  []act
	prune storage.PruneRequest
}

func drawRounds(t *rapid.T) (rounds []keptRound) {
	age := func(what string) time.Duration {
		hours := rapid.IntRange(-3, 60).Draw(t, what)
		if hours < 0 {
			return storage.Forever
		}
		return time.Duration(hours)*time.Hour + 1
	}
	newest := rapid.SampledFrom([]int{-1, 1, 3})
	for range rapid.IntRange(1, 4).Draw(t, "rounds") {
		r := keptRound{prune: storage.PruneRequest{
			Retention: storage.Retention{
				Logs: age("logs"), Steps: age("steps"), AssetEvents: age("events of assets"), NewestAssetEvents: newest.Draw(t, "newest"),
				Evaluations: age("evaluations"), NewestEvaluations: newest.Draw(t, "newest evaluations"),
				Runs: age("runs"), Backfills: age("backfills"), Changes: age("changes"),
			},
			Limit: int64(rapid.SampledFrom([]int{0, 0, 1, 5}).Draw(t, "limit")), Chunk: rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "chunk"),
		}}
		for range rapid.IntRange(1, 8).Draw(t, "acts") {
			r.acts = append(r.acts, drawAct(t))
		}
		rounds = append(rounds, r)
	}
	return rounds
}

// live acts, prunes and asks, and returns what is wrong, and how many rows went of each kind.
func (k *kept) live(ctx context.Context, rounds []keptRound) (gone [storage.PruneKindCount]int64, err error) {
	k.repo = k.define()
	defer k.repo.Close()
	if err := k.repo.Resolve(ctx, k.store); err != nil {
		return gone, err
	}
	for _, r := range rounds {
		for i := range r.acts {
			k.act(ctx, &r.acts[i])
		}
		want := k.answers(ctx, k.repo)
		did, err := k.store.Prune(ctx, r.prune)
		if err != nil {
			return gone, err
		}
		for kind := range did.Kinds {
			gone[kind] += did.Kinds[kind].Rows
		}
		all, err := k.askers(ctx)
		if err != nil {
			return gone, err
		}
		for i, got := range all {
			if got != want {
				return gone, fmt.Errorf("asked %d after %+v:\n%s\nwant\n%s", i, did, got, want)
			}
		}
	}
	return gone, nil
}

// TestPruningChangesNoAnswer prunes at any point of any history, by any ages: everything that can be asked about the present is answered
// as before, by the repository that was there all the time, by one that knows what was remembered, and by one that reads the store anew.
func TestPruningChangesNoAnswer(t *testing.T) {
	t.Parallel()
	var gone [storage.PruneKindCount]int64
	// Backfills are rare in what is drawn, so it is drawn again until each kind went.
	for tries := 0; tries < 5 && slices.Contains(gone[:], 0); tries++ {
		rapid.Check(t, func(rt *rapid.T) {
			rounds := drawRounds(rt)
			var err error
			synctest.Test(t, func(t *testing.T) {
				k := &kept{store: memory.New(), values: iohandler.Memory(), days: partition.Static("2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04")}
				var went [storage.PruneKindCount]int64
				went, err = k.live(t.Context(), rounds)
				for kind := range went {
					gone[kind] += went[kind]
				}
			})
			if err != nil {
				rt.Fatal(err)
			}
		})
	}
	for kind, rows := range gone {
		if rows == 0 {
			t.Errorf("no %s went in any history: it was not looked at", storage.PruneKind(kind))
		}
	}
}
