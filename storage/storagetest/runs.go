package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/storage"
)

func checkRuns(f *fixture) {
	full := storage.RunRecord{
		ID: "r-1", Location: "shop", Job: "nightly", State: storage.NotStarted,
		Request: storage.RunRequest{
			Selection: []string{"+report", "tag:x"}, IncludeUpstream: true,
			Config: map[string]map[string]any{"users": {"limit": 10.5, "name": "ü", "on": true}},
			Tags:   map[string]string{"team": "a"}, RunID: "r-1",
		},
		Tags:      map[string]string{"team": "a", "owner": "b"},
		CreatedAt: epoch, StartedAt: epoch.Add(time.Second), EndedAt: epoch.Add(time.Minute), Token: 3, Error: "why",
		Counts: storage.StepCounts{Succeeded: 1, Failed: 2, Skipped: 3, Canceled: 4},
		Plan: []storage.PlanStep{
			{Key: "users", Assets: []string{"users"}},
			{Key: "g/t"},
			{Key: "both", Assets: []string{"a", "b"}, After: []int32{0, 1}},
		},
	}
	b := storage.Batch{Runs: []storage.RunRecord{full, {ID: "r-2"}}}
	f.commit(&b)
	if b.Runs[0].Key <= 0 || b.Runs[1].Key <= b.Runs[0].Key {
		f.Fatalf("keys %d and %d do not grow from 1", b.Runs[0].Key, b.Runs[1].Key)
	}
	full.Key = b.Runs[0].Key
	get := must[storage.RunRecord](f)
	f.equal("the whole record", get(f.GetRun(f.ctx, "r-1")), full)
	f.equal("the empty record", get(f.GetRun(f.ctx, "r-2")), storage.RunRecord{ID: "r-2", Key: b.Runs[1].Key})
	_, err := f.GetRun(f.ctx, "r-3")
	f.refused(err, storage.ErrNotFound)

	f.checkPlanSets()
	full.Plan = nil
	list := must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, storage.RunQuery{}))
	f.equal("the list", list[1:], []storage.RunRecord{{ID: "r-2", Key: b.Runs[1].Key}, full})
}

// checkPlanSets has sets of partitions in the documents of a run.
func (f *fixture) checkPlanSets() {
	f.Helper()
	set := keysOf(1, 2, 70)
	b := storage.Batch{Runs: []storage.RunRecord{{
		ID: "sets", Request: storage.RunRequest{Partitions: set}, Plan: []storage.PlanStep{{Key: "a"}, {Key: "b", Partitions: set}},
	}}}
	f.commit(&b)
	rec := must[storage.RunRecord](f)(f.GetRun(f.ctx, "sets"))
	f.equal("the partitions of a request", setText(rec.Request.Partitions), setText(set))
	f.equal("the partitions of a step", setText(rec.Plan[1].Partitions), setText(set))
	f.equal("the partitions of a step without", rec.Plan[0].Partitions.IsEmpty(), true)
}

func checkRunFilters(f *fixture) {
	b := storage.Batch{Runs: []storage.RunRecord{
		{ID: "1", Location: "a", Job: "j", State: storage.Success},
		{ID: "2", Location: "a", Job: "k", State: storage.Running},
		{ID: "3", Location: "b", Job: "j", State: storage.Failure},
		{ID: "4", Location: "b", State: storage.Queued},
	}}
	f.commit(&b)
	for _, c := range []struct {
		q    storage.RunQuery
		want string
	}{
		{storage.RunQuery{}, "4321"},
		{storage.RunQuery{Location: "a"}, "21"},
		{storage.RunQuery{Job: "j"}, "31"},
		{storage.RunQuery{Location: "b", Job: "j"}, "3"},
		{storage.RunQuery{Location: "c"}, ""},
		{storage.RunQuery{States: []storage.RunState{storage.Queued}}, "4"},
		{storage.RunQuery{States: []storage.RunState{storage.Success, storage.Failure}}, "31"},
		{storage.RunQuery{States: []storage.RunState{}}, "4321"},
		{storage.RunQuery{Location: "a", Job: "k", States: []storage.RunState{storage.Running}}, "2"},
		{storage.RunQuery{Location: "a", Limit: 1}, "2"},
		{storage.RunQuery{Before: b.Runs[2].Key}, "21"},
		{storage.RunQuery{Before: b.Runs[0].Key}, ""},
	} {
		var got strings.Builder
		for _, r := range must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, c.q)) {
			got.WriteString(r.ID)
		}
		f.equal(fmt.Sprintf("%+v", c.q), got.String(), c.want)
	}
}

// checkRunStates asks for the runs in every set of states, of a job and of a repository or not,
// with and without owners, in pages of all sizes: a backend may have another way to each.
func checkRunStates(f *fixture) {
	b := storage.Batch{Lease: long}
	for i := range 48 {
		rec := storage.RunRecord{
			ID: fmt.Sprintf("r%02d", i), State: storage.RunState(i * 5 % 6),
			Job: []string{"", "j", "k"}[i%3], Location: []string{"a", "b"}[i/6%2],
		}
		if !rec.State.Terminal() && i%4 > 0 {
			rec.Owner = "somebody"
		}
		b.Runs = append(b.Runs, rec)
	}
	f.commit(&b)
	for bits := range 1 << (storage.Canceled + 1) {
		q := storage.RunQuery{Limit: 1 + bits%7}
		for state := storage.Queued; state <= storage.Canceled; state++ {
			if bits>>state&1 == 1 {
				q.States = append(q.States, state)
			}
		}
		for _, q.Location = range []string{"", "b"} {
			for _, q.Job = range []string{"", "j", "nobody's"} {
				for _, q.Owned = range []bool{false, true} {
					f.equal(fmt.Sprintf("%+v", q), f.runPages(q), selected(b.Runs, &q))
				}
			}
		}
	}
}

