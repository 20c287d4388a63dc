package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// defaultStore is the embedded store, relative to the working directory.
var defaultStore = filepath.Join(".rivers", "storage")

// location turns the --storage flag into a path for SQLite; memory is true for the memory store.
func (a *app) location() (path string, inMemory bool, err error) {
	scheme, rest, hasScheme := strings.Cut(a.storage, ":")
	switch {
	case a.storage == "":
		return defaultStore, false, nil
	case a.storage == "memory:" || a.storage == "memory://" || a.storage == "memory":
		return "", true, nil
	case strings.HasPrefix(a.storage, "sqlite://"):
		return strings.TrimPrefix(a.storage, "sqlite://"), false, nil
	case scheme == "postgres" || scheme == "postgresql":
		// The rest of the URL may hold a password.
		return "", false, &storageError{fmt.Errorf("storage %s://…: PostgreSQL is not supported by this release: give memory:, sqlite:///path or a path", scheme)}
	case hasScheme && strings.HasPrefix(rest, "//"):
		near, _ := nearest.Name(scheme, slices.Values([]string{"sqlite", "memory"}))
		if near != "" {
			near = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return "", false, &storageError{fmt.Errorf("storage %s://…: there is no backend of that name%s: give memory:, sqlite:///path or a path", scheme, near)}
	}
	return a.storage, false, nil
}

// open opens the store that the flags name, creating it where there is none.
func (a *app) open(ctx context.Context) (storage.Storage, error) {
	path, inMemory, err := a.location()
	if err != nil {
		return nil, err
	}
	if inMemory {
		return memory.New(), nil
	}
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		return nil, &storageError{err}
	}
	return store, nil
}

// errNoStore is a store to be read that does not exist.
var errNoStore = errors.New("it does not exist yet")

// openExisting opens a store for reading and does not create one.
func (a *app) openExisting(ctx context.Context) (storage.Storage, error) {
	path, inMemory, err := a.location()
	if err != nil {
		return nil, err
	}
	if !inMemory {
		file, _, _ := strings.Cut(path, "?")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			return nil, &storageError{fmt.Errorf("store %s: %w: materialize something first, or name another with --storage", file, errNoStore)}
		}
	}
	return a.open(ctx)
}

// withStore calls f with a store for reading: the one that the flags name, else the one that the
// program has resolved its repository on.
func (a *app) withStore(ctx context.Context, f func(storage.Reader) error) error {
	if a.storage == "" && a.repo != nil {
		if store := a.repo.Storage(); store != nil {
			return readError(f(store))
		}
	}
	store, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	return readError(errors.Join(f(store), store.Close()))
}

// withWriter calls f with a store that the flags name, to write to it.
func (a *app) withWriter(ctx context.Context, f func(storage.Storage) error) error {
	store, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	return readError(errors.Join(f(store), store.Close()))
}

// readError marks what a reading command returned as the store's fault, unless it says better.
func readError(err error) error {
	if err == nil || exitCode(err) != exitOther {
		return err
	}
	return &storageError{err}
}

// resolve opens the store and binds the repository to it, unless the program has done so itself;
// closing the repository closes the store.
func (a *app) resolve(ctx context.Context) error {
	if err := a.repo.Validate(); err != nil {
		return err
	}
	if a.storage == "" && a.repo.Storage() != nil {
		return nil
	}
	store, err := a.open(ctx)
	if err != nil {
		return err
	}
	if err := a.repo.Resolve(ctx, store); err != nil {
		return errors.Join(err, store.Close())
	}
	a.repo.OnClose(func(context.Context) error {
		if err := store.Close(); err != nil {
			return &storageError{fmt.Errorf("closing the store: %w", err)}
		}
		return nil
	})
	return nil
}
