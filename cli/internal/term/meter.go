package term

import "time"

// Meter shows one line of progress. A terminal redraws it in place; a pipe gets a line every few
// seconds. The goroutine that works calls it. It is not safe for concurrent use.
type Meter struct {
	t      *Terminal
	screen screen
	began  time.Time
	said   time.Time // time of the last line
	drawn  bool
}

// NewMeter returns a meter that starts now.
func (t *Terminal) NewMeter() *Meter {
	now := time.Now()
	return &Meter{t: t, screen: screen{out: raw(t.Out), width: t.Width}, began: now, said: now}
}

// Due reports whether it is time to show the line again.
func (m *Meter) Due() bool {
	every := sayEvery
	if m.t.Interactive {
		every = liveEvery
	}
	return time.Since(m.said) >= every
}

// Show shows a text and the rate of n items since the meter started.
func (m *Meter) Show(text string, n int64) {
	m.said = time.Now()
	if took := time.Since(m.began).Seconds(); took > 0.5 {
		text += "  " + rateText(float64(n)/took) + "/s"
	}
	if !m.t.Interactive {
		m.t.Println(text)
		return
	}
	m.drawn = true
	m.screen.paint(nil, []string{text})
}

// Clear removes the line from a terminal.
func (m *Meter) Clear() {
	if m.drawn {
		m.screen.paint(nil, nil)
	}
}

// AtInterrupt sets the text that the first Ctrl-C prints, until restore is called.
func (t *Terminal) AtInterrupt(text string) (restore func()) {
	t.onInterrupt.Store(&text)
	return func() { t.onInterrupt.Store(nil) }
}
