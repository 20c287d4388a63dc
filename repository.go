package rivers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/iohandler"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Resources are values that functions take by the name of a field, such as a database handle. A
// resource with a method Setup(context.Context) error is set up when the repository resolves, in
// the order of names; one with Teardown(context.Context) error is torn down when it shuts down, in
// reverse.
type Resources map[string]any

// RepositoryConfig says what a repository holds. Every field may be left out.
type RepositoryConfig struct {
	// Name is the code location, under which the topology is stored; by default the path of the
	// program's main module.
	Name string
	// Assets and Tasks are the definitions; tasks that only graph assets call need not be listed.
	Assets []Asset
	Tasks  []Node
	// Checks judge assets; see [NewCheck].
	Checks []*Check
	// Jobs are named selections.
	Jobs []Job
	// DefaultExecutor is for runs that say none; zero is parallel with a worker for each CPU.
	DefaultExecutor executor.Executor
	// DefaultIOHandler stores the values of assets that say none; nil keeps them in memory.
	DefaultIOHandler iohandler.Handler
	Resources        Resources
	// DefaultRetry is the policy of nodes and jobs that have none; zero does not retry.
	DefaultRetry retry.Policy
	// Retries are policies that others refer to by retry.Named.
	Retries map[string]retry.Policy
	// PoolLimits says how many slots each concurrency pool has; all that steps name must be here. A number
	// that a person sets in the store wins.
	PoolLimits map[string]int
	// PartitionDefs are definitions that assets refer to by partition.Named.
	PartitionDefs map[string]partition.Definition
	// ResumeAbandoned goes on, in the background, with runs of this repository whose process died. Without
	// it they are ended as failed, with the reason. Both happen when the repository resolves, and from then
	// on as long as it runs anything.
	ResumeAbandoned bool
	// Retention says how long history is kept; its zero value is the defaults. What is older goes by itself, beside what the
	// repository runs, unless Retention.ByHand leaves it to the command db prune. It is for all that is in the store, of whichever
	// repository: where several share one, what any of them keeps stays.
	Retention storage.Retention
	// Listeners hear of every run of this repository.
	Listeners []Listener
	// Logger takes what rivers itself has to say to the operator of the program (warnings; at level debug the
	// course of runs), and what steps log, each line with run, step, asset, partition and attempt. With nil the former
	// goes to slog's default logger and the latter to storage alone, which has it in any case.
	Logger *slog.Logger
}

// CodeRepository is a set of definitions that run together. It is made by [NewCodeRepository]; its
// methods may be called from any goroutine.
type CodeRepository struct {
	config   RepositoryConfig
	pos      fault.Position
	fallback *iohandler.MemoryHandler

	// building guards the result of the last validation, which never changes once it is good.
	building sync.Mutex
	ready    *built

	// resolving is held by the one Resolve that is at work; resources are set up under it.
	resolving sync.Mutex

	// mu guards what Resolve opens and Shutdown closes. No user code runs under it.
	mu    sync.Mutex
	store storage.Storage
	// serving is set in a process that does one step for a run in another.
	serving *serving
	owned   bool // the store was opened here, so it is closed here
	keys    []storage.AssetKey
	// keyTables remembers keys of partitions, nil while there is no store to ask.
	keyTables *storage.KeyCache
	// staleness is what is known of it on the store, nil until somebody asks.
	staleness *staleness.View
	keeper    *engine.Keeper
	// claimTimeout is how long a step waits for pool slots, zero for the engine's own time.
	claimTimeout time.Duration
	recovered    time.Time          // when runs whose process died were last looked for
	upkeepAt     time.Time          // before which history is not pruned here
	endUpkeep    context.CancelFunc // ends that, nil before
	background   sync.WaitGroup     // runs that are resumed here, backfills, and the pruning of history
	// backfills are those in progress here, and how each is canceled.
	backfills map[string]func(storage.CancelRequest)
	setUp     []string // resources, in the order of their setup
	onClose   []func(context.Context) error
	heard     map[int]Listener
	lastHear  int
	closed    bool
}

