package rivers_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
)

// brokenHandler keeps values in memory and does not load those of one day.
type brokenHandler struct {
	iohandler.MemoryHandler

	day    string
	panics bool
}

var errOnFire = errors.New("disk on fire")

func (h *brokenHandler) LoadInput(ctx context.Context, in *iohandler.InputContext) (any, error) {
	switch {
	case !strings.Contains(in.Partition.String(), h.day):
		return h.MemoryHandler.LoadInput(ctx, in)
	case h.panics:
		panic(errOnFire)
	}
	return nil, errOnFire
}

// Goroutines of a function read partitions, one of which cannot be loaded: the step fails with the
// load error, whatever the function does with the zero value, and the process lives.
func TestLoadErrorInAGoroutineFailsTheStep(t *testing.T) {
	type input struct{ Days rivers.Partitions[*int] }
	read := func(in input) (values []*int, err error) {
		var wg sync.WaitGroup
		values = make([]*int, 3)
		for i := range values {
			wg.Go(func() { values[i], _ = in.Days.Get(day(i + 1)) })
		}
		wg.Wait()
		return values, in.Days.Err()
	}
	for name, body := range map[string]func(input) (int, error){
		"returns a value": func(in input) (int, error) {
			_, err := read(in)
			if !errors.Is(err, errOnFire) {
				t.Errorf("Err returned %v", err)
			}
			return 7, nil
		},
		"returns an error": func(in input) (int, error) {
			_, _ = read(in)
			return 0, errors.New("a day is missing")
		},
		"skips itself": func(in input) (int, error) {
			_, _ = read(in)
			return 0, rivers.Skip("a day is missing")
		},
		"panics": func(in input) (int, error) {
			values, _ := read(in)
			return *values[0] + *values[1] + *values[2], nil
		},
	} {
		for _, panics := range []bool{false, true} {
			handler := &brokenHandler{day: "2026-01-02", panics: panics}
			days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays, IOHandler: handler},
				func(*rivers.AssetContext, none) (*int, error) { return new(int), nil })
			sum := rivers.NewAsset(rivers.AssetSpec{Name: "sum"}, func(_ *rivers.AssetContext, in input) (int, error) { return body(in) })
			repo := resolved(t, assets(days, sum))
			if _, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"days"}, Strategy: rivers.SingleRun()}); err != nil {
				t.Fatal(err)
			}
			res, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"sum"}})
			if err == nil || !panics && !strings.Contains(err.Error(), "input Days: ") || !strings.Contains(err.Error(), errOnFire.Error()) {
				t.Errorf("%s (panics: %v): %v, %+v", name, panics, err, res)
			}
		}
	}
}

// A function hands over a stream of partitions made of what it reads: none is stored after one that
// could not be loaded.
func TestLoadErrorEndsAStreamOfPartitions(t *testing.T) {
	days := rivers.NewAsset(rivers.AssetSpec{Name: "days", Partitions: tenDays, IOHandler: &brokenHandler{day: "2026-01-03"}},
		func(*rivers.AssetContext, none) (int, error) { return 1, nil })
	doubled := rivers.NewAsset(rivers.AssetSpec{Name: "doubled", Partitions: tenDays},
		func(_ *rivers.AssetContext, in struct{ Days rivers.Partitions[int] }) (rivers.Partitions[int], error) {
			return rivers.StreamPartitions(func(yield func(rivers.Part[int], error) bool) {
				for key := range in.Days.Keys() {
					value, _ := in.Days.Get(key)
					if !yield(rivers.Part[int]{Key: key, Value: 2 * value}, nil) {
						return
					}
				}
			}), nil
		})
	repo := resolved(t, assets(days, doubled))
	if _, err := repo.Backfill(t.Context(), rivers.BackfillRequest{Selection: []string{"days"}, Strategy: rivers.SingleRun()}); err != nil {
		t.Fatal(err)
	}
	_, err := repo.Materialize(t.Context(), rivers.RunRequest{Selection: []string{"doubled"}, Range: partition.Range("2026-01-01", "2026-01-05")})
	if err == nil || !strings.Contains(err.Error(), errOnFire.Error()) {
		t.Errorf("got %v, want %v", err, errOnFire)
	}
	expectMade(t, repo, "doubled", "01..02", "03..05")
}
