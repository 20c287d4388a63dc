package sqlite

import (
	"context"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite/internal/db"
)

// lookEvery is how often a watched store is asked whether another process wrote to it. The question
// is one pragma on a connection that is open anyway, some microseconds.
const lookEvery = 25 * time.Millisecond

// Watch returns a channel that receives a value after a write to the topics. Writes of this handle
// arrive at once; those of other handles are found by polling, since SQLite sends no notifications.
func (s *Store) Watch(ctx context.Context, topics storage.Topic) <-chan struct{} {
	return s.signals.Watch(ctx, topics)
}

// look wakes the watchers for the writes of others, until the context ends.
func (s *Store) look(ctx context.Context) {
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return // the store is closing: so are the channels
	}
	defer conn.Close() //nolint:errcheck // it goes back to a pool
	q := db.New(conn)
	version, known := int64(-1), map[int64]int64{}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		var now int64
		if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&now); err == nil && now != version {
			if rows, err := signals(ctx, q); err == nil {
				version = now
				s.sendChanged(rows, known)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// signals reads the counters of all topics; that of the change feed is its last number.
func signals(ctx context.Context, q *db.Queries) ([]db.Signal, error) {
	seq, err := q.GetLastChange(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.ListSignals(ctx)
	return append(rows, db.Signal{Topic: int64(storage.TopicChanges), N: seq}), err
}

// sendChanged sends the topics whose counters changed. The first look sends all, since a write may
// precede it.
func (s *Store) sendChanged(rows []db.Signal, known map[int64]int64) {
	var topics storage.Topic
	for _, r := range rows {
		if n, seen := known[r.Topic]; !seen || n != r.N {
			known[r.Topic] = r.N
			topics |= storage.Topic(r.Topic)
		}
	}
	if topics != 0 {
		s.signals.Send(topics)
	}
}

// startPolling looks for changes from the first watcher on, until stopPolling is called after the
// last.
func (s *Store) startPolling() {
	ctx, stop := context.WithCancel(context.Background())
	s.stopLooking = stop
	s.looking.Go(func() { s.look(ctx) })
}

func (s *Store) stopPolling() { s.stopLooking() }
