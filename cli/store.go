package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/rivers-go/rivers/storage"
)

// open opens the store that the flags name and creates a missing one.
func (a *app) open(ctx context.Context) (storage.Storage, error) {
	b, location, err := a.backend()
	if err != nil {
		return nil, err
	}
	store, err := b.open(ctx, location)
	if err != nil {
		return nil, &storageError{err}
	}
	return store, nil
}

// noStoreError is a missing store.
type noStoreError struct{ err error }

func (e *noStoreError) Error() string {
	return e.err.Error() + ": materialize something first, or name another with --storage"
}
func (e *noStoreError) Unwrap() error { return e.err }

// openExisting opens a store for reading. It does not create one.
func (a *app) openExisting(ctx context.Context) (storage.Storage, error) {
	b, location, err := a.backend()
	if err != nil {
		return nil, err
	}
	store, err := b.existing(ctx, location)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &storageError{&noStoreError{err}}
	case err != nil:
		return nil, &storageError{err}
	}
	return store, nil
}

// withStore calls f with a store for reading: the one of the flags, otherwise the repository's.
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

// withWriter calls f with the store of the flags, for writing.
func (a *app) withWriter(ctx context.Context, f func(storage.Storage) error) error {
	store, err := a.openExisting(ctx)
	if _, old := errors.AsType[*storage.SchemaError](err); old && a.storage == "" {
		store, err = a.open(ctx) // it is there, and migrated for who writes
	}
	if err != nil {
		return err
	}
	return readError(errors.Join(f(store), store.Close()))
}

// readError marks an error of a reading command as the store's, unless it has another kind.
func readError(err error) error {
	if err == nil || exitCode(err) != exitOther {
		return err
	}
	return &storageError{err}
}

// resolve opens the store and resolves the repository on it, unless the program did. Closing the
// repository closes the store.
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
