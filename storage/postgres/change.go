package postgres

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// changeRow is an entry of the feed of changes.
type changeRow struct {
	*storage.Change

	i int
}

// settleFeed turns what changed into rows, all under the last number of the transaction.
func (e *effects) settleFeed(f *facts) {
	if e.feed.Empty() {
		return
	}
	entries := e.feed.Entries()
	seq := f.number(storage.Wiped, true)
	for i := range entries {
		entries[i].Seq = seq
		e.entries = append(e.entries, &changeRow{&entries[i], i})
	}
	e.topics |= storage.TopicChanges
}

// labels is a set as it is kept: nil for an asset without partitions.
func labels(set partition.Set) []byte {
	if set.Equal(partition.Whole()) {
		return nil
	}
	data, _ := set.AppendBinary(nil) // never fails
	return data
}
