package checkstate

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Store is what is read of a store. [Read] writes its snapshot to one that can commit.
type Store interface {
	AssetKeys(ctx context.Context, names []string) ([]storage.AssetKey, error)
	ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error)
	storage.Partitions
	storage.KV
}

// Subject is a check that checks each partition of its asset by itself.
type Subject struct {
	// Check is the name of its state, as [storage.CheckName] makes it. Asset is the asset that it
	// checks.
	Check, Asset string
	// Partitions is the partition definition of both.
	Partitions partition.Definition
	// External marks an asset that is made elsewhere and observed as a whole.
	External bool
}

// Params are the parameters of [Read].
type Params struct {
	// Location is the name of the repository, under which the snapshot is stored.
	Location string
	Store    Store
	// Subjects are all partitioned checks of the repository. The snapshots of others are dropped.
	Subjects []Subject
	// Log gets snapshots that were not saved; nil logs nothing.
	Log *slog.Logger
}

// Results are a check's partitions by latest result, also of partitions that were removed. All sets
// but Outdated are disjoint.
type Results struct {
	// Passed gave a good result, Warned and Failed a bad one with the severity of a warning or of an
	// error.
	Passed, Warned, Failed partition.Set
	// Crashed have no result, since the check itself failed. Skipped were planned, and their run ended
	// without them.
	Crashed, Skipped partition.Set
	// Outdated are partitions of the first four sets that changed after they were checked.
	Outdated partition.Set
}

// outcome is the kind of a result.
type outcome uint8

const (
	passed outcome = iota
	warned
	failed
	crashed
	skipped
	outcomes
)

// outcomeOf returns the outcome that a check's state stands for.
func outcomeOf(kind storage.StateKind, s *storage.AssetState) outcome {
	switch {
	case kind == storage.Materialized:
		return passed
	case kind == storage.Observed:
		return skipped
	case s.Check == nil:
		return crashed
	case s.Check.Bad():
		return failed
	default:
		return warned
	}
}

// check is what is known of one check.
type check struct {
	Subject

	key, asset storage.AssetKey
	shape      string // a snapshot of another shape is of no use
	space      partition.Space

	// known tells that the sets hold, dirty that they differ from the snapshot, which was saved at
	// savedAt.
	known, dirty bool
	savedAt      int64
	touched      partition.Set

	sets     [outcomes]partition.Set
	outdated partition.Set
	// versions has the partitions of an external asset by the version that was checked.
	versions map[string]partition.Set
}

// Read returns the results of each check, in the order of the subjects.
func Read(ctx context.Context, p Params) ([]Results, error) { return read(ctx, p, defaultLimits()) }

func read(ctx context.Context, p Params, l limits) ([]Results, error) {
	if len(p.Subjects) == 0 {
		return nil, nil
	}
	r, err := begin(ctx, p, l)
	if err != nil {
		return nil, err
	}
	if err := r.update(ctx); err != nil {
		return nil, err
	}
	r.save(ctx)
	present, err := r.observed(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]Results, len(r.checks))
	for i, c := range r.checks {
		all[i] = Results{
			Passed: c.sets[passed], Warned: c.sets[warned], Failed: c.sets[failed], Crashed: c.sets[crashed],
			Skipped: c.sets[skipped], Outdated: c.outdated,
		}
		if c.External {
			all[i].Outdated = c.ofOtherVersions(present[c.Asset])
		}
	}
	return all, nil
}

// ofOtherVersions returns the partitions whose checked version is not the current one.
func (c *check) ofOtherVersions(present string) partition.Set {
	var other partition.Set
	for version, set := range c.versions {
		if version != present {
			other = other.Union(set)
		}
	}
	return other
}

// observed returns the present versions of the external assets, by name.
func (r *reading) observed(ctx context.Context) (map[string]string, error) {
	var names []string
	for _, c := range r.checks {
		if c.External {
			names = append(names, c.Asset)
		}
	}
	versions := make(map[string]string, len(names))
	if len(names) == 0 {
		return versions, nil
	}
	records, err := r.Store.ListAssets(ctx, storage.AssetQuery{Names: names})
	if err != nil {
		return nil, fmt.Errorf("reading observations: %w", err)
	}
	for i := range records {
		versions[records[i].Name] = records[i].DataVersion()
	}
	return versions, nil
}
