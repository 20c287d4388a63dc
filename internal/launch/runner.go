package launch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/rivers-go/rivers/internal/catalog"
	"github.com/rivers-go/rivers/internal/engine"
	"github.com/rivers-go/rivers/internal/held"
	"github.com/rivers-go/rivers/internal/staleness"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Store is what runs ask of storage. Steps see its reading side.
type Store interface {
	storage.Reader
	storage.Writer
	storage.Leases
}

// Runner begins and continues the runs of one repository.
type Runner struct {
	// Catalog has the checked definitions.
	Catalog *catalog.Catalog
	// Store is nil for a runner that only plans.
	Store Store
	// Keys are the keys of the catalog's assets and checks, by output.
	Keys []storage.AssetKey
	// Tables finds keys of partitions; nil while no store is open.
	Tables *storage.KeyCache
	// Leases renews the leases of what is in progress here.
	Leases *engine.LeaseRenewer
	// Logger is the operator's; nil is slog's default.
	Logger *slog.Logger
	// ClaimTimeout bounds how long a step waits for pool slots; zero is no bound.
	ClaimTimeout time.Duration
	// Load loads a stored value by name, as the contexts of steps do.
	Load func(ctx context.Context, name string, key partition.Key, dst any) error
	// Listen adds listeners to a run. The function that it returns hears of the result; it may be nil.
	Listen func(c *engine.Config) (ended func(*engine.Result))
	// ValuesDir is the folder of the default IO handler, which processes of steps are told.
	ValuesDir string
	// Held tells which values in memory are there; nil where the store keeps nothing longer.
	Held *held.Values
	// Staleness returns what is stale now.
	Staleness func(ctx context.Context) (*staleness.View, error)
	// Before is called before a new run begins, once its request is checked.
	Before func(ctx context.Context)
	// Background runs what is resumed here.
	Background *Background
	// ResumeAbandoned continues runs whose process died; without it they are ended as failed.
	ResumeAbandoned bool

	mu        sync.Mutex
	recovered time.Time // when abandoned runs were last looked for
}

// log is where the runner writes for the operator.
func (r *Runner) log() *slog.Logger {
	if r.Logger == nil {
		return slog.Default()
	}
	return r.Logger
}

// Run checks a request, plans it and runs the plan: as a new run, or one that is recorded. A nil
// job is none.
//
// The error is about the run as a whole; failures of steps are in the result, which is nil if no
// run was recorded. Both are nil for a request for what is stale where nothing is: a run of no step
// is not recorded.
func (r *Runner) Run(ctx context.Context, job *catalog.Job, req storage.RunRequest) (*engine.Result, error) {
	if rec, ok, err := r.existing(ctx, &req); err != nil {
		return nil, err
	} else if ok {
		if job != nil && rec.Job != job.Name {
			return nil, fmt.Errorf("run %q belongs to job %q, not to %q: execute it with its own job", rec.ID, rec.Job, job.Name)
		}
		return r.continueRun(ctx, rec.ID)
	}
	c, err := r.newRun(ctx, job, req)
	switch {
	case errors.Is(err, errNothingStale):
		return nil, nil //nolint:nilnil // a run of no step is not recorded, which is no error
	case err != nil:
		return nil, err
	}
	if r.Before != nil {
		r.Before(ctx)
	}
	return r.Drive(ctx, c)
}

// newRun turns a checked request into a run that is not recorded yet.
func (r *Runner) newRun(ctx context.Context, job *catalog.Job, req storage.RunRequest) (engine.Config, error) {
	switch {
	case req.RetryOf != "":
		return r.retry(ctx, req)
	case req.Retry != "":
		return engine.Config{}, fmt.Errorf("retry %q: the request names no run to retry: set RetryOf", req.Retry)
	}
	return r.runConfig(ctx, job, req)
}

// Drive runs what is configured and tells the listeners.
func (r *Runner) Drive(ctx context.Context, c engine.Config) (*engine.Result, error) {
	var ended func(*engine.Result)
	if r.Listen != nil {
		ended = r.Listen(&c)
	}
	res, err := engine.Execute(ctx, c)
	if res != nil && ended != nil {
		ended(res)
	}
	return res, err
}

// newID makes the id of a run.
func newID() (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("run: making an id: %w", err)
	}
	return id.String(), nil
}
