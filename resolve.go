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

	"github.com/rivers-go/rivers/internal/backfill"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/held"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/internal/stepserver"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/sqlite"
)

// defaultStoragePath is where the embedded store lives, relative to the working directory.
var defaultStoragePath = filepath.Join(".rivers", "storage")

// Resolve validates the repository, opens storage, sets up every resource and records the topology.
// A nil store opens the embedded one under .rivers/storage, which Shutdown closes, and migrates it
// if an older rivers has made it (see [sqlite.OpenUpgraded]); a store that is passed in stays the
// caller's. If a resource cannot be set up, those before it are torn down again. Resolving again on
// the same store does nothing, on another it is an error. Materialize and everything else that
// needs it resolve by themselves.
func (r *CodeRepository) Resolve(ctx context.Context, store storage.Storage) error {
	if stepserver.Inside() {
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
	c, err := r.catalog()
	if err != nil {
		return err
	}
	owned := store == nil
	if owned {
		if store, err = sqlite.OpenUpgraded(ctx, defaultStoragePath, r.config.Logger); err != nil {
			return err
		}
	}
	if err := r.resolveOn(ctx, store, c, owned); err != nil {
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
func (r *CodeRepository) resolveOn(ctx context.Context, store storage.Storage, c *catalog.Catalog, owned bool) error {
	wait, err := claimTimeout(r.config.PoolTimeout)
	if err != nil {
		return err
	}
	setUp, err := r.resources().SetUp(ctx)
	if err != nil {
		return err
	}
	keys, err := r.writeTopology(ctx, store, c)
	if err == nil {
		err = r.declarePools(ctx, store, c)
	}
	lasts := store.ValuesDir()
	if err == nil {
		err = r.fallback.Open(lasts, c.Isolated())
	}
	if err != nil {
		return errors.Join(err, r.resources().TearDown(ctx, setUp))
	}
	for _, name := range c.Shadowed() {
		r.log().WarnContext(ctx, "a resource has the name of an asset, and no field receives it: rename one of them", "resource", name, "repository", r.config.Name)
	}
	if why := c.InMemory(); lasts != "" {
		for _, name := range slices.Sorted(maps.Keys(why)) {
			r.log().WarnContext(ctx, "the values of an output end with this process: give it an IOHandler, which may be iohandler.Memory()",
				"output", name, "reason", why[name], "repository", r.config.Name)
		}
	}
	keeper := engine.NewLeaseRenewer(store, func() { r.maintain(context.Background()) })
	keeper.Logger = r.config.Logger
	runner := &launch.Runner{
		Catalog: c, Store: store, Keys: keys, Tables: storage.NewKeyCache(store, 0), Leases: keeper, Logger: r.config.Logger, ClaimTimeout: wait,
		Load: r.loadFrom, ValuesDir: r.fallback.Dir(), Held: held.Of(c.Graph(), store), Listen: r.listenTo, Staleness: r.stale, Before: r.maintain, Background: &r.background, ResumeAbandoned: r.config.ResumeAbandoned,
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store, r.owned, r.setUp, r.runner = store, owned, setUp, runner
	r.backfills = &backfill.Manager{
		Runner: runner, Started: r.backfillStarted, Progress: r.backfillListener, Before: func(context.Context) { r.pruner.Turn(store) },
	}
	return nil
}

// maintain does what a repository does beside what it runs: it ends or resumes runs whose process
// died, and prunes history.
func (r *CodeRepository) maintain(ctx context.Context) {
	r.mu.Lock()
	store, runner, backfills := r.store, r.runner, r.backfills
	r.mu.Unlock()
	if looked := runner.Recover(ctx); looked && runner.ResumeAbandoned {
		backfills.Recover(ctx)
	}
	r.pruner.Turn(store)
}

// resolved resolves the repository and returns what runs its runs.
func (r *CodeRepository) resolved(ctx context.Context) (*launch.Runner, error) {
	if err := r.Resolve(ctx, nil); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.runner, nil
}

// claimVariable overrides [RepositoryConfig.PoolTimeout].
const claimVariable = "RIVERS_CLAIM_TIMEOUT"

// claimTimeout returns how long a step waits for pool slots; zero is no limit.
func claimTimeout(configured time.Duration) (time.Duration, error) {
	text := os.Getenv(claimVariable)
	if text == "" {
		return configured, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf(`environment variable %s is %q: want a positive duration such as "10m"`, claimVariable, text)
	}
	return d, nil
}

// declarePools writes the limits of pools to the store where they differ.
func (r *CodeRepository) declarePools(ctx context.Context, store storage.Storage, c *catalog.Catalog) error {
	limits := c.PoolLimits()
	if len(limits) == 0 {
		return nil
	}
	known, err := store.ListPools(ctx)
	if err != nil {
		return fmt.Errorf("repository %q: reading its pools: %w", r.config.Name, err)
	}
	declared := make(map[string]int, len(known))
	for _, p := range known {
		declared[p.Name] = p.Declared
	}
	var batch storage.Batch
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		if declared[name] != limits[name] {
			batch.Pools = append(batch.Pools, storage.PoolUpdate{Name: name, Slots: limits[name], Declared: true})
		}
	}
	if batch.Empty() {
		return nil
	}
	if err := store.Commit(ctx, &batch); err != nil {
		return fmt.Errorf("repository %q: declaring its pools: %w", r.config.Name, err)
	}
	return nil
}
