package subprocess

import (
	"context"
	"fmt"
	"sync"
)

// session is a child's end of the connection, and the calls that wait for the parent's answers.
type session struct {
	*conn
	order Order

	mu    sync.Mutex
	next  uint64
	calls map[uint64]*waiting
}

// waiting is a call without its last answer.
type waiting struct {
	answers chan answer
	forget  func() bool
}

// call asks the parent; what it answers comes through the channel, until the context ends. The
// channel holds the last answer and at most one before it.
func (s *session) call(ctx context.Context, method string, args []byte) (<-chan answer, error) {
	w := &waiting{answers: make(chan answer, 1)}
	s.mu.Lock()
	s.next++
	id := s.next
	if s.calls == nil {
		s.calls = map[uint64]*waiting{}
	}
	s.calls[id] = w
	w.forget = context.AfterFunc(ctx, func() { s.cancelCall(id) })
	s.mu.Unlock()
	if err := s.send(kindCall, call{ID: id, Method: method, Args: args}); err != nil {
		s.cancelCall(id)
		return nil, err
	}
	return w.answers, nil
}

// cancelCall takes a call back whose caller has gone.
func (s *session) cancelCall(id uint64) {
	s.mu.Lock()
	_, waits := s.calls[id]
	delete(s.calls, id)
	s.mu.Unlock()
	if waits {
		_ = s.send(kindDrop, cancelCall{ID: id}) // a parent that is gone hears nothing, and need not
	}
}

// deliver hands an answer to its caller. It never waits: of answers that nobody has read yet, the
// last one counts.
func (s *session) deliver(message []byte) error {
	var a answer
	if err := decode(message, &a); err != nil {
		return fmt.Errorf("an answer: %w", err)
	}
	s.mu.Lock()
	w := s.calls[a.ID]
	if !a.More {
		delete(s.calls, a.ID)
	}
	s.mu.Unlock()
	if w == nil {
		return nil // taken back
	}
	if !a.More {
		w.forget()
	}
	select {
	case w.answers <- a:
	default:
		select {
		case <-w.answers:
		default: // it was read just now
		}
		w.answers <- a // there is room: nobody else writes
	}
	return nil
}
