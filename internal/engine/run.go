package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rivers-go/rivers/internal/engine/decide"
	"github.com/rivers-go/rivers/internal/engine/writes"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/internal/plan"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/retry"
	"github.com/rivers-go/rivers/storage"
)

// Store is what a run asks of storage.
type Store interface {
	Commit(ctx context.Context, b *storage.Batch) error
	Append(b *storage.Batch) error
	ClaimSlots(ctx context.Context, c storage.SlotClaim) (storage.SlotAnswer, error)
	Watch(ctx context.Context, topics storage.Topic) <-chan struct{}
	ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error)
	ListPartitions(ctx context.Context, q storage.PartitionQuery) ([]storage.PartitionState, error)
	ListPartitionGroups(ctx context.Context, asset storage.AssetKey, kind storage.StateKind) ([]storage.PartitionGroup, error)
	ChangeSeq(ctx context.Context) (int64, error)
}

// ErrCanceled is the cause of a step's context that ended because its run was asked to stop.
var ErrCanceled = errors.New("the run was canceled")

// Grace is how long a step may go on after its run was canceled or its timeout passed.
const Grace = 20 * time.Second

// Config is everything a run needs.
type Config struct {
	Plan *plan.Plan
	// Assignment defines which partitions the steps are of; nil for a run in which nothing is
	// partitioned.
	Assignment *plan.Assignment
	// Record is the run: one to be inserted, or one that is recorded and was claimed by this process.
	Record storage.RunRecord
	// History are the events of a run that another process has begun.
	History []storage.Event
	// Reuse is the run that a new one retries, nil for none.
	Reuse *Reuse
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
	// ClaimTimeout is how long a step waits for its pool slots; zero is as long as it takes.
	ClaimTimeout time.Duration
	// Leases renews the lease of the run and of its slots; nil holds a run without an owner, which
	// nobody can take over.
	Leases *LeaseRenewer
	// Isolate does an attempt in a process of its own. Its error is about that process: it could not
	// be started, or ended without a report. When the context ends, the process is stopped and Isolate
	// returns what it still reported.
	Isolate func(ctx context.Context, t Task, to Sink) (Report, error)
	// Observer hears of progress; its fields may be nil.
	Observer Observer
	// Logger takes what is for the operator of the program; nil is slog's default.
	Logger *slog.Logger
}

// Observer is told what happens, outside of any lock, one thing after another. The contexts are
// asked for, and waited for, when the run or the attempt begins; only the values of what they
// return are used.
type Observer struct {
	RunContext      func(ctx context.Context, run storage.RunRecord) context.Context
	StepContext     func(ctx context.Context, n StepNotice) context.Context
	RunStarted      func(run storage.RunRecord)
	StepStarted     func(StepNotice)
	StepWaiting     func(WaitNotice)
	StepFinished    func(StepNotice)
	Logged          func(step string, line storage.LogLine)
	Made            func(MadeNotice)
	CheckEvaluated  func(CheckNotice)
	ActionPerformed func(ActionNotice)
	LogsCut         func(CutNotice)
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
	Reason   storage.FailureReason
	Err      error
}

// WaitNotice means that a step waits for pool slots.
type WaitNotice struct {
	Step    string
	Attempt int
	At      time.Time
	// Pool is the first pool in the way, Reason the same in words.
	Pool   storage.PoolBlock
	Reason string
}

// run is a run in progress: the driver of one decider.
type run struct {
	Config
	runEnv

	key   storage.RunKey
	fence storage.Fence

	ctx    context.Context // handed to user code
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	d       *decide.Decider
	n       int64 // of the last event
	batch   storage.Batch
	cmds    []decide.Command
	notices []func() // what the observer has not heard yet
	telling bool     // a goroutine is at it
	detail  []stepDetail
	wake    *time.Timer
	wakeAt  storage.Micros
	end     storage.RunState
	why     error // what the run was stopped for
	settled bool  // nothing of it runs now
	broken  error // why the store takes no more records of this run

	partVersions map[int32]*partVersions // by output

	table *writes.Table // where values lie

	checks map[int32]*CheckReport // the results of checks, by step

	logs     logBuffer
	makers   map[int32]string // runs that made what a check of this run judges and this run does not make, by output
	versions []string         // data versions by output, of what this run read or made; not of what is partitioned
	hooks    sync.WaitGroup   // hooks and notices that are under way: the end waits for them
	done     chan struct{}
}

