package partition

import (
	"fmt"
	"time"

	"github.com/rivers-go/rivers/internal/nearest"
	"github.com/rivers-go/rivers/partition/internal/sets"
)

// dimension is one axis of a space: the labels that exist at the instant of the space, their order
// and their texts. Existing partitions have the indices from 0 to before size.
type dimension interface {
	axis() sets.Axis
	size() int64
	exists() *sets.Node // the labels that exist, nil for none

	index(label int64) int64       // of a label that exists
	label(index int64) int64       // the inverse
	between(i, j int64) []sets.Seg // the labels of the indices from i to before j, in order of labels, with unit nested
	count(lo, hi int64) int64      // labels of the axis from lo to before hi, which all exist
	ordered() bool                 // the order of labels is the order of indices

	// find returns the label of each text, noLabel and an error for what is no key or
	// does not exist. The last error is that of the key table.
	find(texts []string) ([]int64, []error, error)
	// texts writes labels, existing or not, as keys.
	texts(labels []int64) ([]string, error)
}

// noLabel is the label of a text that is no key.
const noLabel = -1 << 62

// newDimension returns the dimension of a definition that is neither Multi nor Named.
func newDimension(name string, d Definition, now time.Time, tables Tables) (dimension, error) {
	switch d := d.(type) {
	case *timeWindow:
		return newTimeDimension(name, d, now), nil
	case *static:
		return newStaticDimension(name, d, tables.Static[name])
	case *dynamic:
		registered, ok := tables.Dynamic[d.name]
		if !ok || registered.Keys == nil {
			return nil, fmt.Errorf("dynamic partitions %q: the keys are not at hand: hand them in as Tables.Dynamic[%q]", d.name, d.name)
		}
		return newDynamicDimension(name, d, registered), nil
	default:
		return nil, fmt.Errorf("%s: is a reference: resolve it to the definition it stands for", stringOf(d))
	}
}

// unknownKey returns the error for an unknown key. It searches a bounded number of keys for the
// nearest.
func unknownKey(text string, keys []string) error {
	const most = 20_000
	names := func(yield func(string) bool) {
		for _, key := range keys[:min(len(keys), most)] {
			if !yield(key) {
				return
			}
		}
	}
	if near, ok := nearest.Name(text, names); ok {
		return fmt.Errorf("%q: no such key (did you mean %q?)", text, near)
	}
	const few = 8
	if len(keys) <= few {
		return fmt.Errorf("%q: no such key: there is %s", text, quoted(keys))
	}
	return fmt.Errorf("%q: no such key: there are %d, from %q to %q", text, len(keys), keys[0], keys[len(keys)-1])
}
