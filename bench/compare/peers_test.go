//go:build gate

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// answers is the script of a peer that has every answer.
const answers = `echo '{"peer":"'$0'","case":"'$1'","n":'$2',"storage":"'$4'","seconds":2}'`

// shellPeers makes peers whose scripts are in the language of the shell.
func shellPeers(t *testing.T, said io.Writer, rivers, dagster string) *peers {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"rivers_bench.py": rivers, "dagster_bench.py": dagster} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return newPeers(options{peers: dir, python: "/bin/sh", peerLargest: 1000, peerTimeout: time.Hour, peerEnough: time.Hour}, said)
}

// A peer that prints its line counts, one that does not is said and left out.
func TestPeersRunBeside(t *testing.T) {
	var said bytes.Buffer
	p := shellPeers(t, &said, answers+`; exit 3`, `echo "no module named dagster" >&2; exit 1`)
	got := p.measure(t.Context(), suiteCase{}, line{Case: "wide", N: 7, Storage: embedded})
	if len(got) != 1 || got[0].name() != "wide/7/embedded" || !strings.HasSuffix(got[0].Peer, "rivers_bench.py") || got[0].Seconds != 2 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(said.String(), "no module named dagster") {
		t.Errorf("said %q", said.String())
	}
	if got := p.measure(t.Context(), suiteCase{}, line{Case: "wide", N: 1001, Storage: embedded}); got != nil {
		t.Errorf("beyond the largest size: %+v", got)
	}
}

// A peer that has no answer is not called, and the line says why.
func TestPeerWithoutAnAnswer(t *testing.T) {
	var said bytes.Buffer
	p := shellPeers(t, &said, `echo "it was called" >&2`, answers)
	c := suiteCase{name: "stale-first", lacks: map[string]string{pypiRivers: "rivers has no such thing"}}
	got := p.measure(t.Context(), c, line{Case: c.name, N: 7, Storage: embedded})
	if len(got) != 2 || got[0].Why != "rivers has no such thing" || got[0].Peer != pypiRivers || got[0].name() != "stale-first/7/embedded" || got[1].Seconds != 2 {
		t.Errorf("%+v", got)
	}
	if strings.Contains(said.String(), "it was called") {
		t.Errorf("said %q", said.String())
	}
}

// A peer that needs long for a size is not asked for larger ones, of that case and in that store.
func TestPeerThatNeedsLongIsAskedForNoMore(t *testing.T) {
	p := shellPeers(t, io.Discard, answers, answers)
	p.peerEnough = 0
	wide, chain := suiteCase{name: "wide"}, suiteCase{name: "chain"}
	for _, c := range []struct {
		what suiteCase
		at   line
		why  string
	}{
		{wide, line{Case: "wide", N: 10, Storage: embedded}, ""},
		{wide, line{Case: "wide", N: 10, Storage: embedded}, ""},
		{wide, line{Case: "wide", N: 100, Storage: embedded}, `^dagster took .* over 10 of wide, preparations included, and is asked for no more$`},
		{wide, line{Case: "wide", N: 100, Storage: inMemory}, ""},
		{chain, line{Case: "chain", N: 100, Storage: embedded}, ""},
	} {
		got := p.measure(t.Context(), c.what, c.at)
		if len(got) != 2 || (got[1].Why == "") != (c.why == "") || !regexp.MustCompile(c.why).MatchString(got[1].Why) {
			t.Errorf("%s: %+v, want the reason %q", c.at.name(), got, c.why)
		}
	}
}

// A peer that does not end in time is not asked for the same again, and the others are.
func TestPeerThatIsLate(t *testing.T) {
	p := shellPeers(t, io.Discard, answers, answers)
	p.peerTimeout = 0
	c, at := suiteCase{name: "wide"}, line{Case: "wide", N: 10, Storage: embedded}
	want := "dagster did not end within 0s over 10 of wide, and is asked for no more"
	for range 2 {
		if got := p.measure(t.Context(), c, at); len(got) != 2 || got[1].Why != want || got[1].Seconds != 0 {
			t.Errorf("%+v, want the reason %q", got, want)
		}
		p.peerTimeout = time.Hour
	}
}

// Who is killed takes along the processes that it started: they would go on beside the next measurement.
func TestPeerIsKilledWithItsProcesses(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := shellPeers(t, io.Discard, fmt.Sprintf(`(exec >%q; echo started; exec sleep 1000) & wait`, fifo), answers)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := p.run(ctx, suiteCase{}, line{Case: "wide", N: 10, Storage: embedded}, scripts()[0])
		ended <- err
	}()
	f, err := os.Open(fifo)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	out := bufio.NewReader(f)
	if text, err := out.ReadString('\n'); text != "started\n" {
		t.Fatal(text, err)
	}
	cancel()
	if rest, err := io.ReadAll(out); len(rest) > 0 || err != nil { // which ends when nobody has it open any more
		t.Errorf("%q, %v", rest, err)
	}
	if err := <-ended; err == nil {
		t.Error("a peer that was killed has an answer")
	}
}

// The scripts have the cases that they are asked for.
func TestScriptsHaveTheCases(t *testing.T) {
	for _, s := range scripts() {
		text, err := os.ReadFile(filepath.Join("peers", s.file))
		if err != nil {
			t.Fatal(err)
		}
		var asked []string
		for _, c := range suite() {
			if c.peers && c.lacks[s.peer] == "" {
				asked = append(asked, `"`+c.name+`"`)
			}
		}
		if want := "\nCASES = [" + strings.Join(asked, ", ") + "]\n"; !strings.Contains(string(text), want) {
			t.Errorf("%s has no line %q", s.file, want)
		}
	}
}
