package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// defaultStore is the embedded store, relative to the working directory.
var defaultStore = filepath.Join(".rivers", "storage")

// location turns the --storage flag into a path for SQLite; memory is true for the memory store.
func (a *app) location() (path string, inMemory bool, err error) {
	url := a.storage
	scheme, rest, hasScheme := strings.Cut(url, ":")
	switch {
	case url == "":
		return defaultStore, false, nil
	case url == "memory:" || url == "memory://":
		return "", true, nil
	case strings.HasPrefix(url, "sqlite://"):
		return strings.TrimPrefix(url, "sqlite://"), false, nil
	case hasScheme && strings.HasPrefix(rest, "//"):
		return "", false, &storageError{fmt.Errorf("storage %s://…: this release has no backend for it: give memory:, sqlite:///path or a path", scheme)}
	}
	return url, false, nil
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

// withStore calls f with a store for reading.
func (a *app) withStore(ctx context.Context, f func(storage.Storage) error) error {
	store, err := a.openExisting(ctx)
	if err != nil {
		return err
	}
	err = f(store)
	return errors.Join(err, store.Close())
}

// resolve opens the store and binds the repository to it.
func (a *app) resolve(ctx context.Context) error {
	if err := a.repo.Validate(); err != nil {
		return err
	}
	store, err := a.open(ctx)
	if err != nil {
		return err
	}
	if err := a.repo.Resolve(ctx, store); err != nil {
		return errors.Join(err, store.Close())
	}
	a.close = store.Close
	return nil
}
