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
	"github.com/rivers-go/rivers/storage/postgres"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// storageForms lists the values of --storage.
const storageForms = "a path, sqlite:///path, postgres://user@host/database or memory:"

// defaultStore is the embedded store, relative to the working directory.
var defaultStore = filepath.Join(".rivers", "storage")

// backend is a kind of store that --storage can name.
type backend struct {
	scheme string
	// locate turns the flag into the location that the functions below take.
	locate func(flag string) string
	// open opens a store and creates a missing one. existing returns [fs.ErrNotExist] for a missing
	// one.
	open, existing func(ctx context.Context, location string) (storage.Storage, error)
	// version is the schema of this program, and migrate brings a store to it. Both are nil for stores
	// without a schema.
	version func() int
	migrate func(ctx context.Context, location string) (from, to int, err error)
}

// backends returns all kinds of stores, the one of plain paths first.
func backends() []backend {
	postgreSQL := backend{
		scheme: "postgres", locate: func(flag string) string { return flag },
		open:     opening(postgres.Open),
		existing: opening(postgres.OpenExisting),
		version:  postgres.SchemaVersion, migrate: postgres.Migrate,
	}
	alias := postgreSQL
	alias.scheme = "postgresql"
	inMemory := func(context.Context, string) (storage.Storage, error) { return memory.New(), nil }
	return []backend{
		{
			scheme: "sqlite", locate: func(flag string) string { return strings.TrimPrefix(flag, "sqlite://") },
			open:     opening(sqlite.Open),
			existing: existingFile,
			version:  sqlite.SchemaVersion, migrate: sqlite.Migrate,
		},
		postgreSQL, alias,
		{scheme: "memory", open: inMemory, existing: inMemory, locate: func(string) string { return "" }},
	}
}

// opening adapts a function that opens one kind of store.
func opening[S storage.Storage](open func(context.Context, string) (S, error)) func(context.Context, string) (storage.Storage, error) {
	return func(ctx context.Context, location string) (storage.Storage, error) {
		store, err := open(ctx, location)
		if err != nil {
			return nil, err // a nil store of a kind is not a nil store
		}
		return store, nil
	}
}

// existingFile opens an existing SQLite store.
func existingFile(ctx context.Context, path string) (storage.Storage, error) {
	file, _, _ := strings.Cut(path, "?")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, missingFileError(file)
	}
	return opening(sqlite.Open)(ctx, path)
}

// missingFileError is the error of a path without a store.
type missingFileError string

func (f missingFileError) Error() string {
	return fmt.Sprintf("store %s: it does not exist yet", string(f))
}
func (missingFileError) Is(target error) bool { return target == fs.ErrNotExist }

// backend returns the kind of store and the location that the flags name. Without a flag it is the
// embedded store, which every program migrates when it opens it.
func (a *app) backend() (b backend, location string, err error) {
	all := backends()
	scheme, rest, hasScheme := strings.Cut(a.storage, ":")
	known := slices.IndexFunc(all, func(b backend) bool { return b.scheme == scheme })
	switch {
	case a.storage == "":
		embedded := all[0]
		embedded.open = opening(func(ctx context.Context, path string) (*sqlite.Store, error) {
			return sqlite.OpenUpgraded(ctx, path, nil)
		})
		return embedded, defaultStore, nil
	case known >= 0 && (strings.HasPrefix(rest, "//") || scheme == "memory" && rest == ""):
		return all[known], all[known].locate(a.storage), nil
	case hasScheme && strings.HasPrefix(rest, "//"): // which may hold a password
		near, _ := nearest.Name(scheme, func(yield func(string) bool) {
			for _, b := range all {
				if !yield(b.scheme) {
					return
				}
			}
		})
		if near != "" {
			near = fmt.Sprintf(" (did you mean %q?)", near)
		}
		return backend{}, "", &storageError{fmt.Errorf("storage %s://…: unknown backend%s: give %s", scheme, near, storageForms)}
	}
	if err := sqlite.ValidatePath(a.storage); err != nil {
		return backend{}, "", usagef("--storage: %w", err)
	}
	return all[0], a.storage, nil
}
