package postgres

import (
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// keyRow is a key to add.
type keyRow struct {
	table, ordinal int64
	key            string
}

var (
	makeTables = &statement{name: "rivers_make_key_table", sql: `INSERT INTO key_table (name, size) SELECT name, 0 FROM unnest($1::text[]) AS new (name)
		WHERE NOT EXISTS (SELECT 1 FROM key_table WHERE key_table.name = new.name) ORDER BY name ON CONFLICT (name) DO NOTHING`}
	lockTables = &statement{name: "rivers_lock_key_table", sql: `SELECT key, size, name, live FROM key_table WHERE name = ANY($1::text[])
		ORDER BY name FOR NO KEY UPDATE`}
	findKeys = &statement{name: "rivers_find_key", sql: `SELECT ordinal, key FROM partition_key WHERE key_table = $1::bigint AND key = ANY($2::text[])`}
)

// askTables makes and locks tables of keys.
func (f *facts) askTables(t *pipeline, n *ledger.Needs) {
	if len(n.Tables) == 0 {
		return
	}
	names := textList(n.Tables)
	t.send(makeTables, nil, names)
	t.send(lockTables, func(row row) {
		table := &ledger.KeyTable{Key: row.integer(0), Size: row.integer(1), Name: row.text(2)}
		if row.bytes(3) != nil {
			table.Live = f.parse(row.bytes(3))
		}
		f.tables[table.Name] = table
	}, names)
}

// ordinalAllocator looks up the ordinals of keys, and writes new ones: trips between the first and
// the last one of a transaction, for there may be more keys than one would keep in memory.
type ordinalAllocator struct {
	s   *session
	to  *tables
	enc *encoder
	// rows are new and not sent yet.
	rows []*keyRow
}

func (a *ordinalAllocator) reset() {
	clear(a.rows)
	a.rows = a.rows[:0]
}

// flush sends the rows that are new so far.
func (a *ordinalAllocator) flush(t *pipeline) {
	a.to.keys.send(t, a.enc, a.rows, nil)
	a.reset()
}

// KeyTable implements [ledger.KeyTables], as do the two methods below.
func (f *facts) KeyTable(name string) (*ledger.KeyTable, error) { return f.tables[name], nil }

// Ordinals writes the keys that are new so far, which may be among the asked ones, and finds keys.
func (f *facts) Ordinals(table *ledger.KeyTable, keys []string) (map[string]int64, error) {
	known := make(map[string]int64, len(keys))
	t := f.keys.s.pipeline()
	f.keys.flush(t)
	t.send(findKeys, func(row row) { known[row.text(1)] = row.integer(0) }, parameter(table.Key), textList(keys))
	return known, t.end()
}

// AddKey notes a row to send.
func (f *facts) AddKey(table *ledger.KeyTable, ordinal int64, key string) error {
	f.keys.rows = append(f.keys.rows, &keyRow{table.Key, ordinal, key})
	return nil
}
