package postgres

import (
	"errors"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/internal/ledger"
)

// The questions about partitions. The row of an asset is the lock on what is kept of its
// partitions.
var (
	lockAssets = &statement{name: "rivers_lock_asset", sql: `SELECT key FROM asset WHERE key = ANY($1::bigint[]) ORDER BY key FOR NO KEY UPDATE`}
	readSets   = &statement{name: "rivers_read_set", sql: `SELECT asset, kind::bigint, 0::bigint, labels FROM partition_set WHERE asset = ANY($1::bigint[])
		UNION ALL SELECT asset, -1, max(seq), NULL FROM asset_state WHERE asset = ANY($1::bigint[]) GROUP BY asset`}
	findSingles = &statement{name: "rivers_find_single", sql: `SELECT partition, labels FROM partition_state
		WHERE asset = $1::bigint AND kind = $2::bigint::smallint AND partition = ANY($3::text[])`}
	readGroups = &statement{name: "rivers_read_group", sql: `SELECT asset, kind::bigint, seq, labels FROM partition_group WHERE asset = ANY($1::bigint[])
		ORDER BY asset, kind, seq`}
)

// askAssets locks assets whose partitions are updated and asks for their sets, and for their
// groups if needed.
func (f *facts) askAssets(t *pipeline, n *ledger.Needs) {
	if len(n.Assets) == 0 {
		return
	}
	assets := integers(n.Assets)
	t.send(lockAssets, func(row row) {
		key := storage.AssetKey(row.integer(0))
		f.assets[key] = &ledger.Asset{Key: key, Counted: true}
	}, assets)
	t.send(readSets, f.addSet, assets)
	if f.grouped = n.Groups; f.grouped {
		t.send(readGroups, f.addGroup, assets)
	}
}

func (f *facts) addSet(row row) {
	a := f.assets[storage.AssetKey(row.integer(0))]
	if a == nil {
		return
	}
	if kind := row.integer(1); kind < 0 {
		a.Last = row.integer(2)
	} else {
		*a.Before.Of(storage.StateKind(kind)) = f.parse(row.bytes(3))
	}
}

func (f *facts) addGroup(row row) {
	a := f.assets[storage.AssetKey(row.integer(0))]
	if a == nil {
		return
	}
	a.Groups = append(a.Groups, &ledger.Group{
		Asset: a.Key, Kind: storage.StateKind(row.integer(1)), StateRow: ledger.StateRow{Seq: row.integer(2), Set: f.parse(row.bytes(3))}, Stored: true,
	})
}

// parse reads a set, and remembers that one does not read.
func (f *facts) parse(labels []byte) partition.Set {
	set, err := partition.ParseSet(labels)
	if err != nil {
		f.damaged = err
	}
	return set
}

// seqBits is how many of the lower bits of a number are counted within a transaction; above them
// is its name.
const seqBits = 20

// Numbers implements [ledger.Assets], as do the four methods below: a transaction counts on from
// its name.
func (f *facts) Numbers() (last, limit int64, err error) {
	base := (f.name + f.offset) << seqBits
	return base, base + 1<<seqBits, nil
}

// Asset returns an asset that the first pipeline locked.
func (f *facts) Asset(key storage.AssetKey) (*ledger.Asset, error) { return f.assets[key], nil }

// Updated returns an asset whose partitions some request updates, perhaps later.
func (f *facts) Updated(key storage.AssetKey) *ledger.Asset { return f.assets[key] }

// LoadSets has nothing to do: the first pipeline has read them.
func (f *facts) LoadSets(*ledger.Asset) error { return nil }

// LoadGroups reads the groups of an asset, unless the first pipeline has.
func (f *facts) LoadGroups(a *ledger.Asset) error {
	if f.grouped {
		return nil
	}
	t := f.keys.s.pipeline()
	t.send(readGroups, f.addGroup, integers([]storage.AssetKey{a.Key}))
	return errors.Join(t.end(), f.damaged)
}

// SingleSets asks for states in a trip of its own, which only an asset with partitions of several
// definitions costs.
func (f *facts) SingleSets(a *ledger.Asset, kind storage.StateKind, texts []string) (map[string]partition.Set, error) {
	found := make(map[string]partition.Set, len(texts))
	t := f.keys.s.pipeline()
	t.send(findSingles, func(row row) { found[row.text(0)] = f.parse(row.bytes(1)) }, parameter(int64(a.Key)), parameter(int64(kind)), textList(texts))
	return found, errors.Join(t.end(), f.damaged)
}
