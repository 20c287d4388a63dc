package engine

import (
	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/storage"
)

// Folded returns the work of a run and its recorded events as the decider folds them.
func Folded(c Config, stored []storage.Event) (decide.Work, []decide.Event, error) {
	r := newRun(c)
	outputs := r.outputsByAsset(stored)
	events := make([]decide.Event, len(stored))
	for i := range stored {
		d, err := storage.ParseDetail(stored[i].Detail)
		if err != nil {
			return decide.Work{}, nil, err
		}
		events[i] = r.eventOf(&stored[i], &d, outputs)
	}
	return work(&c), events, nil
}
