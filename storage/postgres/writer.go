package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// maxConflicts is how often a transaction is done again because it met others.
const maxConflicts = 20

// writer applies groups, each in one transaction. It belongs to the goroutine of [Store.write].
type writer struct {
	store  *Store
	target *target
	queue  *commit.Queue
	// session is nil while there is no connection. former is the one before, whose process may still
	// stand in the middle of a transaction.
	session, former *session
	// pid is the process of the session, for who hears of what it wrote.
	pid atomic.Int64

	needs   ledger.Needs
	facts   *facts
	effects *ledger.Effects
	sender  *sender
	// announced is when other processes were last told of the feed of changes.
	announced time.Time
	// id names the writer in the table of its name. batch is the number of the last transaction that
	// was to write.
	id    string
	batch int64
	// unsure is true if that transaction was told to commit and has not answered.
	unsure bool
}

func newWriter(s *Store) *writer {
	to, enc, effects := newTables(), &encoder{}, ledger.NewEffects()
	return &writer{
		store: s, target: s.target, queue: s.queue, id: uuid.NewString(),
		facts: newFacts(to, enc), effects: effects, sender: &sender{e: effects, to: to, enc: enc},
	}
}

// write is the writer's goroutine: it only waits, writeGroup works.
func (s *Store) write() {
	defer close(s.done)
	for s.queue.Wait() {
		s.writer.writeGroup()
	}
	s.writer.forget()
	if s.writer.session != nil {
		s.writer.session.close()
	}
}

// writeGroup takes the queue, once there is a connection, and applies it in one transaction.
func (w *writer) writeGroup() {
	away := outage{limit: w.target.retryFor}
	err := w.connect(&away) // callers may take back what is in the queue meanwhile
	g := w.queue.Take()
	if err == nil {
		err = w.carry(g, g.Requests, &away)
	}
	switch {
	case err == nil:
	case w.session == nil:
		w.fail(g, err)
		w.queue.Finish()
		w.fail(w.queue.Take(), err) // what came during the outage has waited too
	case len(g.Requests) == 1:
		w.fail(g, err)
	default:
		w.writeSingly(g, &away)
	}
	w.queue.Finish()
}

// fail answers all of a group.
func (w *writer) fail(g *commit.Group, err error) {
	for i := range g.Requests {
		g.Requests[i].Fail(err)
	}
}

// writeSingly gives each request of a failed transaction one of its own, so that a batch that
// the server does not take hurts nobody else.
func (w *writer) writeSingly(g *commit.Group, away *outage) {
	lost := map[storage.Fence]error{}
	for i := range g.Requests {
		r := &g.Requests[i]
		if r.Refused || r.Withdrawn {
			continue
		}
		if r.Err = lost[r.Fence]; r.Err == nil {
			r.Fail(w.carry(g, g.Requests[i:i+1], away))
		}
		if r.Err != nil && r.Sticky() && r.Fence != (storage.Fence{}) {
			lost[r.Fence] = r.Err
		}
	}
}

// carry writes requests in one transaction, over as many connections as that takes.
func (w *writer) carry(g *commit.Group, requests []commit.Request, away *outage) error {
	alone := len(requests) < len(g.Requests)
	for conflicts, breaks := 0, 0; ; {
		err := w.attempt(g, requests, alone)
		switch {
		case err == nil:
			return nil
		case w.session != nil && isConflict(err) && conflicts < maxConflicts:
			conflicts++
		case w.session != nil:
			return w.target.explain("write", err)
		default:
			committed, regainErr := w.regain(err, alone, away)
			if committed || regainErr != nil {
				return regainErr
			}
			// A server that breaks down over our requests is given time, too.
			if breaks++; breaks > 1 && !away.wait(context.Background()) {
				return w.target.gone("write", err, away)
			}
		}
	}
}

// lend lets callers whose context ends leave while the server is waited for. In a group whose
// requests are written one by one, any may be in doubt.
func (w *writer) lend(alone bool) {
	if alone || w.unsure {
		w.queue.Doubt()
	} else {
		w.queue.Release()
	}
}

// attempt writes requests in one transaction. Where the connection breaks, the session is nil
// afterwards.
func (w *writer) attempt(g *commit.Group, requests []commit.Request, alone bool) error {
	for i := range requests {
		if r := &requests[i]; !r.Refused {
			r.Err = nil // of a former attempt
		}
	}
	w.needs.Reset()
	w.needs.Collect(g, requests)
	w.lend(alone)
	err := w.facts.load(w.session, &w.needs)
	w.queue.Reclaim()
	if err == nil {
		err = w.sameStore(w.facts.store)
	}
	if err != nil {
		return w.undo(err)
	}
	w.effects.Reset()
	if err := ledger.Decide(g, requests, &w.facts.Facts, w.effects); err != nil {
		return w.undo(err)
	}
	t := w.session.pipeline()
	w.sender.send(t, w.facts)
	if topics := w.announces(w.effects); topics != 0 {
		t.send(notify, nil, []byte(w.store.channel()), []byte(strconv.Itoa(int(topics))))
	}
	if len(t.sent) == 0 {
		t.send(rollback, nil) // nothing to write, and nothing to wait for the disk for
		return w.undo(t.end())
	}
	w.batch++
	t.send(markBatch, nil, []byte(w.id), parameter(w.batch))
	t.send(end, nil)
	w.unsure = true
	w.queue.DoubtAfter(w.target.doubt)
	err = t.end()
	w.queue.Reclaim()
	if err != nil {
		return w.undo(err)
	}
	w.written()
	return nil
}

