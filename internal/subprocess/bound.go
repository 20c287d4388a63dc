package subprocess

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rivers-go/rivers/internal/proc"
)

// bound holds a process group to its memory. An address-space limit (RLIMIT_AS) is no way: the
// runtime of Go reserves far more addresses than it uses, and does not start.
type bound interface {
	// begin is called once the group exists; over is called, at most once, when it has to be killed
	// here.
	begin(g *proc.Group, over func(peak int64))
	// exceeded reports, once the group is gone, whether it was killed for its memory, peak how much
	// was seen.
	exceeded() bool
	peak() int64
	// end frees what the bound holds; nothing can be asked after it.
	end()
}

// newBound returns the best available bound: a cgroup, by which the kernel bounds everything that
// the process starts, or somebody who looks at the group often.
func newBound(limit int64, attr *syscall.SysProcAttr) bound {
	if c := newCgroup(limit, attr); c != nil {
		return c
	}
	return newWatcher(limit)
}

// lookShare is how much longer than a search for new processes took a watcher continues with those
// that it knows: the more processes a machine has, the more such a search costs.
const lookShare = 50

// watcher looks at the memory of a group.
type watcher struct {
	limit int64
	quit  chan struct{}
	done  sync.WaitGroup
	most  atomic.Int64
	dead  atomic.Bool
}

func newWatcher(limit int64) *watcher { return &watcher{limit: limit, quit: make(chan struct{})} }

func (w *watcher) begin(g *proc.Group, over func(int64)) {
	w.done.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		var next time.Time // when new processes are looked for
		for {
			if began := time.Now(); began.After(next) {
				g.Look()
				next = began.Add(lookShare * time.Since(began))
			}
			have, err := g.Memory(ctx)
			if err == nil && have > w.most.Load() {
				w.most.Store(have)
			}
			if err == nil && have > w.limit {
				w.dead.Store(true)
				over(have)
				return
			}
			select {
			case <-tick.C:
			case <-w.quit:
				return
			}
		}
	})
}

func (w *watcher) exceeded() bool { return w.dead.Load() }
func (w *watcher) peak() int64    { return w.most.Load() }

func (w *watcher) end() {
	close(w.quit)
	w.done.Wait()
}
