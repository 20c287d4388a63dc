package health

import (
	"context"
	"time"

	"github.com/rivers-go/rivers/freshness"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// Subject is an asset that is asked about.
type Subject struct {
	Asset string
	// Policy is its freshness policy, zero for none.
	Policy freshness.Policy
	// Partitions is how it is divided, nil for not at all. Assets that are divided alike should share one definition.
	Partitions partition.Definition
	// External says that it is made elsewhere: its observations count.
	External bool
}

// Reader is what is read of a store: the current state of assets and partitions.
type Reader interface {
	storage.Assets
	storage.Partitions
}

// Freshness judges how fresh each subject is at an instant. Only the subjects that have a policy are looked up, and the
// partitions of those whose policy looks at them.
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

// Presences says of each subject whether it is materialized and whether that failed last. Failed partitions count that
// exist at the instant.
func Presences(ctx context.Context, s Reader, subjects []Subject, now time.Time) ([]Presence, error) {
	v := &view{store: s, now: now}
	err := v.load(ctx, subjects,
		func(*Subject) bool { return true },
		func(sub *Subject) bool { return sub.Partitions != nil && !sub.External })
	if err != nil {
		return nil, err
	}
	presences := make([]Presence, len(subjects))
	for i := range subjects {
		if presences[i], err = v.presence(ctx, &subjects[i]); err != nil {
			return nil, err
		}
	}
	return presences, nil
}

// view is what was read of the subjects of one question.
type view struct {
	store   Reader
	now     time.Time
	records map[string]*storage.AssetRecord
	sets    map[storage.AssetKey]*storage.PartitionSets
	// spaces are what exists of each definition, made once for those that are shared; keys remembers key tables for them.
	spaces map[partition.Definition]partition.Space
	keys   *storage.KeyCache
}

// load reads the records of the subjects that are wanted, and the partitions of those that want them.
func (v *view) load(ctx context.Context, subjects []Subject, record, partitions func(*Subject) bool) error {
	var names []string
	for i := range subjects {
		if record(&subjects[i]) {
			names = append(names, subjects[i].Asset)
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
	for i := range subjects {
		if rec := v.records[subjects[i].Asset]; rec != nil && partitions(&subjects[i]) {
			keys = append(keys, rec.Key)
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
	tables, err := v.keys.Tables(ctx, d)
	if err != nil {
		return partition.Space{}, err
	}
	space, err := partition.NewSpace(d, v.now, tables)
	if err == nil {
		v.spaces[d] = space
	}
	return space, err
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
	if sets == nil {
		return facts, nil
	}
	var err error
	facts.Space, err = v.space(ctx, sub.Partitions)
	facts.Materialized = sets.Materialized
	return facts, err
}

func (v *view) presence(ctx context.Context, sub *Subject) (Presence, error) {
	p := Presence{External: sub.External}
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
