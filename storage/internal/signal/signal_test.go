package signal_test

import (
	"context"
	"sync"
	"testing"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/signal"
)

func TestHubWakesWhoWatchesTheTopic(t *testing.T) {
	var h signal.Hub
	slots := h.Watch(t.Context(), storage.TopicSlots)
	both := h.Watch(t.Context(), storage.TopicSlots|storage.TopicCancel)
	h.Send(storage.TopicCancel)
	h.Send(storage.TopicCancel) // merged with the one before
	if len(slots) != 0 || len(both) != 1 {
		t.Errorf("after two requests to cancel %d and %d signals wait, want 0 and 1", len(slots), len(both))
	}
	h.Send(storage.TopicSlots)
	if len(slots) != 1 || len(both) != 1 {
		t.Errorf("after slots were freed %d and %d signals wait, want 1 and 1", len(slots), len(both))
	}
}

func TestHubSaysWhenSomebodyWatches(t *testing.T) {
	var said []string
	h := signal.Hub{First: func() { said = append(said, "first") }, Last: func() { said = append(said, "last") }}
	one, stopOne := context.WithCancel(t.Context())
	two, stopTwo := context.WithCancel(t.Context())
	a, b := h.Watch(one, storage.TopicSlots), h.Watch(two, storage.TopicSlots)
	stopOne()
	<-a
	stopTwo()
	<-b
	c := h.Watch(t.Context(), storage.TopicSlots)
	h.Close()
	<-c
	<-h.Watch(t.Context(), storage.TopicSlots)
	h.Close()
	want := []string{"first", "last", "first", "last"}
	if len(said) != len(want) {
		t.Fatalf("said %v, want %v", said, want)
	}
	for i := range want {
		if said[i] != want[i] {
			t.Fatalf("said %v, want %v", said, want)
		}
	}
}

func TestHubFromManyGoroutines(t *testing.T) {
	var h signal.Hub
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				ctx, stop := context.WithCancel(t.Context())
				wake := h.Watch(ctx, storage.TopicSlots)
				h.Send(storage.TopicSlots)
				if _, open := <-wake; !open {
					t.Error("a channel was closed while its context lasted")
				}
				stop()
			}
		})
	}
	wg.Wait()
	h.Close()
}
