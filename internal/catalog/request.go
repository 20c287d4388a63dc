package catalog

import (
	"fmt"
	"slices"

	"github.com/rivers-go/rivers/internal/fault"
	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/storage"
)

// CheckRequest refuses a request for checks that there are not.
func (c *Catalog) CheckRequest(req *storage.RunRequest) error {
	modes := []string{string(storage.ChecksNone), string(storage.ChecksOnly)}
	if req.Checks != storage.ChecksOfMade && !slices.Contains(modes, string(req.Checks)) {
		return fmt.Errorf("checks %q: no mode is named so%s; %s", req.Checks, fault.Suggestion(string(req.Checks), slices.Values(modes)), fault.Listed("modes", modes))
	}
	if req.Checks == storage.ChecksNone && len(req.CheckNames) > 0 {
		return fmt.Errorf("checks %q: the request names %s as well: leave one of the two out", req.Checks, fault.QuotedList(req.CheckNames))
	}
	for _, name := range req.CheckNames {
		n, ok := c.graph.FindNode(name)
		if ok && c.graph.Node(n).Kind == graph.Check {
			continue
		}
		return fault.Mark(fault.ErrAssetNotFound, fmt.Errorf("check %q: no check is named so%s", name, fault.Suggestion(name, c.checkNames)))
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
