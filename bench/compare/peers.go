package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/rivers-go/rivers/internal/proc"
)

// The peers, by what their scripts call them.
const (
	pypiRivers = "rivers"
	dagster    = "dagster"
)

// script is one peer: its script, and what that calls the embedded store.
type script struct{ peer, file, embedded string }

func scripts() []script {
	return []script{{pypiRivers, "rivers_bench.py", "embedded"}, {dagster, "dagster_bench.py", "sqlite"}}
}

// closing is how long the output of a peer that was killed may stay open.
const closing = 5 * time.Second

// errLate means that a peer was killed.
var errLate = errors.New("it did not end in time")

// peers runs the scripts, and remembers which sizes are too large for whom.
type peers struct {
	options

	stderr io.Writer
	limits map[series]limit
}

// series is what a peer is asked in growing sizes.
type series struct{ peer, name, store string }

// limit is the first size that a peer is not asked for, and why.
type limit struct {
	n   int
	why string
}

func newPeers(o options, stderr io.Writer) *peers {
	return &peers{options: o, stderr: stderr, limits: map[series]limit{}}
}

// measure measures what peers need for the same. Of one that has no answer, or would need too long
// for it, the line explains why. One that fails is reported and left out: what it cannot do tells
// nothing about the others.
func (p *peers) measure(ctx context.Context, c suiteCase, at line) []line {
	if p.peers == "" || at.N > p.peerLargest {
		return nil
	}
	var lines []line
	for _, s := range scripts() {
		l, err := p.ask(ctx, c, at, s)
		if err != nil {
			_, _ = fmt.Fprintf(p.stderr, "%s with %s: %v\n", at.name(), s.file, err)
			continue
		}
		if l.Why != "" {
			_, _ = fmt.Fprintf(p.stderr, "%s with %s: %s\n", at.name(), s.file, l.Why)
		}
		lines = append(lines, l)
	}
	return lines
}

// ask returns the line of one peer, and remembers whether it may be asked for more.
func (p *peers) ask(ctx context.Context, c suiteCase, at line, s script) (line, error) {
	none, asked := at, series{s.peer, c.name, at.Storage}
	none.Peer = s.peer
	if none.Why = c.lacks[s.peer]; none.Why != "" {
		return none, nil
	}
	if past, ok := p.limits[asked]; ok && at.N >= past.n {
		none.Why = past.why
		return none, nil
	}
	start := time.Now()
	l, err := p.run(ctx, c, at, s)
	took := time.Since(start)
	switch size := thousands(float64(at.N)); {
	case errors.Is(err, errLate):
		none.Why = fmt.Sprintf("%s did not end within %s over %s of %s, and is asked for no more", s.peer, p.peerTimeout, size, c.name)
		p.limits[asked] = limit{at.N, none.Why}
		return none, nil
	case err == nil && took > p.peerEnough:
		why := fmt.Sprintf("%s took %s over %s of %s, preparations included, and is asked for no more", s.peer, duration(took.Seconds()), size, c.name)
		p.limits[asked] = limit{at.N + 1, why}
	}
	return l, err
}

// run calls one script.
func (p *peers) run(ctx context.Context, c suiteCase, at line, s script) (line, error) {
	store := at.Storage
	if store == embedded {
		store = s.embedded
	}
	limited, cancel := context.WithTimeout(ctx, p.peerTimeout)
	defer cancel()
	cmd := exec.CommandContext(limited, p.python, filepath.Join(p.peers, s.file), at.Case, strconv.Itoa(at.N), "--storage", store)
	// Peers start processes of their own, which would outlive them and keep the output open.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return (&proc.Group{ID: cmd.Process.Pid}).Signal(syscall.SIGKILL) }
	cmd.WaitDelay = closing
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	out, err := cmd.Output()
	took := time.Since(start)
	l, bad := parseLine(out)
	switch {
	case bad != nil && errors.Is(limited.Err(), context.DeadlineExceeded):
		return line{}, errLate
	case bad != nil: // a peer that dies on its way out has still done its work
		return line{}, fmt.Errorf("%w\n%s", errors.Join(err, bad), stderr.String())
	}
	if c.outside {
		l.Seconds = took.Seconds()
	}
	l.PerSecond = c.perSecond(at.N, l.Seconds)
	if l.Storage == s.embedded {
		l.Storage = embedded
	}
	return l, nil
}
