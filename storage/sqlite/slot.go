package sqlite

import (
	"time"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// slotWriter is the part of the writer for pools and slots.
type slotWriter struct {
	w     *writer
	pools map[string]*ledger.Pool
	line  ledger.Line
	// runs and names are those whose claims the line has: of runs, and on pools.
	runs  map[storage.RunKey]bool
	names map[string]bool
	// last is the last ticket, zero before it is read.
	last int64

	pool, ofRun, ofPool, lastTicket, add, set, drop, expire *statement
	setPool, declarePool, dropPool                          *statement
}

func newSlotWriter(w *writer) *slotWriter {
	return &slotWriter{w: w, pools: map[string]*ledger.Pool{}, runs: map[storage.RunKey]bool{}, names: map[string]bool{}}
}

// begin forgets what the transaction before knew.
func (s *slotWriter) begin() {
	clear(s.pools)
	clear(s.runs)
	clear(s.names)
	s.line.Reset()
	s.last = 0
}

// Pool implements [ledger.Slots], as do the two methods below.
func (s *slotWriter) Pool(name string) (*ledger.Pool, error) {
	if p := s.pools[name]; p != nil {
		return p, nil
	}
	row, err := s.w.first(&s.pool, "SELECT declared, by_hand FROM pool WHERE name = ?", 2, name)
	if err != nil {
		return nil, err
	}
	p := &ledger.Pool{Name: name}
	if row != nil {
		declared, _ := row[0].(int64) // STRICT columns
		set, _ := row[1].(int64)
		p.Declared, p.Set = int32(declared), int32(set)
	}
	s.pools[name] = p
	return p, nil
}

const slotColumns = "SELECT ticket, run, step, attempt, slots, holding, since, until, pool, step_key FROM slot"

// Line reads the claims of the run and those on the pools, as far as it has not.
func (s *slotWriter) Line(run storage.RunKey, pools []storage.PoolSlots) (*ledger.Line, error) {
	if !s.runs[run] {
		if err := s.read(&s.ofRun, slotColumns+" WHERE run = ? ORDER BY ticket", int64(run)); err != nil {
			return nil, err
		}
		s.runs[run] = true
	}
	for _, p := range pools {
		if s.names[p.Pool] {
			continue
		}
		if err := s.read(&s.ofPool, slotColumns+" WHERE pool = ? ORDER BY ticket", p.Pool); err != nil {
			return nil, err
		}
		s.names[p.Pool] = true
	}
	return &s.line, nil
}

func (s *slotWriter) read(st **statement, sql string, key any) error {
	rows, err := s.w.all(st, sql, 10, key)
	for _, row := range rows {
		ticket, _ := row[0].(int64) // STRICT columns
		run, _ := row[1].(int64)
		step, _ := row[2].(int64)
		attempt, _ := row[3].(int64)
		slots, _ := row[4].(int64)
		holding, _ := row[5].(int64)
		since, _ := row[6].(int64)
		until, _ := row[7].(int64)
		pool, _ := row[8].(string)
		stepKey, _ := row[9].(string)
		s.line.Add(&ledger.Claim{
			Ticket: ticket, Run: storage.RunKey(run), Step: int32(step), Key: stepKey, Attempt: int32(attempt),
			Holding: holding != 0, Since: storage.Micros(since), Until: storage.Micros(until),
		}, storage.PoolSlots{Pool: pool, Slots: int(slots)})
	}
	return err
}

// Ticket counts on from the last ticket in the line.
func (s *slotWriter) Ticket() (int64, error) {
	if s.last == 0 {
		row, err := s.w.first(&s.lastTicket, "SELECT coalesce(max(ticket), 0) FROM slot", 1)
		if err != nil {
			return 0, err
		}
		s.last, _ = row[0].(int64) // a STRICT column
	}
	s.last++
	return s.last, nil
}

// write writes what changes of claims and pools. Claims whose lease has ended are dropped last,
// those of other pools with them: a claim that is renewed in this transaction is not among them by
// then.
func (s *slotWriter) write(e *ledger.Effects) error {
	for _, ticket := range s.line.Dropped() {
		if _, err := s.w.run(&s.drop, "DELETE FROM slot WHERE ticket = ?", ticket); err != nil {
			return err
		}
	}
	added, changed := s.line.Written()
	for _, r := range added {
		_, err := s.w.run(&s.add, "INSERT INTO slot (ticket, pool, slots, run, step, step_key, attempt, holding, since, until) VALUES (?,?,?,?,?,?,?,?,?,?)",
			r.Ticket, r.Slots.Pool, int64(r.Slots.Slots), int64(r.Run), int64(r.Step), r.Key, int64(r.Attempt), r.Holding, int64(r.Since), int64(r.Until))
		if err != nil {
			return err
		}
	}
	for _, c := range changed {
		_, err := s.w.run(&s.set, "UPDATE slot SET holding = ?, since = ?, until = ? WHERE ticket = ?", c.Holding, int64(c.Since), int64(c.Until), c.Ticket)
		if err != nil {
			return err
		}
	}
	if len(s.line.Ended()) > 0 {
		if _, err := s.w.run(&s.expire, "DELETE FROM slot WHERE until <= ?", int64(storage.MicrosOf(time.Now()))); err != nil {
			return err
		}
	}
	return s.writePools(e)
}

func (s *slotWriter) writePools(e *ledger.Effects) error {
	for _, p := range e.DeclaredPools.Rows() {
		_, err := s.w.run(&s.declarePool, "INSERT INTO pool (name, by_hand, declared) VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET declared = excluded.declared",
			p.Name, int64(p.Set), int64(p.Declared))
		if err != nil {
			return err
		}
	}
	for _, p := range e.SetPools.Rows() {
		_, err := s.w.run(&s.setPool, "INSERT INTO pool (name, by_hand, declared) VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET by_hand = excluded.by_hand",
			p.Name, int64(p.Set), int64(p.Declared))
		if err == nil && p.Set == 0 {
			_, err = s.w.run(&s.dropPool, "DELETE FROM pool WHERE name = ? AND by_hand = 0 AND declared = 0", p.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
