package ledger

import "slices"

// Latest collects rows, and of rows with the same key the last.
type Latest[K comparable, R any] struct {
	key     func(*R) K
	compare func(a, b K) int
	rows    []*R
	at      map[K]int
}

func newLatest[K comparable, R any](key func(*R) K, compare func(a, b K) int) Latest[K, R] {
	return Latest[K, R]{key: key, compare: compare, at: map[K]int{}}
}

// Put adds a row, or puts it in the place of the one with its key.
func (l *Latest[K, R]) Put(row *R) {
	k := l.key(row)
	if i, found := l.at[k]; found {
		l.rows[i] = row
		return
	}
	l.at[k] = len(l.rows)
	l.rows = append(l.rows, row)
}

// Drop takes a row out.
func (l *Latest[K, R]) Drop(k K) {
	i, found := l.at[k]
	if !found {
		return
	}
	last := len(l.rows) - 1
	l.rows[i] = l.rows[last]
	l.at[l.key(l.rows[i])] = i
	l.rows[last] = nil
	l.rows = l.rows[:last]
	delete(l.at, k)
}

// Rows returns the rows in no order that matters. It is valid until the next change.
func (l *Latest[K, R]) Rows() []*R { return l.rows }

// Sorted returns the rows in the order of their keys. Rows must not be added or dropped afterwards.
func (l *Latest[K, R]) Sorted() []*R {
	slices.SortFunc(l.rows, func(a, b *R) int { return l.compare(l.key(a), l.key(b)) })
	return l.rows
}

// rowsKept is for how many rows a list keeps memory between transactions.
const rowsKept = 256

func (l *Latest[K, R]) reset() {
	if len(l.rows) > rowsKept {
		l.rows, l.at = nil, map[K]int{}
		return
	}
	l.rows = emptied(l.rows)
	clear(l.at)
}

// rowArena gives state rows memory that the next transaction uses again. The zero value is empty.
type rowArena struct {
	chunks [][]StateRow
	used   int
}

const (
	arenaChunk = 256
	// arenaKept is how many chunks outlive a transaction.
	arenaKept = 1
)

func (a *rowArena) add(row StateRow) *StateRow {
	chunk := a.used / arenaChunk
	if chunk == len(a.chunks) {
		a.chunks = append(a.chunks, make([]StateRow, arenaChunk))
	}
	at := &a.chunks[chunk][a.used%arenaChunk]
	*at = row
	a.used++
	return at
}

// reset lets go of what the rows point to, and of memory that a large transaction took.
func (a *rowArena) reset() {
	if len(a.chunks) > arenaKept {
		a.chunks = a.chunks[:arenaKept:arenaKept]
	}
	for _, chunk := range a.chunks {
		clear(chunk)
	}
	a.used = 0
}
