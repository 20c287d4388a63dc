package decide

import (
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// world is a backfill over some days, and what its runs come to.
type world struct {
	*rapid.T

	space  partition.Space
	config Config
	// back says of each group how many days before each member reads of itself, 0 for none; bodies what the function of
	// each member does on each day. The second member of a group reads the first, and all read those of earlier stages.
	back   []int
	bodies [][]map[int]outcome
	// became has what the runs and the decider have made of each member and day.
	became [][]map[int]outcome
	facts  []Fact
	// running and created have the runs in these states.
	running, created map[string]partition.Set
	members          map[string][]int
	group            map[string]int
	settled          []partition.Set // by group
	ran              []partition.Set
	runs             int
}

var first = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(t *rapid.T) *world {
	days := rapid.IntRange(1, 9).Draw(t, "days")
	space, err := partition.NewSpace(partition.Daily(partition.CivilOf(first)), first.AddDate(0, 0, days), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, space: space, running: map[string]partition.Set{}, created: map[string]partition.Set{}, group: map[string]int{}, members: map[string][]int{}}
	w.config = Config{
		Partitions:    space.All(),
		Concurrency:   rapid.IntRange(1, 3).Draw(t, "concurrency"),
		Ahead:         rapid.IntRange(1, 5).Draw(t, "ahead"),
		StopOnFailure: rapid.Bool().Draw(t, "stop on failure"),
	}
	for g := range rapid.IntRange(1, 3).Draw(t, "groups") {
		single := rapid.IntRange(0, 3).Draw(t, "single") == 0
		back := 0
		if !single {
			back = rapid.IntRange(0, 2).Draw(t, "back")
		}
		w.back = append(w.back, back)
		members := rapid.IntRange(1, 2).Draw(t, "members")
		w.bodies, w.became = append(w.bodies, nil), append(w.became, nil)
		for range members {
			does := map[int]outcome{}
			for day := range days {
				does[day] = rapid.SampledFrom([]outcome{made, made, made, made, made, failed, skipped, rejected}).Draw(t, "does")
			}
			w.bodies[g], w.became[g] = append(w.bodies[g], does), append(w.became[g], map[int]outcome{})
		}
		group := Group{Members: members, Stage: rapid.IntRange(0, g).Draw(t, "stage"), Chunks: w.chunks(single)}
		if back > 0 {
			group.Reads = func(chunk partition.Set) partition.Set { return w.shift(chunk, -back) }
		}
		group.Blocked = func(lost Unmade) []partition.Set {
			blocked := make([]partition.Set, members)
			for m := range blocked {
				for h := range w.config.Groups {
					for u := range lost.Lost[h] {
						if w.config.Groups[h].Stage < group.Stage || h == g && u < m {
							blocked[m] = blocked[m].Union(lost.Lost[h][u]).Union(lost.Rejected[h][u])
						}
					}
				}
				for u := range m {
					blocked[m] = blocked[m].Union(blocked[u])
				}
				for range days { // all that follows
					if back > 0 {
						blocked[m] = blocked[m].Union(w.shift(lost.Lost[g][m].Union(blocked[m]), back))
					}
				}
			}
			return blocked
		}
		w.config.Groups = append(w.config.Groups, group)
	}
	w.settled, w.ran = make([]partition.Set, len(w.config.Groups)), make([]partition.Set, len(w.config.Groups))
	return w
}

// shift moves days by a number of days, within the backfill.
func (w *world) shift(set partition.Set, by int) partition.Set {
	var out partition.Set
	for day := range w.days(set) {
		if to := day + by; to >= 0 && int64(to) < w.space.Len() {
			out = out.Union(w.day(to))
		}
	}
	return out
}

func (w *world) days(set partition.Set) map[int]bool {
	found := map[int]bool{}
	for key, err := range w.space.Keys(set) {
		if err != nil {
			w.Fatal(err)
		}
		i, err := w.space.Index(key)
		if err != nil {
			w.Fatal(err)
		}
		found[int(i)] = true
	}
	return found
}

func (w *world) day(i int) partition.Set {
	key, err := w.space.Key(int64(i))
	if err != nil {
		w.Fatal(err)
	}
	set, err := w.space.Set(key)
	if err != nil {
		w.Fatal(err)
	}
	return set
}

// outcome is what becomes of a day of a member.
type outcome int

const (
	none outcome = iota
	made
	failed
	skipped
	canceled
	rejected // made, and a blocking check did not pass
	givenUp  // skipped or canceled
)

// lost reports whether a reader does not find it, and whether that is since there was nothing to make. What reads itself
// does not mind a rejection.
func (o outcome) lost(self bool) (lost, skip bool) {
	return o == failed || o == canceled || o == rejected && !self, o == skipped
}

// should is what becomes of a day of a member, worked out day by day.
func (w *world) should(g, m, day int, known map[[3]int]outcome) outcome {
	at := [3]int{g, m, day}
	if o, ok := known[at]; ok {
		return o
	}
	gone, skip := false, false
	read := func(h, u, day int, self bool) {
		if day < 0 {
			return
		}
		l, s := w.should(h, u, day, known).lost(self)
		gone, skip = gone || l, skip || s
	}
	for h := range w.bodies {
		for u := range w.bodies[h] {
			if w.config.Groups[h].Stage < w.config.Groups[g].Stage || h == g && u < m {
				read(h, u, day, false)
			}
		}
	}
	if back := w.back[g]; back > 0 {
		read(g, m, day-back, true)
	}
	o := w.bodies[g][m][day]
	switch {
	case gone:
		o = canceled
	case skip:
		o = skipped
	}
	known[at] = o
	return o
}

func (w *world) chunks(single bool) func(partition.Set) iter.Seq[partition.Set] {
	return func(set partition.Set) iter.Seq[partition.Set] {
		if single {
			return func(yield func(partition.Set) bool) { yield(set) }
		}
		return w.space.Split(set, "")
	}
}

func (w *world) record(d *Decider, f Fact) {
	w.facts = append(w.facts, f)
	d.Apply(f)
}

// obey does what the decider says, checks it, and reports the end.
func (w *world) obey(d *Decider, cmds []Command) (end *storage.BackfillState) {
	for _, c := range cmds {
		switch c.Kind {
		case Create:
			w.runs++
			id := fmt.Sprintf("r%d", w.runs)
			w.created[id], w.group[id], w.members[id] = c.Set, c.Group, c.Members
			if !c.Set.Intersect(w.ran[c.Group]).IsEmpty() {
				w.Fatalf("a second run of group %d for %s", c.Group, c.Set)
			}
			w.ran[c.Group] = w.ran[c.Group].Union(c.Set)
			w.record(d, Fact{Kind: RunCreated, Group: c.Group, Run: id, Set: c.Set, Members: c.Members})
		case Start:
			w.checkStart(c)
			w.running[c.Run] = c.Set
			delete(w.created, c.Run)
			w.record(d, Fact{Kind: RunStarted, Run: c.Run})
		case Stop:
			d.Asked(c.Run)
			delete(w.running, c.Run)
			delete(w.created, c.Run)
			w.settle(c.Group, c.Set)
			losses := make([]Losses, len(w.bodies[c.Group]))
			for m := range losses {
				losses[m].Canceled = c.Set
			}
			w.record(d, Fact{Kind: RunEnded, Run: c.Run, Losses: losses})
		case Block:
			if c.Set.IsEmpty() {
				w.Fatal("nothing is blocked")
			}
			w.become(c.Group, c.Member, c.Set, givenUp)
			w.record(d, Fact{Kind: PartitionsBlocked, Group: c.Group, Member: c.Member, Set: c.Set})
			w.settleBlocked(c.Group)
		case End:
			return &c.State
		}
	}
	return nil
}

func (w *world) settle(g int, set partition.Set) { w.settled[g] = w.settled[g].Union(set) }

// checkStart requires that a run may begin: there is room, earlier stages are over, and what it reads is settled.
func (w *world) checkStart(c Command) {
	if len(w.running) >= w.config.Concurrency {
		w.Fatalf("run %s starts beside %d, at most %d may", c.Run, len(w.running), w.config.Concurrency)
	}
	for h := range w.config.Groups {
		if w.config.Groups[h].Stage < w.config.Groups[c.Group].Stage && !w.settled[h].Equal(w.config.Partitions) {
			w.Fatalf("run %s of stage %d starts before stage %d is over", c.Run, w.config.Groups[c.Group].Stage, w.config.Groups[h].Stage)
		}
	}
	if back := w.back[c.Group]; back > 0 {
		if needs := w.shift(c.Set, -back).Minus(c.Set); !w.settled[c.Group].Contains(needs) {
			w.Fatalf("run %s starts before what it reads is settled", c.Run)
		}
	}
}

// finish ends one of the runs in progress.
func (w *world) finish(d *Decider) {
	ids := make([]string, 0, len(w.running))
	for id := range w.running {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	id := rapid.SampledFrom(ids).Draw(w.T, "ends")
	set, g := w.running[id], w.group[id]
	delete(w.running, id)
	losses, known := make([]Losses, len(w.bodies[g])), map[[3]int]outcome{}
	for m := range losses {
		if w.members[id] != nil && !slices.Contains(w.members[id], m) {
			continue
		}
		for day := range w.days(set) {
			l, one := &losses[m], w.day(day)
			o := w.should(g, m, day, known)
			switch o {
			case failed:
				l.Failed = l.Failed.Union(one)
			case skipped:
				l.Skipped = l.Skipped.Union(one)
			case canceled:
				l.Canceled = l.Canceled.Union(one)
			case rejected:
				l.Rejected = l.Rejected.Union(one)
			}
			w.become(g, m, one, o)
		}
	}
	w.settle(g, set)
	w.record(d, Fact{Kind: RunEnded, Run: id, Losses: losses})
}

// become notes what has become of days of a member, once.
func (w *world) become(g, m int, set partition.Set, o outcome) {
	for day := range w.days(set) {
		if before := w.became[g][m][day]; before != none {
			w.Fatalf("day %d of member %d of group %d became %d, and becomes %d", day, m, g, before, o)
		}
		w.became[g][m][day] = o
	}
}

// settleBlocked settles the days that all members of a group have an outcome of.
func (w *world) settleBlocked(g int) {
	for day := range int(w.space.Len()) {
		if !slices.ContainsFunc(w.became[g], func(m map[int]outcome) bool { return m[day] == none }) {
			w.settle(g, w.day(day))
		}
	}
}

// A backfill makes each partition once in each group, in order, with so many runs at once, and its counts add up,
// whatever fails and whenever it is canceled. What comes next follows from the facts.
func TestBackfillComesToAnEnd(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		d := New(w.config)
		cancelAt := rapid.IntRange(0, 60).Draw(rt, "cancel at")
		for step := 0; ; step++ {
			if step > 1000 {
				rt.Fatal("it goes on and on")
			}
			if step == cancelAt {
				w.record(d, Fact{Kind: CancelAsked})
			}
			cmds := d.Next(nil)
			if again := d.Next(nil); !sameCommands(cmds, again) {
				rt.Fatalf("asked twice it says %v and %v", cmds, again)
			}
			w.checkReplay(cmds)
			if end := w.obey(d, cmds); end != nil {
				w.checkEnd(d, *end, cancelAt <= step)
				return
			}
			if len(cmds) == 0 {
				if len(w.running) == 0 {
					rt.Fatal("nothing runs, and nothing is to be done")
				}
				w.finish(d)
			}
		}
	})
}