// NewCodeRepository puts definitions together. It opens nothing and never fails: mistakes are
// reported, all together, by [CodeRepository.Validate] and by whatever needs the repository.
func NewCodeRepository(c RepositoryConfig) *CodeRepository {
	c.Assets, c.Tasks, c.Jobs = slices.Clone(c.Assets), slices.Clone(c.Tasks), slices.Clone(c.Jobs)
	c.Resources, c.Retries, c.PoolLimits = maps.Clone(c.Resources), maps.Clone(c.Retries), maps.Clone(c.PoolLimits)
	c.PartitionDefs = maps.Clone(c.PartitionDefs)
	c.Listeners = slices.Clone(c.Listeners)
	if c.Name == "" {
		c.Name = mainModule()
	}
	return &CodeRepository{config: c, pos: fault.Here(), fallback: iohandler.Memory()}
}

// mainModule is the name of a repository that has none.
func mainModule() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path != "" {
		return info.Main.Path
	}
	return "main"
}

// Name returns the code location.
func (r *CodeRepository) Name() string { return r.config.Name }

// Assets returns the registered assets by name, a multi-asset under its own.
func (r *CodeRepository) Assets() map[string]Asset {
	assets := make(map[string]Asset, len(r.config.Assets))
	for _, a := range r.config.Assets {
		if a != nil {
			assets[a.Name()] = a
		}
	}
	return assets
}

// Storage returns the reading side of the store, nil before Resolve. In the process of a step it asks the
// run's process.
func (r *CodeRepository) Storage() storage.Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.serving != nil {
		return r.serving.storage
	}
	if r.store == nil {
		return nil // not a nil store in an interface
	}
	return r.store
}

// Listen adds a listener for the runs that begin from now on, until stop is called.
func (r *CodeRepository) Listen(l Listener) (stop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.heard == nil {
		r.heard = map[int]Listener{}
	}
	r.lastHear++
	id := r.lastHear
	r.heard[id] = l
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.heard, id)
	}
}

func (r *CodeRepository) listeners() []Listener {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Clone(r.config.Listeners) // callers may take some out
	for _, id := range slices.Sorted(maps.Keys(r.heard)) {
		all = append(all, r.heard[id])
	}
	if l, ok := r.operator(); ok {
		all = append(all, l)
	}
	return all
}

// OnClose adds a function that Shutdown calls before it tears anything down, the last added first.
func (r *CodeRepository) OnClose(f func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onClose = append(r.onClose, f)
}

// Shutdown ends what the repository started: it waits for runs that it resumed, calls the OnClose functions, tears resources down
// in reverse order of their setup, forgets values kept in memory and closes the store if Resolve
// opened it. Everything is tried; the errors are joined. A second call does nothing.
func (r *CodeRepository) Shutdown(ctx context.Context) error {
	r.resolving.Lock() // what is being set up is torn down once it is
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	onClose, setUp, store, owned := r.onClose, r.setUp, r.store, r.owned
	if r.endUpkeep != nil {
		r.endUpkeep()
	}
	r.mu.Unlock()
	r.resolving.Unlock()
	if closed {
		return nil
	}
	var errs []error
	if err := r.waitForBackground(ctx); err != nil {
		errs = append(errs, err)
	}
	for _, f := range slices.Backward(onClose) {
		errs = append(errs, fault.Guard(func() error { return f(ctx) }))
	}
	errs = append(errs, r.tearDown(ctx, setUp), r.fallback.Close())
	if store != nil && owned {
		if err := store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("closing the store: %w", err))
		}
	}
	return errors.Join(errs...)
}

// waitForBackground waits for the runs that were resumed here. Those that the context does not wait for are
// left as a crash would leave them.
func (r *CodeRepository) waitForBackground(ctx context.Context) error {
	done := make(chan struct{})
	go func() { r.background.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("runs that were resumed here are still in progress: %w", context.Cause(ctx))
	}
}

// Close is Shutdown without a deadline, for defer.
func (r *CodeRepository) Close() error { return r.Shutdown(context.Background()) }

// defaultWorkers is how many steps run at once where nothing says it.
func defaultWorkers() int { return runtime.GOMAXPROCS(0) }
