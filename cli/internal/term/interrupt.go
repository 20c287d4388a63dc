package term

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Interruptible returns a context that the first SIGINT or SIGTERM cancels with ErrInterrupted. The
// second ends the process at once with the given exit code. The caller must call the returned
// function.
func (t *Terminal) Interruptible(parent context.Context, code int) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			then := "canceling, running steps have 20 seconds to stop; press Ctrl-C again to stop at once"
			if says := t.onInterrupt.Load(); says != nil {
				then = *says
			}
			t.Say(fmt.Sprintf("%s: %s", s, then))
			if view := t.view.Load(); view != nil {
				view.cancel()
			}
			cancel(fmt.Errorf("%w by %s", ErrInterrupted, s))
		case <-done:
			return
		}
		select {
		case <-signals:
			t.Say("stopped at once; recorded steps stay recorded")
			if view := t.view.Load(); view != nil {
				view.clear()
			}
			os.Exit(code)
		case <-done:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	})
}