// stepDetail is what the result holds of a step beyond the decider's state.
type stepDetail struct {
	started, ended storage.Micros
	readSeq        int64 // when the latest attempt began that reads partitions or makes some
	err            error
	emitted        []int // outputs that were handed over by position, so that the body must not run again
}

// newRun is a run before anything of it is known.
func newRun(c Config) *run {
	r := &run{Config: c, d: decide.New(work(&c)), done: make(chan struct{})}
	r.runEnv = runEnv{plan: c.Plan, graph: c.Plan.Graph, runID: c.Record.ID, shared: c.Shared, configs: c.Configs, retry: c.Retry, assignment: c.Assignment}
	r.table = writes.NewTable(c.Plan, func(ctx context.Context, v int32, space partition.Space, texts []string) ([]storage.AssetState, error) {
		return storage.PartitionStates(ctx, c.Store, r.assetKey(v), storage.Materialized, space, texts)
	})
	r.writes = r.table
	r.Grace = cmp.Or(c.Grace, Grace)
	r.logs.soon = r.flushLogs
	r.detail = make([]stepDetail, len(c.Plan.Steps))
	r.versions = make([]string, r.graph.Outputs())
	return r
}

// Execute runs a plan to its end: a new run, or one that has a past. Its error is about the run as
// a whole (it could not be recorded); failures of steps are in the result, which is nil only if no
// run was recorded.
func Execute(ctx context.Context, c Config) (*Result, error) {
	r := newRun(c)
	if err := r.readVersions(ctx); err != nil {
		return nil, err
	}
	if err := r.open(ctx); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancelCause(r.runContext(context.WithoutCancel(ctx)))
	defer r.cancel(nil)
	if r.Leases != nil {
		release := r.Leases.hold(r.fence, r.lost, r.cancelRequested)
		defer release()
	}
	if r.Observer.RunStarted != nil {
		r.await(func() { r.Observer.RunStarted(r.Record) })
	}
	r.Record.Plan = nil // storage has it, and it is as large as the rest of a run
	r.begin()
	stop := context.AfterFunc(ctx, func() { r.stop(context.Cause(ctx)) })
	<-r.done
	stop()
	r.hooks.Wait()
	return r.finish()
}

// open records a new run, or takes over one that is recorded; from here on it exists, whatever
// happens.
func (r *run) open(ctx context.Context) error {
	now := time.Now().UTC()
	began := r.Record.State == storage.Running
	r.Record.State = storage.Running
	if r.Record.StartedAt.IsZero() {
		r.Record.StartedAt = now
	}
	planned := r.Record.Plan
	r.Record.Plan = r.recordPlan()
	var b storage.Batch
	switch {
	case r.Record.Key == 0:
		r.Record.Token, r.Record.CreatedAt, r.Record.Targets = 1, now, r.targets()
		b.Runs, b.Lease = []storage.RunRecord{r.Record}, Lease
		if r.Record.Request.RunID != "" {
			b.Expect = []storage.Expectation{{NoRun: r.Record.ID}}
		}
	case r.settled: // it goes from where it is to its end
	case !began && len(planned) > 0: // it was inserted as it is planned: its start is written with the first events
		r.batch.RunUpdates = []storage.RunUpdate{{Run: r.Record.Key, State: storage.Running, At: r.Record.StartedAt}}
	case !began:
		b.Fence = storage.Fence{Run: r.Record.Key, Token: r.Record.Token}
		b.RunUpdates = []storage.RunUpdate{{Run: r.Record.Key, State: storage.Running, At: r.Record.StartedAt, Plan: r.Record.Plan, Targets: r.targets()}}
	default:
		if err := samePlan(planned, r.Record.Plan); err != nil {
			return fmt.Errorf("run %s: %w", r.Record.ID, err)
		}
	}
	if !b.Empty() {
		if err := r.Store.Commit(ctx, &b); err != nil {
			return fmt.Errorf("run %s: recording it: %w", r.Record.ID, err)
		}
	}
	if r.Record.Key == 0 {
		r.Record.Key = b.Runs[0].Key
	}
	r.key = r.Record.Key
	r.fence = storage.Fence{Run: r.key, Token: r.Record.Token}
	// Lines are numbered anew by each owner: what the former one had not written yet left a gap.
	r.logs.n = (r.Record.Token - 1) << 40
	return r.restore(r.History)
}