// written counts a transaction and tells what it wrote.
func (w *writer) written() {
	w.unsure = false
	w.store.counts.commits.Add(1)
	if w.effects.Topics != 0 {
		w.store.signals.Send(w.effects.Topics)
	}
}

// undo rolls a transaction back after an error, which it returns, or lets go of a session that is
// gone. A nil error stays nil.
func (w *writer) undo(err error) error {
	if err == nil {
		return nil
	}
	if code(err) == readOnlyTransaction {
		w.session.close() // it was a primary once
	}
	if !w.session.isLost() {
		w.unsure = false // the server has refused something, and with it the commit
		if rollbackErr := w.session.do(rollback, nil); rollbackErr == nil || !w.session.isLost() {
			return err
		}
	}
	w.former, w.session = w.session, nil
	return err
}

// connect makes a session where there is none, waiting for a server that is away.
func (w *writer) connect(away *outage) error {
	for w.session == nil {
		ctx, cancel := context.WithTimeout(context.Background(), w.target.answer)
		s, who, err := w.target.open(ctx, &w.store.counts)
		if err == nil {
			err = w.welcome(ctx, s, who)
		}
		cancel()
		switch {
		case err == nil:
			w.session = s
			w.pid.Store(s.pid)
		case !isGone(err):
			return w.target.explain("connect", err)
		case !away.wait(context.Background()):
			return w.target.gone("write", err, away)
		}
	}
	return nil
}

// welcome makes sure that the server has the same store, and that nothing is left there of the
// session before.
func (w *writer) welcome(ctx context.Context, s *session, who identity) error {
	err := errors.Join(w.target.checkVersion(who), w.sameStore(who.id))
	if err == nil && who.needed != who.offset {
		err = s.do(moveOn, nil, parameter(who.needed))
	}
	if err == nil {
		err = w.sweep(ctx, s)
	}
	if err == nil && w.former != nil {
		_, err = s.conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND (extract(epoch FROM backend_start) * 1000000)::bigint = $2",
			w.former.pid, w.former.started)
	}
	if err != nil {
		s.close()
		return err
	}
	w.former = nil
	return nil
}

// sameStore asks every transaction, for a pooler may let them share connections with those of
// others, whatever their settings are.
func (w *writer) sameStore(id string) error {
	if id != w.store.id {
		return fmt.Errorf("there is another store by now: its id is %q, not %q", id, w.store.id)
	}
	return nil
}

// regain finds a server again, and finds out what became of the transaction that was under way
// when the connection broke.
func (w *writer) regain(broken error, alone bool, away *outage) (committed bool, err error) {
	w.lend(alone)
	defer func() {
		if err != nil && w.unsure {
			err = fmt.Errorf("%w: %w", storage.ErrOutcomeUnknown, err)
		}
		w.unsure = false
		w.queue.Reclaim()
	}()
	for {
		if err := w.connect(away); err != nil {
			return false, err
		}
		if !w.unsure {
			return false, nil
		}
		committed, err := w.outcome()
		if err == nil || w.session != nil {
			return committed, w.target.explain("ask for the outcome of a transaction", err)
		}
		if !away.wait(context.Background()) {
			return false, w.target.gone("write", broken, away)
		}
	}
}

// outcome decides what became of the transaction in doubt: it was committed, or it never will be.
func (w *writer) outcome() (committed bool, err error) {
	voided := false
	t := w.session.pipeline()
	t.send(begin, nil) // with an isolation of our own, whatever the server's default is
	t.send(voidBatch, func(row) { voided = true }, []byte(w.id), parameter(w.batch))
	t.send(end, nil)
	switch err := t.end(); {
	case err != nil:
		return false, w.undo(err)
	case voided:
		return false, nil
	}
	return true, w.settle()
}

// forget deletes the writer's row, unless a transaction of it is in doubt.
func (w *writer) forget() {
	if w.session == nil || w.unsure || w.batch == 0 {
		return
	}
	t := w.session.pipeline()
	t.send(begin, nil)
	t.send(noWait, nil)
	t.send(dropMark, nil, []byte(w.id))
	t.send(end, nil)
	_ = t.end() // a row that stays is deleted by age
}

// sweep deletes the rows of writers that were killed long ago.
func (w *writer) sweep(ctx context.Context, s *session) error {
	_, err := s.conn.Exec(ctx, dropOldMarks, markAge.Microseconds())
	return err
}

var askKeys = &statement{name: "rivers_key", sql: `SELECT key, id FROM run WHERE id = ANY($1::text[])`, uncounted: true}

// settle learns the keys of new runs, whose answer was lost with the connection.
func (w *writer) settle() error {
	ids := make([]string, len(w.effects.NewRuns))
	for i, r := range w.effects.NewRuns { // those of backfills were known before
		ids[i] = r.ID
	}
	if len(ids) > 0 {
		w.sender.keyed = 0
		if err := w.session.do(askKeys, w.sender.inserted, textList(ids)); err != nil {
			return w.undo(err)
		}
	}
	w.written()
	return nil
}
