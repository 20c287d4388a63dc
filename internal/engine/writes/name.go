package writes

import (
	"math/rand/v2"

	"github.com/rivers-go/rivers/internal/graph"
	"github.com/rivers-go/rivers/iohandler"
)

// New returns a name for a write: ten letters and digits, in front a letter. It holds 49 random
// bits, for it is only to differ among the writes of one value.
func New() string {
	const digits = "abcdefghijklmnopqrstuvwxyz234567"
	n := rand.Uint64()
	var b [10]byte
	b[0] = digits[n%24]
	for i, n := 1, n>>5; i < len(b); i, n = i+1, n>>5 {
		b[i] = digits[n%32]
	}
	return string(b[:])
}

// Inside returns the first output of a node that is no asset and whose handler keeps writes apart;
// nil for none. The value of an instance is no asset. The last task of a graph asset has two
// outputs, its own value and the asset.
func Inside(node *graph.Node, instance bool) *graph.Output {
	for i := range node.Outputs {
		if out := &node.Outputs[i]; (!out.Asset || instance) && iohandler.KeepsWrites(out.Handler) {
			return out
		}
	}
	return nil
}

// Own reports whether a node reads values of its own from a handler that keeps writes apart.
func Own(node *graph.Node) bool {
	for k := range node.Inputs {
		if node.Inputs[k].Mode == graph.Self {
			return iohandler.KeepsWrites(node.Outputs[0].Handler)
		}
	}
	return false
}
