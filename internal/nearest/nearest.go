// Package nearest finds the existing name a person most likely meant.
//
// Every error about an unknown name ends in a suggestion, and a wrong suggestion
// is worse than none: it sends people to the wrong place with the confidence of a
// machine. So the cut-off is strict. A third of the letters may differ, letter
// case costs nothing, and swapping two neighbours counts once, because that is
// how fingers slip. Ties are broken by the alphabet, so that one mistake always
// gives one message.
//
// The cost is one table row per name, of the length of what was typed. A caller
// that may report thousands of mistakes asks for the first few only.
package nearest

import (
	"iter"
	"slices"
	"strings"
	"unicode/utf8"
)

// Name returns the name of have that is closest to want, and false if none is
// close enough to be what was meant. Distance is the number of letters inserted,
// deleted, replaced or swapped with their neighbour, in lower case; at most a
// third of the letters of want, rounded to the nearest whole number, may differ. A
// name equal to want is no suggestion and is skipped, as is an empty one.
func Name(want string, have iter.Seq[string]) (string, bool) {
	folded := []rune(strings.ToLower(want))
	best, found := "", false
	limit := (len(folded) + 1) / 3
	var m meter
	for name := range have {
		if name == want || name == "" {
			continue
		}
		distance := m.distance(folded, name, limit)
		if distance > limit {
			continue
		}
		if !found || distance < limit || name < best {
			best, found = name, true
		}
		// Whatever follows must be as close as the best one so far; a tie goes by the alphabet.
		limit = distance
	}
	return best, found
}

// meter keeps the rows between two measurements, so that a long list of names
// allocates once.
type meter struct {
	name            []rune
	older, old, row []int
}

// distance is the optimal string alignment distance of want and the lower-case
// form of name; it may return any number above limit once it is known to be above.
func (m *meter) distance(want []rune, name string, limit int) int {
	if n := utf8.RuneCountInString(name) - len(want); n > limit || -n > limit {
		return limit + 1
	}
	m.name = append(m.name[:0], []rune(strings.ToLower(name))...)
	width := len(m.name) + 1
	m.older = slices.Grow(m.older[:0], width)[:width]
	m.old = slices.Grow(m.old[:0], width)[:width]
	m.row = slices.Grow(m.row[:0], width)[:width]
	for j := range m.old {
		m.old[j] = j
	}
	for i, a := range want {
		m.row[0] = i + 1
		least := m.row[0]
		for j, b := range m.name {
			cost := 1
			if a == b {
				cost = 0
			}
			d := min(m.old[j]+cost, m.old[j+1]+1, m.row[j]+1)
			if i > 0 && j > 0 && a == m.name[j-1] && want[i-1] == b {
				d = min(d, m.older[j-1]+1)
			}
			m.row[j+1] = d
			least = min(least, d)
		}
		if least > limit {
			return least
		}
		m.older, m.old, m.row = m.old, m.row, m.older
	}
	return m.old[width-1]
}
