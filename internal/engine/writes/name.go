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

// Of returns the name that an attempt reports of its values, empty for none.
func Of(facts []graph.Facts) string {
	for i := range facts {
		if facts[i].Write != "" {
			return facts[i].Write
		}
	}
	return ""
}

// MakesAsset reports whether an output of a node is an asset. The last task of a graph asset has
// two outputs, its own value and the asset.
func MakesAsset(node *graph.Node) bool {
	for i := range node.Outputs {
		if node.Outputs[i].Asset {
			return true
		}
	}
	return false
}

// KeptInside reports whether a node writes values that are no assets with a handler that keeps
// writes apart. The value of an instance is none.
func KeptInside(node *graph.Node, instance bool) bool {
	for i := range node.Outputs {
		if out := &node.Outputs[i]; (!out.Asset || instance) && iohandler.KeepsWrites(out.Handler) {
			return true
		}
	}
	return false
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
