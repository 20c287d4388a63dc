package postgres

import (
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

func (f *facts) addPool(row row) {
	p := &ledger.Pool{Name: row.text(0), Declared: int32(row.integer(1)), Set: int32(row.integer(2))}
	f.pools[p.Name] = p
}

func (f *facts) addSlot(row row) {
	f.line.Add(&ledger.Claim{
		Ticket: row.integer(0), Run: storage.RunKey(row.integer(1)), Step: int32(row.integer(2)), Attempt: int32(row.integer(3)),
		Holding: row.boolean(5), Since: storage.Micros(row.integer(6)), Until: storage.Micros(row.integer(7)),
		Key: row.text(9), RunID: row.text(10),
	}, storage.PoolSlots{Pool: row.text(8), Slots: int(row.integer(4))})
}

// Pool implements [ledger.Slots], as do the two methods below.
func (f *facts) Pool(name string) (*ledger.Pool, error) {
	p := f.pools[name]
	if p == nil {
		p = &ledger.Pool{Name: name}
		f.pools[name] = p
	}
	return p, nil
}

// Line returns the claims that the first pipeline read.
func (f *facts) Line(storage.RunKey, []storage.PoolSlots) (*ledger.Line, error) { return &f.line, nil }

// Ticket returns one of the tickets that the first pipeline took.
func (f *facts) Ticket() (int64, error) {
	ticket := f.tickets[0]
	f.tickets = f.tickets[1:]
	return ticket, nil
}

// sendSlots drops claims that ended, and writes those that are new or changed.
func (f *facts) sendSlots(t *pipeline, to *tables, enc *encoder) {
	if dropped := f.line.Dropped(); len(dropped) > 0 {
		t.send(dropSlots, nil, integers(dropped))
	}
	if ended := f.line.Ended(); len(ended) > 0 {
		t.send(dropEnded, nil, integers(ended))
	}
	added, changed := f.line.Written()
	to.insertSlots.send(t, enc, added, nil)
	to.updateSlots.send(t, enc, changed, nil)
}
