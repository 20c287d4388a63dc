package engine

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// The log of an attempt is bounded, so that one that prints in a loop fills no disk: its first part
// is kept, and its end, where the reason of a failure mostly stands.
const (
	logHead = 4 << 20
	logTail = 64 << 10
	// lineCost is what a line costs beside its text.
	lineCost = 64
)

// logBuffer collects the lines that steps log until they go to storage with the next events. After
// the end of the run, lines of attempts that were left behind are stored one by one.
type logBuffer struct {
	mu      sync.Mutex
	n       int64
	pending []storage.LogLine
	gauges  map[job]*gauge
	late    interface{ Append(*storage.Batch) error }
	// soon is called when lines wait that no event may come for.
	soon func()
}

// gauge counts what one attempt has logged. Past its bound the lines go round in the tail.
type gauge struct {
	size     int
	tail     []storage.LogLine
	tailSize int
	cut      int // lines that have fallen out of the tail
	cutSize  int
}

func (b *logBuffer) add(line storage.LogLine) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j := job{line.Step, line.Attempt}
	g := b.gauges[j]
	if g == nil {
		g = &gauge{}
		if b.gauges == nil {
			b.gauges = map[job]*gauge{}
		}
		b.gauges[j] = g
	}
	if g.size < logHead {
		g.size += cost(&line)
		b.put(line)
		if g.size >= logHead {
			b.put(mark(line, "the log of this attempt is cut here: it has more than %s; its end follows when it is there", sizeText(logHead)))
		}
		return
	}
	g.add(line)
}

func cost(line *storage.LogLine) int { return len(line.Message) + len(line.Attrs) + lineCost }

// add keeps a line in the tail, and drops the oldest ones for it.
func (g *gauge) add(line storage.LogLine) {
	g.tail = append(g.tail, line)
	g.tailSize += cost(&line)
	first := 0
	for g.tailSize > logTail && first < len(g.tail)-1 {
		n := cost(&g.tail[first])
		g.tailSize, g.cutSize, g.cut = g.tailSize-n, g.cutSize+n-lineCost, g.cut+1
		first++
	}
	g.tail = append(g.tail[:0], g.tail[first:]...)
}

// mark is a line of ours beside one of the attempt's.
func mark(beside storage.LogLine, format string, args ...any) storage.LogLine {
	return storage.LogLine{
		Run: beside.Run, Step: beside.Step, Attempt: beside.Attempt, At: beside.At, Level: slog.LevelWarn, Message: fmt.Sprintf(format, args...),
	}
}

// end hands over the end of an attempt's log, if it was cut.
func (b *logBuffer) end(j job) (lines, size int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.endOf(j)
}

func (b *logBuffer) endOf(j job) (lines, size int) {
	g := b.gauges[j]
	delete(b.gauges, j)
	if g == nil || len(g.tail) == 0 {
		return 0, 0
	}
	if g.cut > 0 {
		b.put(mark(g.tail[0], "%d lines (%s) are left out here: of an attempt's log its first %s and its last %s are kept",
			g.cut, sizeText(g.cutSize), sizeText(logHead), sizeText(logTail)))
	}
	for _, line := range g.tail {
		b.put(line)
	}
	return g.cut, g.cutSize
}

// put numbers a line and has it stored. Called with the lock held.
func (b *logBuffer) put(line storage.LogLine) {
	b.n++
	line.N = b.n
	if b.late != nil {
		// A refusal is the store being closed: there is nobody left to tell.
		_ = b.late.Append(&storage.Batch{Logs: []storage.LogLine{line}})
		return
	}
	if b.pending = append(b.pending, line); len(b.pending) == 1 && b.soon != nil {
		time.AfterFunc(logEvery, b.soon)
	}
}

// take moves the pending lines to the end of to.
func (b *logBuffer) take(to []storage.LogLine) []storage.LogLine {
	b.mu.Lock()
	defer b.mu.Unlock()
	to = append(to, b.pending...)
	b.pending = b.pending[:0]
	return to
}

// takeAll is take with the ends of all logs, at the end of the run.
func (b *logBuffer) takeAll(to []storage.LogLine) []storage.LogLine {
	b.mu.Lock()
	for j := range b.gauges {
		b.endOf(j)
	}
	b.mu.Unlock()
	return b.take(to)
}

// closeWith sends the lines that are still to come straight to the store.
func (b *logBuffer) closeWith(s Store) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.late = s
	if len(b.pending) > 0 {
		_ = s.Append(&storage.Batch{Logs: b.pending})
	}
}

// sizeText is a number of bytes as people read it.
func sizeText(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.3g MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.3g KiB", float64(n)/(1<<10))
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}

// logEvery is how long lines wait for the next events before they are stored by themselves.
const logEvery = 250 * time.Millisecond
