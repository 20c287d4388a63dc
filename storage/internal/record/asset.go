package record

import (
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// AssetRow is an asset with one of its states. An asset without states has one row, whose kind is
// negative.
type AssetRow = struct {
	Key         int64
	Name        string
	Kind        int64
	Run         int64
	N           int64
	At          int64
	Seq         int64
	Partition   string
	DataVersion string
	CodeVersion string
	Detail      []byte
	RunID       string
}

// AppendAssets appends the records of rows. The rows of an asset are neighbors.
func AppendAssets[R ~AssetRow](list []storage.AssetRecord, rows []R) ([]storage.AssetRecord, error) {
	for i := range rows {
		row := AssetRow(rows[i])
		if last := len(list) - 1; last < 0 || list[last].Key != storage.AssetKey(row.Key) {
			list = append(list, storage.AssetRecord{Key: storage.AssetKey(row.Key), Name: row.Name})
		}
		if err := addState(&list[len(list)-1], &row); err != nil {
			return nil, fmt.Errorf("asset %q: %w", row.Name, err)
		}
	}
	return list, nil
}

func addState(rec *storage.AssetRecord, row *AssetRow) error {
	if row.Kind < 0 {
		return nil
	}
	state, err := State(StateRow{
		Seq: row.Seq, Run: row.Run, N: row.N, At: row.At, Partition: row.Partition,
		DataVersion: row.DataVersion, CodeVersion: row.CodeVersion, Detail: row.Detail, RunID: row.RunID,
	})
	if err != nil {
		return err
	}
	switch storage.StateKind(row.Kind) {
	case storage.Materialized:
		rec.Materialization = &state
	case storage.Observed:
		rec.Observation = &state
	case storage.Failed:
		rec.Failure = &state
	case storage.Wiped:
		rec.Wipe = &state
	}
	return nil
}

// StateRow is a state of one partition, or of a group of partitions if it names none.
type StateRow = struct {
	Seq         int64
	Run         int64
	N           int64
	At          int64
	Partition   string
	DataVersion string
	CodeVersion string
	Labels      []byte
	Detail      []byte
	RunID       string
}

// State returns the state of a row, without its labels.
func State[R ~StateRow](found R) (storage.AssetState, error) {
	row := StateRow(found)
	detail, err := storage.ParseDetail(row.Detail)
	return storage.AssetState{
		Seq: row.Seq, RunID: row.RunID, Run: storage.RunKey(row.Run), N: row.N, At: storage.Micros(row.At).Time(),
		Partition: row.Partition, DataVersion: row.DataVersion, CodeVersion: row.CodeVersion, Detail: detail,
	}, err
}

// Groups returns the states of groups of an asset's partitions, nil for none.
func Groups[R ~StateRow](asset storage.AssetKey, kind storage.StateKind, rows []R) ([]storage.PartitionGroup, error) {
	return each(rows, func(found R) (storage.PartitionGroup, error) {
		g := storage.PartitionGroup{Asset: asset, Kind: kind}
		var err error
		if g.Partitions, err = partition.ParseSet(StateRow(found).Labels); err == nil {
			g.AssetState, err = State(found)
		}
		return g, err
	}, func(found R) string { return fmt.Sprintf("group of change %d", StateRow(found).Seq) })
}
