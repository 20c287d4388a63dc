package storage

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"
)

// Forever is the age that keeps history for good. Any other negative age is an error.
const Forever time.Duration = math.MinInt64

// The ages that stand for zero in a [Retention]. They keep the store of a laptop small and a
// server's history for a year. The fastest growing records go first: log lines, then attempts. A
// run and its materializations take a few hundred bytes and stay a year.
const (
	DefaultKeepLogs        = 30 * day
	DefaultKeepSteps       = 90 * day
	DefaultKeepEvaluations = 90 * day
	DefaultKeepAssetEvents = 365 * day
	DefaultKeepRuns        = 365 * day
	DefaultKeepBackfills   = 365 * day
	DefaultKeepChanges     = 30 * day
	// DefaultNewestAssetEvents and DefaultNewestEvaluations are how many events of an asset, and
	// evaluations of a check, stay whatever their age.
	DefaultNewestAssetEvents = 100
	DefaultNewestEvaluations = 100

	day = 24 * time.Hour
)

// passedFor is how long a change stays after all consumers have read it, for readers without a
// cursor.
const passedFor = time.Hour

// Retention is how long history is kept. No present state of an asset, a partition, a backfill or a
// run depends on it. Each age counts from the end of the run or backfill; zero is the default,
// [Forever] never.
type Retention struct {
	// Logs is for the lines that steps wrote.
	Logs time.Duration `json:"logs,omitempty"`
	// Steps is for the events that say how a run and its steps went.
	Steps time.Duration `json:"steps,omitempty"`
	// AssetEvents is for materializations, observations, failures and wipes. The newest
	// NewestAssetEvents of each asset stay at any age; zero is the default, negative none.
	AssetEvents       time.Duration `json:"asset_events,omitempty"`
	NewestAssetEvents int           `json:"newest_asset_events,omitempty"`
	// Evaluations is for check results. The newest NewestEvaluations of each check stay at any age;
	// zero is the default, negative none.
	Evaluations       time.Duration `json:"evaluations,omitempty"`
	NewestEvaluations int           `json:"newest_evaluations,omitempty"`
	// Runs is for runs, with their lines and what happened in them. A run stays as long as an event
	// of an asset or an evaluation stays that it has made.
	Runs time.Duration `json:"runs,omitempty"`
	// Backfills is for backfills. One stays as long as a run of it.
	Backfills time.Duration `json:"backfills,omitempty"`
	// Changes bounds how far a consumer of the feed of changes may fall behind. What all of them
	// have passed goes after an hour.
	Changes time.Duration `json:"changes,omitempty"`
	// ByHand leaves it to people, and to calls of [Pruner.Prune] without an Every, when history is
	// pruned: nothing goes by itself.
	ByHand bool `json:"by_hand,omitempty"`
}

// All is a retention with one age for every kind of record; the newest events of assets and
// evaluations of checks stay all the same.
func All(age time.Duration) Retention {
	return Retention{Logs: age, Steps: age, AssetEvents: age, Evaluations: age, Runs: age, Backfills: age, Changes: age}
}

// Validate reports ages that mean nothing, all of them together.
func (r Retention) Validate() error {
	_, err := r.normalized()
	return err
}

// Over returns the retention with the other's values in place of zero ones.
func (r Retention) Over(o Retention) Retention {
	return Retention{
		Logs: cmp.Or(r.Logs, o.Logs), Steps: cmp.Or(r.Steps, o.Steps),
		AssetEvents: cmp.Or(r.AssetEvents, o.AssetEvents), NewestAssetEvents: cmp.Or(r.NewestAssetEvents, o.NewestAssetEvents),
		Evaluations: cmp.Or(r.Evaluations, o.Evaluations), NewestEvaluations: cmp.Or(r.NewestEvaluations, o.NewestEvaluations),
		Runs: cmp.Or(r.Runs, o.Runs), Backfills: cmp.Or(r.Backfills, o.Backfills), Changes: cmp.Or(r.Changes, o.Changes),
		ByHand: r.ByHand || o.ByHand,
	}
}

