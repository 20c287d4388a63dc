package cli

import (
	"slices"
	"strings"

	"github.com/rivers-go/rivers"
	"github.com/rivers-go/rivers/storage"
)

// undivided narrows a request that names nothing, neither assets nor a partition, to the assets
// that have no partitions, and reports which are left out. Where all assets have partitions, or
// none has, the request stays as it is: the first is refused with the reason, the second makes
// everything.
func (a *app) undivided(req *rivers.RunRequest) {
	if len(req.Selection) > 0 || !req.Partition.IsZero() || !req.Range.IsZero() {
		return
	}
	doc, err := a.repo.Topology()
	if err != nil {
		return // the plan reports all mistakes of the definitions
	}
	var whole, divided []string
	needed := map[string]bool{} // tasks run when their value is read
	for _, n := range slices.Backward(doc.Nodes) {
		switch task := n.Kind.IsTask(); {
		case n.Kind == storage.NodeExternalAsset, n.Kind == storage.NodeCheck, n.Kind == storage.NodeAction, task && !needed[n.Name]:
			continue
		case n.Partitions != nil:
			divided = append(divided, n.Name)
			continue
		}
		whole = append(whole, n.Name)
		for _, up := range n.Upstream {
			needed[up] = true
		}
	}
	if len(whole) == 0 || len(divided) == 0 {
		return
	}
	slices.Reverse(whole)
	slices.Reverse(divided)
	req.Selection = whole
	if !a.json {
		a.Warnln("left out, for backfill to make their partitions: " + strings.Join(divided, ", "))
	}
}
