package decide_test

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/internal/plan/plantest"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

var update = flag.Bool("update", false, "write the answers of the scripts as they are now")

// The scripts in testdata: "run" plans a graph, and each command after it is a fact, or lets
// time pass. The answer to each is what should happen next:
//
//	start x#2            attempt 2 of x; "start" as a command obeys every such answer
//	skip y because b     y is not run, and the failure of b is why
//	wake +10s            nothing to start before a retry is due
//	end failure
//
// Where steps are divided ("run of mon..wed", all days if it says none), "make users mon" and "pass users:even mon" say which
// partitions an attempt has come to so far; "succeed" makes all that is left where it came to none one by one, and what a step that
// ended has not made is lost to what reads it:
//
//	start mails#1 of mon,wed     what reads the lost ones is left out
//	skip report because users:even, which lacks tue
//
// "obey" records every command that is due, again and again until only finishing steps could bring
// new ones, and answers what it did.
func TestDeciderScripts(t *testing.T) {
	plantest.Run(t, "testdata/*.txt", *update, func(t *testing.T) func(plantest.Block) string {
		s := &script{}
		return func(b plantest.Block) string {
			answer, err := s.do(b)
			if err != nil {
				t.Fatalf("line %d, %q: %v", b.Line, b.Command, err)
			}
			return answer
		}
	})
}

type script struct {
	plan     *plan.Plan
	d        *decide.Decider
	events   []decide.Event
	attempts map[int32]int32
	now      storage.Micros
	work     decide.Work
	// apart has the steps that came to partitions one by one.
	apart map[int32]bool
}

func (s *script) do(b plantest.Block) (string, error) {
	words := strings.Fields(b.Command)
	switch words[0] {
	case "run":
		return s.run(b.Input, words[1:])
	case "obey":
		return s.obey(), nil
	case "time":
		d, err := time.ParseDuration(strings.TrimPrefix(words[1], "+"))
		s.now += storage.Micros(d.Microseconds())
		return s.next(), err
	case "make", "pass":
		return s.make(words)
	case "adopt":
		s.record(decide.Event{Fact: storage.Fact{Kind: storage.RunAdopted, Step: storage.NoStep}})
	case "cancel":
		s.record(decide.Event{Fact: storage.Fact{Kind: storage.RunCanceling, Step: storage.NoStep}})
	default:
		f, err := s.fact(words)
		if err != nil {
			return "", err
		}
		s.record(decide.Event{Fact: f})
	}
	return s.next(), nil
}

// run begins a run of everything: "run workers=2", "run in_process".
func (s *script) run(assets string, words []string) (string, error) {
	g, err := plantest.Graph(assets)
	if err != nil {
		return "", err
	}
	o, days := plan.Options{Workers: 4}, ""
	for i, word := range words {
		switch {
		case word == "in_process":
			o.Executor = executor.InProcess()
		case word == "of":
			continue
		case i > 0 && words[i-1] == "of":
			days = word
		default:
			if o.Workers, err = strconv.Atoi(strings.TrimPrefix(word, "workers=")); err != nil {
				return "", err
			}
		}
	}
	s.plan = plan.New(g, o)
	*s = script{plan: s.plan, work: decide.Work{Plan: s.plan}, attempts: map[int32]int32{}, now: 1, apart: map[int32]bool{}}
	if s.plan.HasPartitions() {
		if s.work.Assignment, err = plantest.Assign(s.plan, days); err != nil {
			return "", err
		}
		s.work.Partitions = s.work.Assignment.Sets
	}
	s.d = decide.New(s.work)
	return s.next(), nil
}

