package checkstate

import (
	"context"
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Store is what is read of a store. One that can commit too is written what was found.
type Store interface {
	AssetKeys(ctx context.Context, names []string) ([]storage.AssetKey, error)
	ListAssets(ctx context.Context, q storage.AssetQuery) ([]storage.AssetRecord, error)
	storage.Partitions
	storage.KV
}

// Subject is a check that judges each partition of its asset by itself.
type Subject struct {
	// Check is the name of its state, as [storage.CheckName] makes it, Asset what it judges.
	Check, Asset string
	// Partitions is how both are divided.
	Partitions partition.Definition
	// External says that the asset is made elsewhere, and observed as a whole.
	External bool
}

// Params say what is asked.
type Params struct {
	// Location is the name of the repository, under which the sets are kept.
	Location string
	Store    Store
	// Subjects are all checks of the repository that judge partitions: what is kept of others is dropped.
	Subjects []Subject
}

// Results are the partitions of a check by what it said of them last. They may not exist any more. But for Outdated the sets are disjoint.
type Results struct {
	// Passed are as they should be, Warned and Failed are not, with the severity of a warning or of an error. Crashed are those on
	// which the check failed itself, Skipped those that a run was to judge and did not come to.
	Passed, Warned, Failed, Crashed, Skipped partition.Set
	// Outdated are those of the first four whose result is about something else than what is there.
	Outdated partition.Set
}

// outcome is what a check came to on a partition.
type outcome uint8

const (
	passed outcome = iota
	warned
	failed
	crashed
	skipped
	outcomes
)

// outcomeOf is what a state of a check says.
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
	shape      string // of the definition: what is kept under another is of no use
	ever       partition.Space

	// known says that something is known of it, dirty that it is not what is kept, which was written at the cursor kept.
	known, dirty bool
	kept         int64
	touched      partition.Gather

	is       [outcomes]partition.Set
	outdated partition.Set
	// read has, of an external asset, the partitions by the version that was judged.
	read map[string]partition.Set
}

// Read returns what each check said last of its partitions, in the order of the subjects.
func Read(ctx context.Context, p Params) ([]Results, error) { return read(ctx, p, usual()) }

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
		all[i] = Results{Passed: c.is[passed], Warned: c.is[warned], Failed: c.is[failed], Crashed: c.is[crashed], Skipped: c.is[skipped], Outdated: c.outdated}
		if c.External {
			all[i].Outdated = c.readOther(present[c.Asset])
		}
	}
	return all, nil
}

// readOther are the partitions of an external asset of which another version was judged than the present one.
func (c *check) readOther(present string) partition.Set {
	var other partition.Set
	for version, set := range c.read {
		if version != present {
			other = other.Union(set)
		}
	}
	return other
}

// observed are the present versions of the assets that are made elsewhere.
func (r *reading) observed(ctx context.Context) (map[string]string, error) {
	var names []string
	for _, c := range r.checks {
		if c.External {
			names = append(names, c.Asset)
		}
	}
	if len(names) == 0 {
		return nil, nil //nolint:nilnil // nobody asks it
	}
	records, err := r.Store.ListAssets(ctx, storage.AssetQuery{Names: names})
	if err != nil {
		return nil, fmt.Errorf("reading what was observed: %w", err)
	}
	versions := make(map[string]string, len(records))
	for i := range records {
		versions[records[i].Name] = records[i].DataVersion()
	}
	return versions, nil
}
