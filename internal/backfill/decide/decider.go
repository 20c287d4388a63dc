package decide

import (
	"iter"
	"maps"
	"slices"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Group is what the same runs make.
type Group struct {
	// Members is how many definitions its runs make, whose losses are kept apart; zero is one.
	Members int
	// Stage orders groups: those of a later stage begin when all of the earlier ones have ended.
	Stage int
	// Chunks yields what of a set is one run each, in the order in which they run.
	Chunks func(set partition.Set) iter.Seq[partition.Set]
	// Reads returns which other partitions of the backfill a chunk reads of its own group, and which
	// partitions of the group read some of those given: what is lost there is lost here. Nil reads
	// nothing.
	Reads func(chunk partition.Set) partition.Set
	// Blocked returns, of each member, which partitions read something that was not made, directly or
	// not: of the groups of earlier stages and of the group itself. Nil reads nothing.
	Blocked func(lost Unmade) []partition.Set
}

// Config is what a backfill is.
type Config struct {
	Groups []Group
	// Partitions are what every group makes.
	Partitions partition.Set
	// Concurrency is how many runs there are at once, Ahead how many are created before they can
	// start.
	Concurrency, Ahead int
	// StopOnFailure starts nothing more once a run has failed.
	StopOnFailure bool
}

// FactKind describes what happened.
type FactKind uint8

// The facts.
const (
	// RunCreated: a run of Members of a group was recorded, for the partitions of Set.
	RunCreated FactKind = iota
	// RunStarted: it is in progress.
	RunStarted
	// RunEnded: it has ended; Losses are what of its Set it did not make.
	RunEnded
	// PartitionsBlocked: partitions of a Member are not made, since what they read was not.
	PartitionsBlocked
	// CancelAsked: somebody asked the backfill to stop.
	CancelAsked
)

// Fact is one thing that happened.
type Fact struct {
	Kind  FactKind
	Group int
	Run   string
	Set   partition.Set
	// Members are those that the run makes, by their number; nil is all.
	Members []int
	// Losses are by member; nil is none.
	Losses []Losses
	Member int
}

// CommandKind describes what the driver is asked to do.
type CommandKind uint8

// The commands. Each is consumed by applying the fact that it leads to.
const (
	// Create a run of Members of a group for the partitions of Set; consumed by RunCreated.
	Create CommandKind = iota
	// Start a run; consumed by RunStarted.
	Start
	// Stop a run that was created or is in progress; consumed by RunEnded.
	Stop
	// Block partitions of a Member; consumed by PartitionsBlocked.
	Block
	// End the backfill; nothing comes after it.
	End
)

// Command is one thing to do now.
type Command struct {
	Kind    CommandKind
	Group   int
	Run     string
	Set     partition.Set
	Members []int // nil is all
	Member  int
	State   storage.BackfillState
}

// Decider is the state of one backfill. It is not safe for concurrent use.
type Decider struct {
	config Config
	groups []groupState
	// runs are those that have not ended, waiting those of them that were created and not started, in
	// the order in which they were created.
	runs    map[string]*run
	waiting []*run
	// count is how many runs there were, running how many are in progress.
	count     int64
	running   int
	canceling bool
	failure   bool
}

// groupState is what has become of a group's partitions: those that were not taken have no run yet.
type groupState struct {
	taken   partition.Gather
	members []memberState
	// pending is what was not taken, known reports whether it was worked out since.
	pending partition.Set
	known   bool
	// open is how many runs have not ended.
	open int
}

type run struct {
	id      string
	group   int
	set     partition.Set
	members []int // nil is all
	started bool
	asked   bool // to stop
}

// New returns the state of a backfill before its first fact.
func New(c Config) *Decider {
	c.Concurrency, c.Ahead = max(c.Concurrency, 1), max(c.Ahead, 1)
	if c.StopOnFailure { // what is created and never started would be a run that was none
		c.Ahead = 1
	}
	d := &Decider{config: c, groups: make([]groupState, len(c.Groups)), runs: map[string]*run{}}
	for g := range d.groups {
		d.groups[g].members = make([]memberState, max(c.Groups[g].Members, 1))
	}
	return d
}

// pending are the partitions of a group that have no run and were not given up in all members.
func (d *Decider) pending(g int) partition.Set {
	s := &d.groups[g]
	if !s.known {
		s.pending, s.known = d.config.Partitions.Minus(s.taken.Set()), true
		given := s.pending
		for m := range s.members {
			given = given.Intersect(s.members[m].given.Set())
		}
		s.pending = s.pending.Minus(given)
	}
	return s.pending
}

// Apply folds one fact. One that the state has already changes nothing.
func (d *Decider) Apply(f Fact) {
	switch f.Kind {
	case RunCreated:
		if d.runs[f.Run] != nil {
			return
		}
		r := &run{id: f.Run, group: f.Group, set: f.Set, members: f.Members}
		d.runs[f.Run], d.waiting = r, append(d.waiting, r)
		d.count++
		g := &d.groups[f.Group]
		g.taken.Add(f.Set)
		g.known = false
		g.open++
	case RunStarted:
		if r := d.runs[f.Run]; r != nil && !r.started {
			r.started = true
			d.running++
			d.leave(r)
		}
	case RunEnded:
		d.end(f)
	case PartitionsBlocked:
		g := &d.groups[f.Group]
		m := &g.members[f.Member]
		blocked := f.Set.Intersect(d.pending(f.Group)).Minus(m.given.Set())
		m.given.Add(blocked)
		g.known = false
	case CancelAsked:
		d.canceling = true
	}
}

// leave takes a run out of those that wait.
func (d *Decider) leave(r *run) {
	if at := slices.Index(d.waiting, r); at >= 0 {
		d.waiting = slices.Delete(d.waiting, at, at+1)
	}
}

func (d *Decider) end(f Fact) {
	r := d.runs[f.Run]
	if r == nil {
		return
	}
	if r.started {
		d.running--
	} else {
		d.leave(r)
	}
	delete(d.runs, f.Run)
	g := &d.groups[r.group]
	g.open--
	for m := range g.members {
		if r.members != nil && !slices.Contains(r.members, m) {
			continue // it was given up before
		}
		var l Losses
		if m < len(f.Losses) {
			l = f.Losses[m]
		}
		g.members[m].run(r.set, &l)
		d.failure = d.failure || !l.Failed.IsEmpty() || !l.Rejected.IsEmpty() || !l.Unchecked.IsEmpty()
	}
}

// stopping reports whether nothing new begins.
func (d *Decider) stopping() bool { return d.canceling || d.failure && d.config.StopOnFailure }

// Canceling reports whether somebody asked the backfill to stop.
func (d *Decider) Canceling() bool { return d.canceling }

// Next appends to buf what should happen now. It changes nothing.
func (d *Decider) Next(buf []Command) []Command {
	if d.stopping() {
		if buf = d.stops(buf); len(d.runs) == 0 {
			buf = append(buf, Command{Kind: End, State: d.state()})
		}
		return buf
	}
	stage, open := d.stage()
	if !open {
		return append(buf, Command{Kind: End, State: d.state()})
	}
	if blocked := d.blocks(stage, buf); len(blocked) > len(buf) {
		return blocked // what else there is to do depends on it
	}
	first := len(buf)
	buf = d.starts(buf)
	starting := len(buf) - first
	buf = d.creates(stage, starting, buf)
	if len(buf) == first && d.running == 0 && len(d.waiting) > 0 { // each waits for another: the first goes
		r := d.waiting[0]
		buf = append(buf, Command{Kind: Start, Group: r.group, Run: r.id, Set: r.set})
	}
	return buf
}

// stage returns the stage at which the backfill is, and false if nothing is left.
func (d *Decider) stage() (stage int, open bool) {
	for g := range d.groups {
		s := d.config.Groups[g].Stage
		if (!open || s < stage) && (d.groups[g].open > 0 || !d.pending(g).IsEmpty()) {
			stage, open = s, true
		}
	}
	return stage, open
}

// stops ends what was created, and on a cancel what runs too.
func (d *Decider) stops(buf []Command) []Command {
	for _, r := range d.waiting {
		if !r.asked {
			buf = append(buf, Command{Kind: Stop, Group: r.group, Run: r.id, Set: r.set})
		}
	}
	if !d.canceling {
		return buf
	}
	for _, id := range slices.Sorted(maps.Keys(d.runs)) {
		if r := d.runs[id]; r.started && !r.asked {
			buf = append(buf, Command{Kind: Stop, Group: r.group, Run: r.id, Set: r.set})
		}
	}
	return buf
}

// Asked notes that a run was asked to stop, so that it is not asked again.
func (d *Decider) Asked(id string) {
	if r := d.runs[id]; r != nil {
		r.asked = true
	}
}

// starts begins created runs, in the order in which they were created, that read nothing that is
// still to be made.
func (d *Decider) starts(buf []Command) []Command {
	free := d.config.Concurrency - d.running
	for _, r := range d.waiting {
		if free <= 0 {
			break
		}
		if d.ready(r.group, r.set) {
			buf = append(buf, Command{Kind: Start, Group: r.group, Run: r.id, Set: r.set})
			free--
		}
	}
	return buf
}

// ready reports whether all that a run of a group reads of the group itself has become something.
func (d *Decider) ready(group int, set partition.Set) bool {
	reads := d.config.Groups[group].Reads
	if reads == nil {
		return true
	}
	needs := reads(set).Minus(set)
	if needs.IsEmpty() {
		return true
	}
	for _, other := range d.runs {
		if other.group == group && !other.set.Intersect(needs).IsEmpty() {
			return false
		}
	}
	return needs.Intersect(d.pending(group)).IsEmpty()
}

// creates takes the next chunks of the stage, as soon as half of those that were created ahead have
// started, or nothing can start without more. One that reads others is taken once those have become
// something, so that it is given up, and is no run, where one of them is lost; of chunks that wait
// for others at the same place, so many are looked at as are created ahead.
func (d *Decider) creates(stage, starting int, buf []Command) []Command {
	if d.config.StopOnFailure && d.running+len(d.waiting) >= d.config.Concurrency {
		return buf
	}
	waiting := len(d.waiting) - starting
	stuck := starting == 0 && d.running == 0
	if waiting > d.config.Ahead/2 && !stuck {
		return buf
	}
	want := d.config.Ahead - waiting
	if stuck {
		want = max(want, d.config.Ahead)
	}
	first := len(buf)
	for g := range d.groups {
		def := &d.config.Groups[g]
		if def.Stage != stage || want <= 0 {
			continue
		}
		pending := d.pending(g)
		if pending.IsEmpty() {
			continue
		}
		waits := 0
		for chunk := range def.Chunks(pending) {
			if !d.ready(g, chunk) {
				if waits++; waits == d.config.Ahead {
					break
				}
				continue
			}
			for set, members := range d.split(g, chunk) {
				buf = append(buf, Command{Kind: Create, Group: g, Set: set, Members: members})
				want--
			}
			if want <= 0 {
				break
			}
		}
	}
	if len(buf) == first && stuck && waiting == 0 {
		return d.createFirst(stage, buf)
	}
	return buf
}

// createFirst takes the first chunk of a stage in which each waits for another.
func (d *Decider) createFirst(stage int, buf []Command) []Command {
	for g := range d.groups {
		if d.config.Groups[g].Stage != stage {
			continue
		}
		for chunk := range d.config.Groups[g].Chunks(d.pending(g)) {
			for set, members := range d.split(g, chunk) {
				buf = append(buf, Command{Kind: Create, Group: g, Set: set, Members: members})
			}
			return buf
		}
	}
	return buf
}

// Progress describes what has become of the partitions: of each in all groups.
func (d *Decider) Progress(count func(partition.Set) int64) storage.BackfillProgress {
	p := storage.BackfillProgress{Runs: d.count}
	var skipped partition.Set
	if len(d.groups) > 0 {
		p.Completed = d.config.Partitions
	}
	for g := range d.groups {
		s := &d.groups[g]
		p.Submitted = p.Submitted.Union(s.taken.Set())
		for m := range s.members {
			of := &s.members[m]
			p.Completed = p.Completed.Intersect(of.made.Set())
			p.Failed = p.Failed.Union(of.failed.Set()).Union(of.rejected.Set()).Union(of.unchecked.Set())
			p.Canceled = p.Canceled.Union(of.canceled.Set())
			skipped = skipped.Union(of.skipped.Set())
		}
	}
	canceled, without := d.givenUp()
	p.Canceled, skipped = p.Canceled.Union(canceled), skipped.Union(without)
	p.Completed = p.Completed.Minus(p.Failed)
	if d.stopping() && len(d.runs) == 0 { // what never began is canceled
		p.Canceled = d.config.Partitions.Minus(p.Completed).Minus(skipped.Minus(p.Canceled))
	}
	p.Canceled = p.Canceled.Minus(p.Failed)
	p.Skipped = skipped.Minus(p.Failed).Minus(p.Canceled)
	p.CompletedCount, p.FailedCount, p.SkippedCount, p.CanceledCount = count(p.Completed), count(p.Failed), count(p.Skipped), count(p.Canceled)
	return p
}

// state is the state in which a backfill ends once nothing is left to do.
func (d *Decider) state() storage.BackfillState {
	if d.canceling {
		return storage.BackfillCanceled
	}
	canceled, _ := d.givenUp()
	lost := !canceled.IsEmpty()
	for g := range d.groups {
		lost = lost || !d.pending(g).IsEmpty()
		for m := range d.groups[g].members {
			s := &d.groups[g].members[m]
			lost = lost || !s.failed.IsEmpty() || !s.canceled.IsEmpty() || !s.rejected.IsEmpty() || !s.unchecked.IsEmpty()
		}
	}
	if lost {
		return storage.BackfillFailed
	}
	return storage.BackfillCompleted
}
