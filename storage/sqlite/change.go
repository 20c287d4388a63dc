package sqlite

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage/internal/fold"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// seqShift is how many of the lower bits of a change's id number the changes of a transaction;
// above them is the seq.
const seqShift = 20

// writeChanges adds to the feed of changes. A batch of more entries than a number has room for
// takes the next numbers too.
func (w *writer) writeChanges(e *ledger.Effects) error {
	blob := w.blob[:0]
	for i := range e.Changes {
		c := &e.Changes[i]
		row, err := w.changes.row()
		if err != nil {
			return err
		}
		from := len(blob)
		blob = append(fold.AppendAssets(blob, c.Assets), c.Keys...)
		row[0].Value = c.Seq<<seqShift + int64(i)
		row[1].Value = w.ints.of(int64(c.At))
		row[2].Value = int64(c.Kind)
		row[3].Value = w.ints.of(int64(c.Run))
		row[4].Value = labels(c.Partitions)
		row[5].Value = document(blob[from:])
	}
	w.blob = blob
	return w.changes.flush()
}

// labels is a set as an argument: NULL for an asset without partitions.
func labels(set partition.Set) any {
	if set.Equal(partition.Whole()) {
		return nil
	}
	data, _ := set.AppendBinary(nil) // never fails
	return data
}