// checkReplay requires a decider that is told the same facts to say the same.
func (w *world) checkReplay(want []Command) {
	d := New(w.config)
	for _, f := range w.facts {
		d.Apply(f)
	}
	if cmds := d.Next(nil); !sameCommands(cmds, want) {
		w.Fatalf("after the same facts it says %v, and said %v", cmds, want)
	}
}

func sameCommands(a, b []Command) bool {
	return slices.EqualFunc(a, b, func(x, y Command) bool {
		return x.Kind == y.Kind && x.Group == y.Group && x.Run == y.Run && x.State == y.State && x.Set.Equal(y.Set)
	})
}

func (w *world) checkEnd(d *Decider, state storage.BackfillState, stopped bool) {
	if len(w.running)+len(w.created) > 0 {
		w.Fatalf("it ends, and %d runs are in progress, %d created", len(w.running), len(w.created))
	}
	p := d.Progress(w.space.Count)
	total := w.space.Len()
	if p.CompletedCount+p.FailedCount+p.SkippedCount+p.CanceledCount != total || p.Runs != int64(w.runs) {
		w.Fatalf("%d completed, %d failed, %d canceled of %d; %d runs, and %d were made", p.CompletedCount, p.FailedCount, p.CanceledCount, total, p.Runs, w.runs)
	}
	if !p.Completed.Intersect(p.Failed).IsEmpty() || !p.Completed.Intersect(p.Canceled).IsEmpty() || !p.Failed.Intersect(p.Canceled).IsEmpty() {
		w.Fatal("a partition is counted twice")
	}
	switch {
	case stopped && state != storage.BackfillCanceled:
		w.Fatalf("it was canceled, and ends %s", state)
	case !stopped && (p.CompletedCount+p.SkippedCount == total) != (state == storage.BackfillCompleted):
		w.Fatalf("%d of %d completed, and it ends %s", p.CompletedCount, total, state)
	}
	if stopped || w.config.StopOnFailure {
		return
	}
	known := map[[3]int]outcome{}
	for day := range int(total) {
		worst := made
		for g := range w.bodies {
			for m := range w.bodies[g] {
				want, got := w.should(g, m, day, known), w.became[g][m][day]
				if got != want && (got != givenUp || want != skipped && want != canceled) {
					w.Fatalf("day %d of member %d of group %d became %d, want %d", day, m, g, got, want)
				}
				if want == rejected {
					want = failed
				}
				for _, o := range []outcome{failed, canceled, skipped, made} { // the worst before
					if want == o || worst == o {
						worst = o
						break
					}
				}
			}
		}
		for o, set := range map[outcome]partition.Set{made: p.Completed, failed: p.Failed, skipped: p.Skipped, canceled: p.Canceled} {
			if has := !set.Intersect(w.day(day)).IsEmpty(); has != (o == worst) {
				w.Fatalf("day %d is worst %d, and among those of outcome %d: %v", day, worst, o, has)
			}
		}
	}
}

// Chunks that read each other in a circle are run all the same: the first one goes.
func TestBackfillCutsACircle(t *testing.T) {
	space, err := partition.NewSpace(partition.Daily(partition.CivilOf(first)), first.AddDate(0, 0, 3), partition.Tables{})
	if err != nil {
		t.Fatal(err)
	}
	d := New(Config{Partitions: space.All(), Concurrency: 4, Ahead: 4, Groups: []Group{{
		Chunks: func(set partition.Set) iter.Seq[partition.Set] { return space.Split(set, "") },
		Reads:  func(partition.Set) partition.Set { return space.All() },
	}}})
	for i, c := range d.Next(nil) {
		d.Apply(Fact{Kind: RunCreated, Run: fmt.Sprint(i), Set: c.Set})
	}
	if cmds := d.Next(nil); len(cmds) != 1 || cmds[0].Kind != Start || cmds[0].Run != "0" {
		t.Errorf("of chunks that wait for each other it says %v, want to start the first", cmds)
	}
}
