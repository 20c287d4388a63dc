package ledger

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// KeyChunk is how many keys are looked up at once. More make nothing faster, and take memory.
const KeyChunk = 10_000

// KeyTable is a table of partition keys as the transaction sees it.
type KeyTable struct {
	Key, Size int64
	Name      string
	// Live are the registered keys of a dynamic definition.
	Live partition.Set

	changed bool
}

// updateKeys registers keys in a table and takes others out.
func (t *transaction) updateKeys(u *storage.KeyUpdate) error {
	table, err := t.Keys.KeyTable(u.Table)
	if err != nil {
		return err
	}
	size, before := table.Size, table.Live
	added, err := t.ordinals(table, u.Add, true)
	if err != nil {
		return err
	}
	removed, err := t.ordinals(table, u.Remove, false)
	if err != nil {
		return err
	}
	if u.Table != "" {
		table.Live = table.Live.Union(partition.DynamicSet(u.Table, ordinalsOf(added))).Minus(partition.DynamicSet(u.Table, ordinalsOf(removed)))
	}
	moved := before.SymmetricDifference(table.Live)
	if !moved.IsEmpty() {
		t.feed.Keys(u.Table, t.Now(), moved)
	}
	if !table.changed && (table.Size != size || !moved.IsEmpty()) {
		table.changed = true
		t.KeyTables = append(t.KeyTables, table)
	}
	return nil
}

// ordinals returns the ordinals of keys. New keys get theirs if the table grows, and are left out
// otherwise.
func (t *transaction) ordinals(table *KeyTable, keys []string, grows bool) ([]int64, error) {
	ordinals := make([]int64, 0, len(keys))
	for from := 0; from < len(keys); from += KeyChunk {
		chunk := keys[from:min(from+KeyChunk, len(keys))]
		known, err := t.Keys.Ordinals(table, chunk)
		if err != nil {
			return nil, err
		}
		for _, key := range chunk {
			o, found := known[key]
			if !found {
				if !grows {
					continue
				}
				o = table.Size
				known[key] = o
				table.Size++
				if err := t.Keys.AddKey(table, o, key); err != nil {
					return nil, err
				}
			}
			ordinals = append(ordinals, o)
		}
	}
	return ordinals, nil
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
