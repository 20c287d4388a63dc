package launch

import (
	"context"
	"fmt"
	"sync"
)

// Background runs what a repository does beside its callers: resumed runs, backfills, pruning. Its
// zero value is ready for use, and its methods may be called from any goroutine.
//
// Invariant: what Go has accepted is waited for by Wait, also if Close is called before its
// goroutine first runs.
type Background struct {
	mu      sync.Mutex
	closed  bool
	working sync.WaitGroup
}

// Begin registers work that the caller does itself, until done is called. It returns false once
// Close was called.
func (b *Background) Begin() (done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, false
	}
	b.working.Add(1)
	return b.working.Done, true
}

// Go runs f in a goroutine of its own. It returns false, and does not run f, once Close was called.
func (b *Background) Go(f func()) bool {
	done, ok := b.Begin()
	if !ok {
		return false
	}
	go func() {
		defer done()
		f()
	}()
	return true
}

// Close refuses new work. Work that was accepted continues.
func (b *Background) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// Closed reports whether Close was called.
func (b *Background) Closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Wait waits until all accepted work has ended, or for the context. Work that the context does not
// wait for is left as a crash would leave it.
func (b *Background) Wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { b.working.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("runs that were resumed here are still in progress: %w", context.Cause(ctx))
	}
}
