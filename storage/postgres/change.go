package postgres

import (
	"github.com/rivers-go/rivers/partition"
)

// labels is a set as it is kept: nil for an asset without partitions.
func labels(set partition.Set) []byte {
	if set.Equal(partition.Whole()) {
		return nil
	}
	data, _ := set.AppendBinary(nil) // never fails
	return data
}
