package staleness

import (
	"maps"
	"slices"

	"github.com/rivers-go/rivers/internal/feed"
	"github.com/rivers-go/rivers/partition"
	"github.com/rivers-go/rivers/storage"
)

// state is the part of a materialization that staleness depends on.
type state struct {
	feed.Landing

	Version string            `cbor:"4,keyasint,omitempty"`
	Code    string            `cbor:"5,keyasint,omitempty"`
	Inputs  map[string]string `cbor:"6,keyasint,omitempty"`
}

func newState(s *storage.AssetState) state {
	return state{Landing: feed.LandingOf(s), Version: s.DataVersion, Code: s.CodeVersion, Inputs: s.Inputs}
}

// readBy returns the text of the recorded dependencies of an asset, which mostly equals that of the
// defined ones.
func (s *state) readBy(a *asset) string {
	had, has := 0, 0
	for _, e := range a.ups {
		if e.up == a {
			continue
		}
		if has++; has > len(s.Inputs) {
			break
		}
		if _, ok := s.Inputs[e.up.name]; ok {
			had++
		}
	}
	if had == has && had == len(s.Inputs) {
		return a.deps
	}
	return depsText(slices.Sorted(maps.Keys(s.Inputs)))
}

// stateOf is a state and the partitions that have it.
type stateOf struct {
	state

	set partition.Set
	// key is the text of the partition's key; empty for a shared state, and for an unpartitioned
	// asset.
	key string
	// group tells that several partitions were recorded at once.
	group bool
}
