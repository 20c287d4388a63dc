package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	// firstPause is how long the first wait for a server is about, maxPause the longest.
	firstPause = 20 * time.Millisecond
	maxPause   = 2 * time.Second
)

// outage is a time without the server: pauses between attempts, each about twice the one before,
// until a limit. It begins with the first call of wait. Many processes wait like this at once, so
// pauses are random by half.
type outage struct {
	limit time.Duration
	since time.Time
	pause time.Duration
}

// wait pauses before the next attempt. It reports false when the limit is over or the context has
// ended.
func (o *outage) wait(ctx context.Context) bool {
	if o.since.IsZero() {
		o.since, o.pause = time.Now(), firstPause
	}
	left := o.limit - time.Since(o.since)
	if left <= 0 {
		return false
	}
	timer := time.NewTimer(min(left, o.pause/2+rand.N(o.pause)))
	defer timer.Stop()
	o.pause = min(2*o.pause, maxPause)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// gone returns the error of a server that has been away for too long.
func (t *target) gone(doing string, err error, o *outage) error {
	text := fmt.Sprintf("store %s: %s: the server has been away for %s (%s): start it and try again, or wait longer with retry_for= in the URL",
		t.name, doing, time.Since(o.since).Round(time.Millisecond), reason(err))
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = nil // of a context of ours: it must not be taken for the caller's
	}
	return &failure{text, err}
}
