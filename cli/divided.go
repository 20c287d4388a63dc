package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
	"github.com/rivers-go/rivers/storage/memory"
)

// divided is an asset with partitions as the commands look at it: by its definition, of this
// program or as it is recorded, and by what is recorded of its partitions.
type divided struct {
	name  string
	space partition.Space
	sets  storage.PartitionSets
	key   storage.AssetKey
	store storage.Reader
}

// withDivided calls f with an asset that has partitions.
func (a *app) withDivided(ctx context.Context, name string, f func(d *divided) error) error {
	return a.withStore(ctx, func(s storage.Reader) error {
		nodes, err := a.definitions(ctx, s)
		if err != nil {
			return err
		}
		d, err := openDivided(ctx, s, nodes, name)
		if err != nil {
			return err
		}
		return f(d)
	})
}

// definitions are those of this program, or of all that wrote to the store.
func (a *app) definitions(ctx context.Context, s storage.Reader) ([]storage.TopologyNode, error) {
	if a.repo != nil {
		doc, err := a.repo.Topology()
		return doc.Nodes, err
	}
	var nodes []storage.TopologyNode
	err := storedTopologies(ctx, s, func(_ string, doc storage.TopologyDoc) { nodes = append(nodes, doc.Nodes...) })
	return nodes, err
}

func openDivided(ctx context.Context, s storage.Reader, nodes []storage.TopologyNode, name string) (*divided, error) {
	at := slices.IndexFunc(nodes, func(n storage.TopologyNode) bool { return n.Name == name })
	switch {
	case at < 0:
		return nil, usagef("asset %q: there is none of that name%s: see assets list", name, suggestion(name, func(yield func(string) bool) {
			for i := range nodes {
				if !yield(nodes[i].Name) {
					return
				}
			}
		}))
	case nodes[at].Partitions == nil:
		return nil, usagef("asset %q: it has no partitions: see assets show %s", name, name)
	}
	space, err := openSpace(ctx, s, *nodes[at].Partitions)
	if err != nil {
		return nil, fmt.Errorf("asset %q: %w", name, err)
	}
	d := &divided{name: name, space: space, store: s}
	keys, err := s.AssetKeys(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	d.key = keys[0]
	sets, err := s.PartitionSets(ctx, keys)
	if err != nil {
		return nil, err
	}
	d.sets = sets[0]
	return d, nil
}

// openSpace returns what exists now of a definition that is described.
func openSpace(ctx context.Context, s storage.Reader, described partition.Description) (partition.Space, error) {
	def, err := described.Definition()
	if err != nil {
		return partition.Space{}, err
	}
	tables, err := storage.NewKeyCache(s, 0).ProvisionalTables(ctx, def)
	if err != nil {
		return partition.Space{}, err
	}
	return partition.NewSpace(def, time.Now(), tables)
}

// The states of partitions, in order: a picture shows the first one that occurs.
var partitionStates = []string{"materialized", "failed", "in_flight", "missing"}

// of returns the partitions of the asset in a state.
func (d *divided) of(state string) partition.Set {
	switch state {
	case "materialized":
		return d.space.Within(d.sets.Materialized)
	case "failed":
		return d.space.Within(d.sets.Failed)
	case "in_flight":
		return d.space.Within(d.sets.InFlight)
	default:
		return d.space.Complement(d.sets.Materialized)
	}
}

// others reports whether partitions were materialized that the definition does not have now:
// another has made them, or their key was deleted.
func (d *divided) others() bool {
	return !d.sets.Materialized.Minus(d.space.Within(d.sets.Materialized)).IsEmpty()
}

// partitionCounts are how many partitions an asset has in each state.
type partitionCounts struct {
	Definition   string `json:"definition"`
	Total        int64  `json:"total"`
	Materialized int64  `json:"materialized"`
	Failed       int64  `json:"failed"`
	InFlight     int64  `json:"in_flight"`
	Missing      int64  `json:"missing"`
}

// partitionCounts counts the partitions of an asset, nil if it has none. Where there is no store
// yet nothing is made.
func (a *app) partitionCounts(ctx context.Context, node *storage.TopologyNode) (*partitionCounts, error) {
	if node.Partitions == nil {
		return nil, nil //nolint:nilnil // an asset without partitions is no fault
	}
	var counts *partitionCounts
	count := func(s storage.Reader) error {
		d, err := openDivided(ctx, s, []storage.TopologyNode{*node}, node.Name)
		if err != nil {
			return err
		}
		in := func(state string) int64 { return d.space.Count(d.of(state)) }
		counts = &partitionCounts{d.space.Definition().String(), d.space.Len(), in("materialized"), in("failed"), in("in_flight"), in("missing")}
		return nil
	}
	err := a.withStore(ctx, count)
	if a.repo != nil && as[*noStoreError](err) {
		err = count(memory.New())
	}
	return counts, err
}

// String returns how many partitions are in each state that occurs.
func (c *partitionCounts) String() string {
	parts := []string{term.Counted(c.Total, "partition", "partitions")}
	for _, of := range []struct {
		n     int64
		state string
	}{{c.Materialized, "materialized"}, {c.Failed, "failed"}, {c.InFlight, "in flight"}, {c.Missing, "missing"}} {
		if of.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", of.n, of.state))
		}
	}
	return strings.Join(parts, ", ")
}
