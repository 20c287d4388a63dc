package sqlite

import (
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// seqShift is how many of the lower bits of a change's id number the changes of a transaction; above them is the seq.
const seqShift = 20

// writeFeed writes what the transaction adds to the feed of changes, all under its last number.
func (p *parter) writeFeed() error {
	if p.feed.Empty() {
		return nil
	}
	if _, err := p.next(storage.Wiped, true); err != nil {
		return err
	}
	w := p.w
	w.topics |= storage.TopicChanges
	p.blob = p.blob[:0]
	for i, c := range p.feed.Entries() {
		row, err := p.change.row()
		if err != nil {
			return err
		}
		from := len(p.blob)
		p.blob = append(fold.AppendAssets(p.blob, c.Assets), c.Keys...)
		if i > 0 && i%(1<<seqShift) == 0 {
			p.seq++ // a batch of a million entries
		}
		row[0].Value = p.seq<<seqShift | int64(i)%(1<<seqShift)
		row[1].Value = w.boxes.of(int64(c.At))
		row[2].Value = int64(c.Kind)
		row[3].Value = w.boxes.of(int64(c.Run))
		row[4].Value = labels(c.Partitions)
		row[5].Value = document(p.blob[from:])
	}
	return p.change.flush()
}

// labels is a set as an argument: NULL for an asset without partitions.
func labels(set partition.Set) any {
	if set.Equal(partition.Whole()) {
		return nil
	}
	data, _ := set.AppendBinary(nil) // never fails
	return data
}
