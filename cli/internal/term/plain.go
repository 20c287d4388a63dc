package term

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
)

// plain prints one line per event, for pipes and logs.
type plain struct {
	t       *Terminal
	verbose bool

	mu      sync.Mutex
	current []rivers.StepStarted // in the order of their start
	said    time.Time            // when the last line was printed
}

// WatchPlain prints a line per event until stop is called. After QuietFor without a line it lists
// the running steps, so that a log tells a long step from a dead process.
func (t *Terminal) WatchPlain(listen Listen, verbose bool) (stop func()) {
	p := &plain{t: t, verbose: verbose, said: time.Now()}
	unlisten := listen(p.listener())
	end := every(t.QuietFor, p.stillRunning)
	return func() {
		unlisten()
		end()
	}
}

func (p *plain) listener() rivers.Listener {
	return rivers.Listener{
		RunStarted: func(r rivers.RunStarted) { p.line("run %s: %s", r.RunID, Count(len(r.Steps), "step", "steps")) },
		StepStarted: func(s rivers.StepStarted) {
			p.mu.Lock()
			p.current = append(p.current, s)
			p.mu.Unlock()
			if p.verbose {
				p.line("started    %s%s", s.Step, Attempt(s.Attempt))
			}
		},
		StepWaiting: func(w rivers.StepWaiting) { p.line("waiting    %s%s: %s", w.Step, Attempt(w.Attempt), w.Reason) },
		StepFinished: func(s rivers.StepFinished) {
			p.mu.Lock()
			p.current = slices.DeleteFunc(p.current, func(c rivers.StepStarted) bool { return c.Step == s.Step })
			p.mu.Unlock()
			p.line("%s", p.t.finishedLine(s))
		},
		StepLogged: func(l rivers.StepLogged) {
			if p.verbose || l.Line.Level >= slog.LevelWarn {
				p.line("%s", p.t.LogLine(l.Step, &l.Line))
			}
		},
	}
}

func (p *plain) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = time.Now()
	p.t.Printf(format+"\n", args...)
}

// stillRunning prints the oldest running steps after a silence.
func (p *plain) stillRunning(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.current) == 0 || now.Sub(p.said) < p.t.QuietFor/2 {
		return
	}
	var names []string
	for i, s := range p.current {
		if i == maxCurrent {
			names = append(names, fmt.Sprintf("and %d more", len(p.current)-i))
			break
		}
		names = append(names, fmt.Sprintf("%s for %s", s.Step, seconds(now.Sub(s.At))))
	}
	p.t.Printf("running    %s\n", strings.Join(names, ", "))
	p.said = now
}

// finishedLine returns the line for a finished attempt.
func (t *Terminal) finishedLine(s rivers.StepFinished) string {
	word := s.Outcome
	if !s.RetryAt.IsZero() {
		word = "retrying"
	}
	text := t.Paint(StateColour(word), fmt.Sprintf("%-10s", word)) + " " + s.Step + Attempt(s.Attempt)
	if s.Duration > 0 {
		text += " " + t.Paint(Grey, Duration(s.Duration))
	}
	if s.Err != nil {
		text += ": " + OneLine(strings.TrimPrefix(s.Err.Error(), s.Outcome+": "), 160)
	}
	if !s.RetryAt.IsZero() {
		text += ", again in " + Duration(s.RetryAt.Sub(s.At))
	}
	return text
}

// LogLine formats a line of a step's log.
func (t *Terminal) LogLine(step string, l *storage.LogLine) string {
	level := l.Level.String()
	if l.Stream != storage.StreamLog {
		level = l.Stream.String()
	}
	text := fmt.Sprintf("%s %-6s %s%s: %s", t.Paint(Grey, l.At.Local().Format("15:04:05.000")), level, step, Attempt(int(l.Attempt)), l.Message)
	if l.Attrs != "" {
		text += " " + t.Paint(Grey, l.Attrs)
	}
	return text
}
