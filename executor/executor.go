// Package executor describes how the steps of a run are executed.
//
// An [Executor] is plain data: it names a way of running, the engine does it. So
// it can be compared, written into a configuration file, stored with a run and
// shown on a page, and a definition that mentions one links nothing.
//
// The zero Executor means "not said". The nearest one said counts: the asset's,
// then the job's, then the repository's; without one, the engine runs as many
// steps at once as there are CPUs, as [Parallel] without a number in its text form
// does.
package executor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
)

// Kind is the way an [Executor] runs steps; the zero Kind is unspecified.
type Kind uint8

// The kinds of executor.
const (
	KindDefault    Kind = iota // not said: a farther executor counts, in the end parallel
	KindInProcess              // one step at a time, in the order of the plan
	KindParallel               // several steps at a time, as goroutines of this process
	KindSubprocess             // several steps at a time, each in a process of its own
)

// kinds are all of them, in the order in which they are listed to people.
var kinds = []Kind{KindDefault, KindInProcess, KindParallel, KindSubprocess}

// String returns the word for the kind: default, in_process, parallel or subprocess.
func (k Kind) String() string {
	switch k {
	case KindDefault:
		return "default"
	case KindInProcess:
		return "in_process"
	case KindParallel:
		return "parallel"
	case KindSubprocess:
		return "subprocess"
	default:
		return "kind(" + strconv.Itoa(int(k)) + ")"
	}
}

// Executor names a way of running the steps of a run. It is comparable; its zero
// value is unspecified.
type Executor struct {
	kind    Kind
	counted bool // the number was given, so that Parallel(0) can be refused and "parallel" need not be
	workers int
}

// InProcess runs one step at a time, in the order of the plan: the one to debug
// with.
func InProcess() Executor { return Executor{kind: KindInProcess} }

// Parallel runs up to n steps at a time as goroutines of this process. n must be
// at least 1, which [Executor.Validate] checks.
func Parallel(n int) Executor { return Executor{kind: KindParallel, counted: true, workers: n} }

// Subprocess runs up to n steps at a time, each in a process of its own of the same program: a step
// that leaks, crashes or is killed for its memory takes nothing with it. Values cross through the
// IO handlers, so those must outlive a process; and the program's main calls ServeStep, as cli.Main
// does. [Compute] bounds what a step may use. n must be at least 1, which [Executor.Validate]
// checks.
func Subprocess(n int) Executor { return Executor{kind: KindSubprocess, counted: true, workers: n} }

// Kind returns the way the steps are run.
func (e Executor) Kind() Kind { return e.kind }

// IsZero reports whether the executor is unspecified, so that a farther one applies.
func (e Executor) IsZero() bool { return e == Executor{} }

// Workers returns how many steps may run at a time: 1 in process, the number that
// was given for parallel or subprocess, and 0 where the engine is to decide by the number of CPUs.
func (e Executor) Workers() int {
	if e.kind == KindInProcess {
		return 1
	}
	return e.workers
}

// Validate returns an error if the number of workers is below 1.
func (e Executor) Validate() error {
	if e.counted && e.workers < 1 {
		return fmt.Errorf("executor %s: %d workers run nothing: give at least 1, or leave the executor out for one worker per CPU", e, e.workers)
	}
	return nil
}

// String returns the text form that [Parse] reads: default, in_process, parallel,
// parallel(8), subprocess or subprocess(2).
func (e Executor) String() string {
	if e.counted {
		return e.kind.String() + "(" + strconv.Itoa(e.workers) + ")"
	}
	return e.kind.String()
}

// MarshalText returns the text form, for JSON and configuration files. It never
// fails.
func (e Executor) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads the text form as [Parse] does.
func (e *Executor) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*e = parsed
	return nil
}

// Parse reads the text form: default, in_process, parallel, parallel(8), subprocess or
// subprocess(2). Without a number there is one worker per CPU. A number below 1 is read, and
// refused by [Executor.Validate].
func Parse(text string) (Executor, error) {
	word, arg, counted := strings.Cut(strings.TrimSpace(text), "(")
	word = strings.TrimSpace(word)
	if counted {
		inner, closed := strings.CutSuffix(arg, ")")
		if !closed {
			return Executor{}, fmt.Errorf("executor %q: the parenthesis is not closed: write %s(8)", text, several(word))
		}
		arg = strings.TrimSpace(inner)
	}
	at := slices.IndexFunc(kinds, func(k Kind) bool { return k.String() == word })
	switch {
	case at < 0:
		return Executor{}, unknown(text, word)
	case !counted:
		return Executor{kind: kinds[at]}, nil
	case kinds[at] < KindParallel:
		return Executor{}, fmt.Errorf("executor %q: %s takes no number of workers: write %s, or parallel(8)", text, word, word)
	}
	n, err := strconv.Atoi(arg)
	if err != nil {
		return Executor{}, fmt.Errorf("executor %q: the number of workers is %q: write a whole number, as in %s(8)", text, arg, word)
	}
	return Executor{kind: kinds[at], counted: true, workers: n}, nil
}

// several is the executor of several workers that a word means, parallel unless it is another.
func several(word string) string {
	if word == KindSubprocess.String() {
		return word
	}
	return KindParallel.String()
}

// unknown is the error for a word that names no executor.
func unknown(text, word string) error {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = k.String()
	}
	hint := ""
	if near, ok := nearest.Name(word, slices.Values(words)); ok {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	return fmt.Errorf("executor %q: no executor of that name%s: one of %s, %s(8) or %s(2)", text, hint, strings.Join(words, ", "), KindParallel, KindSubprocess)
}
