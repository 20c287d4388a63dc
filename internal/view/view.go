package view

import (
	"context"
	"log/slog"
	"time"

	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// View is definitions with the store that has their records, at one instant.
type View struct {
	*Definitions

	Store storage.Reader
	// Now is the instant of all answers. For a later one than the present they assume that nothing
	// lands until then.
	Now time.Time
	// Gone reports whether the values of an asset lay in the memory of another process. Nil is for a
	// process that runs nothing, which has none of them.
	Gone func(asset string) bool
	// Log gets what was not saved in the store; nil logs nothing.
	Log *slog.Logger
}

// Records returns the records of all assets and checks, by name.
func (v *View) Records(ctx context.Context) (map[string]*storage.AssetRecord, error) {
	return v.records(ctx, nil)
}

// space returns the existing partitions of a definition.
func (v *View) space(ctx context.Context, def partition.Definition) (partition.Space, error) {
	tables, err := storage.NewKeyCache(v.Store, 0).ProvisionalTables(ctx, def)
	if err != nil {
		return partition.Space{}, err
	}
	return partition.NewSpace(def, v.Now, tables)
}

// records returns the records of the named assets and checks, or of all, by name.
func (v *View) records(ctx context.Context, names []string) (map[string]*storage.AssetRecord, error) {
	list, err := v.Store.ListAssets(ctx, storage.AssetQuery{Names: names})
	if err != nil {
		return nil, err
	}
	byName := make(map[string]*storage.AssetRecord, len(list))
	for i := range list {
		byName[list[i].Name] = &list[i]
	}
	return byName, nil
}