// Longest keeps what either of the two keeps, in words that mean the same whatever the defaults
// will be.
func (r Retention) Longest(o Retention) Retention {
	r, _ = r.normalized() // a negative age that means nothing is shorter than any
	o, _ = o.normalized()
	longer := func(a, b time.Duration) time.Duration {
		if a == Forever || b == Forever {
			return Forever
		}
		return max(a, b)
	}
	more := func(a, b int) int { return cmp.Or(max(a, b), -1) }
	return Retention{
		Logs: longer(r.Logs, o.Logs), Steps: longer(r.Steps, o.Steps),
		AssetEvents: longer(r.AssetEvents, o.AssetEvents), NewestAssetEvents: more(r.NewestAssetEvents, o.NewestAssetEvents),
		Evaluations: longer(r.Evaluations, o.Evaluations), NewestEvaluations: more(r.NewestEvaluations, o.NewestEvaluations),
		Runs: longer(r.Runs, o.Runs), Backfills: longer(r.Backfills, o.Backfills), Changes: longer(r.Changes, o.Changes),
		ByHand: r.ByHand || o.ByHand,
	}
}

// normalized fills in the defaults; all faults are reported together.
func (r Retention) normalized() (Retention, error) {
	var faults []error
	for _, f := range [...]struct {
		name string
		age  *time.Duration
		zero time.Duration
	}{
		{"Logs", &r.Logs, DefaultKeepLogs},
		{"Steps", &r.Steps, DefaultKeepSteps},
		{"AssetEvents", &r.AssetEvents, DefaultKeepAssetEvents},
		{"Evaluations", &r.Evaluations, DefaultKeepEvaluations},
		{"Runs", &r.Runs, DefaultKeepRuns},
		{"Backfills", &r.Backfills, DefaultKeepBackfills},
		{"Changes", &r.Changes, DefaultKeepChanges},
	} {
		if *f.age < 0 && *f.age != Forever {
			faults = append(faults, fmt.Errorf("%s is %s: want a positive age, zero for %s, or storage.Forever", f.name, *f.age, f.zero))
		}
		*f.age = cmp.Or(*f.age, f.zero)
	}
	r.NewestAssetEvents = max(cmp.Or(r.NewestAssetEvents, DefaultNewestAssetEvents), 0)
	r.NewestEvaluations = max(cmp.Or(r.NewestEvaluations, DefaultNewestEvaluations), 0)
	return r, errors.Join(faults...)
}

// PruneKind is a kind of record that is pruned. Values are stored: they are only ever added.
type PruneKind uint8

// The kinds. What hangs on something is pruned before it.
const (
	PruneLogs PruneKind = iota
	PruneSteps
	PruneAssetEvents
	PruneRuns
	PruneBackfills
	PruneChanges
	PruneEvaluations
)

var pruneKindWords = [...]string{"logs", "steps", "asset_events", "runs", "backfills", "changes", "evaluations"}

// PruneKindCount is how many kinds there are.
const PruneKindCount = PruneKind(len(pruneKindWords))

// String returns the word of the kind, such as "asset_events".
func (k PruneKind) String() string {
	if k < PruneKindCount {
		return pruneKindWords[k]
	}
	return fmt.Sprintf("prune_kind(%d)", uint8(k))
}

