package decidetest

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// World drives a decider and keeps the events, from which the model answers the same questions.
type World struct {
	t      *rapid.T
	work   decide.Work
	d      *decide.Decider
	events []decide.Event
	now    storage.Micros
}

// Run drives a new run of w to its end, with failures, skips, crashes, cancels and late reports.
func Run(t *rapid.T, w decide.Work) {
	world := &World{t: t, work: w, d: decide.New(w), now: 1}
	for turn := 0; !world.d.Ended(); turn++ {
		if turn > 5000 {
			t.Fatalf("the run does not end: next %v, wake %d, events %v", world.d.Next(world.now, nil), world.d.Wake(world.now), world.events)
		}
		world.turn(turn)
	}
	world.checkEnd()
}

// Resume drives a run from a prefix of its events to its end, as another process would.
func Resume(t *rapid.T, w decide.Work, prefix []decide.Event) {
	world := &World{t: t, work: w, d: decide.Replay(w, prefix), events: slices.Clone(prefix), now: prefix[len(prefix)-1].At}
	world.crash()
	for turn := 0; !world.d.Ended(); turn++ {
		if turn > 500 {
			t.Fatalf("the run does not end: next %v, events %v", world.d.Next(world.now, nil), world.events)
		}
		cmds := world.next()
		for _, c := range cmds {
			world.obey(c)
		}
		if len(cmds) > 0 {
			continue
		}
		m := look(w, world.events)
		if len(m.claims) > 0 && turn%2 == 0 {
			world.grant()
		} else if running := world.d.InProgress(nil); len(running) > 0 {
			s := running[turn%len(running)]
			world.finish(s, m.attempts[s])
		} else if at := world.d.Wake(world.now); at > 0 {
			world.now = at
		}
	}
	world.checkEnd()
	CheckOnce(t, world.events, len(prefix))
}

func (w *World) record(e decide.Event) {
	e.At = w.now
	w.events = append(w.events, e)
	w.d.Apply(e)
}

func (w *World) fact(f storage.Fact) { w.record(decide.Event{Fact: f}) }

// next asks twice, asks a replay, and requires the same answer.
func (w *World) next() []decide.Command {
	got := w.d.Next(w.now, nil)
	if again := w.d.Next(w.now, nil); !slices.Equal(got, again) {
		w.t.Fatalf("asked twice: %v, then %v", got, again)
	}
	if replayed := decide.Replay(w.work, w.events).Next(w.now, nil); !slices.Equal(got, replayed) {
		w.t.Fatalf("after %d events: %v, a replay answers %v", len(w.events), got, replayed)
	}
	return got
}

func (w *World) obey(c decide.Command) {
	switch c.Kind {
	case decide.Start:
		w.checkStart(c)
	case decide.Skip:
		w.checkBlocked(c)
	}
	w.record(c.Consume())
	switch c.Kind {
	case decide.Start:
		w.checkCapacity()
	case decide.Claim:
		w.checkClaim(c)
	}
}

// finish gives a running step a random outcome.
func (w *World) finish(s, attempt int32) {
	m := look(w.work, w.events)
	f := storage.Fact{Step: s, Attempt: attempt}
	planned := m.planned(s) == s
	if planned && w.work.Assignment != nil && m.partitioned(s) || planned && m.isCheck(s) {
		w.finishParts(m, f)
		return
	}
	mapped := planned && w.work.Plan.Steps[s].Mapped
	switch roll := rapid.IntRange(0, 9).Draw(w.t, "outcome"); {
	case roll < 6 && mapped:
		f.Kind, f.Cause = storage.StepExpanded, int32(rapid.IntRange(0, 5).Draw(w.t, "instances"))
		if e, again := m.expanded[s]; again {
			f.Cause = e[1]
		}
	case roll < 6:
		f.Kind = storage.StepSucceeded
	case roll == 6:
		f.Kind = storage.StepFailed
	case roll == 7:
		f.Kind, f.Cause = storage.StepSkipped, s
	default:
		f.Kind, f.RetryAt = storage.StepFailed, w.now+storage.Micros(rapid.IntRange(1, 30).Draw(w.t, "delay"))
	}
	w.fact(f)
}

// finishParts finishes some partitions one by one, or evaluates a check, before the attempt ends.
func (w *World) finishParts(m model, f storage.Fact) {
	left := partition.Set{}
	if m.partitioned(f.Step) {
		left, _ = m.left(f.Step)
	}
	rejected := false
	made := partition.Set{}
	for _, part := range w.pieces(f.Step, left) {
		switch e := (decide.Event{Fact: f, Partitions: part}); rapid.IntRange(0, 5).Draw(w.t, "partition") {
		case 0: // it fails, or is skipped by its body
		case 1:
			if m.isCheck(f.Step) {
				e.Kind, e.Status, e.Rejected, rejected = storage.CheckEvaluated, uint8(storage.CheckFailed), true, true
				w.record(e)
			}
		default:
			e.Kind = storage.AssetMaterialized
			if m.isCheck(f.Step) {
				e.Kind, e.Status = storage.CheckEvaluated, uint8(storage.CheckSucceeded)
			}
			w.record(e)
			made = made.Union(part)
		}
	}
	silent := m.partitioned(f.Step) && w.d.Partitions().MakesNoAsset(f.Step) // its success alone describes what it made
	switch roll := rapid.IntRange(0, 9).Draw(w.t, "outcome"); {
	case roll == 9 && !rejected:
		f.Kind, f.RetryAt = storage.StepFailed, w.now+storage.Micros(rapid.IntRange(1, 30).Draw(w.t, "delay"))
	case roll == 8:
		f.Kind, f.Cause = storage.StepSkipped, f.Step
	case roll > 5 || rejected || silent && made.IsEmpty():
		f.Kind = storage.StepFailed
		if m.partitioned(f.Step) {
			f.Cause = 1
		}
	default:
		f.Kind = storage.StepSucceeded
	}
	e := decide.Event{Fact: f}
	if silent && f.Kind == storage.StepSucceeded {
		e.Partitions = made
	}
	w.record(e)
}

