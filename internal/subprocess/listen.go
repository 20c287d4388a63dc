package subprocess

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/storage"
)

// listen hears the process out: it asks for its step, tells what happens, asks for what it needs,
// and reports. It returns when nothing more can come.
func (c *child) listen() {
	defer close(c.heard)
	err := c.welcome()
	for err == nil {
		var k kind
		var message []byte
		if k, message, err = c.conn.receive(); err == nil {
			err = c.take(k, message)
		}
	}
	c.mu.Lock()
	reported := c.report != nil
	if c.lost = err; errors.Is(err, io.EOF) {
		c.lost = nil
	}
	c.mu.Unlock()
	switch {
	case reported: // that was the last word
	case errors.Is(err, io.EOF): // mostly since the process ends just now
		c.after(c.timeouts.exit, func() { c.kill(&LostError{What: "the process closed it and went on"}) })
	default:
		c.kill(asLost(err))
	}
}

func asLost(err error) error {
	if replaced, ok := errors.AsType[*BuildMismatchError](err); ok {
		return replaced
	}
	return &LostError{What: err.Error()}
}

// welcome hears which build the process is of and tells it what to do.
func (c *child) welcome() error {
	other, err := c.conn.greeted()
	if err != nil {
		return err
	}
	this, err := identity()
	switch {
	case err != nil:
		return err
	case this != other:
		return &BuildMismatchError{This: this, Other: other}
	}
	c.mu.Lock()
	c.greeted, c.ordered = true, !c.stopping
	ordered := c.ordered
	c.mu.Unlock()
	if !ordered {
		return nil // it is being killed
	}
	return c.conn.send(kindOrder, c.order) // it receives by now, and sends nothing before it has this
}

// take obeys one message. It must not send.
func (c *child) take(k kind, message []byte) error {
	switch k {
	case kindLog:
		var line storage.LogLine
		if err := decode(message, &line); err != nil {
			return fmt.Errorf("a line of the log: %w", err)
		}
		c.to.Log(line)
	case kindCall:
		var asks call
		if err := decode(message, &asks); err != nil {
			return fmt.Errorf("a call: %w", err)
		}
		c.called(asks)
	case kindDrop:
		var d cancelCall
		if err := decode(message, &d); err != nil {
			return fmt.Errorf("a call that is taken back: %w", err)
		}
		c.dropped(d.ID)
	case kindReport:
		var r engine.Report
		if err := decode(message, &r); err != nil {
			return fmt.Errorf("its report: %w", err)
		}
		c.mu.Lock()
		c.report = &r
		c.mu.Unlock()
		c.after(c.grace, func() { c.kill(&NotStoppedError{After: c.grace}) })
	default:
		return fmt.Errorf("a message of kind %d, which only a run sends", k)
	}
	return nil
}

// called answers a call: what records something at once and in order, what reads in a goroutine of
// its own.
func (c *child) called(asks call) {
	if err, records := c.record(asks); records {
		go c.answer(answer{ID: asks.ID, Fault: faultOf(err)})
		return
	}
	m, ok := methods()[asks.Method]
	if !ok {
		go c.answer(answer{ID: asks.ID, Fault: faultOf(fmt.Errorf("%q: no such call", asks.Method))})
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	c.mu.Lock()
	c.calls[asks.ID] = cancel
	c.mu.Unlock()
	go func() {
		defer c.dropped(asks.ID)
		last := answer{ID: asks.ID, More: true}
		for result, err := range m.answers(ctx, c.launcher.Storage, asks.Args) {
			if last.Result, last.Fault = result, faultOf(err); !m.goesOn() {
				break
			}
			if !c.answer(last) {
				return
			}
		}
		last.More = false
		c.answer(last)
	}()
}

// record does a call that records something, and reports false for any other.
func (c *child) record(asks call) (err error, records bool) { //nolint:revive // the second says whether the first means anything
	switch asks.Method {
	case emitMethod:
		var e emitted
		if err = decode(asks.Args, &e); err == nil {
			err = c.to.Emit(e.Pos, e.Facts)
		}
	case madeMethod:
		var m madeParts
		if err = decode(asks.Args, &m); err == nil {
			err = c.to.Made(m.Key, m.Partitions, m.Facts)
		}
	case failedMethod:
		var f failedPart
		if err = decode(asks.Args, &f); err == nil {
			err = c.to.Failed(f.Key, f.Why, f.Reason)
		}
	default:
		return nil, false
	}
	return err, true
}

// dropped ends the work on a call.
func (c *child) dropped(id uint64) {
	c.mu.Lock()
	cancel := c.calls[id]
	delete(c.calls, id)
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// answer sends an answer and reports whether that was possible.
func (c *child) answer(a answer) bool { return c.conn.send(kindAnswer, a) == nil }
