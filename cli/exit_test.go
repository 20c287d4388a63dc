package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
)

func TestExitCodes(t *testing.T) {
	t.Parallel()
	other := errors.New("resource \"db\": setting it up: connection refused")
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitOK},
		{&failedError{other, exitFailed}, exitFailed},
		{errors.Join(&failedError{context.Canceled, exitFailed}, other), exitFailed}, // the run's own verdict counts
		{BadRequest(other), exitUsage},
		{BadRequest(nil), exitOK},
		{fmt.Errorf("%q: %w", "x", rivers.ErrAssetNotFound), exitUsage},
		{fmt.Errorf("run x: recording it: %w", storage.ErrRunExists), exitUsage},
		{&rivers.DefinitionError{Kind: "asset", Name: "x"}, exitDefinition},
		{&storageError{other}, exitStorage},
		{fmt.Errorf("x: %w", &storage.SchemaError{Store: "s", Have: 1, Want: 2}), exitStorage},
		{readError(other), exitStorage},
		{readError(BadRequest(other)), exitUsage},
		{readError(fmt.Errorf("%w: broken pipe", term.ErrOutput)), exitOther},
		{other, exitOther},
		{fmt.Errorf("%w by interrupt", term.ErrInterrupted), exitCanceled},
		{&storageError{context.Canceled}, exitCanceled},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
		if line := fmt.Sprintf("\n  %-4d ", c.want); !strings.Contains(ExitCodes, line) {
			t.Errorf("--help does not document exit code %d", c.want)
		}
	}
}