// begin records the start, or that the run was taken over, and sets the first steps going.
func (r *run) begin() {
	r.mu.Lock()
	if r.n == 0 {
		r.record(storage.Fact{Kind: storage.RunStarted, Step: storage.NoStep, At: now()}, nil)
		r.reuse()
	} else if !r.d.Ended() {
		r.adopt()
	}
	mine, ok := r.advance()
	r.flush()
	r.unlock()
	if r.Record.Cancel != nil {
		r.cancelRequested(*r.Record.Cancel)
	}
	if ok {
		go r.work(mine)
	}
}

// cancelRequested stops the run because somebody asked for it elsewhere.
func (r *run) cancelRequested(c storage.CancelRequest) { r.stop(&CancelError{c}) }

// lost stops the run because another process has it now: what happens here is no longer recorded.
// One that has ended is nobody's, and is renewed once more where that had begun before.
func (r *run) lost() {
	r.mu.Lock()
	ended := r.d.Ended()
	if r.broken == nil && !ended {
		r.broken = fmt.Errorf("another process has taken the run over: %w", storage.ErrFenced)
	}
	r.mu.Unlock()
	if ended {
		return
	}
	r.log().Warn("another process has taken the run over; what is still in progress here is not recorded", "run", r.Record.ID)
	r.stop(errors.Join(ErrCanceled, storage.ErrFenced))
}

// CancelError is why a run stops that somebody asked to stop, as in [storage.CancelRequest].
type CancelError struct{ storage.CancelRequest }

// Error reports who asked and why.
func (e *CancelError) Error() string {
	text := ErrCanceled.Error()
	if e.By != "" {
		text += " by " + e.By
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Is reports whether target is [ErrCanceled].
func (e *CancelError) Is(target error) bool { return target == ErrCanceled }

// finish writes the end of the run, durable before it returns.
func (r *run) finish() (*Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wake != nil {
		r.wake.Stop()
	}
	r.forgetAll()
	res := r.result()
	if r.broken != nil {
		res.State = storage.Canceled // what is not recorded did not succeed
		return res, fmt.Errorf("run %s: %w", r.Record.ID, &recordError{"events", r.broken})
	}
	r.batch.Fence = r.fence
	r.batch.Logs = r.logs.takeAll(r.batch.Logs)
	if len(r.plan.Classes) > 0 {
		r.release(storage.NoStep)
	}
	r.batch.RunUpdates = append(r.batch.RunUpdates, storage.RunUpdate{
		Run: r.key, State: r.end, At: time.Now().UTC(), Error: r.summary(res), Counts: r.d.Counts(),
	})
	// A run that was canceled still has its end recorded: the caller's context is not asked.
	if err := r.Store.Commit(context.Background(), &r.batch); err != nil {
		return res, fmt.Errorf("run %s: %w", r.Record.ID, &recordError{"end", err})
	}
	r.logs.closeWith(r.Store)
	return res, nil
}

func now() storage.Micros { return storage.Micros(time.Now().UnixMicro()) }
