package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Store is what a run asks of storage.
type Store interface {
	Commit(ctx context.Context, b *storage.Batch) error
	Append(b *storage.Batch) error
	ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error)
}

// ErrCanceled is the cause of a step's context that ended because its run was asked to stop.
var ErrCanceled = errors.New("the run was canceled")

// Grace is how long a step may go on after its run was canceled or its timeout passed.
const Grace = 20 * time.Second

// Config is everything a run needs.
type Config struct {
	Plan *plan.Plan
	// Record is the run to be inserted.
	Record storage.RunRecord
	// Shared is what all steps see.
	Shared *graph.Run
	Store  Store
	// AssetKeys are the keys of the graph's outputs, zero for those that are no assets.
	AssetKeys []storage.AssetKey
	// Configs are the decoded configs by node; nodes without one are absent.
	Configs map[int32]any
	// Retry is the policy of nodes that have none, Hooks are added to every node's.
	Retry retry.Policy
	Hooks []graph.Hook
	// Grace is how long canceled steps may go on; zero means [Grace].
	Grace time.Duration
	// Observer hears of progress; its fields may be nil.
	Observer Observer
}

// Observer is told what happens, outside of any lock. It must return quickly.
type Observer struct {
	RunStarted   func(run storage.RunRecord)
	StepStarted  func(StepNotice)
	StepFinished func(StepNotice)
	Logged       func(step string, line storage.LogLine)
}

// StepNotice is one change of a step.
type StepNotice struct {
	Step    string
	Kind    storage.EventKind
	Attempt int
	At      time.Time
	// Duration is that of the attempt, RetryAt when the next one is due.
	Duration time.Duration
	RetryAt  time.Time
	Err      error
}

// run is a run in progress: the driver of one decider.
type run struct {
	Config
	graph *graph.Graph
	key   storage.RunKey
	fence storage.Fence

	ctx    context.Context // handed to user code
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	d       *Decider
	n       int64 // of the last event
	batch   storage.Batch
	cmds    []Command
	notices []StepNotice
	detail  []stepDetail
	maps    mapTable
	wake    *time.Timer
	wakeAt  storage.Micros
	end     storage.RunState
	broken  error // why the store takes no more records of this run

	logs     logBuffer
	versions []string       // data versions by output, of what this run read or made
	hooks    sync.WaitGroup // hooks and notices that are under way: the end waits for them
	done     chan struct{}
}

// stepDetail is what the result says about a step beyond the decider's state.
type stepDetail struct {
	started, ended storage.Micros
	err            error
	emitted        bool // an output was handed over, so the body must not run again
}

// Execute runs a plan to its end. Its error is about the run as a whole (it could not be
// recorded); failures of steps are in the result, which is nil only if no run was recorded.
func Execute(ctx context.Context, c Config) (*Result, error) {
	r := &run{Config: c, graph: c.Plan.Graph, d: NewDecider(c.Plan), done: make(chan struct{})}
	if r.Grace == 0 {
		r.Grace = Grace
	}
	r.detail = make([]stepDetail, len(c.Plan.Steps))
	if err := r.readVersions(ctx); err != nil {
		return nil, err
	}
	if err := r.insert(ctx); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	defer r.cancel(nil)
	if r.Observer.RunStarted != nil {
		observe(func() { r.Observer.RunStarted(r.Record) })
	}
	r.Record.Plan = nil // storage has it, and it is as large as the rest of a run
	r.begin()
	stop := context.AfterFunc(ctx, func() { r.stop(context.Cause(ctx)) })
	<-r.done
	stop()
	r.hooks.Wait()
	return r.finish()
}

// insert records the run; from here on it exists, whatever happens.
func (r *run) insert(ctx context.Context) error {
	now := time.Now().UTC()
	r.Record.State, r.Record.Token = storage.Running, 1
	r.Record.CreatedAt, r.Record.StartedAt = now, now
	r.Record.Plan = r.Plan.Record()
	b := storage.Batch{Runs: []storage.RunRecord{r.Record}}
	if r.Record.Request.RunID != "" {
		b.Expect = []storage.Expectation{{NoRun: r.Record.ID}}
	}
	if err := r.Store.Commit(ctx, &b); err != nil {
		return fmt.Errorf("run %s: recording it: %w", r.Record.ID, err)
	}
	r.Record.Key = b.Runs[0].Key
	r.key = r.Record.Key
	r.fence = storage.Fence{Run: r.key, Token: r.Record.Token}
	return nil
}

// begin records the start and sets the first steps going.
func (r *run) begin() {
	r.mu.Lock()
	r.record(storage.Fact{Kind: storage.RunStarted, Step: storage.NoStep, At: now()}, 0, nil)
	mine, ok := r.advance()
	r.flush()
	r.unlock()
	if ok {
		go r.work(mine)
	}
}

// finish writes the end of the run, durable before it returns.
func (r *run) finish() (*Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake != nil {
		r.wake.Stop()
	}
	r.releaseAll()
	res := r.result()
	if r.broken != nil {
		res.State = storage.Canceled // what is not recorded did not succeed
		return res, fmt.Errorf("run %s: recording its events: %w", r.Record.ID, r.broken)
	}
	r.batch.Fence = r.fence
	r.batch.Logs = r.logs.take(r.batch.Logs)
	r.batch.RunUpdates = append(r.batch.RunUpdates, storage.RunUpdate{
		Run: r.key, State: r.end, At: time.Now().UTC(), Error: res.summary(), Counts: r.d.Counts(),
	})
	// A run that was canceled still has its end recorded: the caller's context is not asked.
	if err := r.Store.Commit(context.Background(), &r.batch); err != nil {
		return res, fmt.Errorf("run %s: recording its end: %w", r.Record.ID, err)
	}
	r.logs.closeWith(r.Store)
	return res, nil
}

func now() storage.Micros { return storage.Micros(time.Now().UnixMicro()) }
