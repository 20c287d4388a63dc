package writes

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Locator names what one attempt of a step writes and loads. The zero Locator with its exported
// fields is ready for use. A nil Locator is that of a run whose handlers keep the last write alone,
// in memory: its names are empty.
type Locator struct {
	Source   Source
	Graph    *graph.Graph
	Node     *graph.Node
	Instance bool

	mu     sync.Mutex // loads of a body may be concurrent
	name   string     // of what the attempt writes of assets, empty until it writes
	own    map[string]bool
	stored map[int32]*stored
}

// stored are the recorded writes of the partitions of one output, as far as they were asked for.
type stored struct {
	asked  map[string]bool
	writes map[string]string
}

// New returns the name of what the attempt writes of assets.
func (l *Locator) New() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.name == "" {
		l.name = New()
	}
	return l.name
}

// For returns the name under which the attempt writes an output, empty for a handler that keeps
// none.
func (l *Locator) For(out *graph.Output) string {
	switch {
	case l == nil || !iohandler.KeepsWrites(out.Handler):
		return ""
	case l.Instance || !out.Asset:
		return l.Source.Inner()
	}
	return l.New()
}

// Of returns the name of the write of an output that is not of partitions.
func (l *Locator) Of(out *graph.Output, v int32) string {
	if l == nil || !iohandler.KeepsWrites(out.Handler) {
		return ""
	}
	return l.Source.Output(v)
}

// OfInstance returns the name of the write of an instance of a mapped step.
func (l *Locator) OfInstance(out *graph.Output, mapped, first int32, pos int) string {
	if l == nil || !iohandler.KeepsWrites(out.Handler) {
		return ""
	}
	return l.Source.Instance(mapped, first, pos)
}

// OfPartition returns the name of the write of one partition, one among those that an input reads.
// A partition that no record has is no value, whatever lies under its text: another definition may
// have put it there. The error wraps [iohandler.ErrNoValue] then.
func (l *Locator) OfPartition(ctx context.Context, out *graph.Output, v int32, of partition.Slice, among partition.Set) (string, error) {
	switch {
	case l == nil:
		return "", nil
	case of.IsZero():
		return l.Of(out, v), nil
	case !iohandler.KeepsWrites(out.Handler) && !iohandler.Outlives(out.Handler):
		return "", nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	text := of.Key().String()
	if l.own[text] && l.Node.Outputs[0].Name == out.Name {
		return l.name, nil
	}
	if write, made := l.Source.Partition(v, text, of.Set()); made {
		return write, nil
	}
	_, node := l.Graph.Output(v)
	if !out.Asset || l.Graph.Node(node).Kind == graph.External { // which is observed as a whole
		return "", nil
	}
	return l.recorded(ctx, out, v, of, among)
}

// recorded looks a partition up, and with it those that follow among the ones that are read: a body
// often reads them next. Called with the lock held.
func (l *Locator) recorded(ctx context.Context, out *graph.Output, v int32, of partition.Slice, among partition.Set) (string, error) {
	s := l.stored[v]
	if s == nil {
		s = &stored{asked: map[string]bool{}, writes: map[string]string{}}
		if l.stored == nil {
			l.stored = map[int32]*stored{}
		}
		l.stored[v] = s
	}
	text := of.Key().String()
	if !s.asked[text] {
		states, err := l.ask(ctx, s, v, of, among)
		if err != nil {
			return "", fmt.Errorf("asset %q: reading where partition %s lies: %w", out.Name, of, err)
		}
		for i := range states {
			s.writes[states[i].Partition] = states[i].Write
		}
	}
	write, known := s.writes[text]
	if !known {
		return "", iohandler.NotRecorded(out.Name, of)
	}
	return write, nil
}

// atOnce is how many records are read in one query.
const atOnce = 500

func (l *Locator) ask(ctx context.Context, s *stored, v int32, of partition.Slice, among partition.Set) ([]storage.AssetState, error) {
	texts := []string{of.Key().String()}
	for key, err := range of.Space().KeysFrom(among, of.Key()) {
		if err != nil {
			return nil, err
		}
		if text := key.String(); text != texts[0] {
			texts = append(texts, text)
		}
		if len(texts) == atOnce {
			break
		}
	}
	for _, text := range texts {
		s.asked[text] = true
	}
	return l.Source.States(ctx, v, of.Space(), texts)
}

// MadeOwn remembers a partition that the attempt made, if its node reads partitions of its own.
func (l *Locator) MadeOwn(part partition.Slice) {
	if l == nil || part.Len() != 1 || !Own(l.Node) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == nil {
		l.own = map[string]bool{}
	}
	l.own[part.Key().String()] = true
}

// Present returns the name of the write of the value that an action is about, empty for several
// partitions and for what was never materialized.
func (l *Locator) Present(ctx context.Context, of partition.Slice) (string, error) {
	v, ok := l.Graph.Find(l.Node.Action.Asset)
	if !ok || of.Len() > 1 {
		return "", nil
	}
	out, _ := l.Graph.Output(v)
	write, err := l.OfPartition(ctx, out, v, of, of.Set())
	if errors.Is(err, iohandler.ErrNoValue) { // the handler reports what is missing
		return "", nil
	}
	return write, err
}

// Known returns the name of the write of a value that the run made or reads, for the loads of a
// body; see [graph.Writes].
func (l *Locator) Known(name string, of partition.Slice) (string, bool) {
	v, ok := l.Graph.Find(name)
	switch {
	case !ok:
		return "", false
	case !of.IsZero():
		return l.Source.Partition(v, of.Key().String(), of.Set())
	}
	write := l.Source.Output(v)
	return write, write != ""
}
