package postgres

import (
	"strconv"

	"github.com/rivers-go/rivers/storage"
)

// facts is what a transaction knows: what it read and locked at its beginning, and what it has decided
// since.
type facts struct {
	// xid is the transaction's name, by which its outcome can be asked for later; store the ID of the store that it is in.
	xid, store string
	// now is the server's clock, when all locks were held.
	now  storage.Micros
	runs map[storage.RunKey]*run
	byID map[string]*run
	// taken has the IDs that runs have, of those that were asked for.
	taken  map[string]bool
	pools  map[string]*pool
	claims []*claim // in the order of arrival
	// tickets are new places in line.
	tickets []int64

	// name is xid as a number, offset what is added to it, seq the last number that was given, see [facts.number].
	name, offset, seq int64
	kind              storage.StateKind
	shares            bool
	assets            map[storage.AssetKey]*parted
	flights           map[storage.RunKey][]*flight
	// runKeys and fillKeys are for new runs and backfills.
	runKeys, fillKeys []int64
	backfills         map[storage.BackfillKey]*backfill
	fillByID          map[string]*backfill
	fillTaken         map[string]bool
	tables            map[string]*keyTable
	// damaged is set where something does not read.
	damaged error
}

// run is a run's row as the transaction sees it, and what it changes of it.
type run struct {
	key    storage.RunKey
	id     string
	token  int64
	state  storage.RunState
	owner  string
	until  storage.Micros
	cancel []byte
	// lastEvent and lastLine are the highest numbers of what is recorded.
	lastEvent, lastLine int64

	changed        bool
	update         *storage.RunUpdate
	started, ended *storage.Micros
	canceling      []byte
	plan           []byte
}

// pool is a pool's row.
type pool struct {
	name             string
	declared, byHand int32
}

// claim is what one step holds or waits for. Of claims of other runs only the pools are known that the
// transaction asked for.
type claim struct {
	ticket       int64
	run          storage.RunKey
	runID        string
	step         int32
	key          string
	attempt      int32
	pools        []storage.PoolSlots
	holding      bool
	since, until storage.Micros
	// stored tells a claim that has rows from a new one; changed says that they differ.
	stored, changed bool
}

func newFacts() *facts {
	return &facts{
		runs: map[storage.RunKey]*run{}, byID: map[string]*run{}, taken: map[string]bool{}, pools: map[string]*pool{},
		assets: map[storage.AssetKey]*parted{}, flights: map[storage.RunKey][]*flight{}, backfills: map[storage.BackfillKey]*backfill{},
		fillByID: map[string]*backfill{}, fillTaken: map[string]bool{}, tables: map[string]*keyTable{},
	}
}

func (f *facts) reset() {
	clear(f.runs)
	clear(f.byID)
	clear(f.taken)
	clear(f.pools)
	clear(f.claims)
	clear(f.assets)
	clear(f.flights)
	clear(f.backfills)
	clear(f.fillByID)
	clear(f.fillTaken)
	clear(f.tables)
	*f = facts{
		runs: f.runs, byID: f.byID, taken: f.taken, pools: f.pools, claims: f.claims[:0], tickets: f.tickets[:0],
		assets: f.assets, flights: f.flights, backfills: f.backfills, fillByID: f.fillByID, fillTaken: f.fillTaken, tables: f.tables,
		runKeys: f.runKeys[:0], fillKeys: f.fillKeys[:0],
	}
}

// The questions of a transaction's beginning, in the order in which they are asked. Locks come before
// what they protect, each list in the order of its keys: everybody takes them in the same order.
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
	lookAround = &statement{name: "rivers_look_around", sql: `SELECT pg_current_xact_id()::text, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
		ARRAY(SELECT id FROM run WHERE id = ANY($1::text[])),
		ARRAY(SELECT coalesce((SELECT max(n) FROM event WHERE event.run = asked.run), 0)
			FROM unnest($2::bigint[]) WITH ORDINALITY AS asked (run, i) ORDER BY i),
		ARRAY(SELECT coalesce((SELECT max(n) FROM log WHERE log.run = asked.run), 0)
			FROM unnest($2::bigint[]) WITH ORDINALITY AS asked (run, i) ORDER BY i),
		(SELECT store.id FROM store WHERE one), (SELECT store.seq_offset FROM store WHERE one),
		ARRAY(SELECT run FROM in_flight WHERE run = ANY($3::bigint[]) ORDER BY run, asset),
		ARRAY(SELECT asset FROM in_flight WHERE run = ANY($3::bigint[]) ORDER BY run, asset),
		ARRAY(SELECT labels FROM in_flight WHERE run = ANY($3::bigint[]) ORDER BY run, asset)`}
	takeRunKeys  = &statement{name: "rivers_take_run_key", sql: `SELECT nextval('run_key_seq') FROM generate_series(1, $1::bigint)`}
	takeFillKeys = &statement{name: "rivers_take_backfill_key", sql: `SELECT nextval('backfill_key_seq') FROM generate_series(1, $1::bigint)`}
)

