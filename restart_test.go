//go:build gate

package rivers_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/postgres/postgrestest"
)

// restarting is a pipeline of four chains, some steps of which hold a slot, and every twelfth of which restarts
// the server that records the run: as its service manager would, and as a power failure would.
func restarting(steps int, server *postgrestest.Server) []rivers.Asset {
	name := func(i int) string { return fmt.Sprintf("a%d", i) }
	var all []rivers.Asset
	for i := range steps {
		spec := rivers.AssetSpec{Name: name(i)}
		if i >= 4 {
			spec.Deps = []rivers.Dep{{On: name(i - 4), OrderOnly: true}}
		}
		if i%5 == 0 {
			spec.Pools = []rivers.Pool{{Name: "narrow"}}
		}
		all = append(all, rivers.NewAsset(spec, func(ctx *rivers.AssetContext, _ rivers.NoInput) (int, error) {
			ctx.Log().Info("at work")
			if i%12 != 5 {
				return i, nil
			}
			stop := server.Stop
			if i%24 == 5 {
				stop = server.Kill
			}
			return i, errors.Join(stop(), server.Start(context.WithoutCancel(ctx)))
		}))
	}
	return all
}

// TestRunSurvivesRestarts restarts PostgreSQL ten times in the middle of a run, from inside its steps: the run succeeds,
// and its records are those of a run that nothing happened to.
func TestRunSurvivesRestarts(t *testing.T) {
	t.Parallel()
	const steps = 120
	var shared postgrestest.Shared
	server := shared.Server(t)
	defer server.Close()
	store, err := postgres.Open(t.Context(), server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	repo := rivers.NewCodeRepository(rivers.RepositoryConfig{
		Name: "restarts", Assets: restarting(steps, server), DefaultExecutor: executor.Parallel(4), PoolLimits: map[string]int{"narrow": 1},
	})
	defer repo.Close()
	if err := repo.Resolve(t.Context(), store); err != nil {
		t.Fatal(err)
	}
	res, err := repo.Materialize(t.Context(), rivers.RunRequest{})
	if err != nil || !res.Success() {
		t.Fatalf("%+v, %v", res, err)
	}
	rec, err := store.GetRun(t.Context(), res.RunID)
	if err != nil || rec.State != storage.Success || rec.Counts.Succeeded != steps {
		t.Fatalf("the run is recorded as %s with %+v, %v", rec.State, rec.Counts, err)
	}
	events, err := store.ListEvents(t.Context(), storage.EventQuery{Run: rec.Key})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[storage.EventKind]int{}
	for i := range events {
		kinds[events[i].Kind]++
	}
	if kinds[storage.StepStarted] != steps || kinds[storage.StepSucceeded] != steps || kinds[storage.RunEnded] != 1 || kinds[storage.RunAdopted] != 0 {
		t.Errorf("the events are %v, want one start and one success a step, and one end", kinds)
	}
	slots, slotErr := store.ListSlots(t.Context(), storage.SlotQuery{})
	found, checkErr := store.Check(t.Context())
	if slotErr != nil || checkErr != nil || len(slots) > 0 || len(found) > 0 {
		t.Errorf("slots %v, faults %q, %v %v", slots, found, slotErr, checkErr)
	}
	lines, err := store.ListLogs(t.Context(), storage.LogQuery{Run: rec.Key})
	if err != nil || len(lines) != steps {
		t.Errorf("%d lines of logs, %v, want one a step", len(lines), err)
	}
}
