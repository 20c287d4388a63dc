package storagetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/rivers-go/rivers/storage"
)

// workers is how many goroutines write at once, processes how many processes.
const (
	workers   = 8
	processes = 4
)

// crowd runs a workload in several writers and returns how often each thing was won.
type crowd func(f *fixture, work string) (won map[string]int)

// goroutines is a crowd in this process.
func goroutines(f *fixture, work string) map[string]int {
	f.Helper()
	var mu sync.Mutex
	won := map[string]int{}
	f.together(func(worker int) error {
		return workloads[work](workload{Storage: f.Storage, ctx: f.ctx, worker: worker, won: func(what string) {
			mu.Lock()
			defer mu.Unlock()
			won[what]++
		}})
	})
	return won
}

// together runs a function in every worker and ends the test on the first error.
func (f *fixture) together(work func(worker int) error) {
	f.Helper()
	var wg sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wg.Go(func() { errs[w] = work(w) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		f.Fatal(err)
	}
}

// crowdChecks are what must hold when several write at once.
var crowdChecks = []struct {
	name  string
	check func(f *fixture, writers int, do crowd)
}{
	{"Committers", checkCommitters},
	{"CreateOnce", checkCreateOnce},
	{"ClaimOnce", checkClaimOnce},
	{"SlotLimit", checkSlotLimit},
	{"MakeParts", checkMakeParts},
	{"RegisterSame", checkRegisterSame},
	{"ClaimBackfills", checkClaimBackfills},
}

func checkCommitters(f *fixture, writers int, do crowd) {
	do(f, "runs")
	list := must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{Limit: 1000}))
	f.equal("the number of runs", len(list), writers*runsEach)
	for i := range list {
		f.equal("the events of "+list[i].ID, f.numbers(list[i].Key), []int64{1, 2, 3})
	}
}

// checkCreateOnce: each ID has one winner.
func checkCreateOnce(f *fixture, _ int, do crowd) {
	won := do(f, "create")
	for i := range runsShared {
		id := fmt.Sprint(i)
		f.equal("winners of "+id, won[id], 1)
		rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, id))
		f.equal("the value of the winner", string(must[[]byte](f)(f.GetKV(f.ctx, id))), rec.Job)
	}
}

// checkClaimOnce: each run has one new owner, and only that one writes.
func checkClaimOnce(f *fixture, _ int, do crowd) {
	for i := range runsShared {
		f.owned(fmt.Sprint(i), "dead", long)
	}
	won := do(f, "claim")
	for i := range runsShared {
		id := fmt.Sprint(i)
		f.equal("winners of "+id, won[id], 1)
		rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, id))
		f.equal("the token", rec.Token, int64(2))
		events := must[[]storage.Event](f)(f.ListEvents(f.ctx, storage.EventQuery{Run: rec.Key}))
		f.equal("who wrote", fmt.Sprint(events[0].Attempt), rec.Owner)
	}
}

// checkSlotLimit: never are more slots held than there are, and everybody gets some.
func checkSlotLimit(f *fixture, writers int, do crowd) {
	f.pool("db", slotLimit)
	f.pool("api", 1)
	won := do(f, "slots")
	f.equal("the number of grants", len(won), writers*slotRounds)
	f.slots(storage.SlotQuery{}, "")
}
