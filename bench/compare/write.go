package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rivers-go/rivers/storage"
)

// eventsACommit is how many events a writer has durable at once.
const eventsACommit = 100

// write has writers that write n events together, each into a run of its own.
func write(ctx context.Context, n, writers int, store storage.Storage) (took time.Duration, err error) {
	fences := make([]storage.Fence, writers)
	for w := range fences {
		b := storage.Batch{Runs: []storage.RunRecord{{ID: fmt.Sprint(w), Location: location, State: storage.Running, Token: 1}}}
		if err := store.Commit(ctx, &b); err != nil {
			return 0, err
		}
		fences[w] = storage.Fence{Run: b.Runs[0].Key, Token: 1}
	}
	share := func(w int) int { return (n + w) / writers } // together n
	errs := make([]error, writers)
	var wg sync.WaitGroup
	start := time.Now()
	for w := range writers {
		wg.Go(func() { errs[w] = writeEvents(ctx, store, fences[w], share(w)) })
	}
	wg.Wait()
	took = time.Since(start)
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	for w, fence := range fences {
		events, err := store.ListEvents(ctx, storage.EventQuery{Run: fence.Run})
		if err != nil {
			return 0, err
		}
		if len(events) != share(w) {
			return 0, fmt.Errorf("writer %d left %d events, want %d", w, len(events), share(w))
		}
	}
	return took, nil
}

// writeEvents writes events as the driver of a run would that has nothing else to do.
func writeEvents(ctx context.Context, store storage.Writer, fence storage.Fence, n int) error {
	b := storage.Batch{Fence: fence}
	for i := range n {
		at := storage.Micros(1_700_000_000_000_000 + i)
		b.Events = append(b.Events, storage.Event{Run: fence.Run, N: int64(i + 1), Fact: storage.Fact{At: at, Step: int32(i), Attempt: 1, Kind: storage.StepStarted}})
		if len(b.Events) < eventsACommit && i+1 < n {
			continue
		}
		if err := store.Commit(ctx, &b); err != nil {
			return err
		}
		b.Events = b.Events[:0]
	}
	return nil
}
