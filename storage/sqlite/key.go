package sqlite

import (
	"database/sql/driver"
	"maps"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// ordinalBits is how many of the lower bits of a partition_key's id are the ordinal; above them is
// the table.
const ordinalBits = 32

// keyWriter is the part of the writer for tables of keys.
type keyWriter struct {
	w      *writer
	tables map[string]*ledger.KeyTable
	keys   inserter

	find, add, set, one, in *statement
}

func newKeyWriter(w *writer) *keyWriter {
	return &keyWriter{
		w: w, tables: map[string]*ledger.KeyTable{},
		keys: inserter{w: w, columns: 3, insert: "INSERT INTO partition_key (id, key_table, key) VALUES "},
	}
}

// begin forgets what the transaction before knew.
func (k *keyWriter) begin() { clear(k.tables) }

// KeyTable implements [ledger.KeyTables], as do the two methods below.
func (k *keyWriter) KeyTable(name string) (*ledger.KeyTable, error) {
	if t := k.tables[name]; t != nil {
		return t, nil
	}
	row, err := k.w.first(&k.find, "SELECT key, size, live FROM key_table WHERE name = ?", 3, name)
	if err != nil {
		return nil, err
	}
	t := &ledger.KeyTable{Name: name}
	k.tables[name] = t
	if row == nil {
		res, err := k.w.run(&k.add, "INSERT INTO key_table (name, size) VALUES (?, 0)", name)
		if err != nil {
			return nil, err
		}
		t.Key, err = res.LastInsertId()
		return t, err
	}
	t.Key, _ = row[0].(int64) // STRICT columns
	t.Size, _ = row[1].(int64)
	if live, _ := row[2].([]byte); live != nil {
		t.Live, err = partition.ParseSet(live)
	}
	return t, err
}

// Ordinals writes the keys that are new so far, which may be among the asked ones, and finds keys.
func (k *keyWriter) Ordinals(t *ledger.KeyTable, keys []string) (map[string]int64, error) {
	if err := k.keys.flush(); err != nil {
		return nil, err
	}
	known := make(map[string]int64, len(keys))
	for chunk := range slices.Chunk(keys, many) {
		found, err := k.look(t.Key, chunk)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, found)
	}
	return known, nil
}

// AddKey adds a row, which is written with others.
func (k *keyWriter) AddKey(t *ledger.KeyTable, ordinal int64, key string) error {
	row, err := k.keys.row()
	if err != nil {
		return err
	}
	row[0].Value = t.Key<<ordinalBits | ordinal
	row[1].Value = k.w.ints.of(t.Key)
	row[2].Value = key
	return nil
}

// look finds keys, at most [many], in a table.
func (k *keyWriter) look(table int64, keys []string) (map[string]int64, error) {
	st, n := &k.one, 1
	if len(keys) > 1 {
		st, n = &k.in, many
	}
	args := make([]driver.Value, n+1)
	args[0] = table
	for i := range n {
		args[i+1] = keys[min(i, len(keys)-1)] // the last one fills up: asked twice it is answered once
	}
	rows, err := k.w.all(st, "SELECT id, key FROM partition_key WHERE key_table = ? AND key IN (?"+strings.Repeat(",?", n-1)+")", 2, args...)
	known := make(map[string]int64, len(keys))
	for _, row := range rows {
		id, _ := row[0].(int64) // STRICT columns
		key, _ := row[1].(string)
		known[key] = id & (1<<ordinalBits - 1)
	}
	return known, err
}

// write writes what is left of keys, and the tables that have changed.
func (k *keyWriter) write(e *ledger.Effects) error {
	if err := k.keys.flush(); err != nil {
		return err
	}
	for _, t := range e.KeyTables {
		var live driver.Value
		if !t.Live.IsEmpty() {
			live, _ = t.Live.AppendBinary(nil) // never fails
		}
		if _, err := k.w.run(&k.set, "UPDATE key_table SET size = ?, live = ? WHERE key = ?", t.Size, live, t.Key); err != nil {
			return err
		}
	}
	return nil
}
