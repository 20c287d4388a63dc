package cli

import (
	"fmt"
	"strings"

	"github.com/rivers-go/rivers/cli/internal/term"
	"github.com/rivers-go/rivers/partition"
)

// maxRanges is how many ranges of each state are printed.
const maxRanges = 8

// stateDoc is one state in the output of partitions status --json.
type stateDoc struct {
	Count int64 `json:"count"`
	// Ranges are texts that select exactly these partitions, More is the number of omitted ones.
	Ranges []string `json:"ranges"`
	More   bool     `json:"more,omitempty"`
}

// text lists the ranges.
func (s *stateDoc) text() string {
	text := strings.Join(s.Ranges, "  ")
	if s.More {
		text += "  …"
	}
	return term.Dash(text)
}

func share(n, of int64) string {
	if of == 0 || n == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(n)/float64(of))
}

func partitionColour(state string) term.Colour {
	switch state {
	case "materialized":
		return term.Green
	case "failed":
		return term.Red
	case "in_flight", "stale":
		return term.Yellow
	}
	return term.Grey
}

// state counts the partitions in a state and names the first ranges of them.
func (d *divided) state(state string) (stateDoc, error) { return d.named(d.of(state)) }

// named counts partitions and names the first ranges of them.
func (d *divided) named(set partition.Set) (stateDoc, error) { return rangesOf(d.space, set) }

func rangesOf(space partition.Space, set partition.Set) (stateDoc, error) {
	s := stateDoc{Count: space.Count(set), Ranges: []string{}}
	for stretch, err := range space.Ranges(set) {
		if err != nil {
			return s, err
		}
		if len(s.Ranges) == maxRanges {
			s.More = true
			break
		}
		s.Ranges = append(s.Ranges, stretch.Range.String())
	}
	return s, nil
}
