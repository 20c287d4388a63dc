package audit

import (
	"fmt"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/fold"
)

// asset is one whose partitions have states.
type asset struct {
	key  int64
	name string
}

// stored is a set of partitions as it is stored: an asset's set, or what got a state with a number.
type stored struct {
	kind, seq int64
	labels    []byte
}

// parse reads a set, and reports one that does not read.
func (a *Audit) parse(labels []byte, format string, args ...any) (set partition.Set, ok bool) {
	set, err := partition.ParseSet(labels)
	if err != nil {
		a.Found(format+": %v", append(args, err)...)
	}
	return set, err == nil
}

func binary(set partition.Set) []byte {
	data, _ := set.AppendBinary(nil) // never fails
	return data
}

// sets compares the sets of all assets with their states, and looks for groups that overlap.
func (a *Audit) sets() error {
	assets, err := list(a, func(r *asset) []any { return []any{&r.key, &r.name} }, `
		SELECT partitioned.asset, asset.name
		FROM (SELECT asset FROM partition_state UNION SELECT asset FROM partition_group UNION SELECT asset FROM partition_set) AS partitioned
			JOIN asset ON asset.key = partitioned.asset
		ORDER BY partitioned.asset`)
	if err != nil {
		return err
	}
	for _, of := range assets {
		if err := a.groups(of); err != nil {
			return err
		}
		if err := a.setsOf(of); err != nil {
			return err
		}
	}
	return nil
}

// setsOf compares the stored sets of an asset with its states. They are mended where all states
// read.
func (a *Audit) setsOf(of asset) error {
	var have fold.Sets
	rows, err := list(a, func(r *stored) []any { return []any{&r.kind, &r.labels} },
		`SELECT kind, labels FROM partition_set WHERE asset = $1`, of.key)
	if err != nil {
		return err
	}
	for _, r := range rows {
		kind := storage.StateKind(r.kind)
		if set, ok := a.parse(r.labels, "asset %q: the set of what is %s", of.name, kind); ok {
			*have.Of(kind) = set
		}
	}
	before := len(a.findings)
	want, err := a.replay(of)
	if err != nil {
		return err
	}
	mendable := len(a.findings) == before
	for _, kind := range [...]storage.StateKind{storage.Materialized, storage.Failed} {
		set, right := *have.Of(kind), *want.Of(kind)
		if set.Equal(right) {
			continue
		}
		f := a.Found("asset %q: the set of what is %s %s", of.name, kind, difference(set.Minus(right), right.Minus(set)))
		if mendable {
			f.Mend(func() error { return a.writeSet(of.key, kind, right) }, "asset %q: the set of what is %s was made again from the states", of.name, kind)
		}
	}
	return nil
}

// replay makes the sets of an asset from its states. Those may be very many: they are read one by
// one.
func (a *Audit) replay(of asset) (fold.Sets, error) {
	var replay fold.Replay
	err := each(a, func(r *stored) []any { return []any{&r.kind, &r.labels} }, func(r *stored) {
		kind := storage.StateKind(r.kind)
		if set, ok := a.parse(r.labels, "asset %q: a state of partitions that were %s", of.name, kind); ok {
			replay.Add(kind, set)
		}
	}, `SELECT kind, labels FROM (SELECT seq, kind, labels FROM partition_state WHERE asset = $1
		UNION ALL SELECT seq, kind, labels FROM partition_group WHERE asset = $1) AS states ORDER BY seq, kind`, of.key)
	return replay.Sets(), err
}

// difference describes how a set differs from the states.
func difference(more, less partition.Set) string {
	switch {
	case less.IsEmpty():
		return fmt.Sprintf("has %s, whose states say otherwise", more)
	case more.IsEmpty():
		return fmt.Sprintf("lacks %s, whose states say otherwise", less)
	}
	return fmt.Sprintf("has %s and lacks %s, whose states say otherwise", more, less)
}