// runPages lists all runs of a query, page by page.
func (f *fixture) runPages(q storage.RunQuery) string {
	f.Helper()
	var ids []string
	for {
		page := must[[]storage.RunRecord](f)(f.ListRuns(f.ctx, q))
		for i := range page {
			ids = append(ids, page[i].ID)
		}
		if len(page) < q.Limit {
			return strings.Join(ids, " ")
		}
		q.Before = page[len(page)-1].Key
	}
}

// selected is what a query without a limit selects.
func selected(runs []storage.RunRecord, q *storage.RunQuery) string {
	var ids []string
	for i := range slices.Backward(runs) {
		r := &runs[i]
		if (len(q.States) == 0 || slices.Contains(q.States, r.State)) && (q.Location == "" || q.Location == r.Location) &&
			(q.Job == "" || q.Job == r.Job) && (!q.Owned || r.Owner != "") {
			ids = append(ids, r.ID)
		}
	}
	return strings.Join(ids, " ")
}

func checkRunPages(f *fixture) {
	var b storage.Batch
	for i := range 120 {
		b.Runs = append(b.Runs, storage.RunRecord{ID: fmt.Sprintf("r%03d", i)})
	}
	f.commit(&b)
	list := must[[]storage.RunRecord](f)
	f.equal("the length of a list without a limit", len(list(f.ListRuns(f.ctx, storage.RunQuery{}))), 100)
	q := storage.RunQuery{Limit: 50}
	var got []string
	for {
		page := list(f.ListRuns(f.ctx, q))
		for i := range page {
			got = append(got, page[i].ID)
		}
		if len(page) < q.Limit {
			break
		}
		q.Before = page[len(page)-1].Key
	}
	f.equal("the number of runs in pages", len(got), 120)
	f.equal("the newest", got[0], "r119")
	f.equal("the oldest", got[119], "r000")
}

func checkRunUpdates(f *fixture) {
	fence := f.run("r")
	get := func() storage.RunRecord { f.Helper(); return must[storage.RunRecord](f)(f.GetRun(f.ctx, "r")) }
	want := get()

	start := epoch.Add(time.Second)
	f.commit(&storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{
		{Run: fence.Run, State: storage.NotStarted, At: epoch}, {Run: fence.Run, State: storage.Running, At: start},
	}})
	want.State, want.StartedAt = storage.Running, start
	f.equal("a started run", get(), want)

	end := epoch.Add(time.Minute)
	counts := storage.StepCounts{Succeeded: 5, Failed: 1, Skipped: 2}
	f.commit(&storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{
		{Run: fence.Run, State: storage.Failure, At: end, Error: "step broke", Counts: counts},
	}})
	want.State, want.EndedAt, want.Error, want.Counts = storage.Failure, end, "step broke", counts
	f.equal("an ended run", get(), want)
}

// checkPlanLater has runs that were recorded before they were planned.
func checkPlanLater(f *fixture) {
	for i, steps := range []int{2, 2000} {
		id := fmt.Sprint(i)
		fence := f.run(id)
		var plan []storage.PlanStep
		for s := range steps {
			plan = append(plan, storage.PlanStep{Key: fmt.Sprintf("step_%d", s)})
		}
		f.commit(&storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Running, At: epoch, Plan: plan}}})
		f.commit(&storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Running, At: epoch}}})
		f.equal(fmt.Sprintf("a plan of %d steps", steps), must[storage.RunRecord](f)(f.GetRun(f.ctx, id)).Plan, plan)
	}
	// A plan replaces the one before it, however long each is.
	fence := f.run("planned anew")
	for _, steps := range []int{2000, 1, 2000, 0, 3} {
		plan := make([]storage.PlanStep, steps)
		for s := range plan {
			plan[s].Key = fmt.Sprintf("of_%d_%d", steps, s)
		}
		f.commit(&storage.Batch{Fence: fence, RunUpdates: []storage.RunUpdate{{Run: fence.Run, State: storage.Running, At: epoch, Plan: plan}}})
		if got := must[storage.RunRecord](f)(f.GetRun(f.ctx, "planned anew")).Plan; len(got) != steps || steps > 0 && got[0].Key != plan[0].Key {
			f.Errorf("a plan of %d steps after others is read as %d", steps, len(got))
		}
	}
}

// checkLongPlan has a plan that a backend may keep elsewhere.
func checkLongPlan(f *fixture) {
	rec := storage.RunRecord{ID: "long", Token: 1}
	for i := range 5000 {
		rec.Plan = append(rec.Plan, storage.PlanStep{Key: fmt.Sprintf("step_%d", i), Assets: []string{fmt.Sprintf("asset_%d", i)}})
	}
	b := storage.Batch{Runs: []storage.RunRecord{rec}}
	f.commit(&b)
	rec.Key = b.Runs[0].Key
	f.equal("the long plan", must[storage.RunRecord](f)(f.GetRun(f.ctx, "long")), rec)
}
