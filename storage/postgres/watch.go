package postgres

import (
	"context"
	"math"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rivers-go/rivers/storage"
)

// proveEvery is how often the connection of watchers is asked whether it is there: who only
// listens is told of nothing, also not that the other side is gone.
const proveEvery = 30 * time.Second

// Watch returns a channel that gets a value when something of the topics was written. What this
// handle writes is told at once; what others write comes as a notification on a connection that is
// there while somebody watches.
func (s *Store) Watch(ctx context.Context, topics storage.Topic) <-chan struct{} {
	return s.signals.Watch(ctx, topics)
}

// channel is what notifications of this store are sent to.
func (s *Store) channel() string { return "rivers_" + s.id }

// watched starts listening when the first watcher comes, unwatched stops it when the last has gone.
func (s *Store) watched() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopListening = stop
	s.listening.Go(func() { s.listen(ctx) })
}

func (s *Store) unwatched() { s.stopListening() }

// listen hears notifications until the context ends, over as many connections as that takes. It
// never gives up: there is nobody who could be told.
func (s *Store) listen(ctx context.Context) {
	away := outage{limit: math.MaxInt64}
	for ctx.Err() == nil {
		if s.hear(ctx) {
			away = outage{limit: math.MaxInt64} // that one is over
		}
		away.wait(ctx)
	}
}

// hear listens on one connection and reports whether there was one.
func (s *Store) hear(ctx context.Context) (connected bool) {
	conn, err := s.target.connect(ctx, "LISTEN "+pgx.Identifier{s.channel()}.Sanitize())
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = conn.Close(ctx) // nothing was written on it
	}()
	// Something may have been written while nobody listened.
	s.signals.Send(^storage.Topic(0))
	for {
		n, err := s.next(ctx, conn)
		if err != nil {
			return true
		}
		if n == nil || int64(n.PID) == s.writer.pid.Load() { // what we wrote was told when it was written
			continue
		}
		if topics, err := strconv.ParseUint(n.Payload, 10, 8); err == nil {
			s.signals.Send(storage.Topic(topics))
		}
	}
}

// notification is what another session sent.
type notification struct {
	PID     uint32
	Payload string
}

// next waits for a notification; it returns nil after a time in which there was none.
func (s *Store) next(ctx context.Context, conn *pgx.Conn) (*notification, error) {
	limited, cancel := context.WithTimeout(ctx, proveEvery)
	defer cancel()
	n, err := conn.WaitForNotification(limited)
	if err == nil {
		return &notification{n.PID, n.Payload}, nil
	}
	if limited.Err() == nil || ctx.Err() != nil || conn.IsClosed() {
		return nil, err
	}
	pinged, cancel := context.WithTimeout(ctx, s.target.answer)
	defer cancel()
	return nil, conn.Ping(pinged)
}
