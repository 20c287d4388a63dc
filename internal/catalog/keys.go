package catalog

import (
	"maps"
	"slices"

	"github.com/rivers-go/rivers/partition"
)

// StaticKeys are the keys of all static definitions, each once, in the order in which the
// definitions have them.
func (c *Catalog) StaticKeys() []string {
	var keys []string
	seen := map[string]bool{}
	visited := map[partition.Definition]bool{}
	for v := range int32(c.graph.Outputs()) {
		out, _ := c.graph.Output(v)
		if out.Partitions == nil || visited[out.Partitions] {
			continue
		}
		visited[out.Partitions] = true
		needs := partition.NeedsOf(out.Partitions).Static
		for _, name := range slices.Sorted(maps.Keys(needs)) {
			for _, key := range needs[name] {
				if !seen[key] {
					seen[key] = true
					keys = append(keys, key)
				}
			}
		}
	}
	return keys
}

// DynamicNames are the names of the dynamic definitions that assets have, sorted.
func (c *Catalog) DynamicNames() []string {
	names := map[string]bool{}
	for v := range int32(c.graph.Outputs()) {
		if out, _ := c.graph.Output(v); out.Partitions != nil {
			for _, name := range partition.NeedsOf(out.Partitions).Dynamic {
				names[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}
