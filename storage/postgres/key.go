package postgres

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// keyTable is a table of keys as a transaction sees it. Its row is locked.
type keyTable struct {
	key, size int64
	name      string
	live      partition.Set

	changed bool
}

// keyRow is a key to add.
type keyRow struct {
	table, ordinal int64
	key            string
}

// keyChange is an update of a table that was admitted.
type keyChange struct {
	*storage.KeyUpdate

	table *keyTable
}

// keyChunk is how many keys are looked up at once: more make nothing faster, and must be kept.
const keyChunk = 10_000

var (
	makeTables = &statement{name: "rivers_make_key_table", sql: `INSERT INTO key_table (name, size) SELECT name, 0 FROM unnest($1::text[]) AS new (name)
		WHERE NOT EXISTS (SELECT 1 FROM key_table WHERE key_table.name = new.name) ORDER BY name ON CONFLICT (name) DO NOTHING`}
	lockTables = &statement{name: "rivers_lock_key_table", sql: `SELECT key, size, name, live FROM key_table WHERE name = ANY($1::text[])
		ORDER BY name FOR NO KEY UPDATE`}
	findKeys = &statement{name: "rivers_find_key", sql: `SELECT ordinal, key FROM partition_key WHERE key_table = $1::bigint AND key = ANY($2::text[])`}
)

// askTables makes and locks tables of keys.
func (f *facts) askTables(t *trip, n *needs) {
	if len(n.tables) == 0 {
		return
	}
	names := textList(n.tables)
	t.send(makeTables, nil, names)
	t.send(lockTables, func(row row) {
		table := &keyTable{key: row.integer(0), size: row.integer(1), name: row.text(2)}
		if row.bytes(3) != nil {
			table.live = f.parse(row.bytes(3))
		}
		f.tables[table.name] = table
	}, names)
}

// registrar gives keys their ordinals: what it does lies between the decision and the last trip of a transaction, for
// there may be more keys than one would keep.
type registrar struct {
	s   *session
	to  *tables
	enc *encoder
	// rows are new and not sent yet.
	rows []*keyRow
}

// register changes the tables of keys as was decided. What is left goes with the last trip.
func (r *registrar) register(e *effects, f *facts) error {
	for _, k := range e.keys {
		t := k.table
		size, before := t.size, t.live
		added, err := r.ordinals(t, k.Add, true)
		if err != nil {
			return err
		}
		removed, err := r.ordinals(t, k.Remove, false)
		if err != nil {
			return err
		}
		if k.Table != "" {
			t.live = t.live.Union(partition.DynamicSet(k.Table, ordinalsOf(added))).Minus(partition.DynamicSet(k.Table, ordinalsOf(removed)))
		}
		changed := before.SymmetricDifference(t.live)
		if !changed.IsEmpty() {
			e.feed.Keys(k.Table, f.now, changed)
		}
		t.changed = t.changed || t.size != size || !changed.IsEmpty()
	}
	return nil
}

// ordinals returns the ordinals of keys, some at a time: new ones get theirs, or are passed over.
func (r *registrar) ordinals(t *keyTable, keys []string, grows bool) ([]int64, error) {
	ordinals := make([]int64, 0, len(keys))
	for from := 0; from < len(keys); from += keyChunk {
		chunk := keys[from:min(from+keyChunk, len(keys))]
		known, err := r.find(t.key, chunk)
		if err != nil {
			return nil, err
		}
		for _, key := range chunk {
			o, there := known[key]
			if !there {
				if !grows {
					continue
				}
				o = t.size
				known[key] = o
				t.size++
				r.rows = append(r.rows, &keyRow{t.key, o, key})
			}
			ordinals = append(ordinals, o)
		}
	}
	return ordinals, nil
}

// find writes what is new so far, which may be the same, and finds keys.
func (r *registrar) find(table int64, keys []string) (map[string]int64, error) {
	known := make(map[string]int64, len(keys))
	t := r.s.trip()
	r.flush(t)
	t.send(findKeys, func(row row) { known[row.text(1)] = row.integer(0) }, parameter(table), textList(keys))
	return known, t.end()
}

func (r *registrar) flush(t *trip) {
	r.to.keys.send(t, r.enc, r.rows, nil)
	clear(r.rows)
	r.rows = r.rows[:0]
}

func ordinalsOf(list []int64) func(func(partition.Ordinal) bool) {
	return func(yield func(partition.Ordinal) bool) {
		for _, o := range list {
			if !yield(partition.Ordinal(o)) {
				return
			}
		}
	}
}
