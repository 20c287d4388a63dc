package cli

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// fillingUp is a store whose disk is full once so many batches are written.
type fillingUp struct {
	storage.Storage

	left atomic.Int32
}

func (s *fillingUp) full() error {
	if s.left.Add(-1) < 0 {
		return errors.New("store x.db: write: the disk is full")
	}
	return nil
}

func (s *fillingUp) Commit(ctx context.Context, b *storage.Batch) error {
	if err := s.full(); err != nil {
		return err
	}
	return s.Storage.Commit(ctx, b)
}

func (s *fillingUp) Append(b *storage.Batch) error {
	if err := s.full(); err != nil {
		return err
	}
	return s.Storage.Append(b)
}

// A run that the store stops recording says so, wherever it happens: it is not what its steps came to.
func TestRunThatIsNotRecorded(t *testing.T) {
	t.Setenv("RIVERS_STORAGE", "")
	said := map[string]bool{}
	for left := range int32(6) {
		one := func(*rivers.AssetContext, rivers.NoInput) (int, error) { return 1, nil }
		repo := rivers.NewCodeRepository(rivers.RepositoryConfig{Name: "x", Assets: []rivers.Asset{
			rivers.NewAsset(rivers.AssetSpec{Name: "a"}, one), rivers.NewAsset(rivers.AssetSpec{Name: "b"}, one),
		}})
		store := &fillingUp{Storage: memory.New()}
		store.left.Store(1)
		if err := repo.Resolve(t.Context(), store); err != nil {
			t.Fatal(err)
		}
		store.left.Store(left)
		var out, errs strings.Builder
		code := run(&app{repo: repo, Terminal: &term.Terminal{Out: &out, Err: &errs, QuietFor: 1 << 40}}, []string{"materialize"})
		if code == exitOK {
			break
		}
		if code != exitStorage || !strings.Contains(errs.String(), "the disk is full") {
			t.Errorf("after %d batches: exit code %d\n%s\n%s", left, code, out.String(), errs.String())
		}
		for _, what := range []string{"its events", "its end"} {
			said[what] = said[what] || strings.Contains(errs.String(), "recording "+what)
		}
	}
	if !said["its events"] || !said["its end"] {
		t.Errorf("heard of %v, want of events and of the end", said)
	}
}
