package storage

import (
	"fmt"
	"strings"
)

// Lost is the set of kinds of a run's records that were pruned, in whole or in part: a bit for each
// [PruneKind]. The zero value is none.
type Lost uint8

// LostOf is the set of one kind.
func LostOf(k PruneKind) Lost { return 1 << k }

// Has reports whether records of a kind are gone.
func (l Lost) Has(k PruneKind) bool { return l&LostOf(k) != 0 }

// Events reports whether events are gone, so that those that are left do not tell how the run went.
func (l Lost) Events() bool {
	return l.Has(PruneSteps) || l.Has(PruneAssetEvents) || l.Has(PruneEvaluations)
}

// String lists the words of the kinds, such as "logs, steps"; empty for none.
func (l Lost) String() string {
	var words []string
	for k := range PruneKindCount {
		if l.Has(k) {
			words = append(words, k.String())
		}
	}
	return strings.Join(words, ", ")
}

// MarshalText writes what String returns.
func (l Lost) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads what MarshalText wrote; any other word is an error.
func (l *Lost) UnmarshalText(text []byte) error {
	*l = 0
	if len(text) == 0 {
		return nil
	}
next:
	for word := range strings.SplitSeq(string(text), ", ") {
		for k, w := range pruneKindWords {
			if w == word {
				*l |= LostOf(PruneKind(k))
				continue next
			}
		}
		return fmt.Errorf("lost %q: want one of %v", word, pruneKindWords)
	}
	return nil
}