// make notes partitions that an attempt has come to, and that are made, or passed.
func (s *script) make(words []string) (string, error) {
	if len(words) != 3 {
		return "", fmt.Errorf("want a step and partitions behind %q", words[0])
	}
	step, err := s.find(words[1])
	if err != nil {
		return "", err
	}
	set, err := plantest.Keys(s.work.Assignment, s.plan, step, words[2])
	if err != nil {
		return "", err
	}
	left, _, err := s.d.Partitions().Left(step)
	if err != nil {
		return "", err
	}
	if !left.Contains(set) {
		return "", fmt.Errorf("%s are not left of %q", words[2], words[1])
	}
	e := decide.Event{Fact: storage.Fact{Kind: storage.AssetMaterialized, Step: step, Attempt: s.attempts[step]}, Partitions: set}
	if words[0] == "pass" {
		e.Kind, e.Status = storage.CheckEvaluated, uint8(storage.CheckSucceeded)
	}
	s.apart[step] = true
	s.record(e)
	return s.next(), nil
}

// came adds what the driver adds for a step with partitions where an attempt ends.
func (s *script) came(e *decide.Event) {
	if e.Step < 0 || int(e.Step) >= len(s.plan.Steps) || !s.d.Partitions().Has(e.Step) {
		return
	}
	switch {
	case e.Kind == storage.StepSucceeded && !s.apart[e.Step] && s.plan.Graph.Node(s.plan.Steps[e.Step].Node).Kind == graph.Check:
		left, _, err := s.d.Partitions().Left(e.Step)
		if err == nil {
			f := e.Fact
			f.Kind, f.Status = storage.CheckEvaluated, uint8(storage.CheckSucceeded)
			s.record(decide.Event{Fact: f, Partitions: left})
		}
	case e.Kind == storage.StepSucceeded && !s.apart[e.Step]:
		if left, _, err := s.d.Partitions().Left(e.Step); err == nil {
			e.Partitions = left
		}
	case e.Kind == storage.StepFailed && e.RetryAt == 0:
		e.Cause = 1
	}
}

// fact reads "fail a retry in 10s", "succeed each[2]", "expand m 3", "succeed a#1" for an attempt
// that is not the present one.
func (s *script) fact(words []string) (storage.Fact, error) {
	if len(words) < 2 {
		return storage.Fact{}, fmt.Errorf("want a step behind %q", words[0])
	}
	name, ordinal, old := strings.Cut(words[1], "#")
	step, err := s.find(name)
	if err != nil {
		return storage.Fact{}, err
	}
	f := storage.Fact{Step: step, Attempt: s.attempts[step]}
	if old {
		n, err := strconv.Atoi(ordinal)
		if err != nil {
			return f, err
		}
		f.Attempt = int32(n)
	}
	switch words[0] {
	case "start":
		f.Kind, f.Attempt = storage.StepStarted, s.attempts[step]+1
	case "succeed":
		f.Kind = storage.StepSucceeded
	case "fail":
		f.Kind = storage.StepFailed
		if len(words) == 5 { // fail a retry in 10s
			d, err := time.ParseDuration(words[4])
			f.RetryAt = s.now + storage.Micros(d.Microseconds())
			return f, err
		}
	case "skip":
		f.Kind, f.Cause = storage.StepSkipped, step
	case "stop":
		f.Kind = storage.StepCanceled
	case "reopen":
		f.Kind = storage.StepReopened
	case "reuse":
		f.Kind, f.Attempt = storage.StepReused, 0
		if len(words) == 3 { // reuse each 4
			n, err := strconv.Atoi(words[2])
			f.Cause = int32(n)
			return f, err
		}
	case "grant":
		f.Kind, f.Attempt = decide.StepClaimed, s.attempts[step]+1
	case "refuse":
		f.Kind, f.Attempt = storage.StepFailed, s.attempts[step]+1
		s.attempts[step]++
	case "expand":
		n, err := strconv.Atoi(words[2])
		f.Kind, f.Cause = storage.StepExpanded, int32(n)
		return f, err
	default:
		return f, fmt.Errorf("want run, obey, make, pass, start, grant, refuse, succeed, fail, skip, stop, reopen, reuse, expand, cancel, adopt or time")
	}
	return f, nil
}

