package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/rivers-go/rivers/storage"
)

// writeHistory makes a store with at least so many events in it, of the assets that the case
// history materializes.
func writeHistory(ctx context.Context, kind, place string, events int) (err error) {
	store, err := open(ctx, kind, place)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	const steps = 10_000
	names := make([]string, steps)
	for i := range names {
		names[i] = fmt.Sprintf("a%d", i)
	}
	topology := storage.Topology{Location: "past", Hash: "1", Assets: names, Doc: []byte("{}")}
	if err := store.Commit(ctx, &storage.Batch{Topologies: []storage.Topology{topology}}); err != nil {
		return err
	}
	keys, err := store.AssetKeys(ctx, names)
	if err != nil {
		return err
	}
	for written := 0; written < events; written += 2 * steps {
		if err := writePastRun(ctx, store, fmt.Sprintf("past-%d", written), keys); err != nil {
			return err
		}
	}
	return nil
}

// writePastRun writes what a run leaves that materialized every asset.
func writePastRun(ctx context.Context, store storage.Writer, id string, keys []storage.AssetKey) error {
	begin := storage.Batch{Runs: []storage.RunRecord{{ID: id, Location: "past", State: storage.Running, Token: 1}}}
	if err := store.Commit(ctx, &begin); err != nil {
		return err
	}
	run := begin.Runs[0].Key
	detail := storage.Detail{Data: "6b1f2f6e-0a55-4d5b-9c4e-5b8f0d3c2a11"}.AppendJSON(nil)
	b := storage.Batch{Fence: storage.Fence{Run: run, Token: 1}}
	for i, key := range keys {
		fact := storage.Fact{Step: int32(i), Attempt: 1, At: storage.Micros(1_700_000_000_000_000 + i)}
		fact.Kind = storage.StepStarted
		b.Events = append(b.Events, storage.Event{Run: run, N: int64(2*i + 1), Fact: fact})
		fact.Kind = storage.StepSucceeded
		b.Events = append(b.Events, storage.Event{Run: run, N: int64(2*i + 2), Fact: fact, Asset: key, Detail: detail})
	}
	b.RunUpdates = []storage.RunUpdate{{Run: run, State: storage.Success, Counts: storage.StepCounts{Succeeded: len(keys)}}}
	return store.Commit(ctx, &b)
}
