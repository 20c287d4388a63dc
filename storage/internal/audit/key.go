package audit

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// keyTable is a table of partition keys, with how many keys there are and the highest of their
// ordinals, -1 for none.
type keyTable struct {
	storage.KeyTable

	key, keys, highest int64
	labels             []byte
}

// keys compares what tables of partition keys say of themselves with the keys that are there.
func (a *Audit) keys() error {
	tables, err := list(a, func(t *keyTable) []any { return []any{&t.key, &t.Name, &t.Size, &t.labels, &t.keys, &t.highest} }, `
		SELECT key_table.key, key_table.name, key_table.size, key_table.live,
			(SELECT count(*) FROM partition_key WHERE partition_key.key_table = key_table.key),
			coalesce((SELECT max({ordinal}) FROM partition_key WHERE partition_key.key_table = key_table.key), -1)
		FROM key_table ORDER BY key_table.name`)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if t.labels != nil {
			var ok bool
			if t.Live, ok = a.parse(t.labels, "key table %q: the set of what is registered", t.Name); !ok {
				continue
			}
		}
		a.keyTable(&t)
	}
	return nil
}

func (a *Audit) keyTable(t *keyTable) {
	size := t.Size
	if t.keys != t.Size || t.highest+1 != t.Size {
		f := a.Found("key table %q records %d keys: there are %d, and the highest ordinal is %d", t.Name, t.Size, t.keys, t.highest)
		if t.keys == t.highest+1 {
			size = t.keys
			f.Mend(a.writeKeyTable(t.key, size, t.Live), "key table %q now records %d keys", t.Name, t.keys)
		}
	}
	all := partition.Set{}
	if t.Name != "" {
		all = partition.DynamicSet(t.Name, func(yield func(partition.Ordinal) bool) {
			for o := range size {
				if !yield(partition.Ordinal(o)) {
					return
				}
			}
		})
	}
	if stray := t.Live.Minus(all); !stray.IsEmpty() {
		a.Found("key table %q has %s registered, which are not in it", t.Name, stray).
			Mend(a.writeKeyTable(t.key, size, t.Live.Intersect(all)), "key table %q has only keys registered that are in it", t.Name)
	}
}

func (a *Audit) writeKeyTable(key, size int64, live partition.Set) func() error {
	var labels []byte
	if !live.IsEmpty() {
		labels = binary(live)
	}
	return a.exec(`UPDATE key_table SET size = $1, live = $2 WHERE key = $3`, size, labels, key)
}

// strayKeys looks for keys of tables that are not recorded.
func (a *Audit) strayKeys() error {
	type stray struct{ table, keys int64 }
	rows, err := list(a, func(r *stray) []any { return []any{&r.table, &r.keys} }, `
		SELECT key_table, count(*) FROM partition_key
		WHERE NOT EXISTS (SELECT 1 FROM key_table WHERE key_table.key = partition_key.key_table) OR {misplaced}
		GROUP BY key_table ORDER BY key_table`)
	for _, r := range rows {
		a.Found("%d keys belong to key table %d, which is not there", r.keys, r.table)
	}
	return err
}
