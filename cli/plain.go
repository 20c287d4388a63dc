package cli

import (
	"fmt"
	"log/slog"
	"sync"

	"github.com/rivers-go/rivers"
)

// plainListener prints a line an event, for pipes and logs.
func (a *app) plainListener(verbose bool) rivers.Listener {
	var mu sync.Mutex
	line := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(a.out, format+"\n", args...)
	}
	return rivers.Listener{
		RunStarted: func(r rivers.RunStarted) { line("run %s: %s", r.RunID, count(len(r.Steps), "step", "steps")) },
		StepStarted: func(s rivers.StepStarted) {
			if verbose {
				line("started    %s%s", s.Step, attempt(s.Attempt))
			}
		},
		StepFinished: func(s rivers.StepFinished) { line("%s", a.finishedLine(s)) },
		StepLogged: func(l rivers.StepLogged) {
			if verbose || l.Line.Level >= slog.LevelWarn {
				line("%s", a.logLine(l.Step, &l.Line))
			}
		},
	}
}

// finishedLine is what is printed when a step has come to something.
func (a *app) finishedLine(s rivers.StepFinished) string {
	word := s.Outcome
	if !s.RetryAt.IsZero() {
		word = "retrying"
	}
	text := a.paint(stateColour(word), fmt.Sprintf("%-10s", word)) + " " + s.Step + attempt(s.Attempt)
	if s.Duration > 0 {
		text += " " + a.paint(grey, duration(s.Duration))
	}
	if s.Err != nil {
		text += ": " + oneLine(s.Err.Error(), 160)
	}
	if !s.RetryAt.IsZero() {
		text += ", again at " + s.RetryAt.Local().Format("15:04:05")
	}
	return text
}

func attempt(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(" (attempt %d)", n)
}
