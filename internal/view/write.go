package view

import (
	"context"
	"strings"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// writeRuns is how many of the newest runs are searched for the write of a value that is no asset.
const writeRuns = 100

// Write returns the name of the latest recorded write of a stored value, see
// [iohandler.WriteKeeper]. It is empty for a value that was stored without one. A partition that no
// record of its definition has is an error that wraps [iohandler.ErrNoValue].
func Write(ctx context.Context, s storage.Reader, location string, out *graph.Output, name string, of partition.Slice) (string, error) {
	keeps := iohandler.KeepsWrites(out.Handler)
	switch {
	case s == nil || !keeps && !iohandler.Outlives(out.Handler):
		return "", nil
	case out.Asset && of.IsZero():
		records, err := s.ListAssets(ctx, storage.AssetQuery{Names: []string{name}})
		if err != nil || len(records) == 0 || records[0].Materialization == nil {
			return "", err
		}
		return records[0].Materialization.Write, nil
	case out.Asset:
		return partitionWrite(ctx, s, name, of)
	case !keeps:
		return "", nil
	}
	return stepWrite(ctx, s, location, name)
}

func partitionWrite(ctx context.Context, s storage.Reader, name string, of partition.Slice) (string, error) {
	keys, err := s.AssetKeys(ctx, []string{name})
	if err != nil {
		return "", err
	}
	if keys[0] == 0 {
		return "", iohandler.NotRecorded(name, of)
	}
	states, err := storage.PartitionStates(ctx, s, keys[0], storage.Materialized, of.Space(), []string{of.Key().String()})
	if err != nil {
		return "", err
	}
	if len(states) == 0 {
		return "", iohandler.NotRecorded(name, of)
	}
	return states[0].Write, nil
}

// stepWrite finds the write of a value that is no asset with the newest success of its step, which
// may be an instance such as "totals/total[3]".
func stepWrite(ctx context.Context, s storage.Reader, location, name string) (string, error) {
	step, _, _ := strings.Cut(name, "[")
	runs, err := s.ListRuns(ctx, storage.RunQuery{Location: location, Limit: writeRuns})
	if err != nil {
		return "", err
	}
	for i := range runs {
		run, err := s.GetRun(ctx, runs[i].ID)
		if err != nil {
			return "", err
		}
		if !plans(run.Plan, step) {
			continue
		}
		write, found, err := writeIn(ctx, s, &run, name)
		if err != nil || found {
			return write, err
		}
	}
	return "", nil
}

func plans(steps []storage.PlanStep, key string) bool {
	for i := range steps {
		if steps[i].Key == key {
			return true
		}
	}
	return false
}

// writeIn finds the write with which a step of a run succeeded.
func writeIn(ctx context.Context, s storage.Reader, run *storage.RunRecord, name string) (write string, found bool, err error) {
	events, err := s.ListEvents(ctx, storage.EventQuery{Run: run.Key})
	if err != nil {
		return "", false, err
	}
	steps, err := StepStates(run, events)
	if err != nil {
		return "", false, err
	}
	for i := range events {
		e := &events[i]
		if at := int(e.Step); at < 0 || at >= len(steps) || steps[at].Step != name || e.Kind != storage.StepSucceeded && e.Kind != storage.StepReused {
			continue
		}
		d, err := storage.ParseDetail(e.Detail)
		if err != nil {
			return "", false, err
		}
		write, found = d.Write, true
		if w := d.Writes[name]; w != "" {
			write = w
		}
	}
	return write, found, nil
}
