package assethealth

import (
	"context"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/health"
	"github.com/rivers-go/rivers/internal/checkstate"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Subject is an asset that is asked about.
type Subject struct {
	Asset string
	// Policy is its freshness policy, zero for none.
	Policy freshness.Policy
	// Partitions is how it is partitioned, nil for not at all. Assets that are partitioned alike
	// should share one definition.
	Partitions partition.Definition
	// Gone means that its values lay in the memory of another process.
	Gone bool
	// External means that it is made elsewhere: its observations count.
	External bool
	// Checks are what judges it.
	Checks []Check
}

// Check is what judges an asset.
type Check struct {
	// Name is that of its state, as [storage.CheckName] makes it.
	Name string
	// Partitioned means that it judges each partition of its asset by itself.
	Partitioned bool
}

// Reader is what is read of a store: the current state of assets and partitions.
type Reader interface {
	storage.Assets
	storage.Partitions
}

// Freshness judges how fresh each subject is at an instant. Only the subjects that have a policy
// are looked up, and the partitions of those whose policy looks at them.
func Freshness(ctx context.Context, s Reader, subjects []Subject, now time.Time) ([]freshness.Result, error) {
	v := &view{store: s, now: now}
	err := v.load(ctx, subjects,
		func(sub *Subject) bool { return !sub.Policy.IsZero() },
		func(sub *Subject) bool { return sub.Policy.NeedsPartitions() })
	if err != nil {
		return nil, err
	}
	results := make([]freshness.Result, len(subjects))
	for i := range subjects {
		facts, err := v.freshness(ctx, &subjects[i])
		if err != nil {
			return nil, err
		}
		results[i] = subjects[i].Policy.Evaluate(facts, now)
	}
	return results, nil
}

// Verdicts are what the checks that judge partitions said last of each, by the names of the checks.
type Verdicts func(context.Context) (map[string]*checkstate.Results, error)

// Healths judges each subject at an instant, by all that is recorded of it. Partitions count that
// exist then. The verdicts are asked for, once, where a check that judges partitions did not let
// all pass, or was skipped.
func Healths(ctx context.Context, s Reader, subjects []Subject, verdicts Verdicts, now time.Time) ([]health.Report, error) {
	v := &view{store: s, now: now, ask: verdicts}
	err := v.load(ctx, subjects,
		func(*Subject) bool { return true },
		func(sub *Subject) bool { return sub.Partitions != nil && !sub.External || sub.Policy.NeedsPartitions() })
	if err != nil {
		return nil, err
	}
	reports := make([]health.Report, len(subjects))
	for i := range subjects {
		facts, err := v.facts(ctx, &subjects[i])
		if err != nil {
			return nil, err
		}
		reports[i] = Judge(facts)
	}
	return reports, nil
}

// view is what was read of the subjects of one question.
type view struct {
	store   Reader
	now     time.Time
	records map[string]*storage.AssetRecord
	sets    map[storage.AssetKey]*storage.PartitionSets
	// spaces are what exists of each definition, made once for those that are shared; keys remembers
	// key tables for them.
	spaces map[partition.Definition]partition.Space
	keys   *storage.KeyCache
	// verdicts are what was asked for.
	ask      Verdicts
	verdicts map[string]*checkstate.Results
}

// load reads the records of the subjects that are wanted and of their checks, and the partitions of
// those that want them.
func (v *view) load(ctx context.Context, subjects []Subject, record, partitions func(*Subject) bool) error {
	var names []string
	for i := range subjects {
		if sub := &subjects[i]; record(sub) {
			names = append(names, sub.Asset)
			for _, c := range sub.Checks {
				names = append(names, c.Name)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	records, err := v.store.ListAssets(ctx, storage.AssetQuery{Names: names})
	if err != nil {
		return err
	}
	v.records = make(map[string]*storage.AssetRecord, len(records))
	for i := range records {
		v.records[records[i].Name] = &records[i]
	}
	var keys []storage.AssetKey
	want := func(name string) {
		if rec := v.records[name]; rec != nil {
			keys = append(keys, rec.Key)
		}
	}
	for i := range subjects {
		if partitions(&subjects[i]) {
			want(subjects[i].Asset)
		}
		for _, c := range subjects[i].Checks {
			if c.Partitioned {
				want(c.Name)
			}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	sets, err := v.store.PartitionSets(ctx, keys)
	if err != nil {
		return err
	}
	v.sets = make(map[storage.AssetKey]*storage.PartitionSets, len(sets))
	for i := range sets {
		v.sets[sets[i].Asset] = &sets[i]
	}
	return nil
}

// space returns what exists of a subject's partitions.
func (v *view) space(ctx context.Context, d partition.Definition) (partition.Space, error) {
	if space, known := v.spaces[d]; known {
		return space, nil
	}
	if v.keys == nil {
		v.keys, v.spaces = storage.NewKeyCache(v.store, 0), map[partition.Definition]partition.Space{}
	}
	tables, err := v.keys.ProvisionalTables(ctx, d)
	if err != nil {
		return partition.Space{}, err
	}
	space, err := partition.NewSpace(d, v.now, tables)
	if err == nil {
		v.spaces[d] = space
	}
	return space, err
}

// facts are what a subject is judged by.
func (v *view) facts(ctx context.Context, sub *Subject) (f Facts, err error) {
	fresh, err := v.freshness(ctx, sub)
	if err != nil {
		return f, err
	}
	f.Freshness = sub.Policy.Evaluate(fresh, v.now)
	if f.Presence, err = v.presence(ctx, sub); err != nil {
		return f, err
	}
	f.Checks, err = v.checks(ctx, sub)
	return f, err
}

// freshness are the facts by which a subject's policy is evaluated.
func (v *view) freshness(ctx context.Context, sub *Subject) (freshness.Facts, error) {
	facts := freshness.Facts{Observed: sub.External}
	rec := v.records[sub.Asset]
	if rec == nil {
		return facts, nil
	}
	latest := rec.Materialization
	if sub.External {
		latest = rec.Observation
	}
	if latest == nil {
		return facts, nil
	}
	facts.Last = latest.At
	sets := v.sets[rec.Key]
	if sets == nil || !sub.Policy.NeedsPartitions() {
		return facts, nil
	}
	var err error
	facts.Space, err = v.space(ctx, sub.Partitions)
	facts.Materialized = sets.Materialized
	return facts, err
}

func (v *view) presence(ctx context.Context, sub *Subject) (Presence, error) {
	p := Presence{External: sub.External, Gone: sub.Gone}
	rec := v.records[sub.Asset]
	if rec == nil {
		return p, nil
	}
	sets := v.sets[rec.Key]
	switch {
	case sub.External:
		p.Made = rec.Observation != nil
	case sets == nil:
		p.Made = rec.Materialization != nil
		p.Failed = rec.Failure != nil && (!p.Made || rec.Failure.Seq > rec.Materialization.Seq)
	default:
		space, err := v.space(ctx, sub.Partitions)
		if err != nil {
			return p, err
		}
		p.Made = rec.Materialization != nil
		p.FailedPartitions = space.Count(sets.Failed)
	}
	return p, nil
}
