package rivers_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/iohandler/blob"
	"github.com/rivers-go/rivers/iohandler/parquet"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// IO handlers bring actions to what they store, on a disk and elsewhere.
func TestHandlerActions(t *testing.T) {
	type row struct{ ID int }
	days := partition.Daily(partition.Date(2026, 1, 1), partition.Until(partition.Date(2026, 1, 4)))
	for _, url := range []string{"file://" + t.TempDir(), "mem://"} {
		h := blob.New(url, blob.Options{Prefix: "values"})
		tables := parquet.New(url, parquet.Options{Prefix: "tables"})
		c := assets(
			rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: days, IOHandler: h}, func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }),
			rivers.NewAsset(rivers.AssetSpec{Name: "total", IOHandler: h}, func(*rivers.AssetContext, rivers.NoInput) (string, error) { return "12345", nil }),
			rivers.NewAsset(rivers.AssetSpec{Name: "rows", IOHandler: tables}, func(*rivers.AssetContext, rivers.NoInput) ([]row, error) { return make([]row, 3), nil }),
		)
		repo := resolved(t, c)
		if _, err := repo.Materialize(t.Context(), rivers.RunRequest{Range: partition.Range("2026-01-01", "2026-01-03")}); err != nil {
			t.Fatal(err)
		}
		act := func(name, asset string, r partition.KeyRange) storage.Detail {
			t.Helper()
			res, err := repo.RunAction(t.Context(), rivers.RunActionRequest{Action: name, Selection: []string{asset}, Range: r})
			if err != nil {
				t.Fatal(err)
			}
			run, err := repo.Storage().GetRun(t.Context(), res.RunID)
			if err != nil {
				t.Fatal(err)
			}
			events, err := repo.Storage().ListEvents(t.Context(), storage.EventQuery{Run: run.Key})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range slices.Backward(events) {
				if d, err := storage.ParseDetail(e.Detail); err == nil && d.Action == name {
					return d
				}
			}
			t.Fatalf("%s of %s left no event", name, asset)
			return storage.Detail{}
		}
		count := func(asset string) int64 {
			n, _ := act("list", asset, partition.KeyRange{}).Metadata.Int("objects")
			return n
		}
		if d, n, r := count("days"), count("total"), count("rows"); d != 3 || n != 1 || r != 1 {
			t.Errorf("%s: %d, %d and %d objects, want 3, 1 and 1", url, d, n, r)
		}
		act("delete", "days", partition.Range("2026-01-02", "2026-01-03"))
		if got, _ := made(t, repo, "days"); got != "01" || count("days") != 1 {
			t.Errorf("%s: %s is materialized, and there are %d objects", url, got, count("days"))
		}
		act("compact", "rows", partition.KeyRange{})
		act("delete", "total", partition.KeyRange{})
		rec, err := repo.Storage().GetAsset(t.Context(), "total")
		if err != nil || rec.Materialization != nil || rec.Wipe == nil || rec.Wipe.Action != "delete" {
			t.Errorf("%s: %+v %v", url, rec, err)
		}
		if err := repo.LoadNode(t.Context(), "total", new(string), rivers.LoadOptions{}); !errors.Is(err, iohandler.ErrNoValue) {
			t.Errorf("%s: the error is %v", url, err)
		}
		all, err := repo.Actions("total", "rows")
		if err != nil || len(all) != 5 || !all[0].Handler {
			t.Errorf("%s: %+v %v", url, all, err)
		}
	}
}

// brokenActor is a handler whose action has no function.
type brokenActor struct{ iohandler.Handler }

func (brokenActor) Actions() []iohandler.Action {
	return []iohandler.Action{{ActionSpec: iohandler.ActionSpec{Name: "polish"}}}
}

// The mistakes of an action that a handler brings show when somebody asks for it, as any mistake in a definition.
func TestMistakeInAHandlersActionIsADefinitionError(t *testing.T) {
	broken := brokenActor{iohandler.Memory()}
	one := func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }
	repo := resolved(t, assets(
		rivers.NewAsset(rivers.AssetSpec{Name: "table", IOHandler: broken}, one),
		rivers.NewAsset(rivers.AssetSpec{Name: "days", IOHandler: broken, Partitions: partition.Static("2026-01-01", "2026-01-02")}, one),
	))
	_, runErr := repo.RunAction(t.Context(), rivers.RunActionRequest{Action: "polish", Selection: []string{"table"}})
	_, planErr := repo.Plan(rivers.RunRequest{Action: "polish", Selection: []string{"table"}})
	_, backfillErr := repo.Backfill(t.Context(), rivers.BackfillRequest{Action: "polish", Selection: []string{"days"}, Range: partition.Range("2026-01-01", "2026-01-02")})
	for call, err := range map[string]error{"RunAction": runErr, "Plan": planErr, "Backfill": backfillErr} {
		var mistake *rivers.DefinitionError
		if !errors.As(err, &mistake) || !strings.HasSuffix(mistake.Name, "!polish") || !errors.Is(err, rivers.ErrDefinition) {
			t.Errorf("%s: %v, want a DefinitionError of the action", call, err)
		}
	}
}
