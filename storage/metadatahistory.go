package storage

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
)

// MetadataQuery asks for the last values that were recorded of some metadata of an asset.
type MetadataQuery struct {
	Asset AssetKey
	// Keys keeps the materializations and observations that have any of them, and of these only the
	// values under them; nil keeps all.
	Keys []string
	// Partition keeps the records of one partition, by the text of its key; empty keeps all. A
	// record of several partitions is not a record of each.
	Partition string
	// Limit is how many are wanted; zero means 100.
	Limit int
	// Scan bounds how many events of the asset are looked at; zero looks at as many as it takes.
	Scan int
}

// MetadataRecord is the metadata of one materialization or observation.
type MetadataRecord struct {
	// RunID is empty for an observation outside a run and for a pruned run.
	RunID string    `json:"run_id,omitempty"`
	Run   RunKey    `json:"-"`
	N     int64     `json:"-"`
	At    time.Time `json:"at"`
	// Partition is what it is of, empty for an asset without partitions; Partitions are several at
	// once.
	Partition  string        `json:"partition,omitempty"`
	Partitions partition.Set `json:"partitions,omitzero"`
	// Values are those under the keys that were asked for.
	Values metadata.Map `json:"values"`
}

// RunsAndEvents is what [MetadataHistory] asks of a store.
type RunsAndEvents interface {
	Runs
	Events
}

// metadataPage is how many events are read at once when the first ones were not enough.
const metadataPage = 500

// MetadataHistory returns the last values of some metadata of an asset, newest first. Values of
// pruned events are gone.
//
// It walks back through the events of this asset alone, by the index of [Events.ListAssetEvents],
// and stops at the last requested value. It costs O(returned values + skipped events of the asset),
// whatever else the store holds. SQLite's index adds one look for each 8,192 events between two of
// this asset.
func MetadataHistory(ctx context.Context, from RunsAndEvents, q MetadataQuery) ([]MetadataRecord, error) {
	limit := cmp.Or(q.Limit, 100)
	events := AssetEventQuery{Asset: q.Asset, Partition: q.Partition, Limit: limit}
	names := runNames{from: from, known: map[RunKey]string{}}
	var history []MetadataRecord
	for seen := 0; ; {
		if q.Scan > 0 {
			events.Limit = min(events.Limit, q.Scan-seen)
		}
		page, err := from.ListAssetEvents(ctx, events)
		if err != nil {
			return nil, err
		}
		for i := range page {
			record, ok, err := metadataOf(&page[i], q.Keys)
			if err == nil && ok {
				record.RunID, err = names.of(ctx, record.Run)
			}
			if err != nil {
				return nil, err
			}
			if ok {
				history = append(history, record)
			}
			if len(history) == limit {
				return history, nil
			}
		}
		seen += len(page)
		if len(page) < events.Limit || seen == q.Scan {
			return history, nil
		}
		last := page[len(page)-1]
		events.BeforeRun, events.BeforeN, events.Limit = last.Run, last.N, metadataPage
	}
}

// metadataOf returns the metadata of an event under the keys; false for none.
func metadataOf(e *Event, keys []string) (MetadataRecord, bool, error) {
	switch e.Kind {
	case StepSucceeded, AssetMaterialized, AssetObserved:
	default:
		return MetadataRecord{}, false, nil
	}
	d, err := ParseDetail(e.Detail)
	if err != nil {
		return MetadataRecord{}, false, fmt.Errorf("event %d of run %d: %w", e.N, e.Run, err)
	}
	values := d.Metadata
	if keys != nil {
		values = metadata.Map{}
		for key, v := range d.Metadata {
			if slices.Contains(keys, key) {
				values[key] = v
			}
		}
	}
	return MetadataRecord{
		Run: e.Run, N: e.N, At: e.At.Time(), Partition: e.Partition, Partitions: d.Partitions, Values: values,
	}, len(values) > 0, nil
}

// runNames finds the IDs of runs by their keys, each once.
type runNames struct {
	from  Runs
	known map[RunKey]string
}

func (n *runNames) of(ctx context.Context, run RunKey) (string, error) {
	if id, ok := n.known[run]; ok || run == 0 {
		return id, nil
	}
	found, err := n.from.ListRuns(ctx, RunQuery{Before: run + 1, Limit: 1})
	if err != nil {
		return "", err
	}
	n.known[run] = ""
	if len(found) == 1 && found[0].Key == run {
		n.known[run] = found[0].ID
	}
	return n.known[run], nil
}
