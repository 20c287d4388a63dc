package postgres

import (
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// facts is what the first pipeline of a transaction read and locked, as [ledger.Decide] asks for
// it.
type facts struct {
	// Facts has the methods of this struct.
	ledger.Facts

	// store is the ID of the store.
	store string
	// now is the server's clock, when all locks were held.
	now storage.Micros
	// name is the server's number of the transaction, offset what is added to it; see [facts.Numbers].
	name, offset int64

	runs map[storage.RunKey]*ledger.Run
	byID map[string]*ledger.Run
	// taken has the IDs that runs have, of those that were asked for. runKeys are for new runs.
	taken   map[string]bool
	runKeys []int64

	backfills     map[storage.BackfillKey]*ledger.Backfill
	backfillByID  map[string]*ledger.Backfill
	backfillTaken map[string]bool
	backfillKeys  []int64

	pools map[string]*ledger.Pool
	line  ledger.Line
	// tickets are new places in line.
	tickets []int64

	assets   map[storage.AssetKey]*ledger.Asset
	inFlight map[storage.RunKey][]*inFlightRow
	// changedInFlight are the rows whose sets may have changed.
	changedInFlight []*inFlightRow
	tables          map[string]*ledger.KeyTable
	keys            ordinalAllocator

	// damaged is set where something does not read.
	damaged error
}

func newFacts(to *tables, enc *encoder) *facts {
	f := &facts{
		runs: map[storage.RunKey]*ledger.Run{}, byID: map[string]*ledger.Run{}, taken: map[string]bool{},
		backfills: map[storage.BackfillKey]*ledger.Backfill{}, backfillByID: map[string]*ledger.Backfill{}, backfillTaken: map[string]bool{},
		pools: map[string]*ledger.Pool{}, assets: map[storage.AssetKey]*ledger.Asset{}, inFlight: map[storage.RunKey][]*inFlightRow{},
		tables: map[string]*ledger.KeyTable{}, keys: ordinalAllocator{to: to, enc: enc},
	}
	f.Facts = ledger.Facts{
		Now: func() storage.Micros { return f.now }, Runs: f, Backfills: f, Slots: f, Assets: f, InFlight: f, Keys: f,
	}
	return f
}

func (f *facts) reset() {
	clear(f.runs)
	clear(f.byID)
	clear(f.taken)
	clear(f.backfills)
	clear(f.backfillByID)
	clear(f.backfillTaken)
	clear(f.pools)
	clear(f.assets)
	clear(f.inFlight)
	clear(f.tables)
	f.line.Reset()
	f.keys.reset()
	f.store, f.now, f.name, f.offset = "", 0, 0, 0
	f.runKeys, f.backfillKeys, f.tickets = f.runKeys[:0], f.backfillKeys[:0], f.tickets[:0]
	f.changedInFlight, f.damaged = nil, nil
}

// The questions of a transaction's beginning, in the order in which they are asked. Locks come
// before what they protect, each list in the order of its keys: everybody takes them in the same
// order.
var (
	begin    = &statement{name: "rivers_begin", sql: "BEGIN ISOLATION LEVEL READ COMMITTED", uncounted: true}
	end      = &statement{name: "rivers_commit", sql: "COMMIT", uncounted: true}
	rollback = &statement{name: "rivers_rollback", sql: "ROLLBACK", uncounted: true}

	lockRuns = &statement{name: "rivers_lock_run", sql: `SELECT key, id, token, state, owner, lease_until, cancel FROM run
		WHERE key = ANY($1::bigint[]) ORDER BY key FOR NO KEY UPDATE`}
	lockClaimedRuns = &statement{name: "rivers_lock_claimed_run", sql: `SELECT key, id, token, state, owner, lease_until, cancel FROM run
		WHERE key = ANY($1::bigint[]) OR id = ANY($2::text[]) ORDER BY key FOR NO KEY UPDATE`}
	lockPools = &statement{name: "rivers_lock_pool", sql: `SELECT name, declared, by_hand FROM pool
		WHERE name = ANY($1::text[] || ARRAY(SELECT slot.pool FROM slot WHERE slot.run = ANY($2::bigint[])))
		ORDER BY name FOR UPDATE`}
	readSlots = &statement{name: "rivers_read_slot", sql: `SELECT slot.ticket, slot.run, slot.step, slot.attempt, slot.slots, slot.holding,
		slot.since, slot.until, slot.pool, slot.step_key, (SELECT run.id FROM run WHERE run.key = slot.run)
		FROM slot
		WHERE slot.pool = ANY($1::text[]) OR slot.run = ANY($2::bigint[] || ARRAY(SELECT run.key FROM run WHERE run.id = ANY($3::text[])))
		ORDER BY slot.ticket, slot.pool`}
	takeTickets = &statement{name: "rivers_take_ticket", sql: `SELECT nextval('slot_ticket') FROM generate_series(1, $1::bigint)`}
	// lookAround has a snapshot that is newer than all locks: what it sees of the locked runs stays.
	lookAround = &statement{name: "rivers_look_around", sql: `SELECT pg_current_xact_id()::text::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
		ARRAY(SELECT id FROM run WHERE id = ANY($1::text[])),
		ARRAY(SELECT coalesce((SELECT max(n) FROM event WHERE event.run = asked.run), 0)
			FROM unnest($2::bigint[]) WITH ORDINALITY AS asked (run, i) ORDER BY i),
		ARRAY(SELECT coalesce((SELECT max(n) FROM log WHERE log.run = asked.run), 0)
			FROM unnest($2::bigint[]) WITH ORDINALITY AS asked (run, i) ORDER BY i),
		(SELECT store.id FROM store WHERE one), (SELECT store.seq_offset FROM store WHERE one),
		ARRAY(SELECT run FROM in_flight WHERE run = ANY($3::bigint[]) ORDER BY run, asset),
		ARRAY(SELECT asset FROM in_flight WHERE run = ANY($3::bigint[]) ORDER BY run, asset),
		ARRAY(SELECT labels FROM in_flight WHERE run = ANY($3::bigint[]) ORDER BY run, asset)`}
	takeRunKeys      = &statement{name: "rivers_take_run_key", sql: `SELECT nextval('run_key_seq') FROM generate_series(1, $1::bigint)`}
	takeBackfillKeys = &statement{name: "rivers_take_backfill_key", sql: `SELECT nextval('backfill_key_seq') FROM generate_series(1, $1::bigint)`}
)

// load begins a transaction and learns what the requests need, in one pipeline.
func (f *facts) load(s *session, n *ledger.Needs) error {
	f.reset()
	f.keys.s = s
	t := s.pipeline()
	t.send(begin, nil)
	switch {
	case len(n.ClaimedIDs) > 0:
		t.send(lockClaimedRuns, f.addRun, integers(n.Runs), textList(n.ClaimedIDs))
	case len(n.Runs) > 0:
		t.send(lockRuns, f.addRun, integers(n.Runs))
	}
	f.askBackfills(t, n)
	if len(n.Pools) > 0 || len(n.Renewed) > 0 {
		t.send(lockPools, f.addPool, textList(n.Pools), integers(n.Renewed))
	}
	if n.Slots() {
		t.send(readSlots, f.addSlot, textList(n.Pools), integers(n.Holders), textList(n.ClaimedIDs))
	}
	if n.Tickets > 0 {
		t.send(takeTickets, func(row row) { f.tickets = append(f.tickets, row.integer(0)) }, parameter(int64(n.Tickets)))
	}
	f.askAssets(t, n)
	f.askTables(t, n)
	if n.RunKeys {
		t.send(takeRunKeys, func(row row) { f.runKeys = append(f.runKeys, row.integer(0)) }, parameter(int64(n.NewRuns)))
	}
	t.send(lookAround, func(row row) { f.look(row, n.Numbered) }, textList(n.NewIDs), integers(n.Numbered), integers(n.InFlight))
	if err := t.end(); err != nil {
		return err
	}
	return f.damaged
}

// parameter is an integer as a parameter.
func parameter(n int64) []byte { return putInteger(nil, n)[4:] }

func (f *facts) addRun(row row) {
	r := &ledger.Run{
		Key: storage.RunKey(row.integer(0)), ID: row.text(1), Token: row.integer(2), State: storage.RunState(row.integer(3)),
		Owner: row.text(4), Until: storage.Micros(row.integer(5)), Cancel: row.document(6),
	}
	f.runs[r.Key], f.byID[r.ID] = r, r
}

func (f *facts) look(row row, numbered []storage.RunKey) {
	f.name, f.now, f.store = row.integer(0), storage.Micros(row.integer(1)), row.text(5)
	row.texts(2, func(id string) { f.taken[id] = true })
	i := 0
	row.integers(3, func(n int64) {
		if r := f.runs[numbered[i]]; r != nil {
			r.LastEvent = n
		}
		i++
	})
	i = 0
	row.integers(4, func(n int64) {
		if r := f.runs[numbered[i]]; r != nil {
			r.LastLine = n
		}
		i++
	})
	f.offset = row.integer(6)
	var runs, assets []int64
	row.integers(7, func(n int64) { runs = append(runs, n) })
	row.integers(8, func(n int64) { assets = append(assets, n) })
	i = 0
	row.byteas(9, func(labels []byte) {
		f.addInFlightRow(storage.RunKey(runs[i]), storage.AssetKey(assets[i]), labels)
		i++
	})
}

// Run implements [ledger.Runs], as do the three methods below.
func (f *facts) Run(key storage.RunKey) (*ledger.Run, error) { return f.runs[key], nil }

// RunByID returns a run that the first pipeline locked by its ID.
func (f *facts) RunByID(id string) (*ledger.Run, error) { return f.byID[id], nil }

// HasRun reports whether a run has an ID that the first pipeline asked for.
func (f *facts) HasRun(id string) (bool, error) { return f.taken[id], nil }

// AddRun gives a new run its key if some run of the transaction needs one now: keys grow in the
// order of runs.
func (f *facts) AddRun(r *ledger.NewRun) error {
	f.taken[r.ID] = true
	if len(f.runKeys) > 0 {
		r.RowKey, f.runKeys = storage.RunKey(f.runKeys[0]), f.runKeys[1:]
	}
	return nil
}