func (s *script) record(e decide.Event) {
	e.At = s.now
	if e.Kind == storage.StepStarted {
		s.attempts[e.Step] = e.Attempt
		delete(s.apart, e.Step)
	}
	s.came(&e)
	s.events = append(s.events, e)
	s.d.Apply(e)
}

// obey records what the commands lead to until there is none.
func (s *script) obey() string {
	var did []string
	for {
		cmds := s.d.Next(s.now, nil)
		for _, c := range cmds {
			did = append(did, s.command(c))
			s.record(c.Consume())
		}
		if len(cmds) == 0 {
			return strings.Join(append(did, s.waiting()...), "\n")
		}
	}
}

// next says what should happen, and requires that a replay says the same.
func (s *script) next() string {
	var said, again []string
	for _, c := range s.d.Next(s.now, nil) {
		said = append(said, s.command(c))
	}
	for _, c := range decide.Replay(s.work, s.events).Next(s.now, nil) {
		again = append(again, s.command(c))
	}
	answer := strings.Join(said, "\n")
	if replayed := strings.Join(again, "\n"); replayed != answer {
		return fmt.Sprintf("%s\nBUT A REPLAY SAYS\n%s", answer, replayed)
	}
	return strings.Join(append(said, s.waiting()...), "\n")
}

// waiting says what runs and when the next retry is due.
func (s *script) waiting() []string {
	var said, running []string
	for _, step := range s.d.InProgress(nil) {
		running = append(running, s.key(step))
	}
	if len(running) > 0 {
		said = append(said, "running "+strings.Join(running, ", "))
	}
	if at := s.d.Wake(s.now); at > 0 {
		said = append(said, fmt.Sprintf("wake +%s", time.Duration(at-s.now)*time.Microsecond))
	}
	if s.d.Ended() {
		said = append(said, "ended")
	}
	return said
}

func (s *script) command(c decide.Command) string {
	switch c.Kind {
	case decide.Start:
		of := ""
		if int(c.Step) < len(s.plan.Steps) && s.d.Partitions().Has(c.Step) {
			left, _, err := s.d.Partitions().Left(c.Step)
			if err != nil {
				return err.Error()
			}
			of = " of " + s.words(c.Step, left)
		}
		return fmt.Sprintf("start %s#%d%s", s.key(c.Step), c.Attempt, of)
	case decide.Claim:
		return fmt.Sprintf("claim for %s#%d", s.key(c.Step), c.Attempt)
	case decide.Skip:
		why := fmt.Sprintf("skip %s because %s", s.key(c.Step), s.key(c.Cause))
		if s.d.Status(c.Step) != decide.Skipped { // it could start, were it not for the partitions
			why += ", which lacks " + s.words(c.Cause, s.d.Partitions().Lost(c.Cause))
		}
		return why
	case decide.Cancel:
		return "cancel " + s.key(c.Step)
	default:
		return "end " + c.State.String()
	}
}

// words says which partitions of a step a set is.
func (s *script) words(step int32, set partition.Set) string {
	words, err := plantest.Describe(s.work.Assignment, s.plan, step, set)
	if err != nil {
		return err.Error()
	}
	return words
}

func (s *script) key(step int32) string {
	mapped, pos, instance := s.d.Instance(step)
	if instance {
		return fmt.Sprintf("%s[%d]", s.plan.Key(mapped), pos)
	}
	return s.plan.Key(step)
}

func (s *script) find(name string) (int32, error) {
	base, index, instance := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	for step := range int32(len(s.plan.Steps)) {
		if s.plan.Key(step) != base {
			continue
		}
		if !instance {
			return step, nil
		}
		pos, err := strconv.Atoi(index)
		if err == nil && (pos < 0 || pos >= s.d.Instances(step)) {
			err = fmt.Errorf("%q has %d instances", base, s.d.Instances(step))
		}
		if err != nil {
			return 0, err
		}
		return s.d.InstanceOf(step, pos), nil
	}
	return 0, fmt.Errorf("no step %q in the plan", name)
}
