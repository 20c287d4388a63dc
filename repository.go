package rivers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/rivers-go/rivers/executor"
	"github.com/rivers-go/rivers/internal/backfill"
	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/defaultio"
	"github.com/rivers-go/rivers/internal/define"
	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/launch"
	"github.com/rivers-go/rivers/internal/pruner"
	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/internal/stepserver"
	"github.com/rivers-go/rivers/internal/view"
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

// RepositoryConfig is the content of a repository. Every field may be left out.
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
	// DefaultIOHandler stores the values of assets that name none. Nil keeps them as CBOR files in
	// [storage.Storage.ValuesDir], which is .rivers/values for the embedded store. It keeps them in
	// memory if the store is in memory. A type that CBOR cannot hold stays in memory, with a warning.
	DefaultIOHandler iohandler.Handler
	Resources        Resources
	// DefaultRetry is the policy of nodes and jobs that have none; zero does not retry.
	DefaultRetry retry.Policy
	// Retries are policies that others refer to by retry.Named.
	Retries map[string]retry.Policy
	// PoolLimits are the slots of each concurrency pool; it must have every pool that steps name. A
	// number that an operator sets in the store wins.
	PoolLimits map[string]int
	// PoolTimeout is how long a step waits for pool slots before its attempt fails, which counts as
	// [retry.Infrastructure]. Zero waits as long as it takes, and warns the operator every ten
	// minutes. The environment variable RIVERS_CLAIM_TIMEOUT overrides it.
	PoolTimeout time.Duration
	// PartitionDefs are definitions that assets refer to by partition.Named.
	PartitionDefs map[string]partition.Definition
	// ResumeAbandoned resumes, in the background, runs of this repository whose process died. Without
	// it they are ended as failed, with the reason. Both happen while the repository runs anything.
	ResumeAbandoned bool
	// Retention is how long history is kept; zero means the defaults. Older history is pruned in the
	// background while the repository runs anything; with Retention.ByHand only the command db prune
	// does it. Repositories that share a store keep what any of them keeps.
	Retention storage.Retention
	// Listeners hear of every run of this repository.
	Listeners []Listener
	// Logger takes what rivers itself has to say to the operator of the program (warnings; at level
	// debug the course of runs), and what steps log, each line with run, step, asset, partition and
	// attempt. With nil the former goes to slog's default logger and the latter to storage alone,
	// which has it in any case.
	Logger *slog.Logger
}

