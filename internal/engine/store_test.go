package engine_test

import (
	"context"
	"sync"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// counting is a store that counts what is written.
type counting struct {
	*memory.Store
	mu                                                    sync.Mutex
	commits, appends, runs, updates, events, assets, logs int
}

func (c *counting) count(b *storage.Batch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs += len(b.Runs)
	c.updates += len(b.RunUpdates)
	c.events += len(b.Events)
	c.assets += len(b.Assets)
	c.logs += len(b.Logs)
}

func (c *counting) Commit(ctx context.Context, b *storage.Batch) error {
	c.commits++
	c.count(b)
	return c.Store.Commit(ctx, b)
}

func (c *counting) Append(b *storage.Batch) error {
	c.appends++
	c.count(b)
	return c.Store.Append(b)
}

// refusing is a store that refuses what is appended from a certain event on, and every later write
// under that fence, as when another process has taken the run.
type refusing struct {
	*memory.Store
	from int64
}

func (s *refusing) refuses(b *storage.Batch) bool {
	for i := range b.Events {
		if b.Events[i].N >= s.from {
			return true
		}
	}
	return false
}

func (s *refusing) Commit(ctx context.Context, b *storage.Batch) error {
	if s.refuses(b) {
		return storage.ErrFenced
	}
	return s.Store.Commit(ctx, b)
}

func (s *refusing) Append(b *storage.Batch) error {
	if s.refuses(b) {
		return storage.ErrFenced
	}
	return s.Store.Append(b)
}

// multi adds a node with several assets.
func (p *pipeline) multi(name string, call graph.Call, outputs ...string) *graph.Node {
	n := graph.Node{Name: name, Definition: name, Kind: graph.MultiAsset, Call: call, Settings: &graph.Settings{}}
	for _, out := range outputs {
		n.Outputs = append(n.Outputs, graph.Output{Name: out, Asset: true, Handler: p.handler})
	}
	p.nodes = append(p.nodes, n)
	return &p.nodes[len(p.nodes)-1]
}
