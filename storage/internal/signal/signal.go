// Package signal wakes the watchers of a store: the part of [storage.Signals] that all backends
// share. A hub is told which topics were written and wakes their watchers. Unread values are
// merged, so sending never waits.
package signal

import (
	"context"
	"sync"

	"github.com/rivers-go/rivers/storage"
)

// Hub has the watchers of one handle on a store. The zero value is ready for use; its methods may
// be called from any goroutine.
type Hub struct {
	// First is called when the first watcher comes, Last when the last has gone: a backend whose
	// other writers are processes looks out for them in between. Both may be nil, and neither
	// may call the hub back.
	First, Last func()

	mu       sync.Mutex
	watchers map[*watcher]struct{}
	closed   bool
}

type watcher struct {
	topics storage.Topic
	wake   chan struct{}
}

// Watch returns a channel that gets a value when something of the topics is sent, and is closed
// when the context or the hub ends.
func (h *Hub) Watch(ctx context.Context, topics storage.Topic) <-chan struct{} {
	w := &watcher{topics: topics, wake: make(chan struct{}, 1)}
	if h.add(w) {
		context.AfterFunc(ctx, func() { h.remove(w) })
	}
	return w.wake
}

func (h *Hub) add(w *watcher) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(w.wake)
		return false
	}
	if h.watchers == nil {
		h.watchers = map[*watcher]struct{}{}
	}
	h.watchers[w] = struct{}{}
	if len(h.watchers) == 1 && h.First != nil {
		h.First()
	}
	return true
}

func (h *Hub) remove(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, there := h.watchers[w]; !there {
		return
	}
	delete(h.watchers, w)
	close(w.wake)
	if len(h.watchers) == 0 && h.Last != nil {
		h.Last()
	}
}

// Send wakes the watchers of the topics. It never waits.
func (h *Hub) Send(topics storage.Topic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		if w.topics&topics != 0 {
			select {
			case w.wake <- struct{}{}:
			default: // it has one to read already
			}
		}
	}
}

// Close ends all watching; later watchers get a closed channel.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.watchers) > 0 && h.Last != nil {
		h.Last()
	}
	h.closed = true
	for w := range h.watchers {
		close(w.wake)
	}
	h.watchers = nil
}