// MarshalText writes the word of the kind.
func (k PruneKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// PruneCutoffs are instants: what ended before that of its kind goes. Zero keeps all.
type PruneCutoffs struct {
	Before [PruneKindCount]Micros
	// Passed is the instant for changes that all consumers have passed.
	Passed Micros
	// Newest is how many events of an asset, or evaluations of a check, stay whatever their age;
	// zero for other kinds.
	Newest [PruneKindCount]int
}

// PruneRequest asks for history to be deleted.
type PruneRequest struct {
	// Retention is the history to keep; its zero value is the defaults.
	Retention Retention
	// Now is the instant that ages are counted from; zero is the present one.
	Now time.Time
	// DryRun counts what would go and writes nothing.
	DryRun bool
	// Limit ends the call after that many rows; zero deletes everything due. The next call
	// continues.
	Limit int64
	// Chunk is how many rows one transaction deletes at most, zero is 4096. A run, a backfill with
	// its sets or a change counts as one.
	Chunk int
	// Progress is called after each transaction with the counts so far; pruning waits for it. Nil
	// is not called.
	Progress func(PruneReport)
	// Every makes the call a turn: it does nothing if another turn is in progress or ended less
	// than Every ago. A turn continues where the previous one stopped. It keeps what any repository
	// of the store keeps (see [RetentionPrefix]), and ends after half a minute. Zero prunes now.
	Every time.Duration
}

// DefaultPruneChunk is how many rows a transaction of [Pruner.Prune] deletes by default. It takes
// ten to twenty milliseconds on SQLite, during which other writers wait.
const DefaultPruneChunk = 4096

// Cutoffs checks the request and turns its ages into instants. What hangs on a run does not outlive
// it, except for events of assets and evaluations, which hold the run.
func (r *PruneRequest) Cutoffs() (PruneCutoffs, error) {
	keep, err := r.Retention.normalized()
	switch {
	case err != nil:
		return PruneCutoffs{}, fmt.Errorf("prune: %w", err)
	case r.Limit < 0 || r.Chunk < 0:
		return PruneCutoffs{}, fmt.Errorf("prune: a limit of %d rows, %d at once: want positive numbers, or zero", r.Limit, r.Chunk)
	case r.Every < 0:
		return PruneCutoffs{}, fmt.Errorf("prune: every %s: want a positive duration, or zero for now", r.Every)
	case r.Every > 0 && r.DryRun:
		return PruneCutoffs{}, fmt.Errorf("prune: every %s and a dry run: leave one of them out", r.Every)
	}
	now := r.Now
	if now.IsZero() {
		now = time.Now()
	}
	before := func(age time.Duration) Micros {
		if age == Forever {
			return 0
		}
		return MicrosOf(now.Add(-age))
	}
	c := PruneCutoffs{Passed: before(min(passedFor, max(keep.Changes, 0)))}
	c.Newest[PruneAssetEvents], c.Newest[PruneEvaluations] = keep.NewestAssetEvents, keep.NewestEvaluations
	runs := before(keep.Runs)
	c.Before = [PruneKindCount]Micros{
		PruneLogs: max(before(keep.Logs), runs), PruneSteps: max(before(keep.Steps), runs), PruneAssetEvents: before(keep.AssetEvents),
		PruneRuns: runs, PruneBackfills: before(keep.Backfills), PruneChanges: before(keep.Changes), PruneEvaluations: before(keep.Evaluations),
	}
	if keep.Changes == Forever {
		c.Passed = 0
	}
	return c, nil
}

// Pruned counts the deleted records of one kind, or those that would be deleted.
type Pruned struct {
	Kind PruneKind `json:"kind"`
	// Rows were deleted. Of backfills and runs it counts them, not what hangs on them.
	Rows int64 `json:"rows"`
	// Runs are those that lost something, zero for kinds that belong to none.
	Runs int64 `json:"runs,omitempty"`
	// Bytes is about how much room that took, indexes left out.
	Bytes int64 `json:"bytes"`
}

// PruneReport is the result of a call, or of a dry run.
type PruneReport struct {
	// Kinds are all kinds in their order.
	Kinds [PruneKindCount]Pruned `json:"kinds"`
	// More means that the limit ended the call, or the time of a turn.
	More bool `json:"more"`
	// Skipped means that a call with an Every had no turn, or that nothing in the store is old.
	Skipped bool `json:"skipped,omitempty"`
}

// Rows is the sum over all kinds.
func (r *PruneReport) Rows() (n int64) {
	for i := range r.Kinds {
		n += r.Kinds[i].Rows
	}
	return n
}

// Bytes is the sum over all kinds.
func (r *PruneReport) Bytes() (n int64) {
	for i := range r.Kinds {
		n += r.Kinds[i].Bytes
	}
	return n
}
