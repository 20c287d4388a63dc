package sqlite

import (
	"database/sql/driver"
	"strings"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// ordinalBits is how many of the lower bits of a partition_key's id are the ordinal; above them is the table.
const ordinalBits = 32

// keyWriter is the part of the writer that knows of key tables.
type keyWriter struct {
	w                       *writer
	keys                    inserter
	find, add, set, one, in *statement
}

func newKeyWriter(w *writer) *keyWriter {
	return &keyWriter{w: w, keys: inserter{w: w, columns: 3, insert: "INSERT INTO partition_key (id, key_table, key) VALUES "}}
}

// keyTable is a table of keys as a transaction sees it.
type keyTable struct {
	key, size int64
	live      partition.Set
}

// update changes a table of keys.
func (k *keyWriter) update(u *storage.KeyUpdate) error {
	t, err := k.table(u.Table)
	if err != nil {
		return err
	}
	before := t
	added, err := k.register(&t, u.Add)
	if err != nil {
		return err
	}
	removed, err := k.ordinals(t.key, u.Remove)
	if err != nil {
		return err
	}
	if u.Table != "" {
		t.live = t.live.Union(partition.DynamicSet(u.Table, ordinalsOf(added))).Minus(partition.DynamicSet(u.Table, ordinalsOf(removed)))
	}
	changed := before.live.SymmetricDifference(t.live)
	if t.size == before.size && changed.IsEmpty() {
		return nil
	}
	if !changed.IsEmpty() {
		k.w.parts.feed.Keys(u.Table, storage.MicrosOf(time.Now()), changed)
	}
	var live driver.Value
	if !t.live.IsEmpty() {
		live, _ = t.live.AppendBinary(nil) // never fails
	}
	_, err = k.w.run(&k.set, "UPDATE key_table SET size = ?, live = ? WHERE key = ?", t.size, live, t.key)
	return err
}

// table reads a table and makes it where there is none.
func (k *keyWriter) table(name string) (keyTable, error) {
	row, err := k.w.first(&k.find, "SELECT key, size, live FROM key_table WHERE name = ?", 3, name)
	if err != nil {
		return keyTable{}, err
	}
	if row == nil {
		res, err := k.w.run(&k.add, "INSERT INTO key_table (name, size) VALUES (?, 0)", name)
		if err != nil {
			return keyTable{}, err
		}
		key, err := res.LastInsertId()
		return keyTable{key: key}, err
	}
	t := keyTable{}
	t.key, _ = row[0].(int64) // STRICT columns
	t.size, _ = row[1].(int64)
	if live, _ := row[2].([]byte); live != nil {
		t.live, err = partition.ParseSet(live)
	}
	return t, err
}

// register returns the ordinals of keys, some at a time, and gives new ones to those that have none.
func (k *keyWriter) register(t *keyTable, keys []string) ([]int64, error) {
	ordinals := make([]int64, 0, len(keys))
	for from := 0; from < len(keys); from += many {
		chunk := keys[from:min(from+many, len(keys))]
		known, err := k.look(t.key, chunk)
		if err != nil {
			return nil, err
		}
		for _, key := range chunk {
			o, there := known[key]
			if !there {
				o = t.size
				known[key] = o
				t.size++
				row, err := k.keys.row()
				if err != nil {
					return nil, err
				}
				row[0].Value = t.key<<ordinalBits | o
				row[1].Value = k.w.boxes.of(t.key)
				row[2].Value = key
			}
			ordinals = append(ordinals, o)
		}
		if err := k.keys.flush(); err != nil { // the next ones may be the same
			return nil, err
		}
	}
	return ordinals, nil
}

// ordinals returns the ordinals of those of the keys that a table has.
func (k *keyWriter) ordinals(table int64, keys []string) ([]int64, error) {
	var ordinals []int64
	for from := 0; from < len(keys); from += many {
		known, err := k.look(table, keys[from:min(from+many, len(keys))])
		if err != nil {
			return nil, err
		}
		for _, o := range known {
			ordinals = append(ordinals, o)
		}
	}
	return ordinals, nil
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

func ordinalsOf(list []int64) func(func(partition.Ordinal) bool) {
	return func(yield func(partition.Ordinal) bool) {
		for _, o := range list {
			if !yield(partition.Ordinal(o)) {
				return
			}
		}
	}
}