// pieces are the partitions of a step one by one; a step without is one empty piece.
func (w *World) pieces(s int32, left partition.Set) []partition.Set {
	if w.work.Assignment == nil || w.work.Partitions[s].IsEmpty() {
		return []partition.Set{{}}
	}
	slice, err := w.work.Assignment.Slice(s, left)
	if err != nil {
		w.t.Fatal(err)
	}
	var pieces []partition.Set
	for key, err := range slice.Keys() {
		if err != nil {
			w.t.Fatal(err)
		}
		one, err := w.work.Assignment.SliceOf(s, key)
		if err != nil {
			w.t.Fatal(err)
		}
		pieces = append(pieces, one.Set())
	}
	return pieces
}

// grant answers one of the claims: slots, or none in time.
func (w *World) grant() {
	m := look(w.work, w.events)
	var waiting []int32
	for s, granted := range m.claims {
		if !granted {
			waiting = append(waiting, s)
		}
	}
	if len(waiting) == 0 {
		return
	}
	slices.Sort(waiting)
	s := rapid.SampledFrom(waiting).Draw(w.t, "who claims")
	f := storage.Fact{Kind: decide.StepClaimed, Step: s, Attempt: m.attempts[s] + 1}
	if rapid.IntRange(0, 7).Draw(w.t, "in time") == 0 {
		f.Kind = storage.StepFailed
		if rapid.Bool().Draw(w.t, "again") {
			f.RetryAt = w.now + 5
		} else if m.planned(s) == s && m.partitioned(s) {
			f.Cause = 1
		}
	}
	w.fact(f)
}

// stored are the events without those of slots, which a crash loses.
func stored(events []decide.Event) []decide.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e decide.Event) bool { return e.Kind >= decide.StepClaiming })
}

// crash loses the process: nothing runs, and some values died with it.
func (w *World) crash() {
	defer func() {
		got, want := w.d.Next(w.now, nil), decide.Replay(w.work, stored(w.events)).Next(w.now, nil)
		if !slices.Equal(got, want) {
			w.t.Fatalf("after a crash: %v, the stored events give %v", got, want)
		}
	}()
	w.fact(storage.Fact{Kind: storage.RunAdopted, Step: storage.NoStep})
	m := look(w.work, w.events)
	for s := range m.steps() {
		if m.outcome[s] == storage.StepSucceeded && rapid.IntRange(0, 4).Draw(w.t, "lost") == 0 {
			if _, unfolded := m.expanded[s]; !unfolded {
				w.fact(storage.Fact{Kind: storage.StepReopened, Step: s})
			}
		}
	}
}

func (w *World) turn(turn int) {
	cmds := w.next()
	running := w.d.InProgress(nil)
	choices := []string{"obey", "obey", "obey", "finish", "finish", "grant"}
	if turn < 60 { // later no more accidents, so that every run ends
		choices = append(choices, "crash", "cancel", "late")
	}
	switch rapid.SampledFrom(choices).Draw(w.t, "turn") {
	case "obey":
		for _, c := range cmds {
			w.obey(c)
			if rapid.Bool().Draw(w.t, "stop here") {
				return
			}
		}
	case "finish":
		if len(running) > 0 {
			s := rapid.SampledFrom(running).Draw(w.t, "which")
			w.finish(s, look(w.work, w.events).attempts[s])
		} else if at := w.d.Wake(w.now); len(cmds) == 0 && at > 0 {
			w.now = at
		}
	case "grant":
		w.grant()
	case "crash":
		if rapid.IntRange(0, 3).Draw(w.t, "really") == 0 {
			w.crash()
		}
	case "cancel":
		if rapid.IntRange(0, 9).Draw(w.t, "really") == 0 {
			w.fact(storage.Fact{Kind: storage.RunCanceling, Step: storage.NoStep})
		}
	case "late": // a former attempt reports: it must change nothing
		if len(w.work.Plan.Steps) > 0 {
			s := int32(rapid.IntRange(0, len(w.work.Plan.Steps)-1).Draw(w.t, "which"))
			late := decide.Event{Fact: storage.Fact{Kind: storage.StepSucceeded, Step: s, Attempt: 99}, Partitions: w.d.Partitions().Assigned(s)}
			w.d.Apply(late)
		}
	}
}
