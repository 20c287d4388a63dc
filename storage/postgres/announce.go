package postgres

import (
	"context"
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// announceEvery is how often a process tells others of the feed of changes: transactions that
// notify are committed one after the other in the whole server, and nearly every one changes
// something.
const announceEvery = 50 * time.Millisecond

// announces returns the topics that a transaction tells other processes of. Where they were told
// of the feed of changes a moment ago, they are told later.
func (w *writer) announces(e *ledger.Effects) storage.Topic {
	topics := e.Topics
	switch {
	case e.Announces:
		topics |= storage.TopicChanges
	case topics&storage.TopicChanges == 0:
		return topics
	case time.Since(w.announced) < announceEvery:
		topics &^= storage.TopicChanges
		w.store.announceLater()
		return topics
	}
	w.announced = time.Now()
	return topics
}

// announceLater tells other processes of the feed of changes soon, unless that is to be done
// already.
func (s *Store) announceLater() {
	s.announcing.Lock()
	defer s.announcing.Unlock()
	if s.later == nil {
		s.later = time.AfterFunc(announceEvery, func() { s.announce(context.Background()) })
	}
}

// announce does what [Store.announceLater] left to do. It is a hint: who does not hear it looks
// again when something else happens.
func (s *Store) announce(ctx context.Context) {
	s.announcing.Lock()
	waits := s.later != nil
	if waits {
		s.later.Stop()
		s.later = nil
	}
	s.announcing.Unlock()
	if waits {
		_ = s.queue.Commit(ctx, commit.Request{Call: ledger.Announcement{}})
	}
}

// announceLast is announce for who closes the store, and does not wait for a server that is away.
func (s *Store) announceLast() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.announce(ctx)
}