// CodeRepository is a set of definitions that run together. It is made by [NewCodeRepository]; its
// methods may be called from any goroutine.
type CodeRepository struct {
	config RepositoryConfig
	pos    fault.Position
	// fallback is the IO handler of outputs that have none, memory that of types no file can hold.
	fallback *defaultio.Handler
	memory   *iohandler.MemoryHandler

	// building guards the catalog, which never changes once it is good, and what is recorded of it.
	building sync.Mutex
	checked  *catalog.Catalog
	recorded *view.Definitions // nil until somebody asks

	// resolving is held by the one Resolve that is at work; resources are set up under it.
	resolving sync.Mutex

	pruner     *pruner.Pruner
	background launch.Background // runs that are resumed here, backfills, and the pruning of history

	// mu guards what Resolve opens and Shutdown closes. No user code runs under it.
	mu    sync.Mutex
	store storage.Storage
	owned bool // the store was opened here, so it is closed here
	// runner and backfills are nil before Resolve.
	runner    *launch.Runner
	backfills *backfill.Manager
	// session is set in a process that does one step for a run in another.
	session *stepserver.Session
	// staleness is what is known of it on the store, nil until somebody asks.
	staleness *staleness.View
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
	r := &CodeRepository{config: c, pos: fault.Here(), fallback: &defaultio.Handler{}, memory: iohandler.Memory()}
	r.pruner = &pruner.Pruner{Location: c.Name, Retention: c.Retention, Go: r.background.Go, Log: r.log}
	return r
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

// Storage returns the reading side of the store, nil before Resolve. In the process of a step it
// asks the run's process.
func (r *CodeRepository) Storage() storage.Reader {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.session != nil {
		return r.session.Storage
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

// Shutdown ends what the repository started: it waits for runs that it resumed, calls the OnClose
// functions, tears resources down in reverse order of their setup, forgets values kept in memory
// and closes the store if Resolve opened it. Everything is tried; the errors are joined. A second
// call does nothing.
func (r *CodeRepository) Shutdown(ctx context.Context) error {
	r.resolving.Lock() // what is being set up is torn down once it is
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	onClose, setUp, store, owned := r.onClose, r.setUp, r.store, r.owned
	r.mu.Unlock()
	r.background.Close()
	r.pruner.Stop()
	r.resolving.Unlock()
	if closed {
		return nil
	}
	var errs []error
	if err := r.background.Wait(ctx); err != nil {
		errs = append(errs, err)
	}
	for _, f := range slices.Backward(onClose) {
		errs = append(errs, fault.Guard(func() error { return f(ctx) }))
	}
	errs = append(errs, r.resources().TearDown(ctx, setUp), r.fallback.Close(), r.memory.Close())
	if store != nil && owned {
		if err := store.Close(); err != nil {
			errs = append(errs, fmt.Errorf("closing the store: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Close is Shutdown without a deadline, for defer.
func (r *CodeRepository) Close() error { return r.Shutdown(context.Background()) }

// resources are the repository's, as internal packages take them.
func (r *CodeRepository) resources() catalog.Resources { return catalog.Resources(r.config.Resources) }

// Retention returns how long this repository keeps history, from [RepositoryConfig.Retention].
func (r *CodeRepository) Retention() storage.Retention { return r.config.Retention }

// Validate checks every definition and how they fit together, and returns all mistakes at once, in
// the order of the definitions, each with its name, its source file and line, what was found and
// what would be right. It opens nothing, sets up nothing, and may be called again and again: with
// mistakes it looks at everything anew, a valid repository stays valid since definitions do not
// change.
func (r *CodeRepository) Validate() error {
	_, err := r.catalog()
	return err
}

// catalog returns the checked definitions, checked at the first call.
func (r *CodeRepository) catalog() (*catalog.Catalog, error) {
	r.building.Lock()
	defer r.building.Unlock()
	if r.checked != nil {
		return r.checked, nil
	}
	c, mistakes := catalog.Build(r.catalogConfig())
	if len(mistakes) > 0 {
		return nil, newDefinitionErrors(mistakes)
	}
	r.checked = c
	return c, nil
}

// catalogConfig is the repository as a catalog takes it.
func (r *CodeRepository) catalogConfig() catalog.Config {
	c := &r.config
	out := catalog.Config{
		Location: c.Name, Position: r.pos, Definitions: r.definitions, Count: len(c.Assets) + len(c.Tasks) + len(c.Checks),
		DefaultExecutor: c.DefaultExecutor, DefaultHandler: c.DefaultIOHandler, Fallback: r.fallback, Memory: r.memory, Resources: r.resources(),
		Retry: c.DefaultRetry, Retries: c.Retries, Pools: c.PoolLimits, PoolTimeout: c.PoolTimeout, Partitions: c.PartitionDefs, Retention: c.Retention,
	}
	for i := range c.Jobs {
		out.Jobs = append(out.Jobs, c.Jobs[i].spec())
	}
	return out
}

// definitions yields what is registered, or the mistake in its place.
func (r *CodeRepository) definitions(yield func(*define.Definition, fault.Fault) bool) {
	const isNone = "it is nil: remove it, or define it before the repository"
	mistake := func(list string, i int, message string) bool {
		return yield(nil, fault.Fault{At: fmt.Sprintf("%s[%d]", list, i), Message: message})
	}
	for i, a := range r.config.Assets {
		if isNil(a) && !mistake("Assets", i, isNone) || !isNil(a) && !yield(a.def(), fault.Fault{}) {
			return
		}
	}
	for i, t := range r.config.Tasks {
		var going bool
		if isNil(t) {
			going = mistake("Tasks", i, isNone)
		} else if _, asset := t.(Asset); asset {
			going = mistake("Tasks", i, fmt.Sprintf("%q is an asset: list it under Assets", t.Name()))
		} else {
			going = yield(t.def(), fault.Fault{})
		}
		if !going {
			return
		}
	}
	for i, c := range r.config.Checks {
		if c == nil && !mistake("Checks", i, isNone) || c != nil && !yield(c.d, fault.Fault{}) {
			return
		}
	}
}

// isNil reports whether an interface holds nothing, or a nil pointer.
func isNil(n Node) bool {
	if n == nil {
		return true
	}
	v := reflect.ValueOf(n)
	return v.Kind() == reflect.Pointer && v.IsNil()
}
