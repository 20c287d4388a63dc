package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// interruptible returns a context that the first SIGINT or SIGTERM cancels; the second ends the
// process at once.
func (a *app) interruptible(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		select {
		case s := <-signals:
			then := "canceling, running steps have 20 seconds to stop; press Ctrl-C again to stop at once"
			if says := a.onInterrupt.Load(); says != nil {
				then = *says
			}
			a.say(fmt.Sprintf("%s: %s", s, then))
			if view := a.view.Load(); view != nil {
				view.cancel()
			}
			cancel(fmt.Errorf("%w by %s", errInterrupted, s))
		case <-done:
			return
		}
		select {
		case <-signals:
			a.say("stopped at once; what was recorded stays recorded")
			if view := a.view.Load(); view != nil {
				view.clear()
			}
			os.Exit(exitCanceled)
		case <-done:
		}
	}()
	return ctx, sync.OnceFunc(func() {
		signal.Stop(signals)
		close(done)
		cancel(nil)
	})
}