// writeSet writes a set, and adds it to the feed like any change.
func (a *Audit) writeSet(asset int64, kind storage.StateKind, set partition.Set) error {
	write := a.exec(`INSERT INTO partition_set (asset, kind, labels) VALUES ($1, $2, $3)
		ON CONFLICT (asset, kind) DO UPDATE SET labels = excluded.labels`, asset, int64(kind), binary(set))
	if set.IsEmpty() {
		write = a.exec(`DELETE FROM partition_set WHERE asset = $1 AND kind = $2`, asset, int64(kind))
	}
	if err := write(); err != nil {
		return err
	}
	return a.dialect.Tell(a.ctx, kind.Change(), storage.AssetKey(asset), binary(set))
}

// groups looks for groups of an asset with partitions that a newer group of their kind has, or that
// were wiped since.
func (a *Audit) groups(of asset) error {
	rows, err := list(a, func(r *stored) []any { return []any{&r.kind, &r.seq, &r.labels} },
		`SELECT kind, seq, labels FROM partition_group WHERE asset = $1 ORDER BY seq DESC, kind`, of.key)
	if err != nil {
		return err
	}
	var newer [storage.StateKinds]partition.Set
	for _, r := range rows {
		kind := storage.StateKind(r.kind)
		set, ok := a.parse(r.labels, "asset %q: a group of partitions that were %s at once", of.name, kind)
		if !ok {
			continue
		}
		left := set.Minus(newer[kind]).Minus(newer[storage.Wiped])
		if !left.Equal(set) {
			a.Found("asset %q: the group of partitions that were %s at once with number %d has %s, which a newer one has", of.name, kind, r.seq, set.Minus(left)).
				Mend(a.writeGroup(of.key, r, left), "asset %q: the group of partitions that were %s at once with number %d lost what a newer one has", of.name, kind, r.seq)
		}
		newer[kind] = newer[kind].Union(left)
	}
	return nil
}

// writeGroup writes what is left of a group, which may be nothing.
func (a *Audit) writeGroup(asset int64, r stored, left partition.Set) func() error {
	if left.IsEmpty() {
		return a.exec(`DELETE FROM partition_group WHERE asset = $1 AND kind = $2 AND seq = $3`, asset, r.kind, r.seq)
	}
	return a.exec(`UPDATE partition_group SET labels = $1 WHERE asset = $2 AND kind = $3 AND seq = $4`, binary(left), asset, r.kind, r.seq)
}

// inFlight looks for partitions in flight of runs that are not under way, or of assets that are not
// recorded.
func (a *Audit) inFlight() error {
	type flight struct {
		asset, run int64
		name, id   *string
		state      *int64
	}
	rows, err := list(a, func(r *flight) []any { return []any{&r.asset, &r.run, &r.name, &r.id, &r.state} }, `
		SELECT in_flight.asset, in_flight.run, asset.name, run.id, run.state
		FROM in_flight
			LEFT JOIN asset ON asset.key = in_flight.asset
			LEFT JOIN run ON run.key = in_flight.run
		WHERE asset.key IS NULL OR run.key IS NULL OR run.state >= {ended}
		ORDER BY in_flight.asset, in_flight.run`)
	for _, r := range rows {
		name, id := text(r.name), text(r.id)
		mended := fmt.Sprintf("asset %q no longer has partitions in flight of an ended run", name)
		var f *Finding
		switch {
		case r.id == nil || r.state == nil:
			f = a.Found("asset %q has partitions in flight of run %d, which is not recorded", name, r.run)
		case r.name == nil:
			f = a.Found("run %q has partitions of asset %d in flight: there is no such asset", id, r.asset)
			mended = fmt.Sprintf("run %q no longer has partitions in flight of an unknown asset", id)
		default:
			f = a.Found("asset %q has partitions in flight of run %q, which is %s", name, id, storage.RunState(*r.state))
		}
		f.Mend(a.exec(`DELETE FROM in_flight WHERE asset = $1 AND run = $2`, r.asset, r.run), "%s", mended)
	}
	return err
}

// text returns a text that may be nil.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
