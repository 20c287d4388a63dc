package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/cli/internal/termtest"
	"github.com/rivers-go/rivers/storage"
)

// slowPruner deletes a thousand lines a second for ten seconds; after five it is photographed.
type slowPruner struct{ photo func() }

func (s slowPruner) Prune(ctx context.Context, r storage.PruneRequest) (did storage.PruneReport, err error) {
	for second := range 10 {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return did, ctx.Err()
		}
		logs := &did.Kinds[storage.PruneLogs]
		logs.Rows, logs.Bytes = logs.Rows+1000, logs.Bytes+100_000
		r.Progress(did)
		if second == 4 {
			s.photo()
		}
	}
	return did, nil
}

// TestPruning prunes in a bubble, photographs the terminal, before its end, after it and after an interruption, and reads what a pipe
// is told.
func TestPruning(t *testing.T) {
	var got strings.Builder
	prune := func(t *testing.T, what string, a *app, within time.Duration) {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		time.AfterFunc(within, func() { cancel(fmt.Errorf("%w by a test", term.ErrInterrupted)) })
		photo := func() { fmt.Fprintf(&got, "-- %s, 5s --\n%s", what, a.Out) }
		report, err := a.pruneShown(ctx, slowPruner{photo}, storage.PruneRequest{})
		if wants := within < 10*time.Second; errors.Is(err, term.ErrInterrupted) != wants || report.Rows() == 0 {
			t.Errorf("%s: %d rows, %v", what, report.Rows(), err)
		}
		fmt.Fprintf(&got, "-- %s, the end: %v --\n%s", what, err, a.Out)
	}
	onScreen := func() *app {
		return &app{Terminal: &term.Terminal{Out: &termtest.Screen{Width: 80}, Interactive: true, Width: func() int { return 80 }}}
	}
	synctest.Test(t, func(t *testing.T) {
		prune(t, "a terminal", onScreen(), time.Hour)
		prune(t, "interrupted", onScreen(), 6500*time.Millisecond)
		prune(t, "a pipe", &app{Terminal: &term.Terminal{Out: &strings.Builder{}, Width: func() int { return 80 }}}, time.Hour)
		prune(t, "json", &app{Terminal: &term.Terminal{Out: &strings.Builder{}}, json: true}, time.Hour)
	})
	termtest.Golden(t, *update, "pruning.golden", got.String())
}
