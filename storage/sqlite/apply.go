package sqlite

import (
	"slices"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/commit"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// statementCall is a call that reads and writes with statements of its own, as pruning does.
type statementCall interface {
	// do returns the caller's refusal, or an error of SQLite's, which ends the transaction. It may be
	// called again for another transaction.
	do(w *writer) (refusal, err error)
}

// apply writes the requests in their order inside the open transaction. A refusal is left in its
// request. An error is SQLite's and ends the transaction.
func (w *writer) apply(g *commit.Group, requests []commit.Request) error {
	for len(requests) > 0 {
		n := slices.IndexFunc(requests, isStatementCall)
		if n < 0 {
			n = len(requests)
		}
		if err := w.decide(g, requests[:n]); err != nil {
			return err
		}
		if requests = requests[n:]; len(requests) == 0 {
			break
		}
		if r := &requests[0]; r.Err == nil {
			var err error
			if r.Err, err = r.Call.(statementCall).do(w); err != nil {
				return err
			}
		}
		requests = requests[1:]
	}
	return nil
}

func isStatementCall(r commit.Request) bool {
	_, is := r.Call.(statementCall)
	return is
}

// decide decides about requests and writes their effects.
func (w *writer) decide(g *commit.Group, requests []commit.Request) error {
	if len(requests) == 0 {
		return nil
	}
	w.runs.begin()
	w.backfills.begin()
	w.slots.begin()
	w.assets.begin()
	w.keys.begin()
	defer w.effects.Reset() // they point to what callers own
	if err := ledger.Decide(g, requests, &w.facts, w.effects); err != nil {
		return err
	}
	w.topics |= w.effects.Topics
	for _, write := range []func(*ledger.Effects) error{
		w.runs.write, w.backfills.write, w.slots.write, w.writeEvents, w.assets.write, w.writeLines, w.writeValues, w.keys.write, w.writeChanges,
	} {
		if err := write(w.effects); err != nil {
			return err
		}
	}
	w.assets.remember(w.effects)
	return w.countMade()
}

// writeEvents writes events with the partitions that they are about, if any has one. Most
// transactions have none, and are spared a column.
func (w *writer) writeEvents(e *ledger.Effects) error {
	partitioned := func(ev *storage.Event) bool { return ev.Partition != "" }
	in := &w.events
	if slices.ContainsFunc(e.NewEvents, partitioned) || slices.ContainsFunc(e.Events.Rows(), partitioned) {
		in = &w.partitionEvents
	}
	for _, list := range [][]*storage.Event{e.NewEvents, e.Events.Sorted()} {
		for _, ev := range list {
			if err := w.addEvent(in, ev); err != nil {
				return err
			}
		}
	}
	return in.flush()
}

func (w *writer) addEvent(in *inserter, e *storage.Event) error {
	row, err := in.row()
	if err != nil {
		return err
	}
	row[0].Value = w.ints.of(int64(e.Run))
	row[1].Value = w.ints.of(e.N)
	row[2].Value = w.ints.of(int64(e.At))
	row[3].Value = int64(e.Kind)
	row[4].Value = w.ints.of(int64(e.Step))
	row[5].Value = int64(e.Attempt)
	row[6].Value = int64(e.RetryAt)
	row[7].Value = int64(e.Cause)
	row[8].Value = int64(e.Status)
	row[9].Value, row[10].Value = nil, int64(0)
	if e.Asset != 0 {
		row[9].Value, row[10].Value = w.ints.of(int64(e.Asset)), w.ints.of(w.runs.rows[e.Run].generation)
		w.made++
	}
	row[11].Value = document(e.Detail)
	if in == &w.partitionEvents {
		row[12].Value = e.Partition
	}
	return nil
}

const (
	// generationEvents is how many materializations and observations an index generation has before
	// the next one begins, countBy how many of them are counted at once. A process that writes fewer
	// is not counted: generations serve those that write many.
	generationEvents = 8_192
	countBy          = 256
)

// countMade brings the store's index generation up to date.
func (w *writer) countMade() error {
	if w.made < countBy {
		return nil
	}
	_, err := w.run(&w.setGeneration, "UPDATE store SET era = era + (era_events + ?1 >= ?2), era_events = iif(era_events + ?1 >= ?2, 0, era_events + ?1)",
		w.made, int64(generationEvents))
	if err == nil {
		w.made = 0
	}
	return err
}

func (w *writer) writeLines(e *ledger.Effects) error {
	for _, list := range [][]*storage.LogLine{e.NewLines, e.Lines.Sorted()} {
		for _, l := range list {
			row, err := w.logs.row()
			if err != nil {
				return err
			}
			row[0].Value = w.ints.of(int64(l.Run))
			row[1].Value = w.ints.of(l.N)
			row[2].Value = w.ints.of(int64(l.Step))
			row[3].Value = int64(l.Attempt)
			row[4].Value = w.ints.of(int64(storage.MicrosOf(l.At)))
			row[5].Value = int64(l.Level)
			row[6].Value = int64(l.Stream)
			row[7].Value = l.Message
			row[8].Value = l.Attrs
		}
	}
	return w.logs.flush()
}

// writeValues writes small values, names of assets and topologies.
func (w *writer) writeValues(e *ledger.Effects) error {
	for _, p := range e.Values.Rows() {
		if err := w.writeKV(p); err != nil {
			return err
		}
	}
	for _, name := range e.Names {
		row, err := w.names.row()
		if err != nil {
			return err
		}
		row[0].Value = name
	}
	if err := w.names.flush(); err != nil {
		return err
	}
	for _, t := range e.Topologies.Rows() {
		_, err := w.run(&w.topology, "INSERT OR REPLACE INTO topology (location, hash, at, doc) VALUES (?,?,?,?)",
			t.Location, t.Hash, int64(storage.MicrosOf(t.At)), document(t.Doc))
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) writeKV(p *storage.KVPair) error {
	if p.Value == nil {
		_, err := w.run(&w.dropKV, "DELETE FROM kv WHERE key = ?", p.Key)
		return err
	}
	_, err := w.run(&w.putKV, "INSERT OR REPLACE INTO kv (key, value) VALUES (?, coalesce(?, zeroblob(0)))", p.Key, p.Value)
	return err
}

// document is a JSON document as an argument: NULL where there is none, without boxing a nil slice.
func document(doc []byte) any {
	if len(doc) == 0 {
		return nil
	}
	return doc
}
