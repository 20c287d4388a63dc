package proc_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rivers-go/rivers/internal/proc"
)

func FuzzLines(f *testing.F) {
	f.Add("a\nb\r\n\nc", 2)
	f.Add(strings.Repeat("x", proc.MaxLine+10), 1000)
	f.Fuzz(func(t *testing.T, text string, step int) {
		var got []string
		w := proc.Lines{Line: func(s string) { got = append(got, s) }}
		for rest := text; rest != ""; {
			n := min(max(step, 1), len(rest))
			_, _ = w.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		w.End()
		w.End() // once is enough
		var want []string
		for line := range strings.Lines(text) {
			line, ended := strings.CutSuffix(line, "\n")
			for len(line) > proc.MaxLine {
				want = append(want, line[:proc.MaxLine])
				line = line[proc.MaxLine:]
			}
			if ended || line != "" {
				want = append(want, strings.TrimSuffix(line, "\r"))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%.80q in steps of %d: %.80q, want %.80q", text, step, got, want)
		}
	})
}

func TestALineWithoutEndTakesLittleMemory(t *testing.T) {
	t.Parallel()
	longest, total := 0, 0
	w := proc.Lines{Line: func(s string) { longest, total = max(longest, len(s)), total+len(s) }}
	chunk := []byte(strings.Repeat("x", 1<<20))
	for range 20 {
		_, _ = w.Write(chunk)
	}
	w.End()
	if longest != proc.MaxLine || total != 20<<20 {
		t.Errorf("the longest line has %d bytes, all together %d", longest, total)
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var tail proc.Tail
	if got := tail.Text(); got != "" {
		t.Errorf("%q", got)
	}
	for line := range strings.SplitSeq("abcdefghijklm", "") {
		tail.Add(line)
	}
	if got := tail.Text(); got != ": d\ne\nf\ng\nh\ni\nj\nk\nl\nm" {
		t.Errorf("%q", got)
	}
}
