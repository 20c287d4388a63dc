package catalog

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// CheckRequest rejects a request for unknown checks.
func (c *Catalog) CheckRequest(req *storage.RunRequest) error {
	modes := []string{string(storage.ChecksNone), string(storage.ChecksOnly)}
	if req.Checks != storage.ChecksOfMade && !slices.Contains(modes, string(req.Checks)) {
		return fmt.Errorf("unknown check mode %q%s; %s", req.Checks, fault.Suggestion(string(req.Checks), slices.Values(modes)), fault.Listed("modes", modes))
	}
	if req.Checks == storage.ChecksNone && len(req.CheckNames) > 0 {
		return fmt.Errorf("check mode %q: the request names %s as well: leave out one of the two", req.Checks, fault.QuotedList(req.CheckNames))
	}
	for _, name := range req.CheckNames {
		n, ok := c.graph.FindNode(name)
		if ok && c.graph.Node(n).Kind == graph.Check {
			continue
		}
		return fault.Mark(fault.ErrAssetNotFound, fmt.Errorf("unknown check %q%s", name, fault.Suggestion(name, c.checkNames)))
	}
	return nil
}

// checkNames yields the names of all checks.
func (c *Catalog) checkNames(yield func(string) bool) {
	for n := range int32(c.graph.Len()) {
		if node := c.graph.Node(n); node.Kind == graph.Check && !yield(node.Name) {
			return
		}
	}
}
