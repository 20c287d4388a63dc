package ledger

import "github.com/rivers-go/rivers/storage"

// numbers gives updates their numbers, by which states and the feed of changes are ordered.
// Updates that follow one another and cannot be of the same state share a number.
type numbers struct {
	begun       bool
	last, limit int64
	kind        storage.StateKind
	shares      bool
}

// number gives an update its number. A group covers several partitions, or is the feed itself.
func (t *transaction) number(kind storage.StateKind, group bool) (int64, error) {
	n := &t.numbers
	if !n.begun {
		var err error
		if n.last, n.limit, err = t.Assets.Numbers(); err != nil {
			return 0, err
		}
		n.begun = true
	}
	if (!n.shares || group || kind != n.kind) && n.last+1 < n.limit {
		n.last++
	}
	n.kind, n.shares = kind, !group
	return n.last, nil
}
