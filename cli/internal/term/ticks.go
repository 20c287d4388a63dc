package term

import "time"

// every calls f with the time, one call after another and d apart, until end is called. End returns
// when f no longer runs.
func every(d time.Duration, f func(now time.Time)) (end func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(d)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case now := <-ticker.C:
				f(now)
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}
