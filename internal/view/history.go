package view

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/rivers-go/rivers/metadata"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Event is one recorded event of an asset or a check.
type Event struct {
	At        time.Time `json:"at"`
	RunID     string    `json:"run_id,omitempty"`
	Partition string    `json:"-"`
	storage.Detail

	// Check is the state that an evaluation of a check gave.
	CheckState storage.CheckState `json:"-"`
}

// History returns the last events of an asset or of a check, newest first; a limit of zero is 100.
// A name without events gives none.
func (v *View) History(ctx context.Context, name string, limit int) ([]Event, error) {
	list := []Event{} // not null in JSON
	keys, err := v.Store.AssetKeys(ctx, []string{name})
	if err != nil || keys[0] == 0 {
		return list, err
	}
	events, err := v.Store.ListAssetEvents(ctx, storage.AssetEventQuery{Asset: keys[0], Limit: limit})
	if err != nil {
		return nil, err
	}
	ids, err := storage.RunIDs(ctx, v.Store, events)
	if err != nil {
		return nil, err
	}
	for i := range events {
		e := &events[i]
		d, err := storage.ParseDetail(e.Detail)
		if err != nil {
			return nil, err
		}
		list = append(list, Event{At: e.At.Time(), RunID: ids[e.Run], Partition: e.Partition, Detail: d, CheckState: e.CheckState()})
	}
	return list, nil
}

// Series is what was recorded under one metadata key, oldest first.
type Series struct {
	Key string `json:"key"`
	// Kind is that of the last value.
	Kind   metadata.Kind `json:"kind"`
	Points []Point       `json:"points"`
}

// Point is one value of a series.
type Point struct {
	At        time.Time `json:"at"`
	RunID     string    `json:"run_id,omitempty"`
	Partition string    `json:"partition,omitempty"`
	// Value is a number where it is one, else as metadata has it. Recorded is the value as it was
	// recorded.
	Value    any            `json:"value"`
	Recorded metadata.Value `json:"-"`
}

// SeriesOf gathers a history, newest first, by keys: those that are named, or all whose values are
// numbers.
func SeriesOf(history []storage.MetadataRecord, keys []string) []Series {
	byKey := map[string]*Series{}
	for i := range slices.Backward(history) {
		record := &history[i]
		for key := range record.Values {
			v, ok := record.Values.Get(key)
			number, isNumber := v.Number()
			if !ok || !isNumber && len(keys) == 0 {
				continue
			}
			s := byKey[key]
			if s == nil {
				s = &Series{Key: key}
				byKey[key] = s
			}
			p := Point{At: record.At, RunID: record.RunID, Partition: record.Partition, Value: number, Recorded: v}
			if !isNumber {
				p.Value = v
			}
			s.Kind, s.Points = v.Kind(), append(s.Points, p)
		}
	}
	all := []Series{} // not null in JSON
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		all = append(all, *byKey[key])
	}
	return all
}

// MetadataQuery asks for the metadata that was recorded of one asset.
type MetadataQuery struct {
	Asset string
	// Keys are the metadata keys; none are all numbers.
	Keys []string
	// Partition is the key of the only partition; empty is all events.
	Partition string
	// Limit is the number of events, Scan how many are read at most to find them; zero is no bound.
	Limit, Scan int
}

// keyScan is how many of the last events are read for the keys that an asset has.
const keyScan = 200

// Metadata returns the recorded metadata of an asset, newest first. An unknown asset, key or
// partition is a [RequestError].
func (v *View) Metadata(ctx context.Context, q MetadataQuery) ([]storage.MetadataRecord, error) {
	n, err := v.Find(q.Asset)
	if err != nil {
		return nil, err
	}
	if q.Partition != "" {
		if n.Partitions == nil {
			return nil, requestf("asset %q: it has no partitions: leave --partition out", n.Name)
		}
		key, err := partition.ParseKey(q.Partition)
		if err != nil {
			return nil, requestf("--partition: %w", err)
		}
		q.Partition = key.String()
	}
	keys, err := v.Store.AssetKeys(ctx, []string{n.Name})
	if err != nil || keys[0] == 0 {
		return nil, err
	}
	stored := storage.MetadataQuery{Asset: keys[0], Keys: q.Keys, Partition: q.Partition, Limit: q.Limit, Scan: q.Scan}
	history, err := storage.MetadataHistory(ctx, v.Store, stored)
	if err != nil {
		return nil, err
	}
	if len(q.Keys) > 0 {
		stored.Keys, stored.Limit, stored.Scan = nil, keyScan, keyScan
		recent, err := storage.MetadataHistory(ctx, v.Store, stored)
		if err == nil {
			err = unknownKey(n.Name, q.Keys, append(recent, history...))
		}
		if err != nil {
			return nil, err
		}
	}
	if len(history) == 0 && q.Partition != "" {
		return nil, v.unknownPartition(ctx, n, q.Partition)
	}
	return history, nil
}

// unknownKey refuses a key that nothing was recorded under. Where nothing was recorded at all, any
// may be right.
func unknownKey(asset string, keys []string, history []storage.MetadataRecord) error {
	known := map[string]bool{}
	for i := range history {
		for key := range history[i].Values {
			known[key] = true
		}
	}
	if len(known) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(known))
	for _, key := range keys {
		if known[key] {
			continue
		}
		near := ""
		if n, ok := nearest.Name(key, slices.Values(names)); ok {
			near = fmt.Sprintf(" (did you mean %q?)", n)
		}
		return requestf("asset %q: no metadata %q was recorded%s: there is %s", asset, key, near, strings.Join(names, ", "))
	}
	return nil
}

// unknownPartition refuses a key that does not exist.
func (v *View) unknownPartition(ctx context.Context, n *Node, text string) error {
	key, err := partition.ParseKey(text)
	if err != nil {
		return err
	}
	if n.err != nil {
		return n.err
	}
	space, err := v.space(ctx, n.definition)
	if err != nil {
		return fmt.Errorf("asset %q: %w", n.Name, err)
	}
	if _, err := space.Set(key); err != nil {
		return requestf("asset %q: %w", n.Name, err)
	}
	return nil
}