// load begins a transaction and learns what the requests need, in one trip.
func (f *facts) load(s *session, n *needs) error {
	f.reset()
	t := s.trip()
	t.send(begin, nil)
	switch {
	case len(n.claimed) > 0:
		t.send(lockClaimedRuns, f.addRun, integers(n.runs), textList(n.claimed))
	case len(n.runs) > 0:
		t.send(lockRuns, f.addRun, integers(n.runs))
	}
	f.askBackfills(t, n)
	if len(n.pools) > 0 || len(n.renewed) > 0 {
		t.send(lockPools, f.addPool, textList(n.pools), integers(n.renewed))
	}
	if n.slots() {
		t.send(readSlots, f.addSlot, textList(n.pools), integers(n.holders), textList(n.claimed))
	}
	if n.tickets > 0 {
		t.send(takeTickets, func(row row) { f.tickets = append(f.tickets, row.integer(0)) }, parameter(int64(n.tickets)))
	}
	f.askParted(t, n)
	f.askTables(t, n)
	if n.keyed {
		t.send(takeRunKeys, func(row row) { f.runKeys = append(f.runKeys, row.integer(0)) }, parameter(int64(n.newRuns)))
	}
	t.send(lookAround, func(row row) { f.look(row, n.numbered) }, textList(n.ids), integers(n.numbered), integers(n.flights))
	if err := t.end(); err != nil {
		return err
	}
	return f.damaged
}

// parameter is an integer as a parameter.
func parameter(n int64) []byte { return putInteger(nil, n)[4:] }

// askParted locks assets with partitions and asks what is kept of them.
func (f *facts) askParted(t *trip, n *needs) {
	if len(n.assets) == 0 {
		return
	}
	assets := integers(n.assets)
	t.send(lockAssets, f.addAsset, assets)
	t.send(readSets, f.addSet, assets)
	if n.groups {
		t.send(readGroups, f.addGroup, assets)
	}
}

func (f *facts) addRun(row row) {
	r := &run{
		key: storage.RunKey(row.integer(0)), id: row.text(1), token: row.integer(2), state: storage.RunState(row.integer(3)),
		owner: row.text(4), until: storage.Micros(row.integer(5)), cancel: row.document(6),
	}
	f.runs[r.key], f.byID[r.id] = r, r
}

func (f *facts) addPool(row row) {
	p := &pool{name: row.text(0), declared: int32(row.integer(1)), byHand: int32(row.integer(2))}
	f.pools[p.name] = p
}

// addSlot adds a row to its claim: those of one claim come one after the other.
func (f *facts) addSlot(row row) {
	ticket := row.integer(0)
	if last := len(f.claims) - 1; last < 0 || f.claims[last].ticket != ticket {
		f.claims = append(f.claims, &claim{
			ticket: ticket, run: storage.RunKey(row.integer(1)), step: int32(row.integer(2)), attempt: int32(row.integer(3)),
			holding: row.boolean(5), since: storage.Micros(row.integer(6)), until: storage.Micros(row.integer(7)),
			key: row.text(9), runID: row.text(10), stored: true,
		})
	}
	c := f.claims[len(f.claims)-1]
	c.pools = append(c.pools, storage.PoolSlots{Pool: row.text(8), Slots: int(row.integer(4))})
}

func (f *facts) look(row row, numbered []storage.RunKey) {
	f.xid, f.now, f.store = row.text(0), storage.Micros(row.integer(1)), row.text(5)
	row.texts(2, func(id string) { f.taken[id] = true })
	i := 0
	row.integers(3, func(n int64) {
		if r := f.runs[numbered[i]]; r != nil {
			r.lastEvent = n
		}
		i++
	})
	i = 0
	row.integers(4, func(n int64) {
		if r := f.runs[numbered[i]]; r != nil {
			r.lastLine = n
		}
		i++
	})
	f.name, _ = strconv.ParseInt(f.xid, 10, 64) // the server wrote it
	f.offset = row.integer(6)
	var runs, assets []int64
	row.integers(7, func(n int64) { runs = append(runs, n) })
	row.integers(8, func(n int64) { assets = append(assets, n) })
	i = 0
	row.byteas(9, func(labels []byte) {
		f.addFlight(storage.RunKey(runs[i]), storage.AssetKey(assets[i]), labels)
		i++
	})
}
