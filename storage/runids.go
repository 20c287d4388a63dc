package storage

import "context"

// RunIDs returns the public ids of the runs of some events, by their keys; that of a run which was
// pruned is empty. It asks for each run once, however many events it has.
func RunIDs(ctx context.Context, s Runs, events []Event) (map[RunKey]string, error) {
	ids := make(map[RunKey]string, len(events))
	for i := range events {
		run := events[i].Run
		if _, known := ids[run]; known {
			continue
		}
		newest, err := s.ListRuns(ctx, RunQuery{Before: run + 1, Limit: 1})
		if err != nil {
			return nil, err
		}
		ids[run] = ""
		if len(newest) == 1 && newest[0].Key == run {
			ids[run] = newest[0].ID
		}
	}
	return ids, nil
}
