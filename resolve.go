package rivers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/subprocess"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// defaultStoragePath is where the embedded store lives, relative to the working directory.
var defaultStoragePath = filepath.Join(".rivers", "storage")

// Resolve validates the repository, opens storage, sets up every resource and records the
// topology. A nil store opens the embedded one under .rivers/storage, which Shutdown closes, and migrates it if an older
// rivers has made it (see [sqlite.OpenUpgraded]); a store that is passed in stays the caller's. If a resource cannot be set up, those before it are torn
// down again. Resolving again on the same store does nothing, on another it is an error.
// Materialize and everything else that needs it resolve by themselves.
func (r *CodeRepository) Resolve(ctx context.Context, store storage.Storage) error {
	if subprocess.Inside() {
		return r.errInStep()
	}
	if done, err := r.resolvedOn(store); done || err != nil {
		return err
	}
	r.resolving.Lock()
	defer r.resolving.Unlock()
	if done, err := r.resolvedOn(store); done || err != nil { // somebody else was faster
		return err
	}
	b, err := r.built()
	if err != nil {
		return err
	}
	owned := store == nil
	if owned {
		if store, err = sqlite.OpenUpgraded(ctx, defaultStoragePath, r.config.Logger); err != nil {
			return err
		}
	}
	if err := r.resolveOn(ctx, store, b, owned); err != nil {
		if owned {
			err = errors.Join(err, store.Close())
		}
		return err
	}
	return nil
}

// resolvedOn reports whether there is nothing left to do to resolve on a store.
func (r *CodeRepository) resolvedOn(store storage.Storage) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return false, fmt.Errorf("repository %q: %w", r.config.Name, ErrClosed)
	case r.store == nil:
		return false, nil
	case store == nil || store.ID() == r.store.ID():
		return true, nil
	}
	return false, fmt.Errorf("repository %q: it is resolved on store %s, and asked to resolve on %s: use one repository for each store",
		r.config.Name, r.store.ID(), store.ID())
}

// resolveOn sets up resources and records the topology; the lock is held.
func (r *CodeRepository) resolveOn(ctx context.Context, store storage.Storage, b *built, owned bool) error {
	wait, err := claimTimeout()
	if err != nil {
		return err
	}
	setUp, err := r.setUpResources(ctx)
	if err != nil {
		return err
	}
	keys, err := r.writeTopology(ctx, store, b)
	if err == nil {
		err = r.declarePools(ctx, store, b)
	}
	if err != nil {
		return errors.Join(err, r.tearDown(ctx, setUp))
	}
	for _, name := range b.shadowed {
		r.log().WarnContext(ctx, "a resource has the name of an asset, and no field receives it: rename one of them", "resource", name, "repository", r.config.Name)
	}
	keeper := engine.NewKeeper(store, func() { r.recoverAbandoned(context.Background()); r.upkeep() })
	keeper.Logger = r.config.Logger
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store, r.owned, r.keys, r.setUp, r.keeper = store, owned, keys, setUp, keeper
	r.claimTimeout, r.keyTables = wait, storage.NewKeyCache(store, 0)
	return nil
}

// claimVariable is how long a step waits for pool slots before it gives up.
const claimVariable = "RIVERS_CLAIM_TIMEOUT"

// claimTimeout reads it; zero where it is not set.
func claimTimeout() (time.Duration, error) {
	text := os.Getenv(claimVariable)
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`environment variable %s is %q: want a positive duration such as "10m"`, claimVariable, text)
	}
	return d, nil
}

// setUpResources sets up every resource that wants it, in the order of names; if one fails, those
// before it are torn down.
func (r *CodeRepository) setUpResources(ctx context.Context) ([]string, error) {
	var done []string
	for _, name := range slices.Sorted(maps.Keys(r.config.Resources)) {
		if err := r.setUpResource(ctx, name); err != nil {
			return nil, errors.Join(err, r.tearDown(ctx, done))
		}
		done = append(done, name)
	}
	return done, nil
}

// setUpResource sets up one resource, if it wants that.
func (r *CodeRepository) setUpResource(ctx context.Context, name string) error {
	s, ok := r.config.Resources[name].(interface{ Setup(context.Context) error })
	if !ok {
		return nil
	}
	if err := fault.Guard(func() error { return s.Setup(ctx) }); err != nil {
		return fmt.Errorf("resource %q: setting it up: %w", name, err)
	}
	return nil
}

// tearDown tears down the named resources, the last first.
func (r *CodeRepository) tearDown(ctx context.Context, names []string) error {
	var errs []error
	for _, name := range slices.Backward(names) {
		t, ok := r.config.Resources[name].(interface{ Teardown(context.Context) error })
		if !ok {
			continue
		}
		if err := fault.Guard(func() error { return t.Teardown(ctx) }); err != nil {
			errs = append(errs, fmt.Errorf("resource %q: tearing it down: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
